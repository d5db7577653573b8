//! From the contract's requests to the adapter's words: every field checked, all violations at once.

mod peering;

use api::provider::v1;
use prost_types::Timestamp;
use runtime::status::{Violations, internal};
use tonic::Status;
use types::{
    AwsAccountId, Cidr, Deployment, GcpProjectId, GroupId, Invalid, NetworkId, ProviderKind, Region,
};

pub(super) use peering::{
    aws_peer, delete_peering, ensure_peering, ensure_peering_options, gcp_peer, observe_peerings,
};

use super::field::{admitted, network_range, object};
use crate::provider::{
    DeleteVpc, EnsureFirewall, EnsureRoutes, EnsureVpc, ObserveRoutes, ObserveVpcs, PlaceNetwork,
    Subnet, Vpc, VpcRef,
};

/// Routes in one request; AWS's largest route table.
const MOST_ROUTES: usize = 1000;
/// Networks in one look at routes.
const MOST_NETWORKS: usize = 100;

pub(super) fn place_network(
    message: v1::PlaceNetworkRequest,
) -> Result<(ProviderKind, PlaceNetwork), Status> {
    let mut wrong = Violations::new();
    let kind = wrong.check("provider", ProviderKind::try_from(message.provider()));
    let region = wrong.check("region", message.region.parse::<Region>());
    let mut usage = Vec::new();
    for (n, one) in message.usage.iter().enumerate() {
        let group = group(&mut wrong, &format!("usage[{n}].group"), one.group.as_ref());
        let networks =
            u32::try_from(one.networks).map_err(|_| Invalid::field("must not be negative"));
        let networks = wrong.check(format!("usage[{n}].networks"), networks);
        usage.extend(group.zip(networks));
    }
    let refused = message.refused_account_ids;
    finish(wrong, || {
        Some((
            kind?,
            PlaceNetwork {
                region: region?,
                usage,
                refused,
            },
        ))
    })
}

pub(super) fn ensure_vpc(message: v1::EnsureVpcRequest) -> Result<EnsureVpc, Status> {
    let mut wrong = Violations::new();
    let vpc = vpc_ref(&mut wrong, message.r#ref);
    let cidr = wrong.check("cidr", network_range(&message.cidr));
    let known = known(&mut wrong, message.known);
    let create_part = Some(message.create_part).filter(|part| !part.is_empty());
    let operation_token = message.operation_token;
    finish(wrong, || {
        Some(EnsureVpc {
            vpc: vpc?,
            cidr: cidr?,
            known,
            create_part,
            operation_token,
        })
    })
}

pub(super) fn delete_vpc(message: v1::DeleteVpcRequest) -> Result<DeleteVpc, Status> {
    let mut wrong = Violations::new();
    let vpc = vpc_ref(&mut wrong, message.r#ref);
    let known = known(&mut wrong, message.known);
    let operation_token = message.operation_token;
    finish(wrong, || {
        Some(DeleteVpc {
            vpc: vpc?,
            known,
            operation_token,
        })
    })
}

pub(super) fn ensure_firewall(
    message: v1::EnsureFirewallRequest,
) -> Result<EnsureFirewall, Status> {
    let mut wrong = Violations::new();
    let vpc = vpc_ref(&mut wrong, message.r#ref);
    let known = known(&mut wrong, message.known);
    let (mut cidrs, mut ports) = (Vec::new(), Vec::new());
    for (n, cidr) in message.cidrs.iter().enumerate() {
        cidrs.extend(wrong.check(format!("cidrs[{n}]"), admitted(cidr)));
    }
    for (n, port) in message.ports.into_iter().enumerate() {
        let port = u16::try_from(port).ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| Invalid::field("must be a TCP port, 1-65535"));
        ports.extend(wrong.check(format!("ports[{n}]"), port));
    }
    let operation_token = message.operation_token;
    finish(wrong, || {
        Some(EnsureFirewall {
            vpc: vpc?,
            known,
            cidrs,
            ports,
            operation_token,
        })
    })
}

/// The clouds asked about, the one group if it is but one, and whether usage is wanted.
pub(super) fn get_limits(
    message: v1::GetLimitsRequest,
) -> Result<(Vec<ProviderKind>, Option<GroupId>, bool), Status> {
    let mut kinds = match ProviderKind::try_from(message.provider()) {
        Ok(kind) => vec![kind],
        Err(_) => vec![ProviderKind::Aws, ProviderKind::Gcp],
    };
    let mut wrong = Violations::new();
    let asked = message.group.as_ref();
    let group = asked.and_then(|asked| group(&mut wrong, "group", Some(asked)));
    wrong.finish()?;
    if let Some(group) = &group {
        kinds.retain(|kind| *kind == group.provider);
    }
    Ok((kinds, group, !message.without_usage))
}

pub(super) fn observe_vpcs(message: v1::ObserveVpcsRequest) -> Result<ObserveVpcs, Status> {
    let mut wrong = Violations::new();
    let group = group(&mut wrong, "group", message.group.as_ref());
    let deployment = wrong.check("deployment", deployment(message.deployment));
    let with_wiring = message.with_wiring;
    finish(wrong, || {
        Some(ObserveVpcs {
            group: group?,
            deployment: deployment?,
            with_wiring,
        })
    })
}

pub(super) fn ensure_routes(message: v1::EnsureRoutesRequest) -> Result<EnsureRoutes, Status> {
    let mut wrong = Violations::new();
    let vpc = vpc_ref(&mut wrong, message.r#ref);
    let vpc_id = wrong.check("vpc_id", object(message.vpc_id));
    if message.wanted.len() > MOST_ROUTES {
        wrong.add(
            "wanted",
            "INVALID_FIELD",
            format!("must be at most {MOST_ROUTES} routes"),
        );
    }
    let mut wanted: Vec<(Cidr, String)> = Vec::new();
    for (n, route) in message.wanted.into_iter().enumerate() {
        let cidr = wrong.check(format!("wanted[{n}].cidr"), route.cidr.parse::<Cidr>());
        let peering = format!("wanted[{n}].provider_peering_id");
        let peering = wrong.check(peering, object(route.provider_peering_id));
        if cidr.is_some_and(|cidr| wanted.iter().any(|(other, _)| *other == cidr)) {
            wrong.add(
                format!("wanted[{n}].cidr"),
                "INVALID_FIELD",
                "must not stand there twice",
            );
        }
        wanted.extend(cidr.zip(peering));
    }
    finish(wrong, || {
        Some(EnsureRoutes {
            vpc: vpc?,
            vpc_id: vpc_id?,
            wanted,
        })
    })
}

pub(super) fn observe_routes(message: v1::ObserveRoutesRequest) -> Result<ObserveRoutes, Status> {
    let mut wrong = Violations::new();
    let group = group(&mut wrong, "group", message.group.as_ref());
    let deployment = wrong.check("deployment", deployment(message.deployment));
    if message.network_ids.len() > MOST_NETWORKS {
        let rule = format!("must be at most {MOST_NETWORKS} networks");
        wrong.add("network_ids", "INVALID_FIELD", rule);
    }
    let mut network_ids = Vec::new();
    for (n, id) in message.network_ids.iter().enumerate() {
        network_ids.extend(wrong.check(format!("network_ids[{n}]"), id.parse::<NetworkId>()));
    }
    let with_untagged = message.with_untagged;
    finish(wrong, || {
        Some(ObserveRoutes {
            group: group?,
            deployment: deployment?,
            network_ids,
            with_untagged,
        })
    })
}

/// The request in our words once nothing is wrong with it.
pub(super) fn finish<T>(wrong: Violations, build: impl FnOnce() -> Option<T>) -> Result<T, Status> {
    wrong.finish()?;
    build().ok_or_else(|| internal(&Invalid::field("a field was refused without a violation")))
}

fn missing<T>(wrong: &mut Violations, field: &str) -> Option<T> {
    wrong.add(field, "INVALID_FIELD", "must be set");
    None
}

/// When the caller recorded that it asks; with a token there is nothing left to ask for.
fn request_at(wrong: &mut Violations, at: Option<Timestamp>, token: &str) -> Option<i64> {
    match at {
        Some(at) => Some(api::millis(&at)),
        None if !token.is_empty() => Some(0),
        None => missing(wrong, "request_time"),
    }
}

fn deployment(text: String) -> Result<String, Invalid> {
    Deployment::try_from(text).map(String::from)
}

fn group(wrong: &mut Violations, field: &str, message: Option<&v1::Group>) -> Option<GroupId> {
    let Some(message) = message else {
        return missing(wrong, field);
    };
    let group = wrong.check(field, api::group(message))?;
    if group.provider == ProviderKind::Aws {
        wrong.check(
            format!("{field}.account_id"),
            message.account_id.parse::<AwsAccountId>(),
        )?;
        wrong.check(format!("{field}.region"), message.region.parse::<Region>())?;
    } else {
        wrong.check(
            format!("{field}.account_id"),
            message.account_id.parse::<GcpProjectId>(),
        )?;
    }
    Some(group)
}

fn vpc_ref(wrong: &mut Violations, message: Option<v1::VpcRef>) -> Option<VpcRef> {
    let Some(message) = message else {
        return missing(wrong, "ref");
    };
    let group = group(wrong, "ref.group", message.group.as_ref());
    let deployment = wrong.check("ref.deployment", deployment(message.deployment));
    let network_id = wrong.check("ref.network_id", message.network_id.parse());
    let region = wrong.check("ref.region", message.region.parse::<Region>());
    let (group, region) = (group?, region?);
    let of = group.region.as_deref();
    if of.is_some_and(|of| of != region.as_str()) {
        wrong.add("ref.region", "INVALID_FIELD", "must be the group's region");
    }
    Some(VpcRef {
        group,
        deployment: deployment?,
        network_id: network_id?,
        region,
    })
}

fn known(wrong: &mut Violations, message: Option<v1::Vpc>) -> Vpc {
    let Some(message) = message else {
        return Vpc::default();
    };
    let mut set = |field: &str, text: String| match text.as_str() {
        "" => None,
        _ => wrong.check(field, object(text)),
    };
    let id = set("known.vpc_id", message.vpc_id);
    let security_group_id = set("known.security_group_id", message.security_group_id);
    let mut subnets = Vec::new();
    for (n, subnet) in message.subnets.into_iter().enumerate() {
        let id = wrong.check(format!("known.subnets[{n}].id"), object(subnet.id));
        let cidr = wrong.check(format!("known.subnets[{n}].cidr"), subnet.cidr.parse());
        if let (Some(id), Some(cidr)) = (id, cidr) {
            subnets.push(Subnet {
                id,
                zone: subnet.zone,
                zone_id: subnet.zone_id,
                cidr,
            });
        }
    }
    Vpc {
        id,
        subnets,
        security_group_id,
        parts: message.parts,
    }
}
