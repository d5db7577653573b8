//! What others change behind Peerway's back is put back, or told.

use api::network::v1::Network;
use api::network::v1::network::State as NetworkState;
use e2e::{Options, Suite, VENDOR_PROJECT};
use serde_json::{Value, json};

use super::REGION;

const WANTED: [(&str, &str); 1] = [("10.1.0.0/16", "tcp/5432")];

/// A network whose datastore is open to one range.
async fn open_network(suite: &Suite) -> Network {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    suite.allow(&network, "10.1.0.0/16").await;
    let network = suite.until_firewall_ready(&network).await;
    until_right(suite, &network).await;
    network
}

async fn until_right(suite: &Suite, network: &Network) {
    let vpc = &network.provider_vpc_id;
    suite.until_rules_admit(VENDOR_PROJECT, vpc, &WANTED).await;
}

/// An operator of the vendor's does something with Google's client.
async fn operator(suite: &Suite, service: &str, call: &str, mut request: Value) {
    request["project"] = json!(VENDOR_PROJECT);
    let google = suite.google();
    let done = google.call(VENDOR_PROJECT, service, call, request).await;
    done.unwrap_or_else(|no| panic!("{service}.{call}: {no:?}"));
}

#[tokio::test]
async fn a_rule_that_an_operator_deletes_or_opens_is_put_right() {
    let suite = Suite::standalone_with(Options::gcp().watchful()).await;
    let network = open_network(&suite).await;
    // Peerway names all that is a network's alike.
    let rule = network.provider_vpc_id.as_str();
    operator(&suite, "firewalls", "delete", json!({"firewall": rule})).await;
    until_right(&suite, &network).await;
    suite.until_firewall_ready(&network).await;

    let open = json!({"source_ranges": ["0.0.0.0/0"]});
    let patch = json!({"firewall": rule, "firewall_resource": open});
    operator(&suite, "firewalls", "patch", patch).await;
    until_right(&suite, &network).await;
    let ready = suite.until_firewall_ready(&network).await;
    assert_eq!(ready.state(), NetworkState::Active);
    let events = suite.network_events(&network.id).await;
    assert!(
        events.iter().any(|event| event.reason == "FIREWALL_DRIFT"),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_subnet_that_an_operator_deletes_is_made_again() {
    let suite = Suite::standalone_with(Options::gcp().watchful()).await;
    let network = open_network(&suite).await;
    let placement = network.placement.clone().expect("a placement");
    let [subnet] = &placement.subnets[..] else {
        panic!("{placement:?}");
    };
    let deletion = json!({"region": REGION, "subnetwork": network.provider_vpc_id});
    operator(&suite, "subnetworks", "delete", deletion).await;
    let stands = || suite.cloudsim().subnet_ranges(VENDOR_PROJECT);
    let is_whole = |seen: &Network| seen.reason.is_empty() && !stands().is_empty();
    let whole = suite
        .until_network_shown(&network.id, "a whole network", is_whole)
        .await;
    assert_eq!(whole.state(), NetworkState::Active);
    assert_eq!(stands(), [subnet.cidr.as_str()]);
    let events = suite.network_events(&network.id).await;
    assert!(
        events.iter().any(|event| event.reason == "VPC_DRIFT"),
        "{events:?}"
    );
    until_right(&suite, &network).await;
}

#[tokio::test]
async fn a_network_that_an_operator_deleted_has_failed_and_can_be_deleted() {
    let suite = Suite::standalone_with(Options::gcp().watchful()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let name = network.provider_vpc_id.as_str();
    suite.cloudsim().vanish_network(VENDOR_PROJECT, name);
    let failed = suite.until_network(&network.id, NetworkState::Failed).await;
    assert_eq!(failed.reason, "VPC_MISSING");
    suite.delete_network(&network.id).await;
    suite.until_network_gone(&network.id).await;
    assert_eq!(suite.left_in_the_projects().await, Vec::<String>::new());
}
