//! Operations of a cloud that fail, hang, vanish, lose their answers or are in each other's way.

use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind};
use api::peering::v1::peering::State;

use crate::halves::Fate;
use crate::suite::{Kind, PATIENCE, Suite, on_both_databases};
use crate::told::Told;
use crate::two_halves::{active, create, error, hasty, network, nothing_is_held, wish};

on_both_databases!(
    an_operation_that_fails_for_good_is_a_failure_with_its_reason,
    an_operation_that_fails_otherwise_is_begun_again,
    an_operation_that_vanishes_is_looked_for,
    an_operation_that_hangs_times_out_by_name,
    a_lost_answer_is_asked_for_again,
    a_lost_answer_of_a_long_operation_begins_no_other,
    deleting_after_a_lost_answer_leaves_nothing,
    networks_that_stand_recorded_as_its_own_are_its_own,
    an_operation_of_others_is_shown_and_waited_for,
    a_reading_that_fails_ends_nothing,
    deleting_while_an_operation_runs_waits_for_it,
    deleting_asks_again_after_a_lost_answer,
    missing_permissions_are_named_and_not_asked_for_again,
);

async fn an_operation_that_fails_for_good_is_a_failure_with_its_reason(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(200));
    let overlap = error(CloudErrorKind::Terminal, "CIDR_OVERLAP_PEER");
    suite.cloud.halves.tell(Fate::Fail(overlap));
    let created = create(&suite).await;
    let failed = suite.until_state(&created.id, State::Failed).await;
    assert_eq!(
        (failed.reason.as_str(), failed.message.as_str()),
        ("CIDR_OVERLAP_PEER", "The cloud says no.")
    );
    nothing_is_held(&suite).await;
    suite.delete(&created.id).await.unwrap();
    suite.until_state(&created.id, State::Deleted).await;
}

async fn an_operation_that_fails_otherwise_is_begun_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(100));
    for kind in [CloudErrorKind::Unknown, CloudErrorKind::InProgress] {
        let failure = error(kind, "CLOUD_ERROR");
        suite.cloud.halves.tell(Fate::Fail(failure));
    }
    let created = create(&suite).await;
    let served = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(served.reason, "AWAITING_RECIPROCAL_PEERING");
    let halves = &suite.cloud.halves;
    assert_eq!(
        (halves.begun(), halves.count(), halves.refused()),
        (3, 1, 0)
    );
    nothing_is_held(&suite).await;
}

async fn an_operation_that_vanishes_is_looked_for(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    suite.cloud.halves.set_delay(Duration::from_millis(100));
    suite.cloud.halves.tell(Fate::Vanish);
    let created = create(&suite).await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(
        (suite.cloud.halves.begun(), suite.cloud.halves.count()),
        (2, 1)
    );
    nothing_is_held(&suite).await;
}

async fn an_operation_that_hangs_times_out_by_name(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        hasty(config);
        config.provision_timeout = Duration::from_secs(3);
    })
    .await;
    suite.cloud.halves.tell(Fate::Hang);
    let created = create(&suite).await;
    let failed = suite.until_state(&created.id, State::Failed).await;
    assert_eq!(failed.reason, "PROVISION_TIMEOUT");
    assert!(failed.message.contains("operation-0"), "{}", failed.message);
    assert_eq!(suite.cloud.halves.begun(), 1);
    nothing_is_held(&suite).await;
}

async fn a_lost_answer_is_asked_for_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(100));
    suite.cloud.tell("EnsurePeering", Told::Lost);
    let created = create(&suite).await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.look(&created.id, 3).await;
    assert_eq!(suite.cloud.halves.begun(), 1);
    nothing_is_held(&suite).await;
}

async fn a_lost_answer_of_a_long_operation_begins_no_other(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    suite.cloud.halves.set_delay(Duration::from_secs(3));
    suite.cloud.tell("EnsurePeering", Told::Lost);
    let created = create(&suite).await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    let halves = &suite.cloud.halves;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (1, 1, 0)
    );
    nothing_is_held(&suite).await;
}

async fn deleting_after_a_lost_answer_leaves_nothing(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    suite.cloud.halves.set_delay(Duration::from_secs(3));
    suite.cloud.tell("EnsurePeering", Told::Lost);
    let created = create(&suite).await;
    let begun = async {
        while suite.cloud.halves.begun() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    suite.delete(&created.id).await.unwrap();
    suite.until_state(&created.id, State::Deleted).await;
    let halves = &suite.cloud.halves;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (0, 2, 0)
    );
    nothing_is_held(&suite).await;
}

async fn networks_that_stand_recorded_as_its_own_are_its_own(kind: Kind) {
    use sea_orm::ConnectionTrait;
    let suite = Suite::start(kind).await;
    let standing = active(&suite).await;
    nothing_is_held(&suite).await;
    let vpc = suite.network.vpc(&standing.network_id);
    let db = suite.database.connect().await;
    let sql = format!(
        "INSERT INTO cloud_busy (network, peering_id, since) VALUES ('gcp/vendor-prod/{vpc}', '{}', 1)",
        standing.id
    );
    db.write().execute_unprepared(&sql).await.unwrap();
    db.close().await.unwrap();
    suite.delete(&standing.id).await.unwrap();
    suite.until_state(&standing.id, State::Deleted).await;
    nothing_is_held(&suite).await;
}

async fn an_operation_of_others_is_shown_and_waited_for(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = network(&suite);
    let vpc = suite.network.vpc(&network);
    suite.cloud.halves.occupy(&vpc, Duration::from_secs(2));
    let created = suite.create_with(wish(&network, 1)).await.unwrap();
    let told = suite
        .until(&created.id, "told", |one| {
            one.reason == "CLOUD_OPERATION_IN_PROGRESS"
        })
        .await;
    assert_eq!(told.state(), State::Provisioning);
    assert!(told.message.contains("in progress"), "{}", told.message);
    let served = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(served.reason, "AWAITING_RECIPROCAL_PEERING");
    nothing_is_held(&suite).await;
}

async fn a_reading_that_fails_ends_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(100));
    suite.cloud.looking.shut();
    suite.cloud.tell("FollowPeering", Told::Silent);
    let unavailable = CloudErrorKind::Unavailable;
    let unavailable = CloudError::unknown_outcome(unavailable, "CLOUD_UNAVAILABLE", "Later.");
    suite.cloud.tell("FollowPeering", Told::Refuse(unavailable));
    let created = create(&suite).await;
    let served = async {
        while suite.get(&created.id).await.unwrap().state() != State::PendingAcceptance {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, served).await.unwrap();
    suite.cloud.looking.open();
    assert_eq!(suite.cloud.halves.begun(), 1);
    nothing_is_held(&suite).await;
}

async fn deleting_while_an_operation_runs_waits_for_it(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(500));
    let created = create(&suite).await;
    let begun = async {
        while suite.cloud.halves.begun() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    suite.delete(&created.id).await.unwrap();
    suite.until_state(&created.id, State::Deleted).await;
    let halves = &suite.cloud.halves;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (0, 2, 0)
    );
    nothing_is_held(&suite).await;
}

async fn deleting_asks_again_after_a_lost_answer(kind: Kind) {
    let suite = Suite::start(kind).await;
    let standing = active(&suite).await;
    suite.cloud.halves.set_delay(Duration::from_millis(500));
    suite.cloud.tell("DeletePeering", Told::Lost);
    suite.cloud.tell("DeletePeering", Told::Silent);
    suite.delete(&standing.id).await.unwrap();
    suite.until_state(&standing.id, State::Deleted).await;
    let halves = &suite.cloud.halves;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (0, 2, 0)
    );
    nothing_is_held(&suite).await;
}

async fn missing_permissions_are_named_and_not_asked_for_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    let missing = "Required 'compute.networks.addPeering' permission for 'projects/vendor-prod'";
    let refusal = CloudError::refused(CloudErrorKind::Unauthorized, "CLOUD_UNAUTHORIZED", missing);
    suite.cloud.tell("EnsurePeering", Told::Refuse(refusal));
    let created = create(&suite).await;
    let shown = suite
        .until(&created.id, "explained", |one| {
            one.reason == "CLOUD_UNAUTHORIZED"
        })
        .await;
    assert_eq!(
        (shown.state(), shown.message.as_str()),
        (State::Provisioning, missing)
    );
    // The whole group is left alone for minutes, whoever asks.
    let other = suite.create_with(wish(&network(&suite), 2)).await.unwrap();
    suite.look(&other.id, 20).await;
    assert_eq!(suite.cloud.halves.calls(), 0);
    nothing_is_held(&suite).await;
}
