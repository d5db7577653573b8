//! The watches of both services through a life, while the services die: each change once and in order.

use api::network::v1::Network;
use api::network::v1::network::State as NetworkState;
use api::peering::v1::peering::State;
use api::peering::v1::{ListPeeringEventsRequest, Peering};
use e2e::{Suite, TENANT, Told};

const REGION: &str = "eu-west-1";

fn sequences<R>(told: &[Told<R>]) -> Vec<i64> {
    told.iter().map(|change| change.sequence).collect()
}

#[tokio::test]
async fn each_change_is_told_once_and_in_order_though_the_services_die() {
    let suite = Suite::three().await;
    let (mut networks, mut peerings) = (suite.watch_networks(), suite.watch_peerings());
    assert_eq!(networks.snapshot().await, []);
    assert_eq!(peerings.snapshot().await, []);

    let network = suite.network(REGION, "10.20.0.0/16").await;
    let is_active = |seen: &Network| seen.state() == NetworkState::Active;
    let mut of_network = networks.until("ACTIVE", is_active).await;
    suite.kill("network").await;
    suite.start("network").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let peering = suite
        .peer_whatever_happens(&network, &vpc, "10.1.0.0/16")
        .await;
    let is_pending = |seen: &Peering| seen.state() == State::PendingAcceptance;
    let mut of_peering = peerings.until("PENDING_ACCEPTANCE", is_pending).await;
    // It is accepted while nobody is there to watch.
    suite.kill("peering").await;
    let waiting = of_peering.last().expect("just told").resource.clone();
    let pcx = &waiting.provider_peering_id;
    suite.customer.accept(REGION, pcx).await;
    suite.start("peering").await;
    let is_active = |seen: &Peering| seen.state() == State::Active;
    of_peering.extend(peerings.until("ACTIVE", is_active).await);

    suite.delete_with_peerings(&network.id).await;
    let is_deleting = |seen: &Network| seen.state() == NetworkState::Deleting;
    of_network.extend(networks.until("DELETING", is_deleting).await);
    for service in ["peering", "network"] {
        suite.kill(service).await;
        suite.start(service).await;
    }
    let is_gone = |seen: &Peering| seen.state() == State::Deleted;
    of_peering.extend(peerings.until("DELETED", is_gone).await);
    let is_gone = |seen: &Network| seen.state() == NetworkState::Deleted;
    of_network.extend(networks.until("DELETED", is_gone).await);

    let events = suite.network_events(&network.id).await;
    let recorded = events.iter().map(|event| event.sequence);
    assert_eq!(sequences(&of_network), Vec::from_iter(recorded));
    let request = ListPeeringEventsRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: peering.id.clone(),
        page_size: 1_000,
        ..Default::default()
    };
    let events = suite.peerings().list_peering_events(request).await;
    let events = events.expect("a history").into_inner().events;
    let recorded = events.iter().map(|event| event.sequence);
    assert_eq!(sequences(&of_peering), Vec::from_iter(recorded));
    for told in [sequences(&of_network), sequences(&of_peering)] {
        assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
    }

    let mut states: Vec<_> = of_network
        .iter()
        .map(|told| told.resource.state())
        .collect();
    states.dedup();
    use NetworkState::{Active, Deleted, Deleting, Pending};
    assert_eq!(states, [Pending, Active, Deleting, Deleted]);
    let count = |told: &Told<Network>| told.resource.peering_count;
    let most = of_network.iter().map(count).max();
    assert_eq!(most, Some(1), "the attachment is told");
    // Whoever comes now is shown what stands: nothing.
    assert_eq!(suite.watch_networks().snapshot().await, []);
    assert_eq!(suite.watch_peerings().snapshot().await, []);
}
