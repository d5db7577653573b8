//! AWS's places for requests that nobody has accepted yet: shared among all tenants, never exceeded.

use std::collections::BTreeMap;
use std::time::Duration;

use api::network::v1 as network;
use api::peering::v1 as peering;
use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use e2e::{Options, Suite, wish};
use tokio::task::JoinSet;
use tokio::time::sleep;

const REGION: &str = "eu-west-1";
const TENANTS: usize = 8;
const EACH: usize = 5;
/// What AWS grants.
const PLACES: usize = 25;

/// A network for each tenant.
async fn networks(suite: &Suite) -> Vec<network::Network> {
    for tenant in 0..TENANTS {
        let request = network::CreateNetworkRequest {
            tenant_id: format!("tenant-{tenant}"),
            display_name: "production".to_owned(),
            provider: network::Provider::Aws.into(),
            region: REGION.to_owned(),
            cidr: "10.20.0.0/16".to_owned(),
            ..Default::default()
        };
        let made = suite.networks().create_network(request).await;
        made.expect("a network is recorded");
    }
    loop {
        let request = network::ListNetworksRequest {
            tenant_id: "-".to_owned(),
            ..Default::default()
        };
        let listed = suite.networks().list_networks(request).await;
        let networks = listed.expect("a list").into_inner().networks;
        let active = network::network::State::Active;
        if networks.iter().all(|one| one.state() == active) {
            return networks;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// All peerings, whoever's they are.
async fn all(suite: &Suite) -> Vec<Peering> {
    let request = peering::ListPeeringsRequest {
        tenant_id: "-".to_owned(),
        ..Default::default()
    };
    let listed = suite.peerings().list_peerings(request).await;
    listed.expect("a list").into_inner().peerings
}

/// Waits until the peerings of all tenants are as wished; no more than the places are ever taken meanwhile.
async fn until_all(suite: &Suite, wished: impl Fn(&[Peering]) -> bool) -> Vec<Peering> {
    loop {
        let seen = all(suite).await;
        let outstanding = suite.cloudsim().outstanding_requests();
        assert!(outstanding <= PLACES, "{outstanding} are outstanding");
        if wished(&seen) {
            return seen;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

fn in_state(peerings: &[Peering], state: State) -> Vec<&Peering> {
    let all = peerings.iter();
    all.filter(|one| one.state() == state).collect()
}

/// Has the customer accept all that wait for it.
async fn accept_all(suite: &Suite, peerings: &[Peering]) {
    for peering in in_state(peerings, State::PendingAcceptance) {
        let pcx = &peering.provider_peering_id;
        suite.customer.accept(REGION, pcx).await;
    }
}

#[tokio::test]
async fn forty_peerings_of_eight_tenants_share_the_places() {
    let options = Options {
        vpc_limit: Some(TENANTS * EACH),
        ..Options::default()
    };
    let suite = Suite::standalone_with(options).await;
    let mut requests = Vec::new();
    for network in networks(&suite).await {
        for n in 0..EACH {
            let cidr = format!("10.{}.0.0/16", 30 + n);
            let vpc = suite.customer.vpc(REGION, &cidr).await;
            requests.push(wish(&network, REGION, &vpc, &cidr));
        }
    }
    let mut asked = JoinSet::new();
    for request in requests {
        let mut client = suite.peerings();
        asked.spawn(async move { client.create_peering(request).await });
    }
    while let Some(answer) = asked.join_next().await {
        let answer = answer.expect("a task ends");
        answer.expect("a peering is recorded");
    }

    let full = until_all(&suite, |seen| {
        let waiting = in_state(seen, State::Provisioning);
        let told = |one: &&Peering| one.reason == "OUTSTANDING_LIMIT";
        waiting.len() == TENANTS * EACH - PLACES && waiting.iter().all(told)
    })
    .await;
    assert_eq!(in_state(&full, State::PendingAcceptance).len(), PLACES);
    let mut held: BTreeMap<&str, usize> = BTreeMap::new();
    for peering in in_state(&full, State::PendingAcceptance) {
        *held.entry(&peering.tenant_id).or_default() += 1;
    }
    assert_eq!(held.len(), TENANTS, "each has some: {held:?}");

    // Each place that becomes free is taken.
    accept_all(&suite, &full).await;
    let rest = until_all(&suite, |seen| {
        in_state(seen, State::Provisioning).is_empty()
    })
    .await;
    accept_all(&suite, &rest).await;
    until_all(&suite, |seen| {
        in_state(seen, State::Active).len() == TENANTS * EACH
    })
    .await;
    let asked = suite.cloudsim().outcomes("CreateVpcPeeringConnection");
    assert_eq!(asked, vec!["ok"; TENANTS * EACH], "no request was refused");
}
