//! Domain to proto.

use api::network::v1 as proto;
use api::timestamp;
use runtime::events::Event;
use types::{Cidr, Invalid, ProviderKind};

use crate::domain::{Applied, Attachment, AttachmentKind, Entry, Holds, Network, State, Subnet};

/// The cloud of that number.
pub(super) fn provider(given: i32) -> Result<ProviderKind, Invalid> {
    proto::Provider::try_from(given)
        .map_err(|_| Invalid::field(format!("must be PROVIDER_AWS or PROVIDER_GCP, not {given}")))?
        .try_into()
}

/// A network as its events keep it.
pub(crate) fn snapshot(network: &Network) -> Vec<u8> {
    prost::Message::encode_to_vec(&self::network(network))
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
        multi_region_group: network.multi_region_group.clone(),
    }
}

fn firewall(network: &Network) -> proto::Condition {
    let ready = network.firewall_ready();
    let status = match ready.holds {
        Holds::Unknown => proto::condition::Status::Unknown,
        Holds::False => proto::condition::Status::False,
        Holds::True => proto::condition::Status::True,
    };
    proto::Condition {
        r#type: "FIREWALL_READY".to_owned(),
        status: status.into(),
        reason: ready.reason.to_owned(),
        message: ready.message.to_owned(),
        transition_time: Some(timestamp(network.firewall.since)),
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

/// An entry of an allow list as callers see it.
pub(super) fn entry(network: &Network, entry: &Entry) -> proto::AllowListEntry {
    use proto::allow_list_entry as listed;
    // Nobody looks at the firewall of a network that is not ACTIVE.
    let applied = match network.state {
        State::Active => entry.applied(&network.firewall),
        _ => Applied::Pending,
    };
    let state = match applied {
        Applied::Pending => listed::State::Pending,
        Applied::Applied => listed::State::Applied,
        Applied::Failed => listed::State::Failed,
    };
    let why = |text: &String| Some(text.clone()).filter(|_| applied == Applied::Failed);
    proto::AllowListEntry {
        cidr: entry.cidr.to_string(),
        description: entry.description.clone(),
        state: state.into(),
        reason: why(&network.firewall.reason).unwrap_or_default(),
        message: why(&network.firewall.message).unwrap_or_default(),
        create_time: Some(timestamp(entry.create_time)),
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
        kind: recorded.event.kind,
    }
}
