//! The customer's ranges, as far as the clouds show them.

use api::provider::v1::ObservePeeringsRequest;
use cloudsim::{Fault, FaultKind};
use tonic::Code;
use types::{NetworkId, PeeringId};

use crate::gcp_support as gcp;
use crate::pair::Pair;
use crate::support;

const ROUTES: &str = "networks.listPeeringRoutes";

#[tokio::test]
async fn aws_shows_all_ranges_while_the_peering_is_active() {
    let pair = Pair::start().await;
    let made = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    let seen = pair.suite.observe(&[]).await.remove(0);
    assert!(seen.peer_cidrs.is_empty());
    let customer = pair.suite.customer();
    let call = customer
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(&made.provider_peering_id);
    call.send().await.unwrap();
    let call = customer.associate_vpc_cidr_block().vpc_id(&pair.peer_vpc);
    call.cidr_block("10.31.0.0/16").send().await.unwrap();
    let seen = pair.suite.observe(&[]).await.remove(0);
    assert_eq!(seen.peer_cidrs, ["10.30.0.0/16", "10.31.0.0/16"]);
}

#[tokio::test]
async fn aws_shows_the_peerings_of_one_vpc() {
    let pair = Pair::start().await;
    let made = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    let other = pair.suite.vendor_vpc("10.40.0.0/16").await;
    for (vpc, shown) in [(&pair.vendor_vpc, 1), (&other, 0)] {
        let ask = ObservePeeringsRequest {
            group: Some(support::group()),
            deployment: support::DEPLOYMENT.into(),
            provider_peering_ids: vec![made.provider_peering_id.clone()],
            vendor_vpc_id: vpc.clone(),
            with_peer_cidrs: true,
            ..ObservePeeringsRequest::default()
        };
        let (pages, error) = gcp::observe(pair.suite.client(), ask).await;
        assert!(error.is_none() && pages.len() == 1 && pages[0].1);
        assert_eq!(pages[0].0.len(), shown);
    }
}

/// An active peering at GCP; with its network and its name.
async fn active() -> (gcp::Suite, String, String) {
    let suite = gcp::Suite::start().await;
    let vendor = suite.network(NetworkId::generate(), gcp::CIDR).await;
    let customer = suite.customer().await;
    customer.network(&suite, "main").await;
    let request = gcp::peering_request(PeeringId::generate(), &vendor, "main");
    let seen = suite.peering(request).await;
    customer.accept(&suite, "main", &vendor).await;
    suite.cloud.gcp_state(|state| {
        let ours = state.subnetworks.values().next().unwrap().clone();
        for (name, range) in [("a", "10.31.0.0/16"), ("b", "10.30.0.0/16")] {
            let mut one = ours.clone();
            one.project = gcp::CUSTOMER_PROJECT.into();
            one.network = format!("projects/{}/global/networks/main", one.project);
            one.cidr = range.parse().unwrap();
            let path = format!(
                "projects/{}/regions/{}/subnetworks/{name}",
                one.project,
                gcp::REGION
            );
            state.subnetworks.insert(path, one);
        }
    });
    suite.cloud.clear_calls();
    (suite, vendor, seen.provider_peering_id)
}

fn ask_for(vendor: &str, id: &str) -> ObservePeeringsRequest {
    ObservePeeringsRequest {
        provider_peering_ids: vec![id.to_owned()],
        with_peer_cidrs: true,
        region: gcp::REGION.into(),
        vendor_vpc_id: vendor.to_owned(),
        ..gcp::listing()
    }
}

#[tokio::test]
async fn gcp_shows_the_ranges_of_a_named_peering_to_those_who_ask() {
    let (suite, vendor, id) = active().await;
    let (pages, error) = suite.observe(ask_for(&vendor, &id)).await;
    assert!(error.is_none(), "{error:?}");
    assert!(pages.len() == 1 && pages[0].1);
    assert_eq!(pages[0].0[0].peer_cidrs, ["10.30.0.0/16", "10.31.0.0/16"]);
    let calls: Vec<_> = suite
        .cloud
        .calls()
        .into_iter()
        .map(|one| one.action)
        .collect();
    assert_eq!(calls, ["networks.get", ROUTES]);

    for ask in [
        gcp::listing(),
        ask_for(&vendor, "another"),
        ObservePeeringsRequest {
            with_peer_cidrs: false,
            ..ask_for(&vendor, &id)
        },
    ] {
        let (pages, error) = suite.observe(ask).await;
        assert!(error.is_none() && pages[0].0[0].peer_cidrs.is_empty());
    }
    assert_eq!(suite.count(ROUTES), 1);
}

#[tokio::test]
async fn the_ranges_come_over_pages_and_not_at_all_when_one_is_lost() {
    let (suite, vendor, id) = active().await;
    let setting = [("GCP__PAGES__NETWORKS", "1")];
    let key = suite
        .cloud
        .gcp_service_account(gcp::PROJECT, "second", &["compute.*"]);
    let file = gcp::KeyFile::new(&key);
    let adapter = gcp::adapter(&suite.cloud.endpoint(), &file.setting(), &setting).await;
    let (pages, error) = gcp::observe(adapter.client.clone(), ask_for(&vendor, &id)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(pages[0].0[0].peer_cidrs.len(), 2);
    assert_eq!(suite.count(ROUTES), 2);
    let fault = Fault {
        after: 1,
        ..Fault::always(ROUTES, FaultKind::Cut)
    };
    suite.cloud.fault(fault);
    let (pages, error) = gcp::observe(adapter.client.clone(), ask_for(&vendor, &id)).await;
    assert!(pages.is_empty() && error.is_some());
}

#[tokio::test]
async fn gcp_asks_for_the_region() {
    let suite = gcp::Suite::start().await;
    let ask = ObservePeeringsRequest {
        region: String::new(),
        ..ask_for("n", "p")
    };
    let status = suite.client().observe_peerings(ask).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("region"), "{status}");
}
