//! Programs that end at the worst moment: what was promised is kept, and one wish still makes one object.

use api::peering::v1::peering::State;
use e2e::{Options, Suite, VENDOR_PROJECT};

use super::{REGION, networks, slow_operations};

const SERVICES: [&str; 3] = ["peering", "network", "provider-adapter"];

/// Runs a whole life while the network and the peering service die once at these points, are started again, and go on.
async fn survives(network_point: &'static str, peering_point: &'static str) {
    let options = Options {
        failpoints: vec![("network", network_point), ("peering", peering_point)],
        ..Options::gcp()
    };
    let suite = Suite::three_with(options).await;
    let again = async {
        tokio::join!(
            suite.restart_when_dead("network"),
            suite.restart_when_dead("peering")
        )
    };
    let life = async {
        let (network, theirs) = tokio::join!(
            suite.network_whatever_happens(REGION, "10.20.0.0/16"),
            suite.google().network("app", "10.1.0.0/16")
        );
        let peering = suite
            .peer_whatever_happens(&network, &theirs, "10.1.0.0/16")
            .await;
        let waiting = suite.until(&peering, State::PendingAcceptance).await;
        suite.accepted(&waiting).await;
        assert_eq!(suite.cloudsim().networks(VENDOR_PROJECT).len(), 1);
        assert_eq!(suite.cloudsim().halves(VENDOR_PROJECT).len(), 1);
        suite.delete_whatever_happens(&peering).await;
        suite.until(&peering, State::Deleted).await;
        suite.delete_network_whatever_happens(&network.id).await;
        suite.until_network_gone(&network.id).await;
        assert_eq!(suite.left_in_the_projects().await, Vec::<String>::new());
        assert_eq!(suite.cloudsim().most_unfinished_on_a_network(), 1);
    };
    let (died, ()) = tokio::join!(again, life);
    assert_eq!(died, (true, true), "each came to its point");
}

#[tokio::test]
async fn services_die_after_they_recorded_a_request() {
    survives(
        "network.step.after_requested",
        "peering.step.after_requested",
    )
    .await;
}

#[tokio::test]
async fn services_die_after_the_cloud_answered() {
    survives("network.step.after_call", "peering.step.after_call").await;
}

#[tokio::test]
async fn every_program_is_killed_during_an_operation_and_nothing_is_lost() {
    let suite = Suite::three_with(slow_operations()).await;
    let (network, theirs) = networks(&suite).await;
    let first = suite
        .peer_whatever_happens(&network, &theirs, "10.1.0.0/16")
        .await;
    let cloud = suite.cloudsim();
    cloud
        .until_called_in(VENDOR_PROJECT, "networks.addPeering", 1)
        .await;
    for service in SERVICES {
        suite.kill(service).await;
    }
    for service in SERVICES {
        suite.start(service).await;
    }
    let second = suite.peer(&network, "next", "10.2.0.0/16").await;
    for peering in [&first, &second] {
        suite.until(peering, State::PendingAcceptance).await;
    }
    assert_eq!(cloud.halves(VENDOR_PROJECT).len(), 2);
    assert_eq!(cloud.most_unfinished_on_a_network(), 1);
    let waiting = suite.get(&first).await;
    suite.accepted(&waiting).await;
}
