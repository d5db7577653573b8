//! Deleting works from every state and leaves nothing of ours in the cloud.

use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use e2e::{Options, Suite, VENDOR_PROJECT};

use super::{REGION, slow_operations, waiting};

/// Deletes peerings twice, then their network, and sees the vendor's projects empty.
async fn leaves_nothing(suite: &Suite, peerings: &[Peering]) {
    for peering in peerings {
        suite.delete_peering(peering).await;
        let second = suite.delete_peering(peering).await;
        assert!(matches!(second.state(), State::Deleting | State::Deleted));
    }
    for peering in peerings {
        let deleted = suite.until(peering, State::Deleted).await;
        assert!(deleted.delete_time.is_some() && deleted.purge_time.is_some());
    }
    let network = &peerings[0].network_id;
    suite.delete_network(network).await;
    suite.until_network_gone(network).await;
    assert_eq!(suite.left_in_the_projects().await, Vec::<String>::new());
    assert_eq!(suite.cloudsim().most_unfinished_on_a_network(), 1);
}

#[tokio::test]
async fn peerings_are_deleted_from_every_state_and_without_the_other_network() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, pending) = waiting(&suite).await;
    let connect = async |name: &str, cidr: &str| {
        let theirs = suite.google().network(name, cidr).await;
        let peering = suite.peer(&network, &theirs, cidr).await;
        let waiting = suite.until(&peering, State::PendingAcceptance).await;
        suite.accepted(&waiting).await
    };
    let active = connect("active", "10.2.0.0/16").await;
    let left = connect("left", "10.3.0.0/16").await;
    // Its network goes as well, so that our half leads nowhere.
    suite.google().unpeer("left").await;
    suite.google().delete_network("left").await;
    let left = suite.until_refreshed(&left, State::Disconnected).await;
    assert_eq!(left.reason, "DELETED_BY_PEER");
    let recorded = suite.peer(&network, "recorded", "10.4.0.0/16").await;
    let refused = suite.try_delete_network(&network.id).await;
    let refused = refused.expect_err("it is in use");
    assert_eq!(e2e::reason(&refused), "NETWORK_IN_USE");
    leaves_nothing(&suite, &[pending, active, left, recorded]).await;
}

#[tokio::test]
async fn what_is_being_made_is_deleted() {
    let suite = Suite::standalone_with(slow_operations()).await;
    let cloud = suite.cloudsim();
    let unfinished = suite.create_network(REGION, "10.30.0.0/16").await;
    cloud
        .until_called_in(VENDOR_PROJECT, "networks.insert", 1)
        .await;
    suite.delete_network(&unfinished.id).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let first = suite.peer(&network, "first", "10.1.0.0/16").await;
    let second = suite.peer(&network, "second", "10.2.0.0/16").await;
    cloud
        .until_called_in(VENDOR_PROJECT, "networks.addPeering", 1)
        .await;
    suite.until_network_gone(&unfinished.id).await;
    leaves_nothing(&suite, &[first, second]).await;
}
