//! How a peering looks in answers and to filters.

use ipnet::Ipv4Net;

use crate::ec2::describe::{Listed, Listing, View};
use crate::ec2::id::Kind;
use crate::ec2::peering::{Code, Peering, Side, is_seen};
use crate::ec2::xml::{self, Node, text, tree};
use crate::time::timestamp;

pub(crate) fn answer(view: &View<'_>, peering: &Peering) -> Vec<Node> {
    vec![tree("vpcPeeringConnection", peering.node(view))]
}

pub(crate) fn options_nodes(allow_dns: bool) -> Vec<Node> {
    vec![
        text("allowEgressFromLocalClassicLinkToRemoteVpc", false),
        text("allowEgressFromLocalVpcToRemoteClassicLink", false),
        text("allowDnsResolutionFromRemoteVpc", allow_dns),
    ]
}

impl Side {
    /// A VPC's ranges may have grown since the request; of a VPC that is gone, the last known ones stay.
    fn cidrs_now(&self, view: &View<'_>) -> Vec<Ipv4Net> {
        let vpc = view.state.vpcs.get(&self.vpc_id);
        vpc.map_or_else(
            || self.cidrs.clone(),
            |vpc| vpc.cidrs.iter().map(|cidr| cidr.cidr).collect(),
        )
    }
}

impl Peering {
    /// Ranges show once the accepter has accepted.
    fn shows_cidrs(&self, view: &View<'_>, is_accepter: bool) -> bool {
        let early = !is_accepter && view.config.requester_cidrs_while_pending;
        early || self.status.code.is_up()
    }

    fn side_node(
        &self,
        view: &View<'_>,
        name: &'static str,
        side: &Side,
        is_accepter: bool,
    ) -> Node {
        let mut nodes = vec![
            text("ownerId", &side.owner.account),
            text("vpcId", &side.vpc_id),
            text("region", &side.owner.region),
        ];
        if self.shows_cidrs(view, is_accepter) {
            let cidrs = side.cidrs_now(view);
            nodes.extend(cidrs.first().map(|cidr| text("cidrBlock", cidr)));
            nodes.push(xml::set(
                "cidrBlockSet",
                cidrs.iter().map(|cidr| vec![text("cidrBlock", cidr)]),
            ));
        }
        if self.status.code == Code::Active {
            nodes.push(tree("peeringOptions", options_nodes(side.allow_dns)));
        }
        tree(name, nodes)
    }

    fn shows_expiry(&self) -> bool {
        self.status.code.is_outstanding() || self.status.code == Code::Expired
    }
}

impl Listed for Peering {
    const LISTING: Listing = Listing {
        action: "DescribeVpcPeeringConnections",
        set: "vpcPeeringConnectionSet",
        ids: "VpcPeeringConnectionId",
        kind: Kind::Peering,
        filters: &[
            "accepter-vpc-info.cidr-block",
            "accepter-vpc-info.owner-id",
            "accepter-vpc-info.vpc-id",
            "expiration-time",
            "requester-vpc-info.cidr-block",
            "requester-vpc-info.owner-id",
            "requester-vpc-info.vpc-id",
            "status-code",
            "status-message",
            "vpc-peering-connection-id",
        ],
        most_results: 1000,
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn is_visible(&self, view: &View<'_>) -> bool {
        is_seen(self, view) && view.is_out(self.created_ms)
    }

    fn values(&self, view: &View<'_>, filter: &str) -> Vec<String> {
        let cidrs = |side: &Side, is_accepter| match self.shows_cidrs(view, is_accepter) {
            true => side
                .cidrs_now(view)
                .iter()
                .map(ToString::to_string)
                .collect(),
            false => vec![],
        };
        match filter {
            "accepter-vpc-info.cidr-block" => cidrs(&self.accepter, true),
            "accepter-vpc-info.owner-id" => vec![self.accepter.owner.account.clone()],
            "accepter-vpc-info.vpc-id" => vec![self.accepter.vpc_id.clone()],
            "expiration-time" if self.shows_expiry() => vec![timestamp(self.expires_ms)],
            "requester-vpc-info.cidr-block" => cidrs(&self.requester, false),
            "requester-vpc-info.owner-id" => vec![self.requester.owner.account.clone()],
            "requester-vpc-info.vpc-id" => vec![self.requester.vpc_id.clone()],
            "status-code" => vec![self.status.code.as_str().to_owned()],
            "status-message" => vec![self.status.message.clone()],
            "vpc-peering-connection-id" => vec![self.id.clone()],
            _ => vec![],
        }
    }

    fn node(&self, view: &View<'_>) -> Vec<Node> {
        let mut nodes = vec![
            text("vpcPeeringConnectionId", &self.id),
            self.side_node(view, "requesterVpcInfo", &self.requester, false),
            self.side_node(view, "accepterVpcInfo", &self.accepter, true),
            tree(
                "status",
                vec![
                    text("code", self.status.code.as_str()),
                    text("message", &self.status.message),
                ],
            ),
            view.tag_set(&self.id),
        ];
        if self.shows_expiry() {
            nodes.push(text("expirationTime", timestamp(self.expires_ms)));
        }
        nodes
    }
}
