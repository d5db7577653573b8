//! Listing the peerings of a project, whole or not at all.

use api::cloud::CloudErrorKind;
use api::provider::v1::ObservePeeringsRequest;
use api::provider::v1::observe_peerings_request::Attempt;
use api::provider::v1::peering_observation::State;
use cloudsim::gce::state::Plant;
use cloudsim::{Fault, FaultKind};
use types::{NetworkId, PeeringId};

use crate::gcp_support::*;
use crate::parrot::Parrot;
use crate::support::cloud_error;

/// Plants networks of the deployment; answers what their names begin with.
async fn plant(suite: &Suite, networks: usize, peerings: usize) -> String {
    suite
        .cloud
        .configure(|config| config.gcp.quotas.networks = 10_000);
    let name = suite.network(NetworkId::generate(), CIDR).await;
    let prefix = name.rsplit_once('-').unwrap().0.to_owned();
    let plant = Plant {
        prefix: prefix.clone(),
        networks,
        peerings,
        peer_project: CUSTOMER_PROJECT.into(),
        active: false,
    };
    suite.cloud.plant_gcp(PROJECT, &plant);
    suite.cloud.clear_calls();
    prefix
}

async fn small_pages() -> Suite {
    Suite::with(&["compute.*"], "", &[("GCP__PAGES__NETWORKS", "7")]).await
}

#[tokio::test]
async fn all_peerings_are_seen_over_many_pages() {
    let suite = small_pages().await;
    plant(&suite, 20, 3).await;
    let seen = suite.seen().await;
    assert_eq!(seen.len(), 60);
    assert!(seen.iter().all(|one| one.state() == State::Inactive));
    assert!(seen.iter().all(|one| one.deployment.is_empty()));
    assert_eq!(suite.count("networks.list"), 3);
    assert_eq!(suite.count("*"), 3);
}

#[tokio::test]
async fn a_sweep_over_five_hundred_networks_takes_at_most_three_calls() {
    let suite = Suite::start().await;
    plant(&suite, 500, 5).await;
    let (pages, error) = suite.observe(listing()).await;
    assert!(error.is_none() && pages.last().unwrap().1);
    assert!(pages.iter().all(|page| page.0.len() <= 500));
    assert_eq!(pages.iter().map(|page| page.0.len()).sum::<usize>(), 2500);
    assert!(suite.count("*") <= 3);
}

#[tokio::test]
async fn a_thousand_networks_take_two_calls() {
    let suite = Suite::start().await;
    // One stands beside those that are planted.
    plant(&suite, 999, 1).await;
    assert_eq!(suite.seen().await.len(), 999);
    assert_eq!(suite.count("*"), 2);
}

#[tokio::test]
async fn what_waits_is_asked_for_with_the_whole_project() {
    let suite = Suite::start().await;
    plant(&suite, 3, 2).await;
    let ask = ObservePeeringsRequest {
        outstanding_only: true,
        ..listing()
    };
    let (pages, error) = suite.observe(ask).await;
    assert!(error.is_none());
    assert_eq!(pages.iter().map(|page| page.0.len()).sum::<usize>(), 6);
    assert_eq!(suite.count("*"), 1);
}

#[tokio::test]
async fn expected_attempts_are_named_and_other_deployments_left_out() {
    let suite = Suite::start().await;
    let (vendor, peering) = (
        suite.network(NetworkId::generate(), CIDR).await,
        PeeringId::generate(),
    );
    let made = suite
        .peering(peering_request(peering, &vendor, "main"))
        .await;
    let ask = |deployment: &str, ids: &[&str]| ObservePeeringsRequest {
        deployment: deployment.into(),
        provider_peering_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        expected: vec![Attempt {
            peering_id: peering.to_string(),
            attempt: 1,
        }],
        ..listing()
    };
    let (pages, _) = suite.observe(ask("test", &[])).await;
    assert_eq!(pages[0].0, std::slice::from_ref(&made));
    let (pages, _) = suite.observe(ask("other", &[])).await;
    assert_eq!(pages, [(Vec::new(), true)]);
    let (pages, _) = suite
        .observe(ask("other", &[&made.provider_peering_id]))
        .await;
    assert_eq!(pages[0].0.len(), 1);
    assert_eq!(pages[0].0[0].peering_id, "");
}

#[tokio::test]
async fn a_listing_that_breaks_in_the_middle_is_not_complete() {
    for kind in [
        FaultKind::Cut,
        FaultKind::Garbage,
        FaultKind::Html200,
        FaultKind::Error500,
        FaultKind::Throttle,
    ] {
        let suite = small_pages().await;
        plant(&suite, 20, 1).await;
        let mut fault = Fault::once("networks.list", kind);
        fault.after = 1;
        suite.cloud.fault(fault);
        let (pages, error) = suite.observe(listing()).await;
        assert!(error.is_some_and(|error| error.refused), "{kind:?}");
        assert!(pages.iter().all(|page| !page.1), "{kind:?}");
        assert_eq!(suite.seen().await.len(), 20);
    }
}

#[tokio::test]
async fn a_listing_with_a_warning_is_not_complete() {
    let suite = Suite::start().await;
    plant(&suite, 4, 1).await;
    suite
        .cloud
        .configure(|config| config.gcp.partial_lists = true);
    let (pages, error) = suite.observe(listing()).await;
    assert_eq!(error.unwrap().kind, CloudErrorKind::Unavailable);
    assert!(pages.iter().all(|page| !page.1));
}

#[tokio::test]
async fn an_answer_that_is_none_is_not_an_empty_listing() {
    let network = r#"{"kind":"compute#network","name":"n","selfLink":"https://x/projects/other-prod/global/networks/n"}"#;
    let page = |items: &str| format!(r#"{{"kind":"compute#networkList","items":[{items}]}}"#);
    for body in [
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        String::new(),
        "<html></html>".to_owned(),
        r#"{"kind":"compute#network"}"#.to_owned(),
        r#"{"error":{"code":200}}"#.to_owned(),
        page(network),
        page("{}"),
    ] {
        let url = Parrot::new(body.clone()).start().await;
        let adapter = adapter(&url, ", anonymous=true", &[]).await;
        let (pages, error) = observe(adapter.client.clone(), listing()).await;
        let error = error.unwrap();
        assert_eq!(error.kind, CloudErrorKind::Unavailable, "{body}");
        assert!(pages.is_empty(), "{body}");
        // Nor is it an operation.
        let request = peering_request(PeeringId::generate(), "n", "main");
        let answer = adapter.client.clone().ensure_peering(request).await;
        let error = cloud_error(answer.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, false),
            "{body}"
        );
    }
}

#[tokio::test]
async fn pages_that_go_in_a_circle_end_with_an_error() {
    let body = r#"{"kind":"compute#networkList","nextPageToken":"again"}"#;
    let url = Parrot::new(body.to_owned()).start().await;
    let adapter = adapter(&url, ", anonymous=true", &[]).await;
    let (pages, error) = observe(adapter.client.clone(), listing()).await;
    assert!(error.is_some());
    assert!(pages.iter().all(|page| !page.1));
    assert!(pages.len() < 3);
}
