//! A network that is deleted together with its peerings.

use api::peering::v1::peering::State;
use e2e::{Options, Suite, VENDOR_PROJECT};

use super::waiting;

#[tokio::test]
async fn a_network_waits_for_the_end_of_its_peerings() {
    let suite = Suite::three_with(Options::gcp()).await;
    let (network, first) = waiting(&suite).await;
    let active = suite.accepted(&first).await;
    let pending = suite.peer(&network, "nobody", "10.2.0.0/16").await;
    let pending = suite.until(&pending, State::PendingAcceptance).await;
    suite.kill("peering").await;
    let deleting = suite.delete_with_peerings(&network.id).await;
    assert_eq!(deleting.reason, "WAITING_FOR_PEERINGS");
    assert_eq!(deleting.peering_count, 2);
    assert_eq!(suite.cloudsim().halves(VENDOR_PROJECT).len(), 2);
    suite.start("peering").await;
    for peering in [&active, &pending] {
        suite.until(peering, State::Deleted).await;
    }
    suite.until_network_gone(&network.id).await;
    assert_eq!(suite.left_in_the_projects().await, Vec::<String>::new());
    assert_eq!(suite.cloudsim().most_unfinished_on_a_network(), 1);
}
