//! Domain to proto.

use api::network::v1 as proto;
use api::timestamp;
use runtime::events::Event;
use types::{Cidr, Invalid, ProviderKind};

use crate::domain::{
    Applied, Attachment, AttachmentKind, Entry, Holds, Network, State, Subnet, VPC_MISSING,
};

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
    // Of a VPC that vanished its owner may have things left to clear away.
    let stood = stands || network.state == State::Failed && network.reason == VPC_MISSING;
    let shown = |text: &Option<String>| text.clone().filter(|_| stood).unwrap_or_default();
    let vpc = network.shown_vpc();
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
        provider_vpc_id: shown(&vpc.id),
        placement: stands.then(|| proto::Placement {
            subnets: vpc.subnets.iter().map(subnet).collect(),
            security_group_id: shown(&vpc.security_group_id),
        }),
        peering_count: network.peering_count,
        datastore_count: network.datastore_count,
        etag: network.etag(),
        create_time: Some(timestamp(network.create_time)),
        update_time: Some(timestamp(network.update_time)),
        delete_time: network.delete_time.map(timestamp),
        purge_time: network.purge_time.map(timestamp),
        multi_region_group: network.multi_region_group.clone(),
        allow_list_version: network.firewall.goal,
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
        peering_id: entry.peering.clone(),
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

#[cfg(test)]
mod tests {
    use types::Labels;

    use super::*;
    use crate::domain::NewNetwork;

    fn in_state(state: State) -> Network {
        let wish = NewNetwork {
            tenant: "acme".parse().unwrap(),
            display_name: "main".parse().unwrap(),
            provider: ProviderKind::Aws,
            region: "eu-west-1".parse().unwrap(),
            cidr: "10.20.0.0/16".parse().unwrap(),
            labels: Labels::default(),
            multi_region_group: String::new(),
        };
        let mut network = Network::new(wish, None, 0);
        network.state = state;
        network.account = Some("111122223333".to_owned());
        network.vpc.id = Some("vpc-1".to_owned());
        network.firewall.done = network.firewall.goal;
        network
    }

    #[test]
    fn an_entry_is_applied_only_while_the_network_is_active() {
        let entry = Entry {
            cidr: "10.1.0.0/16".parse().unwrap(),
            description: String::new(),
            peering: String::new(),
            goal: 1,
            create_time: 0,
        };
        for state in State::ALL {
            let shown = super::entry(&in_state(state), &entry).state();
            let is_applied = shown == proto::allow_list_entry::State::Applied;
            assert_eq!(is_applied, state == State::Active, "{state:?}");
            assert!(is_applied || shown == proto::allow_list_entry::State::Pending);
        }
    }

    #[test]
    fn a_network_that_lost_its_vpc_says_where_that_was_and_one_that_never_had_it_does_not() {
        let mut failed = in_state(State::Failed);
        failed.reason = "INVALID_VPC_RANGE".to_owned();
        let shown = network(&failed);
        assert_eq!(
            (
                shown.provider_account_id.as_str(),
                shown.provider_vpc_id.as_str()
            ),
            ("", "")
        );
        failed.reason = "VPC_MISSING".to_owned();
        let shown = network(&failed);
        assert_eq!(
            (
                shown.provider_account_id.as_str(),
                shown.provider_vpc_id.as_str()
            ),
            ("111122223333", "vpc-1")
        );
        assert_eq!(shown.placement, None);
    }

    #[test]
    fn a_placement_has_no_holes_while_parts_are_put_back() {
        let mut whole = in_state(State::Active);
        whole.vpc.security_group_id = Some("sg-1".to_owned());
        let mut repaired = whole.clone();
        repaired.whole = Some(repaired.vpc.clone());
        repaired.vpc.security_group_id = None;
        assert_eq!(network(&repaired).placement, network(&whole).placement);
    }
}
