//! Peerings and events as callers see them.

use api::peering::v1::{self as proto, next_action, peering};
use api::timestamp;
use prost::Message;
use runtime::events::Event;
use runtime::hash::fingerprint;
use types::Cidr;

use crate::domain::{
    Actor, Condition, ConditionStatus, Peer, Peering, State, next_action as advice,
};

/// What an event keeps of the peering it tells of.
pub fn snapshot(peering: &Peering) -> Vec<u8> {
    message(peering, None).encode_to_vec()
}

/// A peering as callers see it; `covered_at` is the last complete look of the lane that watches it.
pub(super) fn message(peering: &Peering, covered_at: Option<i64>) -> proto::Peering {
    proto::Peering {
        id: peering.id.to_string(),
        tenant_id: peering.tenant.to_string(),
        network_id: peering.network.to_string(),
        network_display_name: peering.network_display_name.clone(),
        display_name: peering.display_name.to_string(),
        provider: proto::Provider::from(peering.peer.provider()).into(),
        labels: peering.labels.as_map().clone(),
        attempt: peering.attempt,
        cross_region: peering.is_cross_region(),
        peer: Some(peer(&peering.peer)),
        vendor: Some(vendor(peering)),
        state: state(peering.state).into(),
        reason: peering.reason.clone(),
        message: peering.message.clone(),
        raw_state: peering.raw_state.clone(),
        conditions: peering.conditions.iter().map(condition).collect(),
        next_action: Some(action(peering)),
        provider_peering_id: peering.provider_peering_id.clone().unwrap_or_default(),
        expire_time: peering.expire_at.map(timestamp),
        observe_time: peering.observed_at(covered_at).map(timestamp),
        activate_time: peering.activate_at.map(timestamp),
        etag: etag(peering),
        create_time: Some(timestamp(peering.create_at)),
        update_time: Some(timestamp(peering.update_at)),
        delete_time: peering.delete_at.map(timestamp),
        purge_time: peering.purge_at.map(timestamp),
        options: Some(proto::Options {
            resolve_dns: peering.options.resolve_dns,
            import_custom_routes: peering.options.import_custom_routes,
            export_custom_routes: peering.options.export_custom_routes,
        }),
    }
}

/// Our side, for the customer to verify.
pub(super) fn vendor(peering: &Peering) -> proto::Vendor {
    proto::Vendor {
        account_id: peering.vendor.account_id.clone(),
        vpc_id: peering.vendor.vpc_id.clone(),
        region: peering.vendor.region.to_string(),
        cidr: peering.vendor.cidr.to_string(),
    }
}

/// Changes with the intent only, so that a look never makes a caller's change stale.
pub(super) fn etag(peering: &Peering) -> String {
    let name = peering.display_name.to_string();
    let labels = peering.labels.as_map().iter();
    let labels = labels.flat_map(|(key, value)| [key.clone(), value.clone()]);
    let cidrs = peering.peer.cidrs().iter().map(ToString::to_string);
    let wish = if peering.is_unwanted() {
        "deleted"
    } else {
        "cidrs"
    };
    fingerprint(
        [name]
            .into_iter()
            .chain(labels)
            .chain([wish.to_owned(), format!("{:?}", peering.options)])
            .chain(cidrs),
    )
}

/// One change in a peering's life, as callers see it.
pub(super) fn event(event: Event) -> proto::PeeringEvent {
    let Event {
        seq,
        created_at,
        event,
        ..
    } = event;
    let named = |name: &str| {
        name.parse()
            .map_or(peering::State::Unspecified, state)
            .into()
    };
    proto::PeeringEvent {
        peering_id: event.resource_id,
        sequence: seq,
        from_state: named(&event.from_state),
        to_state: named(&event.to_state),
        reason: event.reason,
        message: event.message,
        raw_state: event.raw_state,
        actor: event.actor,
        time: Some(timestamp(created_at)),
        trace_id: event.trace_id,
        kind: event.kind.to_uppercase(),
    }
}

fn peer(peer: &Peer) -> peering::Peer {
    let texts = |cidrs: &[Cidr]| cidrs.iter().map(ToString::to_string).collect();
    match peer {
        Peer::Aws {
            account,
            region,
            vpc,
            cidrs,
        } => peering::Peer::Aws(proto::AwsPeer {
            account_id: account.to_string(),
            region: region.to_string(),
            vpc_id: vpc.to_string(),
            cidrs: texts(cidrs),
        }),
        Peer::Gcp {
            project,
            network,
            cidrs,
        } => peering::Peer::Gcp(proto::GcpPeer {
            project_id: project.to_string(),
            network_name: network.to_string(),
            cidrs: texts(cidrs),
        }),
    }
}

fn state(state: State) -> peering::State {
    match state {
        State::Provisioning => peering::State::Provisioning,
        State::PendingAcceptance => peering::State::PendingAcceptance,
        State::Active => peering::State::Active,
        State::Degraded => peering::State::Degraded,
        State::Disconnected => peering::State::Disconnected,
        State::Rejected => peering::State::Rejected,
        State::Expired => peering::State::Expired,
        State::Failed => peering::State::Failed,
        State::Deleting => peering::State::Deleting,
        State::Deleted => peering::State::Deleted,
    }
}

fn condition(condition: &Condition) -> proto::Condition {
    use proto::condition::Status;
    let status = match condition.status {
        ConditionStatus::True => Status::True,
        ConditionStatus::False => Status::False,
        ConditionStatus::Unknown => Status::Unknown,
    };
    proto::Condition {
        r#type: condition.name.clone(),
        status: status.into(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
        transition_time: Some(timestamp(condition.since)),
    }
}

fn action(peering: &Peering) -> proto::NextAction {
    let advice = advice(peering);
    let actor = match advice.actor {
        Actor::Customer => next_action::Actor::Customer,
        Actor::Vendor => next_action::Actor::Vendor,
        Actor::Nobody => next_action::Actor::Nobody,
    };
    proto::NextAction {
        actor: actor.into(),
        code: advice.code.to_owned(),
        summary: advice.summary,
        deadline: advice.deadline.map(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::walk::admitted;

    #[test]
    fn the_etag_follows_the_intent_and_nothing_else() {
        let peering = admitted(State::Provisioning);
        let first = etag(&peering);
        let mut looked_at = peering.clone();
        looked_at.state = State::Active;
        looked_at.version += 7;
        looked_at.update_at += 1;
        assert_eq!(etag(&looked_at), first);
        let mut renamed = peering.clone();
        renamed.display_name = "other".parse().unwrap();
        assert_ne!(etag(&renamed), first);
        let mut deleted = peering;
        deleted.state = State::Deleting;
        let deleting = etag(&deleted);
        assert_ne!(deleting, first);
        deleted.state = State::Deleted;
        assert_eq!(etag(&deleted), deleting);
    }
}
