//! Proto to domain, where everything is checked, and domain to proto.

use api::network::v1 as proto;
use api::timestamp;
use runtime::events::Event;
use runtime::request_ids::Key;
use runtime::status::{Violations, unimplemented};
use tonic::Status;
use types::{Cidr, DisplayName, Invalid, Labels, NetworkId, ProviderKind, TenantId, TenantScope};

use super::networks::unread;
use crate::domain::{
    Attachment, AttachmentKind, Catalog, Network, NewNetwork, Offer, State, Subnet,
};
use crate::store::Filter;

const MOST_CIDRS: usize = 64;
const MOST_PORTS: usize = 16;

/// What a create asks for, and what a repetition of it is recognised by.
pub(super) fn wish(
    request: proto::CreateNetworkRequest,
    catalog: &Catalog,
) -> Result<(Key, NewNetwork), Status> {
    let mut violations = Violations::new();
    let key = Key::new(
        &request.tenant_id,
        "CreateNetwork",
        &request.request_id,
        &request,
    );
    let key = violations.check("request_id", key);
    let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
    let name = violations.check("display_name", request.display_name.parse::<DisplayName>());
    let labels = violations.check("labels", Labels::new(request.labels.clone()));
    let provider = violations.check("provider", provider(request.provider));
    let offer = provider.and_then(|provider| violations.check("provider", catalog.offer(provider)));
    let region = match offer {
        Some(offer) => violations.check("region", offer.region(&request.region)),
        None => violations.check("region", request.region.parse()),
    };
    let cidr = range(&mut violations, &request, offer);
    violations.finish()?;
    if request.cidr.is_empty() {
        return Err(unimplemented(
            "CreateNetwork with prefix_length (send cidr)",
        ));
    }
    let (Some(key), Some(tenant), Some(display_name), Some(labels)) = (key, tenant, name, labels)
    else {
        return Err(unread());
    };
    let (Some(provider), Some(region), Some(cidr)) = (provider, region, cidr) else {
        return Err(unread());
    };
    Ok((
        key,
        NewNetwork {
            tenant,
            display_name,
            provider,
            region,
            cidr,
            labels,
        },
    ))
}

/// The range of a create: its form, then the provider's rules.
fn range(
    violations: &mut Violations,
    request: &proto::CreateNetworkRequest,
    offer: Option<&Offer>,
) -> Option<Cidr> {
    match (request.cidr.as_str(), request.prefix_length) {
        ("", 0) => {
            violations.add("cidr", "INVALID_FIELD", "must be set, such as 10.20.0.0/16");
            return None;
        }
        ("", prefix) => {
            let most = offer.map_or(16..=24, |offer| {
                i32::from(offer.cidrs.shortest_prefix)..=i32::from(offer.cidrs.longest_prefix)
            });
            if !most.contains(&prefix) {
                let rule = format!("must be {} to {}, not {prefix}", most.start(), most.end());
                violations.add("prefix_length", "CIDR_SIZE", rule);
            }
            return None;
        }
        (_, 0) => {}
        (_, _) => {
            violations.add(
                "prefix_length",
                "INVALID_FIELD",
                "must not be set beside cidr",
            );
        }
    }
    let cidr = violations.check("cidr", request.cidr.parse::<Cidr>())?;
    for broken in offer
        .map(|offer| offer.cidrs.broken_by(cidr))
        .unwrap_or_default()
    {
        violations.add("cidr", broken.reason, broken.message);
    }
    Some(cidr)
}

/// Which networks a list asks for.
pub(super) fn filter(
    violations: &mut Violations,
    request: &proto::ListNetworksRequest,
) -> Option<Filter> {
    let tenants = violations.check("tenant_id", request.tenant_id.parse::<TenantScope>());
    let state = match request.state.as_str() {
        "" => Ok(None),
        name => State::parse(name).map(Some).ok_or_else(|| {
            let names: Vec<_> = State::ALL.into_iter().map(State::as_str).collect();
            Invalid::field(format!("must be one of {}", names.join(", ")))
        }),
    };
    let state = violations.check("state", state);
    let provider = match request.provider {
        0 => Some(None),
        given => violations.check("provider", provider(given)).map(Some),
    };
    Some(Filter {
        tenants: tenants?,
        state: state?,
        provider: provider?,
    })
}

/// The id that a page token carries.
pub(super) fn id_in_token(violations: &mut Violations, text: Option<&str>) -> Option<NetworkId> {
    violations.check("page_token", text?.parse())
}

/// Whose claim an attach is, and what it claims.
pub(super) fn claim(
    request: proto::AttachResourceRequest,
) -> Result<(TenantId, Attachment), Status> {
    let mut violations = Violations::new();
    let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
    let Some(given) = request.attachment else {
        violations.add("attachment", "INVALID_FIELD", "must be set");
        violations.finish()?;
        return Err(unread());
    };
    let network = violations.check("attachment.network_id", given.network_id.parse());
    let kind = violations.check("attachment.kind", kind(given.kind));
    let id = violations.check("attachment.id", attached_id(given.id));
    let cidrs = ranges(&mut violations, &given.cidrs);
    let ports = ports(&mut violations, &given.ports);
    let of_peerings = !given.peer_identity.is_empty() || given.allow_overlap;
    let of_datastores = !given.ports.is_empty() || !given.private_name.is_empty();
    match kind {
        Some(AttachmentKind::Peering) => {
            let identity = peer_identity(&given.peer_identity);
            violations.check("attachment.peer_identity", identity);
            if of_datastores {
                let rule = "ports and private_name are for datastores only";
                violations.add("attachment", "INVALID_FIELD", rule);
            }
        }
        Some(AttachmentKind::Datastore) => {
            if given.cidrs.is_empty() {
                violations.add("attachment.cidrs", "INVALID_FIELD", "must hold a range");
            }
            if of_peerings {
                let rule = "peer_identity and allow_overlap are for peerings only";
                violations.add("attachment", "INVALID_FIELD", rule);
            }
        }
        None => {}
    }
    let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if given.private_name.len() > 253 || !given.private_name.bytes().all(named) {
        let rule = "must be a DNS name of at most 253 characters";
        violations.add("attachment.private_name", "INVALID_FIELD", rule);
    }
    violations.finish()?;
    let (Some(tenant), Some(network), Some(kind), Some(id)) = (tenant, network, kind, id) else {
        return Err(unread());
    };
    let attachment = Attachment {
        network,
        kind,
        id,
        cidrs,
        ports,
        private_name: given.private_name,
        peer_identity: given.peer_identity,
        allow_overlap: given.allow_overlap,
        create_time: 0,
    };
    Ok((tenant, attachment))
}

fn ranges(violations: &mut Violations, given: &[String]) -> Vec<Cidr> {
    if given.len() > MOST_CIDRS {
        let rule = format!("must be at most {MOST_CIDRS} ranges, not {}", given.len());
        violations.add("attachment.cidrs", "INVALID_FIELD", rule);
        return Vec::new();
    }
    let mut cidrs = Vec::with_capacity(given.len());
    for (at, text) in given.iter().enumerate() {
        let field = format!("attachment.cidrs[{at}]");
        let Some(cidr) = violations.check(field.as_str(), text.parse::<Cidr>()) else {
            continue;
        };
        if cidrs.contains(&cidr) {
            violations.add(field, "INVALID_FIELD", format!("{cidr} is there twice"));
        }
        cidrs.push(cidr);
    }
    cidrs
}

fn ports(violations: &mut Violations, given: &[i32]) -> Vec<u16> {
    if given.len() > MOST_PORTS {
        let rule = format!("must be at most {MOST_PORTS} ports, not {}", given.len());
        violations.add("attachment.ports", "INVALID_FIELD", rule);
        return Vec::new();
    }
    let mut ports = Vec::with_capacity(given.len());
    for (at, port) in given.iter().enumerate() {
        match u16::try_from(*port) {
            Ok(port) if port > 0 => ports.push(port),
            _ => {
                let rule = format!("must be a TCP port, 1-65535, not {port}");
                violations.add(format!("attachment.ports[{at}]"), "INVALID_FIELD", rule);
            }
        }
    }
    ports
}

/// Checks that it is `aws/ACCOUNT/REGION/VPC` or `gcp/PROJECT/NETWORK`, each part in its cloud's form.
fn peer_identity(given: &str) -> Result<(), Invalid> {
    let parts: Vec<&str> = given.split('/').collect();
    match parts[..] {
        ["aws", account, region, vpc] => {
            account.parse::<types::AwsAccountId>()?;
            region.parse::<types::Region>()?;
            vpc.parse::<types::AwsVpcId>()?;
        }
        ["gcp", project, network] => {
            project.parse::<types::GcpProjectId>()?;
            network.parse::<types::GcpNetworkName>()?;
        }
        _ => {
            return Err(Invalid::field(
                "must be aws/ACCOUNT/REGION/VPC or gcp/PROJECT/NETWORK",
            ));
        }
    }
    Ok(())
}

pub(super) fn attached_id(given: String) -> Result<String, Invalid> {
    if (1..=64).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(given);
    }
    Err(Invalid::field(
        "must be 1-64 printable ASCII characters without spaces",
    ))
}

pub(super) fn kind(given: i32) -> Result<AttachmentKind, Invalid> {
    match proto::attachment::Kind::try_from(given) {
        Ok(proto::attachment::Kind::Peering) => Ok(AttachmentKind::Peering),
        Ok(proto::attachment::Kind::Datastore) => Ok(AttachmentKind::Datastore),
        Ok(proto::attachment::Kind::Unspecified) | Err(_) => {
            Err(Invalid::field("must be KIND_PEERING or KIND_DATASTORE"))
        }
    }
}

fn provider(given: i32) -> Result<ProviderKind, Invalid> {
    proto::Provider::try_from(given)
        .map_err(|_| Invalid::field(format!("must be PROVIDER_AWS or PROVIDER_GCP, not {given}")))?
        .try_into()
}

/// A network as callers see it.
pub(super) fn network(network: &Network) -> proto::Network {
    // What was made while it is incomplete is nobody's business yet, and may still change.
    let stands = matches!(
        network.state,
        State::Active | State::Deleting | State::Deleted
    );
    let shown = |text: &Option<String>| text.clone().filter(|_| stands).unwrap_or_default();
    let subnet = |subnet: &Subnet| proto::placement::Subnet {
        id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        zone_id: subnet.zone_id.clone(),
        cidr: subnet.cidr.clone(),
    };
    proto::Network {
        id: network.id.to_string(),
        tenant_id: network.tenant.to_string(),
        display_name: network.display_name.to_string(),
        provider: proto::Provider::from(network.provider).into(),
        region: network.region.to_string(),
        cidr: network.cidr.to_string(),
        labels: network.labels.as_map().clone(),
        state: state(network.state).into(),
        reason: network.reason.clone(),
        message: network.message.clone(),
        conditions: vec![firewall(network)],
        provider_account_id: shown(&network.account),
        provider_vpc_id: shown(&network.vpc.id),
        placement: stands.then(|| proto::Placement {
            subnets: network.vpc.subnets.iter().map(subnet).collect(),
            security_group_id: shown(&network.vpc.security_group_id),
        }),
        peering_count: network.peering_count,
        datastore_count: network.datastore_count,
        etag: network.etag(),
        create_time: Some(timestamp(network.create_time)),
        update_time: Some(timestamp(network.update_time)),
        delete_time: network.delete_time.map(timestamp),
        purge_time: network.purge_time.map(timestamp),
    }
}

/// Nobody looks at firewalls yet, so nothing is known about them.
fn firewall(network: &Network) -> proto::Condition {
    proto::Condition {
        r#type: "FIREWALL_READY".to_owned(),
        status: proto::condition::Status::Unknown.into(),
        reason: "NOT_OBSERVED".to_owned(),
        message: "the firewall has not been looked at".to_owned(),
        transition_time: Some(timestamp(network.create_time)),
    }
}

fn state(state: State) -> proto::network::State {
    match state {
        State::Pending => proto::network::State::Pending,
        State::Active => proto::network::State::Active,
        State::Deleting => proto::network::State::Deleting,
        State::Deleted => proto::network::State::Deleted,
        State::Failed => proto::network::State::Failed,
    }
}

/// An attachment as callers see it.
pub(super) fn attachment(attachment: &Attachment) -> proto::Attachment {
    let kind = match attachment.kind {
        AttachmentKind::Peering => proto::attachment::Kind::Peering,
        AttachmentKind::Datastore => proto::attachment::Kind::Datastore,
    };
    proto::Attachment {
        network_id: attachment.network.to_string(),
        kind: kind.into(),
        id: attachment.id.clone(),
        cidrs: attachment.cidrs.iter().map(Cidr::to_string).collect(),
        ports: attachment.ports.iter().copied().map(i32::from).collect(),
        private_name: attachment.private_name.clone(),
        peer_identity: attachment.peer_identity.clone(),
        allow_overlap: attachment.allow_overlap,
        create_time: Some(timestamp(attachment.create_time)),
    }
}

/// A change as callers see it.
pub(super) fn event(recorded: Event) -> proto::NetworkEvent {
    let state_named = |name: &str| {
        State::parse(name)
            .map_or(proto::network::State::Unspecified, state)
            .into()
    };
    proto::NetworkEvent {
        network_id: recorded.event.resource_id,
        sequence: recorded.seq,
        from_state: state_named(&recorded.event.from_state),
        to_state: state_named(&recorded.event.to_state),
        reason: recorded.event.reason,
        message: recorded.event.message,
        actor: recorded.event.actor,
        time: Some(timestamp(recorded.created_at)),
        trace_id: recorded.event.trace_id,
    }
}
