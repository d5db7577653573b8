//! Redis holds nothing that may not be lost.

use api::peering::v1::peering::State;
use e2e::{Suite, VENDOR_PROJECT};

use super::{networks, slow_operations};

#[tokio::test]
async fn a_wipe_and_a_stop_during_operations_lose_nothing() {
    let suite = Suite::three_with(slow_operations()).await;
    let (network, theirs) = networks(&suite).await;
    let peering = suite.peer(&network, &theirs, "10.1.0.0/16").await;
    let cloud = suite.cloudsim();
    let adds = cloud.until_called_in(VENDOR_PROJECT, "networks.addPeering", 1);
    adds.await;
    suite.redis().await.flushall();
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    suite.redis().await.stop();
    suite.delete_peering(&peering).await;
    let removes = cloud.until_called_in(VENDOR_PROJECT, "networks.removePeering", 1);
    removes.await;
    suite.redis().await.start_again().await;
    suite.until(&peering, State::Deleted).await;
    assert_eq!(cloud.most_unfinished_on_a_network(), 1);
}
