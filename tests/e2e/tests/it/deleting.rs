//! Deleting works from every state and leaves nothing of ours in the cloud.

use std::time::Duration;

use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::Suite;

const REGION: &str = "eu-west-1";

/// Deletes a peering twice, then its network, and sees the vendor's account empty.
async fn leaves_nothing(suite: &Suite, peering: &Peering) {
    let first = suite.delete_peering(&peering.id).await;
    let second = suite.delete_peering(&peering.id).await;
    for answer in [first, second] {
        assert!(
            matches!(answer.state(), State::Deleting | State::Deleted),
            "{:?}",
            answer.state()
        );
    }
    let deleted = suite.until(&peering.id, State::Deleted).await;
    assert!(deleted.delete_time.is_some() && deleted.purge_time.is_some());
    let again = suite.delete_peering(&peering.id).await;
    assert_eq!(again.state(), State::Deleted);

    suite.delete_network(&peering.network_id).await;
    suite.delete_network(&peering.network_id).await;
    suite.until_network_gone(&peering.network_id).await;
    assert_eq!(suite.left_in_the_cloud(REGION).await, Vec::<String>::new());
}

/// A peering of a new suite, just recorded, and the VPC it leads to.
async fn recorded(suite: &Suite, range_of_vpc: &str) -> Peering {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, range_of_vpc).await;
    suite.peer(&network, &vpc, "10.1.0.0/16").await
}

#[tokio::test]
async fn a_peering_is_deleted_while_its_create_is_under_way() {
    let suite = Suite::standalone().await;
    // The answer is held back until the adapter gives up, while the object exists.
    suite
        .cloudsim()
        .fault_once("CreateVpcPeeringConnection", FaultKind::HangAfter);
    let peering = recorded(&suite, "10.1.0.0/16").await;
    suite
        .cloudsim()
        .until_called("CreateVpcPeeringConnection")
        .await;
    leaves_nothing(&suite, &peering).await;
}

#[tokio::test]
async fn a_peering_is_deleted_right_after_it_was_recorded() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.1.0.0/16").await;
    leaves_nothing(&suite, &peering).await;
}

#[tokio::test]
async fn a_waiting_peering_is_deleted() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    leaves_nothing(&suite, &waiting).await;
}

#[tokio::test]
async fn an_active_peering_is_deleted_with_its_routes() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    let active = suite.accepted(&waiting).await;
    leaves_nothing(&suite, &active).await;
}

#[tokio::test]
async fn a_rejected_peering_is_deleted() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite
        .customer
        .reject(REGION, &waiting.provider_peering_id)
        .await;
    let rejected = suite.until(&peering, State::Rejected).await;
    leaves_nothing(&suite, &rejected).await;
}

#[tokio::test]
async fn an_expired_peering_is_deleted() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.1.0.0/16").await;
    suite.until(&peering, State::PendingAcceptance).await;
    suite.cloudsim().advance(Duration::from_secs(169 * 3_600));
    let expired = suite.until(&peering, State::Expired).await;
    leaves_nothing(&suite, &expired).await;
}

#[tokio::test]
async fn a_failed_peering_is_deleted() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.20.0.0/16").await;
    let failed = suite.until(&peering, State::Failed).await;
    leaves_nothing(&suite, &failed).await;
}

#[tokio::test]
async fn a_disconnected_peering_is_deleted() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    suite
        .customer
        .delete(REGION, &waiting.provider_peering_id)
        .await;
    let gone = suite.until_refreshed(&peering, State::Disconnected).await;
    leaves_nothing(&suite, &gone).await;
}

#[tokio::test]
async fn a_network_is_deleted_while_its_vpc_is_being_made() {
    let suite = Suite::standalone().await;
    suite
        .cloudsim()
        .fault_once("CreateVpc", FaultKind::HangAfter);
    let network = suite.create_network(REGION, "10.20.0.0/16").await;
    suite.cloudsim().until_called("CreateVpc").await;
    suite.delete_network(&network.id).await;
    suite.until_network_gone(&network.id).await;
    assert_eq!(suite.left_in_the_cloud(REGION).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_network_with_a_peering_is_not_deleted() {
    let suite = Suite::standalone().await;
    let peering = recorded(&suite, "10.1.0.0/16").await;
    let refused = suite
        .try_delete_network(&peering.network_id)
        .await
        .expect_err("it is in use");
    assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
    assert_eq!(e2e::reason(&refused), "NETWORK_IN_USE");
}
