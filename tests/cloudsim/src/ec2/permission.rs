//! Permissions as calls write them, and as security groups show them.

use ipnet::IpNet;

use crate::cloud::Error;
use crate::ec2::error;
use crate::ec2::id::Kind;
use crate::ec2::query::Query;
use crate::ec2::state::{Permission, Rule, SecurityGroup, Source, State};
use crate::ec2::xml::{self, Node, text};

/// A rule to be: a permission with its description.
pub(crate) type Wanted = (Permission, Option<String>);

/// Every permission a call names, one per source.
pub(crate) fn read(
    query: &Query,
    state: &State,
    group: &SecurityGroup,
) -> Result<Vec<Wanted>, Error> {
    let mut structures = query.structures("IpPermissions");
    if let Some(flat) = flat(query) {
        if !structures.is_empty() {
            let text = "The parameter ipPermissions cannot be used with the parameter ipProtocol";
            return Err(error::combination(text));
        }
        structures.push(flat);
    }
    let mut all: Vec<Wanted> = Vec::new();
    for structure in &structures {
        for (permission, description) in read_one(structure, state, group)? {
            if all.iter().any(|(other, _)| *other == permission) {
                return Err(error::invalid_value(
                    "The same permission must not appear multiple times",
                ));
            }
            all.push((permission, description));
        }
    }
    Ok(all)
}

/// The older form without `IpPermissions`, as one of them.
fn flat(query: &Query) -> Option<Query> {
    let names = ["IpProtocol", "FromPort", "ToPort"].map(|name| (name, name.to_owned()));
    let names = names
        .into_iter()
        .chain([("CidrIp", "IpRanges.1.CidrIp".to_owned())]);
    let given = names.filter_map(|(name, to)| Some((to, query.get(name)?.to_owned())));
    Some(Query::new(given)).filter(|flat| !flat.is_empty())
}

fn read_one(query: &Query, state: &State, group: &SecurityGroup) -> Result<Vec<Wanted>, Error> {
    let protocol = protocol(query.required("IpProtocol")?)?;
    let ports = ports(query, &protocol)?;
    let mut sources = Vec::new();
    for range in query.structures("IpRanges") {
        sources.push((cidr(range.required("CidrIp")?, true)?, describe(&range)?));
    }
    for range in query.structures("Ipv6Ranges") {
        sources.push((cidr(range.required("CidrIpv6")?, false)?, describe(&range)?));
    }
    for pair in query.structures("Groups") {
        sources.push((referenced(&pair, state, group)?, describe(&pair)?));
    }
    if sources.is_empty() {
        return Err(Error::new(
            "MissingParameter",
            "The request must contain a source or destination of the rule",
        ));
    }
    let wanted = |(source, description)| {
        let protocol = protocol.clone();
        (
            Permission {
                protocol,
                ports,
                source,
            },
            description,
        )
    };
    Ok(sources.into_iter().map(wanted).collect())
}

fn describe(query: &Query) -> Result<Option<String>, Error> {
    let description = query
        .get("Description")
        .filter(|description| !description.is_empty());
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if description.is_some_and(|text| text.len() > 255 || !text.chars().all(allowed)) {
        return Err(error::invalid_value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: \
             a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok(description.map(str::to_owned))
}

fn protocol(given: &str) -> Result<String, Error> {
    let name = match given.to_ascii_lowercase().as_str() {
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "58" => "icmpv6",
        "-1" | "all" => "-1",
        other if other.parse::<u8>().is_ok() => return Ok(other.to_owned()),
        _ => {
            let text = format!("Invalid value '{given}' for IP protocol. Unknown protocol.");
            return Err(error::invalid_value(text));
        }
    };
    Ok(name.to_owned())
}

fn ports(query: &Query, protocol: &str) -> Result<Option<(i64, i64)>, Error> {
    let (from, to) = (query.int("FromPort")?, query.int("ToPort")?);
    match (protocol, from, to) {
        ("tcp" | "udp", None, _) | ("tcp" | "udp", _, None) => Err(error::invalid_value(
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
        )),
        ("tcp" | "udp", Some(from), Some(to)) => {
            if !(0..=65535).contains(&from) || !(0..=65535).contains(&to) || from > to {
                let text = format!("Invalid TCP/UDP port range ({from}:{to})");
                return Err(error::invalid_value(text));
            }
            Ok(Some((from, to)))
        }
        ("icmp" | "icmpv6", from, to) => Ok(Some((from.unwrap_or(-1), to.unwrap_or(-1)))),
        // Every port, whatever was given.
        _ => Ok(None),
    }
}

fn cidr(given: &str, v4: bool) -> Result<Source, Error> {
    let parsed: Option<IpNet> = given
        .parse()
        .ok()
        .filter(|net| matches!(net, IpNet::V4(_)) == v4);
    let malformed = || error::invalid_value(format!("CIDR block {given} is malformed"));
    Ok(Source::Cidr(parsed.ok_or_else(malformed)?.trunc()))
}

/// A group in the same VPC, or in one that an active peering in the region links to it.
fn referenced(query: &Query, state: &State, group: &SecurityGroup) -> Result<Source, Error> {
    let id = query.required("GroupId")?;
    Kind::SecurityGroup.check(id)?;
    let not_found = || error::not_found(Kind::SecurityGroup, id);
    let other = state.security_groups.get(id).ok_or_else(not_found)?;
    let peering_id = (other.vpc_id != group.vpc_id)
        .then(|| {
            let mut peerings = state.peerings.values();
            peerings.find(|peering| {
                peering.links(&group.vpc_id, &other.vpc_id) && !peering.is_inter_region()
            })
        })
        .map(|peering| {
            peering
                .map(|peering| peering.id.clone())
                .ok_or_else(not_found)
        })
        .transpose()?;
    Ok(Source::Group {
        account: other.owner.account.clone(),
        group_id: id.to_owned(),
        vpc_id: other.vpc_id.clone(),
        peering_id,
    })
}

/// Rules as the permissions of a group: those with the same protocol and ports stand together.
pub(crate) fn nodes(name: &'static str, rules: &[&Rule]) -> Node {
    let mut groups: Vec<Vec<&Rule>> = Vec::new();
    for rule in rules {
        let same = |other: &&mut Vec<&Rule>| {
            other[0].permission.protocol == rule.permission.protocol
                && other[0].permission.ports == rule.permission.ports
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(rule),
            None => groups.push(vec![rule]),
        }
    }
    xml::set(name, groups.iter().map(|group| permission_node(group)))
}

fn permission_node(rules: &[&Rule]) -> Vec<Node> {
    let permission = &rules[0].permission;
    let described = |mut nodes: Vec<Node>, rule: &Rule| {
        nodes.extend(
            rule.description
                .as_ref()
                .map(|description| text("description", description)),
        );
        nodes
    };
    let range = |v4: bool| {
        rules
            .iter()
            .filter_map(move |rule| match &rule.permission.source {
                Source::Cidr(net) if matches!(net, IpNet::V4(_)) == v4 => Some(described(
                    vec![text(if v4 { "cidrIp" } else { "cidrIpv6" }, net)],
                    rule,
                )),
                _ => None,
            })
    };
    let pairs = rules
        .iter()
        .filter_map(|rule| match &rule.permission.source {
            Source::Group {
                account,
                group_id,
                vpc_id,
                peering_id,
            } => {
                let mut nodes = vec![text("userId", account), text("groupId", group_id)];
                if let Some(peering_id) = peering_id {
                    nodes.extend([
                        text("vpcId", vpc_id),
                        text("vpcPeeringConnectionId", peering_id),
                    ]);
                }
                Some(described(nodes, rule))
            }
            Source::Cidr(_) => None,
        });
    let mut nodes = vec![text("ipProtocol", &permission.protocol)];
    nodes.extend(port_nodes(permission));
    nodes.extend([
        xml::set("groups", pairs),
        xml::set("ipRanges", range(true)),
        xml::set("ipv6Ranges", range(false)),
        xml::set("prefixListIds", []),
    ]);
    nodes
}

pub(crate) fn port_nodes(permission: &Permission) -> Vec<Node> {
    let both = |(from, to): (i64, i64)| [text("fromPort", from), text("toPort", to)];
    permission.ports.into_iter().flat_map(both).collect()
}
