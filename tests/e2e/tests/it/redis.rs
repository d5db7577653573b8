//! Redis holds nothing that may not be lost.

use api::peering::v1::peering::State;
use e2e::Suite;

const REGION: &str = "eu-west-1";

#[tokio::test]
async fn a_wipe_in_mid_life_loses_nothing() {
    let suite = Suite::three().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    suite.redis().await.flushall();
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    suite.redis().await.flushall();
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.redis().await.flushall();
    suite.accepted(&waiting).await;
    suite.redis().await.flushall();
    suite.delete_peering(&peering.id).await;
    suite.until(&peering, State::Deleted).await;
}

#[tokio::test]
async fn a_redis_that_stops_and_comes_back_loses_nothing() {
    let suite = Suite::three().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    suite.redis().await.stop();
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    suite.redis().await.start_again().await;
    suite.delete_peering(&peering.id).await;
    suite.until(&peering, State::Deleted).await;
}
