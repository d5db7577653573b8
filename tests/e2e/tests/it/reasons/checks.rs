//! Reasons that only a diagnosis tells.

use api::network::v1::Network;
use api::peering::v1::Peering;
use api::peering::v1::check::Result as Found;
use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::Suite;

use super::{RANGE, REGION, sides};

/// A peering with its routes.
async fn routed(suite: &Suite) -> (Network, Peering) {
    let (network, vpc) = sides(suite).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    (network, suite.until_met(&waiting, "ROUTES_READY").await)
}

/// A check's verdict, its reason, and words that its advice has.
async fn finds(suite: &Suite, peering: &Peering, code: &str, found: (Found, &str), words: &[&str]) {
    let check = suite.check(peering, code).await;
    assert_eq!((check.result(), check.reason.as_str()), found, "{check:#?}");
    for word in words {
        assert!(check.advice.contains(word), "{code}: {}", check.advice);
    }
}

#[tokio::test]
async fn what_only_the_customer_can_see_comes_with_the_command_that_shows_it() {
    let suite = Suite::standalone().await;
    let (network, peering) = routed(&suite).await;
    let unknown = |reason| (Found::Unknown, reason);
    let tables = &["describe-route-tables", REGION];
    finds(
        &suite,
        &peering,
        "CUSTOMER_ROUTES",
        unknown("ROUTE_MISSING_PEER"),
        tables,
    )
    .await;
    let missing = "SECURITY_RULE_MISSING";
    finds(
        &suite,
        &peering,
        "CUSTOMER_FIREWALL",
        unknown(missing),
        &["describe-security-group"],
    )
    .await;
    finds(
        &suite,
        &peering,
        "CUSTOMER_NETWORK_ACL",
        unknown(missing),
        &["describe-network-acls"],
    )
    .await;
    let pass = (Found::Pass, "");
    finds(&suite, &peering, "CLOUD_STATE", pass, &[]).await;
    finds(&suite, &peering, "VENDOR_ROUTES", pass, &[]).await;
    finds(&suite, &peering, "DNS_OPTION", pass, &["resolve_dns"]).await;
    let no_datastore = (Found::Fail, "NO_DATASTORE");
    finds(
        &suite,
        &peering,
        "DATASTORE_PORTS",
        no_datastore,
        &["Create a datastore"],
    )
    .await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    finds(&suite, &peering, "DATASTORE_PORTS", pass, &[]).await;
}

#[tokio::test]
async fn a_route_without_its_target_is_a_blackhole() {
    let suite = Suite::standalone().await;
    let (_, peering) = routed(&suite).await;
    suite
        .cloudsim()
        .force(&peering.provider_peering_id, "provisioning");
    let dead = (Found::Fail, "ROUTE_BLACKHOLE");
    let advice = ["puts the vendor's routes back"];
    finds(&suite, &peering, "VENDOR_ROUTES", dead, &advice).await;
    let state = suite.check(&peering, "CLOUD_STATE").await;
    assert_eq!(state.result(), Found::Fail);
    assert!(state.evidence.contains("provisioning"), "{state:?}");
}

#[tokio::test]
async fn a_cloud_that_does_not_answer_leaves_the_checks_open_and_the_state_alone() {
    let suite = Suite::standalone().await;
    let (_, peering) = routed(&suite).await;
    suite
        .cloudsim()
        .fault_in(REGION, "Describe*", FaultKind::Unavailable503);
    let away = (Found::Unknown, "CLOUD_UNAVAILABLE");
    for code in ["CLOUD_STATE", "VENDOR_ROUTES"] {
        finds(&suite, &peering, code, away, &["again in a while"]).await;
    }
    suite.refresh(&peering).await;
    let shown = suite.get(&peering).await;
    assert_eq!((shown.state(), shown.reason.as_str()), (State::Active, ""));
    assert!(shown.observe_time.is_some(), "it says how old it is");
    suite.cloudsim().clear_faults();
    finds(&suite, &peering, "CLOUD_STATE", (Found::Pass, ""), &[]).await;
}
