//! A cloud that loses, refuses, throttles and talks nonsense.

use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind};
use api::peering::v1::peering::State;
use api::peering::v1::*;
use api::provider::v1::PeeringObservation;
use api::provider::v1::peering_observation::State as CloudState;

use crate::suite::{Kind, PATIENCE, Suite, is_routed, on_both_databases};
use crate::told::{Listing, Told};

on_both_databases!(
    a_lost_answer_does_not_create_twice,
    a_create_that_never_arrived_is_repeated_after_the_grace,
    nothing_is_created_again_before_the_grace,
    a_refusal_for_good_fails_with_its_reason,
    somebody_else_s_peering_is_not_adopted,
    a_foreign_answer_is_not_adopted,
    a_full_cloud_makes_it_wait_and_says_so,
    looks_that_fail_change_nothing,
    an_incomplete_look_still_shows_what_it_saw,
    a_word_that_nobody_knows_changes_nothing,
    another_pair_of_vpcs_is_not_believed,
    refused_routes_are_a_false_condition_and_heal,
    unknown_errors_are_retried,
    a_look_that_is_overtaken_writes_nothing,
    refused_credentials_are_shown,
    an_answer_counts_though_a_look_came_between,
);

fn hasty(config: &mut ::peering::Config) {
    config.queue.absence_grace = Duration::ZERO;
}

fn refused(kind: CloudErrorKind, reason: &str) -> Told {
    Told::Refuse(CloudError::refused(kind, reason, "The cloud says no."))
}

async fn a_lost_answer_does_not_create_twice(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.tell("EnsurePeering", Told::Lost);
    let created = suite.create().await;
    let waiting = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(
        waiting.provider_peering_id,
        suite.cloud.objects()[0].provider_peering_id
    );
    suite.look(&created.id, 3).await;
    assert_eq!(suite.cloud.made(), 1);
}

async fn a_create_that_never_arrived_is_repeated_after_the_grace(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    suite.cloud.tell("EnsurePeering", Told::Silent);
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(suite.cloud.made(), 1);
}

async fn nothing_is_created_again_before_the_grace(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.tell("EnsurePeering", Told::Silent);
    let created = suite.create().await;
    let peering = suite.look(&created.id, 10).await;
    assert_eq!(peering.state(), State::Provisioning);
    assert_eq!(suite.cloud.made(), 0);
}

async fn a_refusal_for_good_fails_with_its_reason(kind: Kind) {
    let suite = Suite::start(kind).await;
    let refusal = refused(CloudErrorKind::Terminal, "PEER_IDENTITY_INVALID");
    suite.cloud.tell("EnsurePeering", refusal);
    let created = suite.create().await;
    let failed = suite.until_state(&created.id, State::Failed).await;
    assert_eq!(failed.reason, "PEER_IDENTITY_INVALID");
    assert!(failed.message.starts_with("The cloud says no."));
    assert_eq!(failed.next_action.unwrap().code, "FIX_AND_RENEW");
}

/// A peering between the same VPCs that another deployment made.
fn foreign(peering: &Peering, vpc: String) -> PeeringObservation {
    let Some(peering::Peer::Aws(aws)) = peering.peer.clone() else {
        panic!("it is in AWS")
    };
    PeeringObservation {
        provider_peering_id: "pcx-foreign".to_owned(),
        state: CloudState::Active.into(),
        raw_state: "active".to_owned(),
        vendor_vpc_id: vpc,
        peer: Some(api::provider::v1::Peer {
            account_id: aws.account_id,
            region: aws.region,
            vpc_id: aws.vpc_id,
        }),
        ..Default::default()
    }
}

async fn somebody_else_s_peering_is_not_adopted(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.requesting.shut();
    suite.cloud.tell(
        "EnsurePeering",
        refused(CloudErrorKind::Unavailable, "CLOUD_UNAVAILABLE"),
    );
    let created = suite.create().await;
    suite
        .cloud
        .add(foreign(&created, created.vendor.clone().unwrap().vpc_id));
    suite.cloud.requesting.open();
    let failed = suite.until_state(&created.id, State::Failed).await;
    assert_eq!(failed.reason, "DUPLICATE_PEERING");
    assert_eq!(
        (failed.provider_peering_id.as_str(), suite.cloud.made()),
        ("", 0)
    );
}

async fn a_foreign_answer_is_not_adopted(kind: Kind) {
    let suite = Suite::start(kind).await;
    let untagged = PeeringObservation {
        provider_peering_id: "pcx-foreign".to_owned(),
        state: CloudState::Active.into(),
        ..Default::default()
    };
    suite
        .cloud
        .tell("EnsurePeering", Told::Answer(Box::new(untagged)));
    let created = suite.create().await;
    let failed = suite.until_state(&created.id, State::Failed).await;
    assert_eq!(failed.reason, "DUPLICATE_PEERING");
    assert!(failed.message.contains("pcx-foreign"));
}

async fn a_full_cloud_makes_it_wait_and_says_so(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.tell(
        "EnsurePeering",
        refused(CloudErrorKind::Quota, "OUTSTANDING_LIMIT"),
    );
    let created = suite.create().await;
    let waits = suite
        .until(&created.id, "waiting", |peering| {
            peering.reason == "OUTSTANDING_LIMIT"
        })
        .await;
    assert_eq!(waits.state(), State::Provisioning);
    assert_eq!(waits.next_action.unwrap().code, "WAIT_FOR_PLACE");
    let served = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(served.reason, "AWAITING_CUSTOMER_ACCEPTANCE");
}

async fn looks_that_fail_change_nothing(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let active = suite.active().await;
    let objects = suite.cloud.objects();
    suite.cloud.vanish();
    let unavailable = |kind, reason| CloudError::unknown_outcome(kind, reason, "later");
    for listing in [
        Listing::Fail(unavailable(
            CloudErrorKind::Unavailable,
            "CLOUD_UNAVAILABLE",
        )),
        Listing::Fail(unavailable(CloudErrorKind::Unknown, "CLOUD_ERROR")),
        Listing::Garbage,
        Listing::Cut,
        Listing::Break,
    ] {
        suite.cloud.set_listing(Some(listing.clone()));
        suite.cloud.until_looked(suite.cloud.looks() + 4).await;
        let peering = suite.get(&active.id).await.unwrap();
        assert_eq!(peering.state(), State::Active, "{listing:?}");
    }
    // Throttling shuts the group for a while; then the next good answer is believed at once.
    let throttled = CloudError {
        retry_after: Some(Duration::from_millis(10)),
        ..unavailable(CloudErrorKind::Throttled, "CLOUD_THROTTLED")
    };
    suite.cloud.set_listing(Some(Listing::Fail(throttled)));
    suite.cloud.until_looked(suite.cloud.looks() + 1).await;
    assert_eq!(suite.get(&active.id).await.unwrap().state(), State::Active);
    for object in objects {
        suite.cloud.add(object);
    }
    suite.cloud.set_listing(None);
    suite
        .cloud
        .set_state(&active.id, CloudState::Deleted, "deleted");
    suite.until_state(&active.id, State::Disconnected).await;
}

async fn an_incomplete_look_still_shows_what_it_saw(kind: Kind) {
    let suite = Suite::start(kind).await;
    let (one, two) = (suite.create().await, suite.create().await);
    for peering in [&one, &two] {
        suite
            .until_state(&peering.id, State::PendingAcceptance)
            .await;
        suite.cloud.accept(&peering.id);
    }
    // The first half of what is there is one of them.
    suite.cloud.set_listing(Some(Listing::Cut));
    let seen = suite.cloud.objects()[0].peering_id.clone();
    let until = async {
        while suite.get(&seen).await.unwrap().state() != State::Active {
            suite.cloud.until_looked(suite.cloud.looks() + 1).await;
        }
    };
    tokio::time::timeout(PATIENCE, until).await.unwrap();
}

async fn a_word_that_nobody_knows_changes_nothing(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let created = suite.create().await;
    let before = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite
        .cloud
        .set_state(&created.id, CloudState::Unrecognized, "quantum");
    let mut after = suite.look(&created.id, 4).await;
    after.observe_time = before.observe_time;
    assert_eq!(after, before);
    suite.cloud.accept(&created.id);
    suite.until_state(&created.id, State::Active).await;
}

async fn another_pair_of_vpcs_is_not_believed(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let created = suite.create().await;
    let before = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.change(&created.id, |object| {
        object.vendor_vpc_id = "vpc-ffffffff".to_owned();
        object.set_state(CloudState::Active);
        object.raw_state = "active".to_owned();
    });
    let after = suite.look(&created.id, 4).await;
    assert_eq!(
        (after.state(), after.raw_state),
        (before.state(), before.raw_state)
    );
}

async fn refused_routes_are_a_false_condition_and_heal(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    let refusal = || refused(CloudErrorKind::Quota, "ROUTE_TABLE_FULL");
    suite.cloud.tell("EnsureRoutes", refusal());
    suite.cloud.accept(&created.id);
    let refused = suite
        .until(&created.id, "refused", |peering| {
            peering
                .conditions
                .iter()
                .any(|one| one.reason == "ROUTE_TABLE_FULL")
        })
        .await;
    assert_eq!(refused.state(), State::Active, "it is up nevertheless");
    assert_eq!(
        refused.next_action.unwrap().actor(),
        next_action::Actor::Vendor
    );
    // Its end is not held up by that, nor by the routes of others.
    suite.cloud.tell("EnsureRoutes", refusal());
    suite.delete(&created.id).await.unwrap();
    suite.until_state(&created.id, State::Deleted).await;
    assert!(
        suite
            .cloud
            .routes(&suite.network.vpc(&created.network_id))
            .is_empty()
    );
}

async fn unknown_errors_are_retried(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.tell(
        "EnsureRoutes",
        refused(CloudErrorKind::Unknown, "CLOUD_ERROR"),
    );
    suite.cloud.tell("EnsureRoutes", Told::InProgress);
    suite.cloud.accept(&created.id);
    let active = suite.until(&created.id, "routed", is_routed).await;
    assert_eq!(active.state(), State::Active);
}

async fn a_look_that_is_overtaken_writes_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    // The look has read its rows; while it waits for the cloud the owner asks for the end.
    suite.cloud.looking.shut();
    suite.cloud.looking.until_reached().await;
    suite.cloud.accept(&created.id);
    suite.delete(&created.id).await.unwrap();
    suite.cloud.looking.open();
    suite.until_state(&created.id, State::Deleted).await;
    let events = suite.events(&created.id, State::Deleted).await;
    assert!(events.iter().all(|event| event.to_state() != State::Active));
    assert_eq!(suite.cloud.live(), 0);
}

async fn refused_credentials_are_shown(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.tell(
        "EnsurePeering",
        refused(CloudErrorKind::Unauthorized, "CLOUD_UNAUTHORIZED"),
    );
    let created = suite.create().await;
    let shown = suite
        .until(&created.id, "explained", |one| {
            one.reason == "CLOUD_UNAUTHORIZED"
        })
        .await;
    assert_eq!(shown.state(), State::Provisioning);
    assert_eq!(
        shown.next_action.unwrap().actor(),
        next_action::Actor::Vendor
    );
}

async fn an_answer_counts_though_a_look_came_between(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.requesting.shut();
    let foreign = PeeringObservation {
        provider_peering_id: "pcx-foreign".to_owned(),
        ..Default::default()
    };
    suite
        .cloud
        .tell("EnsurePeering", Told::Answer(Box::new(foreign)));
    let created = suite.create().await;
    suite.cloud.requesting.until_reached().await;
    suite.look(&created.id, 2).await;
    suite.cloud.requesting.open();
    let failed = suite.until_state(&created.id, State::Failed).await;
    assert_eq!(failed.reason, "DUPLICATE_PEERING");
}
