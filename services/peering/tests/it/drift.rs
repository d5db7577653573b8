//! The vendor's route tables as they are and as they should be: what others change there is put right and told of, and
//! a fight is not fought.

use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind};
use api::peering::v1::peering::State;
use api::peering::v1::*;

use crate::suite::{Kind, PATIENCE, Suite, is_routed, on_both_databases};
use crate::told::Told;

on_both_databases!(
    a_route_that_somebody_removed_is_put_back_and_history_tells,
    a_route_without_its_target_is_a_fault_too,
    the_fourth_time_within_an_hour_is_a_fight,
    a_listing_that_fails_says_nothing,
);

const RANGE: &str = "100.64.0.0/16";

/// Route tables are looked at each time, and show what was written at once.
fn watchful(config: &mut ::peering::Config) {
    config.queue.wiring_interval = Duration::from_millis(1);
    config.queue.absence_grace = Duration::ZERO;
}

fn routes_ready(peering: &Peering) -> (condition::Status, String) {
    let mut all = peering.conditions.iter();
    let ready = all.find(|one| one.r#type == "ROUTES_READY").unwrap();
    (ready.status(), ready.reason.clone())
}

fn leads_there(suite: &Suite, peering: &Peering) -> bool {
    let routes = suite.cloud.routes(&suite.network.vpc(&peering.network_id));
    routes.iter().any(|(range, _)| range == RANGE)
}

/// Somebody removes the route; returns once it is back and known to be.
async fn cut_and_repaired(suite: &Suite, peering: &Peering) {
    let vpc = suite.network.vpc(&peering.network_id);
    suite.cloud.cut_route(&vpc, RANGE);
    let back = |now: &Peering| leads_there(suite, peering) && is_routed(now);
    suite.until(&peering.id, "repaired", back).await;
}

async fn a_route_that_somebody_removed_is_put_back_and_history_tells(kind: Kind) {
    let suite = Suite::start_with(kind, watchful).await;
    let active = suite.active().await;
    cut_and_repaired(&suite, &active).await;
    let told = async {
        loop {
            let events = suite.events(&active.id, State::Active).await;
            let repairs = events.iter().filter(|event| {
                event.reason == "ROUTE_MISSING_VENDOR" || event.message.contains(RANGE)
            });
            if repairs.count() > 0 {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told)
        .await
        .expect("the history tells of it");
    assert_eq!(suite.get(&active.id).await.unwrap().state(), State::Active);
}

async fn a_route_without_its_target_is_a_fault_too(kind: Kind) {
    let suite = Suite::start_with(kind, watchful).await;
    let active = suite.active().await;
    suite.cloud.blackhole(RANGE);
    let known = |now: &Peering| !is_routed(now);
    let found = suite.until(&active.id, "found out", known).await;
    let (status, reason) = routes_ready(&found);
    assert_eq!(status, condition::Status::False);
    assert!(["ROUTE_MISSING_VENDOR", "DRIFT_FIGHT"].contains(&reason.as_str()));
}

async fn the_fourth_time_within_an_hour_is_a_fight(kind: Kind) {
    let suite = Suite::start_with(kind, watchful).await;
    let active = suite.active().await;
    for _ in 0..3 {
        cut_and_repaired(&suite, &active).await;
    }
    let vpc = suite.network.vpc(&active.network_id);
    suite.cloud.cut_route(&vpc, RANGE);
    let fights = |now: &Peering| routes_ready(now).1 == "DRIFT_FIGHT";
    let fought = suite.until(&active.id, "fought over", fights).await;
    let action = fought.next_action.unwrap();
    assert_eq!(
        (action.actor(), action.code.as_str()),
        (next_action::Actor::Vendor, "STOP_DRIFT")
    );
    suite.look(&active.id, 5).await;
    assert!(!leads_there(&suite, &active), "it is left alone");
}

async fn a_listing_that_fails_says_nothing(kind: Kind) {
    let suite = Suite::start_with(kind, watchful).await;
    let active = suite.active().await;
    let error = CloudError::unknown_outcome(
        CloudErrorKind::Unavailable,
        "CLOUD_UNAVAILABLE",
        "it does not answer",
    );
    for _ in 0..20 {
        suite
            .cloud
            .tell("ObserveRoutes", Told::Refuse(error.clone()));
    }
    let after = suite.look(&active.id, 3).await;
    assert!(is_routed(&after) && after.state() == State::Active);
    cut_and_repaired(&suite, &active).await;
}
