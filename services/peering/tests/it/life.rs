//! From the wish to ACTIVE and to each end.

use std::time::Duration;

use api::peering::v1::peering::State;
use api::peering::v1::*;
use api::provider::v1::peering_observation::State as CloudState;

use crate::suite::{Kind, Suite, TENANT, is_routed, on_both_databases, request};

on_both_databases!(
    a_peering_goes_from_wish_to_active_and_is_routed,
    acceptance_is_noticed_without_being_asked_for,
    each_end_has_its_state_and_reason_and_keeps_them,
    being_accepted_has_a_reason_of_its_own,
    what_vanishes_is_lost_and_comes_back_when_it_is_seen,
    a_waiting_request_that_is_gone_after_its_deadline_has_expired,
    history_shows_every_state_once,
    a_restarted_service_goes_on,
    routes_of_one_network_are_sent_as_a_whole,
);

/// Absence counts in the second look.
fn hasty(config: &mut ::peering::Config) {
    config.queue.absence_grace = Duration::ZERO;
}

async fn a_peering_goes_from_wish_to_active_and_is_routed(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    let waiting = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(waiting.reason, "AWAITING_CUSTOMER_ACCEPTANCE");
    assert_eq!(waiting.raw_state, "pending-acceptance");
    assert!(waiting.provider_peering_id.starts_with("pcx-"));
    assert_eq!(waiting.expire_time, Some(api::timestamp(4_000_000_000_000)));
    let action = waiting.next_action.unwrap();
    assert_eq!(action.actor(), next_action::Actor::Customer);
    assert_eq!(
        (action.code.as_str(), action.deadline),
        ("ACCEPT_PEERING", waiting.expire_time)
    );
    assert!(waiting.conditions.is_empty());
    assert_eq!(waiting.etag, created.etag, "no look changes the intent");

    suite.cloud.accept(&created.id);
    let active = suite.until(&created.id, "routed", is_routed).await;
    assert_eq!(
        (active.state(), active.reason.as_str()),
        (State::Active, "")
    );
    assert!(active.activate_time.is_some() && active.expire_time.is_none());
    // Until the allow list was looked at, routes are what is left to do.
    let action = active.next_action.unwrap();
    assert!(
        ["ADD_ROUTES", "ADD_TO_ALLOW_LIST"].contains(&action.code.as_str()),
        "{action:?}"
    );
    let names: Vec<&str> = active
        .conditions
        .iter()
        .map(|one| one.r#type.as_str())
        .collect();
    assert_eq!(
        names,
        ["ROUTES_READY", "FIREWALL_READY", "ALLOW_LISTED", "IN_SYNC"]
    );
    let id = active.provider_peering_id;
    let routes = suite.cloud.routes(&active.vendor.unwrap().vpc_id);
    assert_eq!(
        routes,
        [
            ("10.1.0.0/16".to_owned(), id.clone()),
            ("100.64.0.0/16".to_owned(), id)
        ]
    );
    assert_eq!(suite.cloud.made(), 1);
}

async fn acceptance_is_noticed_without_being_asked_for(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.accept(&created.id);
    // Nobody refreshes; the history shows what the worker has found by itself.
    let events = suite.events(&created.id, State::Active).await;
    assert_eq!(events[events.len() - 1].actor, "worker");
}

async fn each_end_has_its_state_and_reason_and_keeps_them(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    for (from_active, shown, raw, state, reason) in [
        (
            false,
            CloudState::Rejected,
            "rejected",
            State::Rejected,
            "REJECTED_BY_PEER",
        ),
        (
            false,
            CloudState::Expired,
            "expired",
            State::Expired,
            "REQUEST_EXPIRED",
        ),
        (
            false,
            CloudState::Failed,
            "failed",
            State::Failed,
            "PEER_IDENTITY_INVALID",
        ),
        (
            false,
            CloudState::Deleted,
            "deleted",
            State::Disconnected,
            "DELETED_BY_PEER",
        ),
        (
            true,
            CloudState::Deleting,
            "deleting",
            State::Disconnected,
            "DELETED_BY_PEER",
        ),
        (
            true,
            CloudState::Deleted,
            "deleted",
            State::Disconnected,
            "DELETED_BY_PEER",
        ),
    ] {
        let peering = if from_active {
            suite.active().await
        } else {
            suite.create().await
        };
        let (id, network) = (peering.id.as_str(), peering.network_id.as_str());
        if !from_active {
            suite.until_state(id, State::PendingAcceptance).await;
        }
        suite.cloud.set_state(id, shown, raw);
        if shown == CloudState::Failed {
            suite.cloud.change(id, |object| {
                object.reason = "PEER_IDENTITY_INVALID".to_owned();
                object.message = "Failed due to incorrect VPC-ID".to_owned();
            });
        }
        let ended = suite.until_state(id, state).await;
        assert_eq!(
            (ended.reason.as_str(), ended.raw_state.as_str()),
            (reason, raw)
        );
        assert!(!ended.message.is_empty());
        assert!(ended.conditions.is_empty());
        // The cloud forgets it, which changes nothing any more.
        suite.cloud.vanish();
        for _ in 0..3 {
            suite.refresh(id).await.unwrap();
        }
        let later = suite.get(id).await.unwrap();
        assert_eq!((later.state(), later.reason.as_str()), (state, reason));
        if from_active {
            let vpc = suite.network.vpc(network);
            while !suite.cloud.routes(&vpc).is_empty() {
                suite.refresh(id).await.unwrap();
            }
        }
    }
}

async fn being_accepted_has_a_reason_of_its_own(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.change(&created.id, |object| {
        object.raw_state = "provisioning".to_owned();
        object.reason = "ACCEPTED_ACTIVATING".to_owned();
    });
    let accepted = suite
        .until(&created.id, "accepted", |peering| {
            peering.reason == "ACCEPTED_ACTIVATING"
        })
        .await;
    assert_eq!(accepted.state(), State::PendingAcceptance);
    assert_eq!(
        accepted.next_action.unwrap().actor(),
        next_action::Actor::Nobody
    );
}

async fn what_vanishes_is_lost_and_comes_back_when_it_is_seen(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let active = suite.active().await;
    let objects = suite.cloud.objects();
    suite.cloud.vanish();
    let lost = suite.until_state(&active.id, State::Disconnected).await;
    assert_eq!(lost.reason, "LOST_OUT_OF_BAND");
    assert_eq!(lost.next_action.unwrap().code, "RENEW_PEERING");
    for object in objects {
        suite.cloud.add(object);
    }
    suite.until_state(&active.id, State::Active).await;
}

async fn a_waiting_request_that_is_gone_after_its_deadline_has_expired(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.change(&created.id, |object| {
        object.expire_time = Some(api::timestamp(1_000))
    });
    suite
        .until(&created.id, "past its deadline", |peering| {
            peering.expire_time == Some(api::timestamp(1_000))
        })
        .await;
    suite.cloud.vanish();
    let expired = suite.until_state(&created.id, State::Expired).await;
    assert_eq!(expired.reason, "REQUEST_EXPIRED");
}

async fn history_shows_every_state_once(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.accept(&created.id);
    suite.until(&created.id, "routed", is_routed).await;
    suite.delete(&created.id).await.unwrap();
    suite.until_state(&created.id, State::Deleted).await;
    let events = suite.events(&created.id, State::Deleted).await;
    let mut states: Vec<State> = events.iter().map(PeeringEvent::to_state).collect();
    states.dedup();
    use State::*;
    assert_eq!(
        states,
        [Provisioning, PendingAcceptance, Active, Deleting, Deleted]
    );
    assert!(events.is_sorted_by(|one, next| one.sequence < next.sequence));
    for (event, next) in events.iter().zip(&events[1..]) {
        assert_eq!(next.from_state(), event.to_state(), "without a gap");
    }
    let actors: Vec<&str> = events.iter().map(|event| event.actor.as_str()).collect();
    assert_eq!(
        actors.iter().filter(|actor| **actor == "anonymous").count(),
        2
    );
    // In pages it is the same history.
    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPeeringEventsRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: created.id.clone(),
            page_size: 2,
            page_token,
        };
        let page = suite
            .api
            .clone()
            .list_peering_events(request)
            .await
            .unwrap()
            .into_inner();
        assert!(page.events.len() <= 2);
        paged.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, events);
}

async fn a_restarted_service_goes_on(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.stop().await;
    suite.cloud.accept(&created.id);
    suite.restart().await;
    suite.until(&created.id, "routed", is_routed).await;
    assert_eq!(suite.cloud.made(), 1);
}

async fn routes_of_one_network_are_sent_as_a_whole(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let mut ids = Vec::new();
    for index in 1..=3 {
        let aws = AwsPeer {
            vpc_id: format!("vpc-{index:08x}"),
            cidrs: vec![format!("10.{index}.0.0/16")],
            ..crate::suite::aws_peer()
        };
        let request = CreatePeeringRequest {
            display_name: format!("peer {index}"),
            peer: Some(create_peering_request::Peer::Aws(aws)),
            ..request(&network)
        };
        ids.push(suite.create_with(request).await.unwrap().id);
    }
    for id in &ids {
        suite.until_state(id, State::PendingAcceptance).await;
        suite.cloud.accept(id);
        suite.until(id, "routed", is_routed).await;
    }
    let vpc = suite.network.vpc(&network);
    let ranges = |suite: &Suite| {
        let mut ranges: Vec<String> = suite
            .cloud
            .routes(&vpc)
            .into_iter()
            .map(|(range, _)| range)
            .collect();
        ranges.sort();
        ranges
    };
    assert_eq!(
        ranges(&suite),
        ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"]
    );
    suite.delete(&ids[1]).await.unwrap();
    suite.until_state(&ids[1], State::Deleted).await;
    assert_eq!(ranges(&suite), ["10.1.0.0/16", "10.3.0.0/16"]);
}
