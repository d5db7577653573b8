//! What the vendor's project refuses is explained where it is seen, and not asked again and again.

use api::network::v1::Network;
use api::network::v1::network::State as NetworkState;
use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::{Options, Suite, VENDOR_PROJECT};

use super::REGION;

const ADD: &str = "networks.addPeering";

/// Wishes a peering that the project refuses; what is shown says why, and so does the adapter's log.
async fn is_explained(suite: &Suite, network: &Network, words: &str) {
    let peering = suite.peer(network, "app", "10.1.0.0/16").await;
    let shown = suite
        .until_shown(&peering, "why", |seen| seen.reason == "CLOUD_UNAUTHORIZED")
        .await;
    assert_eq!(shown.state(), State::Provisioning);
    assert!(shown.message.contains(words), "{}", shown.message);
    let log = suite.logs("standalone").await;
    assert!(log.contains(words), "{log}");
    // Nobody's looking makes it ask again and again.
    let cloud = suite.cloudsim();
    let before = cloud.calls_in(VENDOR_PROJECT, "*").len();
    suite.refresh(&peering).await;
    let asked = cloud.calls_in(VENDOR_PROJECT, ADD).len();
    assert!(asked <= 2, "asked {asked} times");
    let meanwhile = &cloud.calls_in(VENDOR_PROJECT, "*")[before..];
    assert!(meanwhile.len() <= 6, "{meanwhile:?}");
    let still = suite.get(&peering).await;
    assert_eq!(
        (still.state(), still.message),
        (shown.state(), shown.message)
    );
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let missing = "compute.networks.addPeering";
    suite.cloudsim().forbid(VENDOR_PROJECT, missing);
    is_explained(&suite, &network, missing).await;
}

#[tokio::test]
async fn refused_credentials_are_told() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    suite
        .cloudsim()
        .fault_in_project_always(VENDOR_PROJECT, "*", FaultKind::AuthError);
    is_explained(&suite, &network, "credentials").await;
}

#[tokio::test]
async fn a_project_that_is_gone_is_named() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    suite.cloudsim().forget_project(VENDOR_PROJECT);
    is_explained(&suite, &network, VENDOR_PROJECT).await;
}

#[tokio::test]
async fn a_wrong_key_makes_no_network() {
    let options = Options {
        wrong_key: true,
        ..Options::gcp()
    };
    let suite = Suite::standalone_with(options).await;
    let network = suite.create_network(REGION, "10.20.0.0/16").await;
    let shown = suite
        .until_network_shown(&network.id, "why", |seen| {
            seen.reason == "CLOUD_UNAUTHORIZED"
        })
        .await;
    assert_eq!(shown.state(), NetworkState::Pending);
    assert!(shown.message.contains(VENDOR_PROJECT), "{}", shown.message);
    assert_eq!(suite.cloudsim().networks(VENDOR_PROJECT).len(), 0);
}
