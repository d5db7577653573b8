//! Further ranges of a VPC.

use ipnet::IpNet;

use crate::cloud::Error;
use crate::ec2::describe::required_id;
use crate::ec2::id::Kind;
use crate::ec2::query::Query;
use crate::ec2::state::{Route, Target, VpcCidr, overlap};
use crate::ec2::vpc::{check_range, own_vpc};
use crate::ec2::xml::{Node, text, tree};
use crate::ec2::{Context, error};

pub(crate) fn associate(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let id = required_id(query, "VpcId", Kind::Vpc)?;
    let cidr = query.cidr("CidrBlock")?;
    check_range(&cidr)?;
    let vpc = own_vpc(context, id)?;
    if vpc.cidrs.iter().any(|theirs| overlap(&theirs.cidr, &cidr)) {
        let text = format!("The CIDR '{cidr}' conflicts with another CIDR of the VPC.");
        return Err(Error::new("InvalidVpc.Conflict", text));
    }
    let mut peers = context
        .state
        .peerings
        .values()
        .filter(|peering| peering.status.code.is_up());
    let hits = |peer: &str| {
        let peer = context.state.vpcs.get(peer);
        peer.is_some_and(|peer| peer.cidrs.iter().any(|theirs| overlap(&theirs.cidr, &cidr)))
    };
    if peers.any(|peering| peering.other_vpc(id).is_some_and(hits)) {
        let text = format!("The CIDR '{cidr}' overlaps with a CIDR of a peered VPC.");
        return Err(Error::new("InvalidVpc.Range", text));
    }
    let most = context.config.limits.cidrs_per_vpc;
    if vpc.cidrs.len() >= most {
        let text =
            format!("This network '{id}' has met its maximum number of allowed CIDRs: {most}");
        return Err(Error::new("CidrLimitExceeded", text));
    }
    let association_id = context.state.new_id(Kind::CidrAssociation);
    let added = VpcCidr {
        association_id,
        cidr,
    };
    let answer = node(id, &added, "associating");
    if let Some(vpc) = context.state.vpcs.get_mut(id) {
        vpc.cidrs.push(added);
    }
    for table in context
        .state
        .route_tables
        .values_mut()
        .filter(|table| table.vpc_id == id)
    {
        table.routes.push(Route {
            destination: cidr.into(),
            target: Target::Local,
        });
    }
    Ok(answer)
}

pub(crate) fn disassociate(context: &mut Context<'_>, query: &Query) -> Result<Vec<Node>, Error> {
    let association = required_id(query, "AssociationId", Kind::CidrAssociation)?;
    let mut owned = context
        .state
        .vpcs
        .values()
        .filter(|vpc| vpc.owner == *context.caller);
    let found = owned.find_map(|vpc| {
        let at = vpc
            .cidrs
            .iter()
            .position(|cidr| cidr.association_id == association)?;
        Some((vpc.id.clone(), at, vpc.cidrs[at].clone()))
    });
    let (id, at, removed) =
        found.ok_or_else(|| error::not_found(Kind::CidrAssociation, association))?;
    let in_use = context
        .state
        .subnets
        .values()
        .any(|subnet| subnet.vpc_id == id && removed.cidr.contains(&subnet.cidr));
    if at == 0 || in_use {
        let text = format!(
            "The vpc CIDR block with association ID {association} may not be disassociated."
        );
        return Err(error::not_permitted(text));
    }
    if let Some(vpc) = context.state.vpcs.get_mut(&id) {
        vpc.cidrs.remove(at);
    }
    let gone = IpNet::from(removed.cidr);
    for table in context
        .state
        .route_tables
        .values_mut()
        .filter(|table| table.vpc_id == id)
    {
        table
            .routes
            .retain(|route| route.destination != gone || route.target != Target::Local);
    }
    Ok(node(&id, &removed, "disassociating"))
}

fn node(vpc_id: &str, cidr: &VpcCidr, state: &str) -> Vec<Node> {
    let association = vec![
        text("associationId", &cidr.association_id),
        text("cidrBlock", cidr.cidr),
        tree("cidrBlockState", vec![text("state", state)]),
    ];
    vec![
        text("vpcId", vpc_id),
        tree("cidrBlockAssociation", association),
    ]
}
