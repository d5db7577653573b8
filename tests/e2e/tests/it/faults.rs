//! A cloud that does not answer, or answers nonsense, changes no state; the next good answer heals.

use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::Suite;

const REGION: &str = "eu-west-1";

async fn changes_nothing_and_heals(fault: FaultKind) {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let elsewhere = suite.network("us-east-1", "10.30.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let far_vpc = suite.customer.vpc("us-east-1", "10.2.0.0/16").await;
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;

    suite.cloudsim().fault_in(REGION, "Describe*", fault);
    suite
        .customer
        .accept(REGION, &waiting.provider_peering_id)
        .await;
    // Its own group is blind now; the other region goes on.
    let far = suite
        .peer_in(&elsewhere, "us-east-1", &far_vpc, "10.2.0.0/16")
        .await;
    let far_waiting = suite.until(&far, State::PendingAcceptance).await;
    suite
        .customer
        .accept("us-east-1", &far_waiting.provider_peering_id)
        .await;
    suite.until(&far, State::Active).await;
    let blind = suite.get(&peering).await;
    assert_eq!(
        (blind.state(), &blind.reason),
        (State::PendingAcceptance, &waiting.reason)
    );

    suite.cloudsim().clear_faults();
    suite.until_refreshed(&peering, State::Active).await;
}

#[tokio::test]
async fn throttling_changes_nothing() {
    changes_nothing_and_heals(FaultKind::Throttle).await;
}

#[tokio::test]
async fn server_errors_change_nothing() {
    changes_nothing_and_heals(FaultKind::Error500).await;
}

#[tokio::test]
async fn a_cloud_that_hangs_changes_nothing() {
    changes_nothing_and_heals(FaultKind::Hang).await;
}

#[tokio::test]
async fn a_connection_that_is_cut_changes_nothing() {
    changes_nothing_and_heals(FaultKind::Cut).await;
}

#[tokio::test]
async fn garbage_changes_nothing() {
    changes_nothing_and_heals(FaultKind::Garbage).await;
}

#[tokio::test]
async fn a_page_of_html_changes_nothing() {
    changes_nothing_and_heals(FaultKind::Html200).await;
}

#[tokio::test]
async fn refused_credentials_are_shown_and_change_no_state() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    suite.cloudsim().fault_in(
        REGION,
        "CreateVpcPeeringConnection",
        FaultKind::Unauthorized,
    );
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let shown = suite
        .until_shown(&peering, "why", |seen| seen.reason == "CLOUD_UNAUTHORIZED")
        .await;
    assert_eq!(shown.state(), State::Provisioning);
}
