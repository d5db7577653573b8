//! Deleting, from every state and at every moment.

use std::time::Duration;

use api::peering::v1::peering::State;
use api::peering::v1::*;
use api::provider::v1::peering_observation::State as CloudState;
use tonic::Code;

use crate::suite::{Kind, Suite, TENANT, observed, on_both_databases, reason};
use crate::told::Told;

on_both_databases!(
    deleting_an_active_peering_leaves_nothing,
    deleting_works_from_every_state_and_twice,
    deleting_what_was_refused_ends,
    deleting_while_the_create_is_under_way_leaves_nothing,
    deleting_after_a_lost_create_leaves_nothing,
    deleting_after_a_create_that_never_arrived_ends,
    deleting_waits_for_the_cloud,
    deleting_waits_for_the_network_service,
    a_stale_etag_is_refused,
    the_same_deletion_has_the_same_answer,
    the_same_deletion_many_times_at_once_has_one_answer,
    a_deletion_that_the_cloud_forgets_ends,
);

fn hasty(config: &mut ::peering::Config) {
    config.queue.absence_grace = Duration::ZERO;
}

/// Nothing of it is left anywhere.
async fn gone(suite: &Suite, id: &str) -> Peering {
    let deleted = suite.until_state(id, State::Deleted).await;
    assert!(deleted.delete_time.is_some());
    assert!(deleted.purge_time.unwrap().seconds > deleted.delete_time.unwrap().seconds);
    assert_eq!(
        deleted.next_action.clone().unwrap().actor(),
        next_action::Actor::Nobody
    );
    assert_eq!(suite.cloud.live(), 0);
    assert!(suite.network.attached().is_empty());
    assert!(suite.network.detached().contains(&id.to_owned()));
    let vpc = &deleted.vendor.as_ref().unwrap().vpc_id;
    assert!(suite.cloud.routes(vpc).is_empty());
    deleted
}

async fn deleting_an_active_peering_leaves_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let deleting = suite.delete(&active.id).await.unwrap();
    assert_eq!(
        (deleting.state(), deleting.reason.as_str()),
        (State::Deleting, "DELETE_REQUESTED")
    );
    assert_ne!(deleting.etag, active.etag);
    assert!(observed(&deleting) >= observed(&active));
    gone(&suite, &active.id).await;
    assert_eq!(suite.cloud.deletions(), 1);
    assert_eq!(suite.list().await.len(), 1, "the record stays");
}

async fn deleting_works_from_every_state_and_twice(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    use CloudState as Seen;
    let ends = [
        (
            Seen::PendingAcceptance,
            "pending-acceptance",
            State::PendingAcceptance,
        ),
        (Seen::Active, "active", State::Active),
        (Seen::Rejected, "rejected", State::Rejected),
        (Seen::Expired, "expired", State::Expired),
        (Seen::Failed, "failed", State::Failed),
        (Seen::Deleted, "deleted", State::Disconnected),
    ];
    for (shown, raw, state) in ends {
        let created = suite.create().await;
        suite
            .until_state(&created.id, State::PendingAcceptance)
            .await;
        suite.cloud.set_state(&created.id, shown, raw);
        suite.until_state(&created.id, state).await;
        suite.delete(&created.id).await.unwrap();
        let again = suite.delete(&created.id).await.unwrap();
        assert!(matches!(again.state(), State::Deleting | State::Deleted));
        let deleted = gone(&suite, &created.id).await;
        assert_eq!(suite.delete(&created.id).await.unwrap(), deleted);
    }
    let lost = suite.active().await;
    suite.cloud.vanish();
    suite.until_state(&lost.id, State::Disconnected).await;
    suite.delete(&lost.id).await.unwrap();
    gone(&suite, &lost.id).await;
}

async fn deleting_what_was_refused_ends(kind: Kind) {
    let suite = Suite::start(kind).await;
    let refusal = api::cloud::CloudError::refused(
        api::cloud::CloudErrorKind::Terminal,
        "PEER_IDENTITY_INVALID",
        "no",
    );
    suite.cloud.tell("EnsurePeering", Told::Refuse(refusal));
    let failed = suite.create().await;
    suite.until_state(&failed.id, State::Failed).await;
    suite.delete(&failed.id).await.unwrap();
    gone(&suite, &failed.id).await;
}

async fn deleting_while_the_create_is_under_way_leaves_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.requesting.shut();
    let created = suite.create().await;
    suite.cloud.requesting.until_reached().await;
    suite.delete(&created.id).await.unwrap();
    suite.cloud.requesting.open();
    gone(&suite, &created.id).await;
    assert_eq!(suite.cloud.made(), 1);
}

async fn deleting_after_a_lost_create_leaves_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.looking.shut();
    suite.cloud.tell("EnsurePeering", Told::Lost);
    let created = suite.create().await;
    suite.cloud.looking.until_reached().await;
    suite.delete(&created.id).await.unwrap();
    suite.cloud.looking.open();
    gone(&suite, &created.id).await;
}

async fn deleting_after_a_create_that_never_arrived_ends(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    suite.cloud.looking.shut();
    suite.cloud.tell("EnsurePeering", Told::Silent);
    let created = suite.create().await;
    suite.cloud.looking.until_reached().await;
    suite.delete(&created.id).await.unwrap();
    suite.cloud.looking.open();
    gone(&suite, &created.id).await;
    assert_eq!(suite.cloud.made(), 0);
}

async fn deleting_waits_for_the_cloud(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    suite.cloud.tell("DeletePeering", Told::Silent);
    suite.cloud.tell("DeletePeering", Told::Lost);
    suite.delete(&active.id).await.unwrap();
    gone(&suite, &active.id).await;
}

async fn deleting_waits_for_the_network_service(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    suite.network.set_detach_away(true);
    suite.delete(&active.id).await.unwrap();
    let mut looks = 0;
    while suite.cloud.live() > 0 || looks < 3 {
        assert_eq!(
            suite
                .refresh(&active.id)
                .await
                .unwrap()
                .peering
                .unwrap()
                .state(),
            State::Deleting
        );
        looks += 1;
    }
    suite.network.set_detach_away(false);
    gone(&suite, &active.id).await;
}

async fn a_stale_etag_is_refused(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    let request = |etag: &str| DeletePeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: created.id.clone(),
        etag: etag.to_owned(),
        ..Default::default()
    };
    let status = suite
        .api
        .clone()
        .delete_peering(request("stale"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    // Whatever the worker has written since, the intent is the same.
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite
        .api
        .clone()
        .delete_peering(request(&created.etag))
        .await
        .unwrap();
    gone(&suite, &created.id).await;
}

async fn the_same_deletion_has_the_same_answer(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    let request = DeletePeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: created.id.clone(),
        request_id: "once".to_owned(),
        etag: created.etag.clone(),
    };
    let first = suite
        .api
        .clone()
        .delete_peering(request.clone())
        .await
        .unwrap()
        .into_inner();
    gone(&suite, &created.id).await;
    let again = suite
        .api
        .clone()
        .delete_peering(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(again, first);
    let other = DeletePeeringRequest {
        etag: String::new(),
        ..request
    };
    let status = suite.api.clone().delete_peering(other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
}

async fn the_same_deletion_many_times_at_once_has_one_answer(kind: Kind) {
    let suite = Suite::start(kind).await;
    for round in 0..5 {
        let created = suite.create().await;
        if round % 2 == 1 {
            suite.delete(&created.id).await.unwrap();
        }
        let repeats = (0..8).map(|_| {
            let mut api = suite.api.clone();
            let request = DeletePeeringRequest {
                tenant_id: TENANT.to_owned(),
                peering_id: created.id.clone(),
                request_id: format!("round-{round}"),
                ..Default::default()
            };
            async move { api.delete_peering(request).await.unwrap().into_inner() }
        });
        let answers = futures::future::join_all(repeats).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
    }
}

async fn a_deletion_that_the_cloud_forgets_ends(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let active = suite.active().await;
    suite.cloud.tell("DeletePeering", Told::InProgress);
    suite.delete(&active.id).await.unwrap();
    while suite.cloud.deletions() == 0 {
        suite.refresh(&active.id).await.unwrap();
    }
    suite.cloud.vanish();
    gone(&suite, &active.id).await;
}
