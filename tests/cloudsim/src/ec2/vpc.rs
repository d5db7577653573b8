//! VPCs and their attributes.

use ipnet::Ipv4Net;

use crate::cloud::Error;
use crate::ec2::describe::{self, Listed, Listing, View, required_id, returned};
use crate::ec2::id::Kind;
use crate::ec2::peering;
use crate::ec2::query::Query;
use crate::ec2::security_group_rule::{any_egress, ingress_from_itself};
use crate::ec2::state::{
    Association, NetworkAcl, Route, RouteTable, SecurityGroup, Target, Vpc, VpcCidr,
};
use crate::ec2::xml::{self, Node, text, tree};
use crate::ec2::{Context, error, tags};

pub(crate) fn create_vpc(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    if query.get("CidrBlock").is_none() {
        return Err(Error::new(
            "MissingParameter",
            "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.",
        ));
    }
    let cidr = query.cidr("CidrBlock")?;
    check_range(&cidr)?;
    if query.bool("AmazonProvidedIpv6CidrBlock")? == Some(true) {
        return Err(Error::new(
            "UnsupportedOperation",
            "IPv6 is not available in this simulation.",
        ));
    }
    let tenancy = query.get("InstanceTenancy").unwrap_or("default").to_owned();
    if !["default", "dedicated"].contains(&tenancy.as_str()) {
        let why = "Valid values are default, dedicated.";
        return Err(error::invalid_parameter("instanceTenancy", &tenancy, why));
    }
    let tags = tags::on_create(query, context.config, Kind::Vpc)?;
    let owned = context
        .state
        .vpcs
        .values()
        .filter(|vpc| vpc.owner == *context.caller)
        .count();
    if owned >= context.config.limits.vpcs_per_region {
        return Err(Error::new(
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
        ));
    }
    let id = context.state.new_id(Kind::Vpc);
    let association_id = context.state.new_id(Kind::CidrAssociation);
    let vpc = Vpc {
        id: id.clone(),
        owner: context.caller.clone(),
        cidrs: vec![VpcCidr {
            association_id,
            cidr,
        }],
        tenancy,
        dns_support: true,
        dns_hostnames: false,
        created_ms: context.now_ms,
    };
    context.state.vpcs.insert(id.clone(), vpc.clone());
    context.put_tags(&id, tags);
    furnish(context, &vpc);
    Ok(vec![tree("vpc", node(&context.view(), &vpc, "pending"))])
}

/// /16 to /28, and none of the ranges that mean something else.
pub(crate) fn check_range(cidr: &Ipv4Net) -> Result<(), Error> {
    let address = cidr.network();
    let is_special = address.is_loopback() || address.is_multicast() || address.is_link_local();
    if !(16..=28).contains(&cidr.prefix_len()) || is_special || address.octets()[0] == 0 {
        return Err(Error::new(
            "InvalidVpc.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    Ok(())
}

/// What every VPC has from the beginning.
pub(crate) fn furnish(context: &mut Context<'_>, vpc: &Vpc) {
    let (owner, vpc_id, created_ms) = (vpc.owner.clone(), vpc.id.clone(), context.now_ms);
    let state = &mut *context.state;
    let table = RouteTable {
        id: state.new_id(Kind::RouteTable),
        owner: owner.clone(),
        vpc_id: vpc_id.clone(),
        routes: vec![Route {
            destination: vpc.cidr().into(),
            target: Target::Local,
        }],
        associations: vec![Association {
            id: state.new_id(Kind::RouteTableAssociation),
            subnet_id: None,
        }],
        created_ms,
    };
    state.route_tables.insert(table.id.clone(), table);
    let acl = NetworkAcl {
        id: state.new_id(Kind::NetworkAcl),
        owner: owner.clone(),
        vpc_id: vpc_id.clone(),
        created_ms,
    };
    state.network_acls.insert(acl.id.clone(), acl);
    let group = SecurityGroup {
        id: state.new_id(Kind::SecurityGroup),
        owner,
        vpc_id,
        name: "default".to_owned(),
        description: "default VPC security group".to_owned(),
        created_ms,
    };
    for rule in [
        ingress_from_itself(state, &group),
        any_egress(state, &group),
    ] {
        state.security_group_rules.insert(rule.id.clone(), rule);
    }
    state.security_groups.insert(group.id.clone(), group);
}

pub(crate) fn describe_vpcs(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let view = context.view();
    describe::describe(&view, query, view.state.vpcs.values())
}

pub(crate) fn delete_vpc(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "VpcId", Kind::Vpc)?;
    own_vpc(context, id)?;
    let state = &context.state;
    let has_subnets = state.subnets.values().any(|subnet| subnet.vpc_id == id);
    let has_tables = state
        .route_tables
        .values()
        .any(|table| table.vpc_id == id && !table.is_main());
    let has_groups = state
        .security_groups
        .values()
        .any(|group| group.vpc_id == id && group.name != "default");
    let is_peered = state.peerings.values().any(|peering| peering.holds_vpc(id));
    if has_subnets
        || has_tables
        || has_groups
        || (is_peered && !context.config.delete_vpc_ends_peerings)
    {
        return Err(error::dependency("vpc", id));
    }
    peering::end_all_of(context.state, id, context.caller, context.now_ms);
    context.state.forget(id);
    Ok(returned())
}

/// A VPC of the caller.
pub(crate) fn own_vpc<'a>(context: &'a Context<'_>, id: &str) -> Result<&'a Vpc, Error> {
    let vpc = context
        .state
        .vpcs
        .get(id)
        .filter(|vpc| vpc.owner == *context.caller);
    vpc.ok_or_else(|| error::not_found(Kind::Vpc, id))
}

pub(crate) fn modify_vpc_attribute(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "VpcId", Kind::Vpc)?;
    own_vpc(context, id)?;
    let support = query.bool("EnableDnsSupport.Value")?;
    let hostnames = query.bool("EnableDnsHostnames.Value")?;
    if support.is_some() && hostnames.is_some() {
        return Err(error::combination(
            "Fields for multiple attribute types specified",
        ));
    }
    let Some(vpc) = context.state.vpcs.get_mut(id) else {
        return Err(error::not_found(Kind::Vpc, id));
    };
    match (support, hostnames) {
        (Some(support), _) => vpc.dns_support = support,
        (_, Some(hostnames)) => vpc.dns_hostnames = hostnames,
        _ => return Err(error::combination("No attributes specified.")),
    }
    Ok(returned())
}

pub(crate) fn describe_vpc_attribute(
    context: &mut Context<'_>,
    query: &Query,
) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "VpcId", Kind::Vpc)?;
    let attribute = query.required("Attribute")?;
    let vpc = own_vpc(context, id)?;
    if !context.view().is_out(vpc.created_ms) {
        return Err(error::not_found(Kind::Vpc, id));
    }
    let (name, value) = match attribute {
        "enableDnsSupport" => ("enableDnsSupport", vpc.dns_support),
        "enableDnsHostnames" => ("enableDnsHostnames", vpc.dns_hostnames),
        "enableNetworkAddressUsageMetrics" => ("enableNetworkAddressUsageMetrics", false),
        other => {
            let why = "Unknown attribute.";
            return Err(error::invalid_parameter("attribute", other, why));
        }
    };
    Ok(vec![
        text("vpcId", id),
        tree(name, vec![text("value", value)]),
    ])
}

fn node(view: &View<'_>, vpc: &Vpc, state: &str) -> Vec<Node> {
    let association = |cidr: &VpcCidr| {
        vec![
            text("associationId", &cidr.association_id),
            text("cidrBlock", cidr.cidr),
            tree("cidrBlockState", vec![text("state", "associated")]),
        ]
    };
    vec![
        text("vpcId", &vpc.id),
        text("ownerId", &vpc.owner.account),
        text("state", state),
        text("cidrBlock", vpc.cidr()),
        xml::set("cidrBlockAssociationSet", vpc.cidrs.iter().map(association)),
        xml::set("ipv6CidrBlockAssociationSet", []),
        text("dhcpOptionsId", "default"),
        view.tag_set(&vpc.id),
        text("instanceTenancy", &vpc.tenancy),
        text("isDefault", false),
    ]
}

impl Listed for Vpc {
    const LISTING: Listing = Listing {
        action: "DescribeVpcs",
        set: "vpcSet",
        ids: "VpcId",
        kind: Kind::Vpc,
        filters: &[
            "cidr",
            "cidr-block-association.cidr-block",
            "cidr-block-association.association-id",
            "cidr-block-association.state",
            "dhcp-options-id",
            "ipv6-cidr-block-association.ipv6-cidr-block",
            "ipv6-cidr-block-association.ipv6-pool",
            "ipv6-cidr-block-association.association-id",
            "ipv6-cidr-block-association.state",
            "is-default",
            "isDefault",
            "owner-id",
            "state",
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

    fn values(&self, _: &View<'_>, filter: &str) -> Vec<String> {
        match filter {
            "cidr" => vec![self.cidr().to_string()],
            "cidr-block-association.cidr-block" => {
                self.cidrs.iter().map(|x| x.cidr.to_string()).collect()
            }
            "cidr-block-association.association-id" => self
                .cidrs
                .iter()
                .map(|x| x.association_id.clone())
                .collect(),
            "cidr-block-association.state" => vec!["associated".to_owned()],
            "dhcp-options-id" => vec!["default".to_owned()],
            "is-default" | "isDefault" => vec!["false".to_owned()],
            "owner-id" => vec![self.owner.account.clone()],
            "state" => vec!["available".to_owned()],
            "vpc-id" => vec![self.id.clone()],
            _ => vec![],
        }
    }

    fn node(&self, view: &View<'_>) -> Vec<Node> {
        node(view, self, "available")
    }
}
