//! The default network ACL of each VPC: everything may pass.

use crate::cloud::Error;
use crate::ec2::Context;
use crate::ec2::describe::{self, Listed, Listing, View};
use crate::ec2::id::Kind;
use crate::ec2::query::Query;
use crate::ec2::state::{NetworkAcl, Subnet};
use crate::ec2::xml::{self, Node, text};

pub(crate) fn describe_network_acls(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let view = context.view();
    describe::describe(&view, query, view.state.network_acls.values())
}

/// Rule number, action: the one that lets pass, and the closing one that nobody can remove.
const ENTRIES: [(u32, &str); 2] = [(100, "allow"), (32767, "deny")];

impl NetworkAcl {
    fn subnets<'a>(&self, view: &View<'a>) -> impl Iterator<Item = &'a Subnet> {
        let vpc_id = self.vpc_id.clone();
        view.state
            .subnets
            .values()
            .filter(move |subnet| subnet.vpc_id == vpc_id)
    }
}

/// One association per subnet, so the subnet's digits do for its id.
fn association_id(subnet: &Subnet) -> String {
    subnet.id.replacen("subnet", "aclassoc", 1)
}

impl Listed for NetworkAcl {
    const LISTING: Listing = Listing {
        action: "DescribeNetworkAcls",
        set: "networkAclSet",
        ids: "NetworkAclId",
        kind: Kind::NetworkAcl,
        filters: &[
            "association.association-id",
            "association.network-acl-id",
            "association.subnet-id",
            "default",
            "entry.cidr",
            "entry.egress",
            "entry.protocol",
            "entry.rule-action",
            "entry.rule-number",
            "network-acl-id",
            "owner-id",
            "vpc-id",
        ],
        most_results: 1000,
    };

    fn id(&self) -> &str {
        &self.id
    }

    fn is_visible(&self, view: &View<'_>) -> bool {
        self.owner == *view.caller && view.is_out(self.created_ms)
    }

    fn values(&self, view: &View<'_>, filter: &str) -> Vec<String> {
        match filter {
            "association.association-id" => self.subnets(view).map(association_id).collect(),
            "association.network-acl-id" => self.subnets(view).map(|_| self.id.clone()).collect(),
            "association.subnet-id" => self.subnets(view).map(|subnet| subnet.id.clone()).collect(),
            "default" => vec!["true".to_owned()],
            "entry.cidr" => vec!["0.0.0.0/0".to_owned()],
            "entry.egress" => vec!["true".to_owned(), "false".to_owned()],
            "entry.protocol" => vec!["-1".to_owned()],
            "entry.rule-action" => ENTRIES.iter().map(|entry| entry.1.to_owned()).collect(),
            "entry.rule-number" => ENTRIES.iter().map(|entry| entry.0.to_string()).collect(),
            "network-acl-id" => vec![self.id.clone()],
            "owner-id" => vec![self.owner.account.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            _ => vec![],
        }
    }

    fn node(&self, view: &View<'_>) -> Vec<Node> {
        let entry = |(egress, (number, action)): (bool, (u32, &str))| {
            vec![
                text("ruleNumber", number),
                text("protocol", "-1"),
                text("ruleAction", action),
                text("egress", egress),
                text("cidrBlock", "0.0.0.0/0"),
            ]
        };
        let association = |subnet: &Subnet| {
            vec![
                text("networkAclAssociationId", association_id(subnet)),
                text("networkAclId", &self.id),
                text("subnetId", &subnet.id),
            ]
        };
        let entries = [true, false]
            .into_iter()
            .flat_map(|egress| ENTRIES.map(|one| (egress, one)));
        vec![
            text("networkAclId", &self.id),
            text("vpcId", &self.vpc_id),
            text("ownerId", &self.owner.account),
            text("default", true),
            xml::set("entrySet", entries.map(entry)),
            xml::set("associationSet", self.subnets(view).map(association)),
            view.tag_set(&self.id),
        ]
    }
}
