//! Each way in which a peering ends without us, and that its reason outlives what the cloud forgets.

use std::time::Duration;

use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use e2e::Suite;

const REGION: &str = "eu-west-1";
const HOUR: Duration = Duration::from_secs(3_600);

/// A suite with one peering that waits for the customer.
async fn waiting() -> (Suite, Peering) {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    (suite, waiting)
}

/// Moves the cloud's clock until it shows the peering no more, and sees that nothing is overwritten.
async fn outlives_the_cloud_s_memory(suite: &Suite, ended: &Peering) {
    suite.cloudsim().advance(72 * HOUR);
    // What has ended is in no lane; another peering has the group listed, without it.
    let network = suite.network(REGION, "10.40.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.41.0.0/16").await;
    let other = suite.peer(&network, &vpc, "10.41.0.0/16").await;
    suite.until(&other, State::PendingAcceptance).await;
    suite.refreshed(&other.id).await;
    let later = suite.refreshed(&ended.id).await;
    assert_eq!(
        (later.state, &later.reason, &later.raw_state),
        (ended.state, &ended.reason, &ended.raw_state)
    );
}

#[tokio::test]
async fn a_rejected_peering_says_so() {
    let (suite, peering) = waiting().await;
    suite
        .customer
        .reject(REGION, &peering.provider_peering_id)
        .await;
    let ended = suite.until(&peering.id, State::Rejected).await;
    assert_eq!(
        (ended.reason.as_str(), ended.raw_state.as_str()),
        ("REJECTED_BY_PEER", "rejected")
    );
    outlives_the_cloud_s_memory(&suite, &ended).await;
}

#[tokio::test]
async fn a_peering_that_nobody_accepts_expires_after_168_hours() {
    let (suite, peering) = waiting().await;
    assert!(peering.expire_time.is_some());
    suite
        .cloudsim()
        .advance(168 * HOUR + Duration::from_secs(1));
    let ended = suite.until(&peering.id, State::Expired).await;
    assert_eq!(
        (ended.reason.as_str(), ended.raw_state.as_str()),
        ("REQUEST_EXPIRED", "expired")
    );
    outlives_the_cloud_s_memory(&suite, &ended).await;
}

#[tokio::test]
async fn an_overlap_that_only_the_cloud_sees_fails_the_peering() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    // The customer names another range than the VPC has.
    let vpc = suite.customer.vpc(REGION, "10.20.0.0/16").await;
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let ended = suite.until(&peering, State::Failed).await;
    assert_eq!(
        (ended.reason.as_str(), ended.raw_state.as_str()),
        ("PEER_IDENTITY_INVALID", "failed")
    );
    outlives_the_cloud_s_memory(&suite, &ended).await;
}

#[tokio::test]
async fn a_vpc_that_does_not_exist_fails_the_peering() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let peering = suite
        .peer(&network, "vpc-0123456789abcdef0", "10.1.0.0/16")
        .await;
    let ended = suite.until(&peering, State::Failed).await;
    assert_eq!(ended.reason, "PEER_IDENTITY_INVALID");
}

#[tokio::test]
async fn a_peering_that_the_customer_deletes_is_disconnected() {
    let (suite, peering) = waiting().await;
    suite.accepted(&peering).await;
    suite
        .customer
        .delete(REGION, &peering.provider_peering_id)
        .await;
    let ended = suite
        .until_refreshed(&peering.id, State::Disconnected)
        .await;
    assert_eq!(
        (ended.reason.as_str(), ended.raw_state.as_str()),
        ("DELETED_BY_PEER", "deleted")
    );
    outlives_the_cloud_s_memory(&suite, &ended).await;
}

#[tokio::test]
async fn a_peering_that_vanishes_is_missed_only_when_two_looks_agree() {
    let (suite, peering) = waiting().await;
    suite.accepted(&peering).await;
    suite.cloudsim().vanish(&peering.provider_peering_id);
    let first = suite.refreshed(&peering.id).await;
    assert_eq!(
        first.state(),
        State::Active,
        "one look without it proves nothing"
    );
    let ended = suite
        .until_refreshed(&peering.id, State::Disconnected)
        .await;
    assert_eq!(ended.reason, "LOST_OUT_OF_BAND");
}

#[tokio::test]
async fn a_raw_state_never_seen_before_changes_nothing() {
    let (suite, peering) = waiting().await;
    suite
        .cloudsim()
        .force(&peering.provider_peering_id, "pondering");
    let during = suite.refreshed(&peering.id).await;
    assert_eq!(
        (during.state, &during.reason),
        (peering.state, &peering.reason)
    );
    suite
        .cloudsim()
        .force(&peering.provider_peering_id, "active");
    suite.until(&peering.id, State::Active).await;
}
