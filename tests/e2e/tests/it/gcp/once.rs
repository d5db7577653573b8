//! One wish makes one object in the cloud, whatever happens to the answer.

use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::{CUSTOMER_PROJECT, FAR_PROJECT, Options, Suite, VENDOR_PROJECT};

use super::{FAR, REGION};

const ADD: &str = "networks.addPeering";

#[tokio::test]
async fn lost_answers_and_requests_that_never_arrived_make_one_of_each() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let cloud = suite.cloudsim();
    for method in ["networks.insert", "subnetworks.insert", ADD] {
        cloud.fault_in_project(VENDOR_PROJECT, method, FaultKind::LostAnswer, 1);
        cloud.fault_in_project(FAR_PROJECT, method, FaultKind::Garbage, 1);
    }
    let one_of_each = async |region: &str, project: &str, range: &str, peer: &str| {
        let network = suite.network(region, range).await;
        let peering = suite.peer(&network, peer, "10.1.0.0/16").await;
        suite.until(&peering, State::PendingAcceptance).await;
        assert_eq!(cloud.networks(project).len(), 1);
        assert_eq!(cloud.halves(project).len(), 1);
    };
    tokio::join!(
        one_of_each(REGION, VENDOR_PROJECT, "10.20.0.0/16", "app"),
        one_of_each(FAR, FAR_PROJECT, "10.30.0.0/16", "far")
    );
    let left = suite.left_in_the_projects().await;
    let subnets = left.iter().filter(|one| one.starts_with("subnetworks/"));
    assert_eq!(subnets.count(), 2, "{left:?}");
    assert_eq!(cloud.most_unfinished_on_a_network(), 1);
}

#[tokio::test]
async fn a_half_of_somebody_else_is_not_adopted() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let peer = (CUSTOMER_PROJECT, "app");
    let made = suite
        .google()
        .half(VENDOR_PROJECT, &network.provider_vpc_id, "by-hand", peer)
        .await;
    made.expect("somebody of the vendor's makes a half by hand");

    let peering = suite.peer(&network, "app", "10.1.0.0/16").await;
    let failed = suite.until(&peering, State::Failed).await;
    assert_eq!(failed.reason, "DUPLICATE_PEERING");
    assert!(failed.message.contains("by-hand"), "{}", failed.message);
    assert_eq!(failed.provider_peering_id, "");

    suite.delete_peering(&peering).await;
    suite.until(&peering, State::Deleted).await;
    let halves = suite.cloudsim().halves(VENDOR_PROJECT);
    assert_eq!(halves.len(), 1);
    assert_eq!(halves[0]["name"], "by-hand");
}
