//! The look at the routes of an account: in the fewest calls, only our own, and whole or not at all.

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::observe_routes_response::Observation;
use api::provider::v1::route::State;
use api::provider::v1::{EnsureRoutesRequest, ObserveRoutesRequest, Route};
use cloudsim::{Fault, FaultKind};
use tonic::{Code, Status};
use types::{NetworkId, PeeringId};

use crate::gcp_support;
use crate::network::{Network, calls};
use crate::parrot::Parrot;
use crate::support::*;

const TABLES: &str = "DescribeRouteTables";
const PEER: &str = "10.30.0.0/16";

fn listing() -> ObserveRoutesRequest {
    ObserveRoutesRequest {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        ..ObserveRoutesRequest::default()
    }
}

fn with_untagged() -> ObserveRoutesRequest {
    ObserveRoutesRequest {
        with_untagged: true,
        ..listing()
    }
}

/// All pages of a listing if it is complete; else its error.
async fn look(client: &Client, ask: ObserveRoutesRequest) -> Result<Vec<Observation>, CloudError> {
    let refused = |status: Status| CloudError::from_status(&status);
    let answer = client.clone().observe_routes(ask).await;
    let mut stream = answer.map_err(refused)?.into_inner();
    let (mut seen, mut complete) = (Vec::new(), false);
    while let Some(page) = stream.message().await.map_err(refused)? {
        assert!(!complete, "a page follows the complete one");
        seen.extend(page.observations);
        complete = page.complete;
    }
    assert!(
        complete,
        "the listing ends without error and is not complete"
    );
    Ok(seen)
}

/// A network with one active peering, whose route stands.
async fn routed(settings: &[(&str, &str)]) -> (Network, String) {
    let network = Network::with(settings).await;
    let id = peer(&network, PEER).await;
    route(&network, &[(PEER, &id)]).await;
    network.suite.cloud.clear_calls();
    (network, id)
}

async fn peer(network: &Network, cidr: &str) -> String {
    let peer_vpc = network.suite.customer_vpc(cidr).await;
    let vpc = &network.vpc.vpc_id;
    let request = peering_request(PeeringId::generate(), 1, vpc, &peer_vpc);
    let seen = network.suite.ensure_peering(request).await.unwrap();
    let customer = network.suite.customer();
    let call = customer
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(&seen.provider_peering_id);
    call.send().await.unwrap();
    seen.provider_peering_id
}

async fn route(network: &Network, wanted: &[(&str, &String)]) {
    let wanted = wanted.iter().map(|(cidr, id)| Route {
        cidr: (*cidr).into(),
        provider_peering_id: (*id).clone(),
        state: 0,
    });
    let request = EnsureRoutesRequest {
        r#ref: Some(vpc_ref(network.id)),
        vpc_id: network.vpc.vpc_id.clone(),
        wanted: wanted.collect(),
    };
    let answer = network.suite.client().ensure_routes(request).await.unwrap();
    assert!(answer.into_inner().complete);
}

async fn add_table(network: &Network) -> String {
    let vendor = network.suite.vendor();
    let call = vendor.create_route_table().vpc_id(&network.vpc.vpc_id);
    let made = call.send().await.unwrap();
    made.route_table.unwrap().route_table_id.unwrap()
}

fn shown(seen: &Observation) -> Vec<(&str, &str, State)> {
    seen.routes
        .iter()
        .map(|one| (&*one.cidr, &*one.provider_peering_id, one.state()))
        .collect()
}

#[tokio::test]
async fn a_route_is_shown_in_one_call_with_its_network() {
    let (network, id) = routed(&[]).await;
    let seen = look(&network.suite.adapter.client, listing())
        .await
        .unwrap();
    assert_eq!(calls(&network.suite), [TABLES]);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].network_id, network.id.to_string());
    assert_eq!(seen[0].vpc_id, network.vpc.vpc_id);
    assert_eq!(shown(&seen[0]), [(PEER, id.as_str(), State::Active)]);
}

#[tokio::test]
async fn what_others_do_to_a_route_is_seen() {
    let (network, id) = routed(&[]).await;
    let client = &network.suite.adapter.client;
    let second = add_table(&network).await;
    // Nobody has tagged it yet, so only the longer look sees it.
    let seen = look(client, listing()).await.unwrap();
    assert_eq!(shown(&seen[0]), [(PEER, id.as_str(), State::Active)]);
    let seen = look(client, with_untagged()).await.unwrap();
    assert_eq!(shown(&seen[0]), [(PEER, id.as_str(), State::Missing)]);
    route(&network, &[(PEER, &id)]).await;
    let vendor = network.suite.vendor();
    let call = vendor.delete_route().route_table_id(second);
    call.destination_cidr_block(PEER).send().await.unwrap();
    let seen = look(client, listing()).await.unwrap();
    assert_eq!(shown(&seen[0]), [(PEER, id.as_str(), State::Missing)]);

    route(&network, &[(PEER, &id)]).await;
    let customer = network.suite.customer();
    let call = customer
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&id);
    call.send().await.unwrap();
    let seen = look(client, listing()).await.unwrap();
    assert_eq!(shown(&seen[0]), [(PEER, id.as_str(), State::Blackhole)]);
    route(&network, &[]).await;
    let seen = look(client, listing()).await.unwrap();
    assert!(seen[0].routes.is_empty() && seen.len() == 1);
}

#[tokio::test]
async fn the_routes_of_three_hundred_networks_take_three_calls() {
    let (network, _) = routed(&[]).await;
    network.multiply(300);
    let seen = look(&network.suite.adapter.client, listing())
        .await
        .unwrap();
    assert_eq!((seen.len(), calls(&network.suite).len()), (300, 3));
    assert!(seen.iter().all(|one| one.routes.len() == 1));
    let same = look(&network.suite.adapter.client, with_untagged()).await;
    assert_eq!(same.unwrap(), seen);
    assert_eq!(
        calls(&network.suite),
        [TABLES, TABLES, TABLES, "DescribeVpcs"]
    );
}

#[tokio::test]
async fn only_the_asked_networks_are_shown() {
    let (network, _) = routed(&[]).await;
    network.multiply(20);
    for ask in [listing(), with_untagged()] {
        let ask = ObserveRoutesRequest {
            network_ids: vec![network.id.to_string(), NetworkId::generate().to_string()],
            ..ask
        };
        let seen = look(&network.suite.adapter.client, ask).await.unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].network_id, network.id.to_string());
    }
    let strange = ObserveRoutesRequest {
        deployment: "other".into(),
        ..with_untagged()
    };
    let client = &network.suite.adapter.client;
    assert!(look(client, strange).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_listing_that_breaks_shows_nothing() {
    let (network, _) = routed(&[("AWS__PAGES__ROUTE_TABLES", "5")]).await;
    network.multiply(12);
    let client = &network.suite.adapter.client;
    assert_eq!(look(client, listing()).await.unwrap().len(), 12);
    for ask in [listing(), with_untagged()] {
        for kind in [FaultKind::Cut, FaultKind::LostAnswer, FaultKind::Html200] {
            let fault = Fault {
                after: 1,
                ..Fault::once(TABLES, kind)
            };
            network.suite.cloud.fault(fault);
            let error = look(client, ask.clone()).await.unwrap_err();
            assert_eq!(error.kind, CloudErrorKind::Unavailable, "{kind:?}");
            assert!(error.refused, "{kind:?}: {error}");
        }
    }
}

/// What a cloud of one route table says.
fn said(network: NetworkId, deployment: &str, parts: &str, more: &str) -> String {
    let tag = |key, value: &str| format!("<item><key>{key}</key><value>{value}</value></item>");
    format!(
        "<DescribeRouteTablesResponse><routeTableSet><item>{parts}<tagSet>{}{}</tagSet></item></routeTableSet>{more}\
         </DescribeRouteTablesResponse>",
        tag("peerway:deployment", deployment),
        tag("peerway:network", &network.to_string()),
    )
}

const WHOLE: &str = "<routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet/>";

async fn heard(body: String) -> Result<Vec<Observation>, CloudError> {
    let url = Parrot::new(body).start().await;
    let adapter = Adapter::start(&url, "", &[]).await;
    look(&adapter.client, listing()).await
}

#[tokio::test]
async fn filters_that_the_cloud_ignores_are_applied_all_the_same() {
    let network = NetworkId::generate();
    let ours = heard(said(network, DEPLOYMENT, WHOLE, "")).await.unwrap();
    assert_eq!(ours[0].network_id, network.to_string());
    let foreign = format!("{WHOLE}<ownerId>{CUSTOMER}</ownerId>");
    for other in [
        said(network, "x", WHOLE, ""),
        said(network, DEPLOYMENT, &foreign, ""),
    ] {
        assert!(heard(other).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn answers_that_are_none_and_pages_in_a_circle_are_errors() {
    let network = NetworkId::generate();
    for body in [
        String::new(),
        "<DescribeRouteTablesResponse></DescribeRouteTablesResponse>".into(),
        said(network, DEPLOYMENT, "<vpcId>vpc-1</vpcId><routeSet/>", ""),
        said(network, DEPLOYMENT, &WHOLE.replace("<routeSet/>", ""), ""),
        said(network, DEPLOYMENT, &WHOLE.replace("vpcId", "x"), ""),
        said(network, DEPLOYMENT, WHOLE, "<nextToken>again</nextToken>"),
    ] {
        let error = heard(body.clone()).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Unavailable, "{body}: {error}");
    }
}

#[tokio::test]
async fn tables_are_tagged_once() {
    let (network, id) = routed(&[]).await;
    route(&network, &[(PEER, &id)]).await;
    assert_eq!(calls(&network.suite), [TABLES]);
    let second = add_table(&network).await;
    network.suite.cloud.clear_calls();
    route(&network, &[(PEER, &id)]).await;
    assert_eq!(calls(&network.suite), ["CreateRoute", "CreateTags", TABLES]);
    let tags = network
        .suite
        .cloud
        .state(|state| state.tags[&second].clone());
    let tags = tags.values().next().unwrap();
    assert_eq!(tags["peerway:network"], network.id.to_string());
    assert_eq!(tags["peerway:deployment"], DEPLOYMENT);
}

#[tokio::test]
async fn a_cloud_that_exchanges_routes_by_itself_is_not_asked() {
    let suite = gcp_support::Suite::start().await;
    let ask = ObserveRoutesRequest {
        group: Some(gcp_support::group()),
        ..listing()
    };
    let client = &suite.adapter.client;
    assert!(look(client, ask.clone()).await.unwrap().is_empty());
    assert!(suite.cloud.calls().is_empty());
    let mut strange = ask;
    strange.group.as_mut().unwrap().account_id = "somebody-else".into();
    let error = look(client, strange).await.unwrap_err();
    assert_eq!(error.reason, "CLOUD_UNAUTHORIZED");
}

#[tokio::test]
async fn a_malformed_look_is_refused_by_its_fields() {
    let suite = Suite::start().await;
    let refused = async |ask| {
        let status = suite.client().observe_routes(ask).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        status.message().to_owned()
    };
    let malformed = ObserveRoutesRequest {
        network_ids: vec!["net".into()],
        ..listing()
    };
    let message = refused(malformed).await;
    assert!(message.contains("network_ids[0]"), "{message}");
    let many = (0..101).map(|_| NetworkId::generate().to_string());
    let message = refused(ObserveRoutesRequest {
        network_ids: many.collect(),
        ..listing()
    });
    assert!(message.await.contains("at most 100"));
}
