//! Networks and peerings at GCP from their first part to their end.

use api::provider::v1::peering_observation::State;
use api::provider::v1::route;
use api::provider::v1::{
    EnsureFirewallRequest, EnsureRoutesRequest, GetLimitsRequest, Provider, Removal, Route,
};
use types::{NetworkId, PeeringId};

use crate::gcp_support::*;
use crate::support::cloud_error;

#[tokio::test]
async fn a_network_is_made_part_by_part_and_nothing_twice() {
    let suite = Suite::start().await;
    let mut request = vpc_request(NetworkId::generate(), CIDR);
    let begun = suite.ensure_vpc(request.clone()).await.unwrap();
    assert_eq!((&*begun.next_part, begun.guarded), ("network", false));
    assert!(!begun.operation_token.is_empty());
    // While the operation runs nothing is made, and the token stays.
    request.operation_token = begun.operation_token.clone();
    let running = suite.ensure_vpc(request.clone()).await.unwrap();
    assert_eq!(running, begun);
    assert_eq!(suite.count("networks.insert"), 1);

    suite.settle();
    let made = suite.ensure_vpc(request.clone()).await.unwrap();
    let known = made.vpc.clone().unwrap();
    assert_eq!((&*made.next_part, &*made.operation_token), ("subnet", ""));
    assert_eq!(known.parts, ["network"]);
    let vpc = suite
        .complete_vpc(
            request.r#ref.as_ref().unwrap().network_id.parse().unwrap(),
            CIDR,
        )
        .await;
    assert_eq!(vpc.parts, ["network", "subnet"]);
    assert_eq!((&*vpc.subnets[0].cidr, &*vpc.subnets[0].zone), (CIDR, ""));
    assert_eq!(suite.count("networks.insert"), 1);
    assert_eq!(suite.count("subnetworks.insert"), 1);

    let networks = suite.cloud.gcp_networks(PROJECT);
    assert_eq!(networks[0]["name"], vpc.vpc_id);
    assert_eq!(networks[0]["autoCreateSubnetworks"], false);
    assert_eq!(networks[0]["routingConfig"]["routingMode"], "REGIONAL");
    let description = networks[0]["description"].as_str().unwrap();
    assert!(description.contains("deployment test"), "{description}");
}

#[tokio::test]
async fn a_network_of_that_name_that_is_not_ours_is_left_alone() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let name = suite.network(network, CIDR).await;
    suite.cloud.gcp_state(|state| {
        let path = format!("projects/{PROJECT}/global/networks/{name}");
        state.networks.get_mut(&path).unwrap().description = "by hand".into();
    });
    let error = cloud_error(
        suite
            .ensure_vpc(vpc_request(network, CIDR))
            .await
            .unwrap_err(),
    );
    assert_eq!(error.reason, "CLOUD_REFUSED", "{error}");
    let error = cloud_error(
        suite
            .delete_vpc(delete_vpc_request(network))
            .await
            .unwrap_err(),
    );
    assert_eq!(error.reason, "CLOUD_REFUSED", "{error}");
    assert_eq!(suite.count("*.delete"), 0);
}

#[tokio::test]
async fn a_peering_waits_for_the_customer_becomes_active_and_goes() {
    let suite = Suite::start().await;
    let (network, peering) = (NetworkId::generate(), PeeringId::generate());
    let vendor = suite.network(network, CIDR).await;
    suite.cloud.clear_calls();

    let mut request = peering_request(peering, &vendor, "main");
    let begun = suite.ensure_peering(request.clone()).await.unwrap();
    assert_eq!(begun.observation, None);
    request.operation_token = begun.operation_token.clone();
    assert_eq!(suite.ensure_peering(request.clone()).await.unwrap(), begun);
    suite.settle();
    let made = suite.ensure_peering(request).await.unwrap();
    let seen = made.observation.unwrap();
    assert_eq!(
        (&*made.operation_token, seen.state()),
        ("", State::Inactive)
    );
    assert_eq!((&*seen.deployment, seen.attempt), ("test", 1));
    assert_eq!(seen.peering_id, peering.to_string());
    assert_eq!(seen.message, "Waiting for peer network to connect.");
    assert_eq!(suite.count("networks.addPeering"), 1);
    assert_eq!(suite.count("networks.get"), 1);

    let customer = suite.customer().await;
    customer.network(&suite, "main").await;
    customer.accept(&suite, "main", &vendor).await;
    let shown = suite.seen().await;
    assert_eq!((shown.len(), shown[0].state()), (1, State::Active));
    assert_eq!(shown[0].provider_peering_id, seen.provider_peering_id);
    assert_eq!(shown[0].peer.as_ref().unwrap().account_id, CUSTOMER_PROJECT);

    let mut removal = removal_request(peering, &seen.provider_peering_id, &vendor);
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::InProgress
    );
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::InProgress
    );
    suite.settle();
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::Deleted
    );
    removal.operation_token.clear();
    removal.request_time = Some(api::timestamp(7));
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::Absent
    );
    assert!(suite.seen().await.is_empty());

    let removed = suite.delete_vpc(delete_vpc_request(network)).await;
    assert_eq!(removed.unwrap(), Removal::Deleted);
    assert!(suite.cloud.gcp_networks(PROJECT).is_empty());
    let again = suite.delete_vpc(delete_vpc_request(network)).await;
    assert_eq!(again.unwrap(), Removal::Absent);
}

#[tokio::test]
async fn a_peering_is_removed_though_the_customer_s_network_is_gone() {
    let suite = Suite::start().await;
    let peering = PeeringId::generate();
    let vendor = suite.network(NetworkId::generate(), CIDR).await;
    let customer = suite.customer().await;
    customer.network(&suite, "main").await;
    let seen = suite
        .peering(peering_request(peering, &vendor, "main"))
        .await;
    customer.accept(&suite, "main", &vendor).await;
    customer.vanish(&suite, "main").await;
    assert_eq!(suite.seen().await[0].state(), State::Inactive);
    let mut removal = removal_request(peering, &seen.provider_peering_id, &vendor);
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::InProgress
    );
    suite.settle();
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::Deleted
    );
}

#[tokio::test]
async fn a_deletion_waits_for_the_addition_that_still_runs() {
    let suite = Suite::start().await;
    let peering = PeeringId::generate();
    let vendor = suite.network(NetworkId::generate(), CIDR).await;
    let begun = suite
        .ensure_peering(peering_request(peering, &vendor, "main"))
        .await
        .unwrap();
    let seen = suite.cloud.calls_of("networks.addPeering");
    let name = seen[0].params["networkPeering.name"].clone();
    let mut removal = removal_request(peering, &name, &vendor);
    removal.operation_token = begun.operation_token.clone();
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::InProgress
    );
    assert_eq!(removal.operation_token, begun.operation_token);
    assert_eq!(suite.count("networks.removePeering"), 0);
    suite.settle();
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::InProgress
    );
    suite.settle();
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::Deleted
    );
    assert!(suite.seen().await.is_empty());
}

#[tokio::test]
async fn a_network_with_content_of_others_is_not_removed() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let name = suite.network(network, CIDR).await;
    let path = format!("projects/{PROJECT}/global/networks/{name}");
    suite.cloud.gcp_state(|state| {
        let mut foreign = state.subnetworks.values().next().unwrap().clone();
        foreign.name = "by-hand".into();
        foreign.cidr = "10.99.0.0/24".parse().unwrap();
        foreign.network = path;
        let path = format!("projects/{PROJECT}/regions/{REGION}/subnetworks/by-hand");
        state.subnetworks.insert(path, foreign);
    });
    let error = cloud_error(
        suite
            .delete_vpc(delete_vpc_request(network))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (&*error.reason, error.refused),
        ("NETWORK_NOT_EMPTY", true),
        "{error}"
    );
    assert_eq!(suite.cloud.gcp_networks(PROJECT).len(), 1);
}

/// What the vendor's service account has to be granted in its project, and no more.
const PERMISSIONS: &[&str] = &[
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.firewalls.get",
    "compute.firewalls.update",
    "compute.globalOperations.get",
    "compute.networks.addPeering",
    "compute.networks.create",
    "compute.networks.delete",
    "compute.networks.get",
    "compute.networks.list",
    "compute.networks.removePeering",
    "compute.networks.updatePolicy",
    "compute.projects.get",
    "compute.regionOperations.get",
    "compute.subnetworks.create",
    "compute.subnetworks.delete",
    "compute.subnetworks.get",
];

#[tokio::test]
async fn few_permissions_suffice_for_everything() {
    let suite = Suite::with(PERMISSIONS, "", &[]).await;
    let (network, peering) = (NetworkId::generate(), PeeringId::generate());
    let known = suite.complete_vpc(network, CIDR).await;
    for cidrs in [&["10.1.0.0/24"][..], &["10.2.0.0/24"], &[]] {
        let mut request = EnsureFirewallRequest {
            r#ref: Some(vpc_ref(network)),
            known: Some(known.clone()),
            cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
            ports: vec![443],
            operation_token: String::new(),
        };
        loop {
            let answer = suite.client().ensure_firewall(request.clone()).await;
            let answer = answer.unwrap().into_inner();
            if answer.complete {
                break;
            }
            request.operation_token = answer.operation_token;
            suite.settle();
        }
    }
    let seen = suite
        .peering(peering_request(peering, &known.vpc_id, "main"))
        .await;
    assert_eq!(suite.seen().await.len(), 1);
    let ask = GetLimitsRequest {
        provider: Provider::Gcp.into(),
        without_usage: false,
        ..Default::default()
    };
    let limits = suite.client().get_limits(ask).await.unwrap();
    assert_eq!(limits.into_inner().limits[0].used, 1);
    let mut removal = removal_request(peering, &seen.provider_peering_id, &known.vpc_id);
    suite.delete_peering(&mut removal).await.unwrap();
    suite.settle();
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::Deleted
    );
    let removed = suite.delete_vpc(delete_vpc_request(network)).await;
    assert_eq!(removed.unwrap(), Removal::Deleted);
    let lacking = suite
        .cloud
        .calls()
        .into_iter()
        .find(|call| call.outcome == "forbidden");
    assert!(lacking.is_none(), "{lacking:?}");
}

#[tokio::test]
async fn routes_are_there_without_a_call() {
    let suite = Suite::start().await;
    let request = EnsureRoutesRequest {
        r#ref: Some(vpc_ref(NetworkId::generate())),
        vpc_id: "peerway-x".into(),
        wanted: vec![Route {
            cidr: "10.0.0.0/24".into(),
            provider_peering_id: "p".into(),
            state: route::State::Unspecified.into(),
        }],
    };
    let answer = suite
        .client()
        .ensure_routes(request)
        .await
        .unwrap()
        .into_inner();
    assert!(answer.complete);
    assert_eq!(answer.routes[0].state(), route::State::Active);
    assert_eq!(suite.count("*"), 0);
}
