//! Redis Cluster.

use std::time::Duration;

use super::outage::{quick_queue, reaches};
use super::{Fixture, claim_when_due, end, lanes, operators, other_queues, turns};
use crate::Lane::Work;

#[tokio::test]
async fn what_holds_on_every_backend_holds_on_a_cluster() {
    let cluster = testkit::RedisCluster::start().await;
    lanes::on_cluster(&cluster).await;
    turns::on_cluster(&cluster).await;
    operators::on_cluster(&cluster).await;
    other_queues::on_cluster(&cluster).await;
}

#[tokio::test]
async fn while_the_node_of_a_clusters_slot_is_gone_the_table_serves_and_afterwards_the_cluster_again()
 {
    let mut cluster = testkit::RedisCluster::start().await;
    let fixture = Fixture::cluster(&cluster).await;
    let queue = quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let mut slot = redis::cmd("CLUSTER");
    slot.arg("KEYSLOT").arg(fixture.tag());
    let slot = fixture.ask_redis::<u16>(&slot).await;
    let held = claim_when_due(&queue, Work).await;
    end(&queue, &held, Duration::ZERO).await;
    assert_eq!(queue.backend(), "redis");

    cluster.owner(slot).stop();
    reaches(&queue, "table").await;
    let held = claim_when_due(&queue, Work).await;
    assert_eq!(held.group, group);
    end(&queue, &held, Duration::ZERO).await;

    cluster.owner(slot).start_again().await;
    reaches(&queue, "redis").await;
    // The node has come back empty, and is filled by the first claim.
    assert_eq!(claim_when_due(&queue, Work).await.group, group);
}
