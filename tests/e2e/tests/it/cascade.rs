//! A network that is deleted together with its peerings.

use api::network::v1::Network;
use api::network::v1::network::State as NetworkState;
use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::{Options, Suite};

const REGION: &str = "eu-west-1";
const END: &str = "DeleteVpcPeeringConnection";

/// A network with an ACTIVE peering and one that waits to be accepted.
async fn peered(suite: &Suite) -> (Network, [Peering; 2]) {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let wished = async |cidr: &str| {
        let vpc = suite.customer.vpc(REGION, cidr).await;
        let peering = suite.peer(&network, &vpc, cidr).await;
        suite.until(&peering, State::PendingAcceptance).await
    };
    let active = suite.accepted(&wished("10.1.0.0/16").await).await;
    let waiting = wished("10.2.0.0/16").await;
    (network, [active, waiting])
}

/// Waits until all of it is gone, here and in the cloud.
async fn ends(suite: &Suite, network: &Network, peerings: &[Peering]) {
    for peering in peerings {
        let gone = suite.until(peering, State::Deleted).await;
        assert!(gone.delete_time.is_some() && gone.purge_time.is_some());
    }
    suite.until_network_gone(&network.id).await;
    assert_eq!(suite.left_in_the_cloud(REGION).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_network_waits_for_the_end_of_its_peerings() {
    let suite = Suite::standalone().await;
    let (network, peerings) = peered(&suite).await;
    // Another network's peering is nobody's business.
    let other = suite.network(REGION, "10.30.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.3.0.0/16").await;
    let spared = suite.peer(&other, &vpc, "10.3.0.0/16").await;
    let refused = suite.try_delete_network(&network.id).await;
    assert_eq!(e2e::reason(&refused.expect_err("in use")), "NETWORK_IN_USE");

    suite.cloudsim().fault_in(REGION, END, FaultKind::Error500);
    let deleting = suite.delete_with_peerings(&network.id).await;
    assert_eq!(deleting.reason, "WAITING_FOR_PEERINGS");
    assert_eq!(deleting.peering_count, 2);
    for peering in &peerings {
        // Why it ends, its history keeps; what is in the way of that, it says meanwhile.
        let waits = |one: &Peering| one.reason == "CLOUD_UNAVAILABLE";
        let waiting = suite.until_shown(peering, "waiting", waits).await;
        assert_eq!(waiting.state(), State::Deleting);
        let events = suite.peering_events(peering).await;
        assert!(events.iter().any(|one| one.reason == "NETWORK_DELETED"));
    }
    let again = suite.delete_with_peerings(&network.id).await;
    assert_eq!(again.provider_vpc_id, network.provider_vpc_id);
    let calls = suite.cloudsim().outcomes("DeleteVpc");
    assert_eq!(calls, Vec::<String>::new(), "peerings go first");
    suite.cloudsim().clear_faults();
    for peering in &peerings {
        suite.until(peering, State::Deleted).await;
    }
    suite.until_network_gone(&network.id).await;

    suite.until(&spared, State::PendingAcceptance).await;
    suite.delete_with_peerings(&other.id).await;
    ends(&suite, &other, &[spared]).await;
}

#[tokio::test]
async fn a_datastore_keeps_a_network_and_its_peerings() {
    let suite = Suite::standalone().await;
    let (network, peerings) = peered(&suite).await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    let refused = suite.try_delete_with_peerings(&network.id).await;
    assert_eq!(e2e::reason(&refused.expect_err("in use")), "NETWORK_IN_USE");
    assert_eq!(suite.get(&peerings[0]).await.state(), State::Active);
    suite.detach_datastore(&network, "db-1").await;
    suite.delete_with_peerings(&network.id).await;
    ends(&suite, &network, &peerings).await;
}

#[tokio::test]
async fn a_deletion_is_found_by_a_peering_service_that_was_dead() {
    let suite = Suite::three().await;
    let (network, peerings) = peered(&suite).await;
    suite.kill("peering").await;
    suite.delete_with_peerings(&network.id).await;
    // The network service has worked on, and waits.
    suite.network(REGION, "10.40.0.0/16").await;
    let waiting = suite
        .until_network(&network.id, NetworkState::Deleting)
        .await;
    assert_eq!(waiting.peering_count, 2);
    suite.start("peering").await;
    for peering in &peerings {
        suite.until(peering, State::Deleted).await;
    }
    suite.until_network_gone(&network.id).await;
}

#[tokio::test]
async fn both_services_die_half_way_and_end_what_they_began() {
    let suite = Suite::three().await;
    let (network, peerings) = peered(&suite).await;
    suite.cloudsim().fault_in(REGION, END, FaultKind::Error500);
    suite.delete_with_peerings(&network.id).await;
    for peering in &peerings {
        suite.until(peering, State::Deleting).await;
    }
    for service in ["peering", "network"] {
        suite.kill(service).await;
    }
    suite.cloudsim().clear_faults();
    for service in ["peering", "network"] {
        suite.start(service).await;
    }
    ends(&suite, &network, &peerings).await;
}

/// The peering service dies once at `point`.
async fn survives(point: &'static str) {
    let options = Options {
        failpoints: vec![("peering", point)],
        ..Options::default()
    };
    let suite = Suite::three_with(options).await;
    let (network, peerings) = peered(&suite).await;
    suite.delete_with_peerings(&network.id).await;
    assert!(suite.restart_when_dead("peering").await, "never at {point}");
    ends(&suite, &network, &peerings).await;
}

#[tokio::test]
async fn the_peering_service_dies_before_it_recorded_the_ends() {
    survives("peering.cascade.before_commit").await;
}

#[tokio::test]
async fn the_peering_service_dies_after_it_recorded_the_ends() {
    survives("peering.cascade.after_commit").await;
}
