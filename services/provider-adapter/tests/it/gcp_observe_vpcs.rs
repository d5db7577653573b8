//! The look at all networks of a project: in the fewest calls, only our own, and whole or not at all.

use std::collections::BTreeSet;

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::Vpc;
use api::provider::v1::observe_vpcs_response::Observation;
use cloudsim::{Fault, FaultKind};
use google_cloud_compute_v1::model::Firewall as Rule;
use google_cloud_compute_v1::model::firewall::Allowed;
use serde_json::{Value, json};
use types::NetworkId;

use crate::gcp_network::Network;
use crate::gcp_support::*;
use crate::parrot::Parrot;
use crate::support::{DEPLOYMENT, observe_vpcs};

const A: &str = "10.1.0.0/24";
const B: &str = "10.2.0.0/24";
const NETWORKS: &str = "networks.list";
const SUBNETS: &str = "subnetworks.aggregatedList";
const FIREWALLS: &str = "firewalls.list";

fn tcp(ports: &[&str]) -> Allowed {
    Allowed::new()
        .set_ip_protocol("tcp")
        .set_ports(ports.to_vec())
}

#[tokio::test]
async fn five_hundred_networks_take_one_call_and_show_nothing_but_their_names() {
    let network = Network::start().await;
    network.multiply(500);
    let seen = network.look(false).await.unwrap();
    let networks: BTreeSet<_> = seen.iter().map(|one| &one.network_id).collect();
    assert_eq!(networks.len(), 500);
    assert_eq!(network.calls(), [NETWORKS]);
    let own = seen
        .iter()
        .find(|one| one.network_id == network.id.to_string());
    let bare = Observation {
        network_id: network.id.to_string(),
        vpc: Some(Vpc {
            vpc_id: network.vpc.vpc_id.clone(),
            ..Vpc::default()
        }),
        ..Observation::default()
    };
    assert_eq!(own.unwrap(), &bare);
}

#[tokio::test]
async fn wiring_takes_a_call_for_each_page_of_networks_subnets_and_rules() {
    let network = Network::start().await;
    network.multiply(501);
    let seen = network.look(true).await.unwrap();
    assert_eq!(seen.len(), 501);
    let whole = |one: &Observation| {
        let vpc = one.vpc.as_ref().unwrap();
        vpc.parts == ["network", "subnet"] && vpc.subnets.len() == 1 && one.drift.is_empty()
    };
    assert!(seen.iter().all(whole));
    assert_eq!(
        network.calls(),
        [FIREWALLS, NETWORKS, NETWORKS, SUBNETS, SUBNETS]
    );
}

#[tokio::test]
async fn a_network_is_shown_as_it_was_made() {
    let network = Network::start().await;
    let expected = Observation {
        network_id: network.id.to_string(),
        vpc: Some(network.vpc.clone()),
        ..Observation::default()
    };
    assert_eq!(network.seen().await, expected);
    network.admit(&[B, A], &[5432, 443]).await;
    let expected = Observation {
        firewall_cidrs: vec![A.into(), B.into()],
        firewall_ports: vec![443, 5432],
        ..expected
    };
    assert_eq!(network.seen().await, expected);
    assert_eq!(
        network.look(false).await.unwrap()[0].firewall_cidrs,
        [""; 0]
    );
}

#[tokio::test]
async fn parts_that_went_behind_our_back_are_not_shown() {
    let network = Network::start().await;
    network.admit(&[A], &[443]).await;
    let name = &network.vpc.vpc_id;
    let call = network.subnetworks.delete().set_project(PROJECT);
    let call = call.set_region(REGION).set_subnetwork(name);
    call.send().await.unwrap();
    let call = network.firewalls.delete().set_project(PROJECT);
    call.set_firewall(name).send().await.unwrap();
    network.suite.settle();
    let seen = network.seen().await;
    let vpc = seen.vpc.unwrap();
    assert_eq!(vpc.parts, ["network"]);
    assert!(vpc.subnets.is_empty());
    assert!(seen.firewall_cidrs.is_empty() && seen.firewall_ports.is_empty());
    assert!(seen.drift.is_empty());
    network
        .suite
        .cloud
        .gcp_state(|state| state.networks.clear());
    network.suite.cloud.clear_calls();
    assert!(network.look(true).await.unwrap().is_empty());
    assert_eq!(network.calls(), [NETWORKS]);
}

#[tokio::test]
async fn a_rule_that_somebody_changed_is_shown_or_said_to_be_odd() {
    let network = Network::start().await;
    let wanted = [443, 5432];
    for (patch, cidrs, ports, drift) in [
        (
            Rule::new().set_source_ranges([A]),
            &[A][..],
            &wanted[..],
            &[][..],
        ),
        (
            Rule::new().set_source_ranges(["0.0.0.0/0"]),
            &["0.0.0.0/0"],
            &wanted,
            &[],
        ),
        (
            Rule::new().set_allowed([tcp(&["443"])]),
            &[A, B],
            &[443],
            &[],
        ),
        (
            Rule::new().set_allowed([tcp(&["443", "1-9"])]),
            &[A, B],
            &[443],
            &["firewall"],
        ),
        (
            Rule::new().set_allowed([tcp(&[])]),
            &[A, B],
            &[],
            &["firewall"],
        ),
        (
            Rule::new().set_allowed([Allowed::new().set_ip_protocol("all")]),
            &[A, B],
            &[],
            &["firewall"],
        ),
        (
            Rule::new().set_target_tags(["web"]),
            &[A, B],
            &wanted,
            &["firewall"],
        ),
        (Rule::new().set_disabled(true), &[], &[], &["firewall"]),
        (
            Rule::new().set_description("by hand"),
            &[A, B],
            &wanted,
            &["firewall"],
        ),
    ] {
        network
            .suite
            .cloud
            .gcp_state(|state| state.firewalls.clear());
        network.admit(&[A, B], &wanted).await;
        network.patch(patch.clone()).await;
        let seen = network.seen().await;
        assert_eq!(seen.firewall_cidrs, cidrs, "{patch:?}");
        assert_eq!(seen.firewall_ports, ports, "{patch:?}");
        assert_eq!(seen.drift, drift, "{patch:?}");
    }
}

#[tokio::test]
async fn networks_and_subnets_of_others_are_not_shown() {
    let network = Network::start().await;
    let expected = network.seen().await;
    let mut stranger = vpc_request(NetworkId::generate(), "10.30.0.0/16");
    stranger.r#ref.as_mut().unwrap().deployment = "other".into();
    network.suite.ensure_vpc(stranger).await.unwrap();
    network.suite.settle();
    network.suite.cloud.gcp_state(|state| {
        let ours = state.networks.values().next().unwrap().clone();
        // Our name with other words, and our words under another name.
        let mut named = ours.clone();
        (named.name, named.description) = (format!("{}0", ours.name), ours.description.clone());
        let path = |name: &str| format!("projects/{PROJECT}/global/networks/{name}");
        state.networks.insert(path(&named.name), named);
        let mut subnet = state.subnetworks.values().next().unwrap().clone();
        subnet.region = "us-east1".into();
        subnet.network = path(&format!("{}0", ours.name));
        let name = &subnet.name;
        let at = format!("projects/{PROJECT}/regions/us-east1/subnetworks/{name}");
        state.subnetworks.insert(at, subnet);
    });
    assert_eq!(network.seen().await, expected);
    let client = &network.suite.adapter.client;
    let other = observe_vpcs(client, group(), "other", true).await.unwrap();
    assert_eq!(other.len(), 1);
    assert!(
        observe_vpcs(client, group(), "nobody", true)
            .await
            .unwrap()
            .is_empty()
    );
    // A network that lost its words is not ours any more, and neither is a subnet that did.
    network.suite.cloud.gcp_state(|state| {
        for subnet in state.subnetworks.values_mut() {
            subnet.description.clear();
        }
    });
    assert_eq!(network.seen().await.vpc.unwrap().parts, ["network"]);
}

#[tokio::test]
async fn a_network_in_another_mode_is_shown_as_it_is() {
    let network = Network::start().await;
    let expected = network.seen().await;
    network.suite.cloud.gcp_state(|state| {
        let network = state.networks.values_mut().next().unwrap();
        network.auto_create_subnetworks = true;
    });
    assert_eq!(network.seen().await, expected);
}

#[tokio::test]
async fn a_call_that_fails_leaves_nothing_to_be_believed() {
    let network = Network::start().await;
    for api in [NETWORKS, SUBNETS, FIREWALLS] {
        for kind in [
            FaultKind::Throttle,
            FaultKind::Unauthorized,
            FaultKind::Error500,
            FaultKind::Cut,
            FaultKind::Garbage,
            FaultKind::Html200,
        ] {
            network.suite.cloud.fault(Fault::once(api, kind));
            let error = network.look(true).await.unwrap_err();
            let expected = match kind {
                FaultKind::Throttle => CloudErrorKind::Throttled,
                FaultKind::Unauthorized => CloudErrorKind::Unauthorized,
                _ => CloudErrorKind::Unavailable,
            };
            assert_eq!(
                (error.kind, error.refused),
                (expected, true),
                "{api} {kind:?}: {error}"
            );
            network.seen().await;
        }
    }
}

#[tokio::test]
async fn a_page_that_fails_in_the_middle_fails_the_look() {
    let network = Network::with(&[("GCP__PAGES__NETWORKS", "7")]).await;
    network.multiply(20);
    assert_eq!(network.look(true).await.unwrap().len(), 20);
    assert_eq!(network.calls().len(), 3 + 3 + 1);
    for api in [NETWORKS, SUBNETS] {
        let fault = Fault {
            after: 1,
            ..Fault::once(api, FaultKind::Cut)
        };
        network.suite.cloud.fault(fault);
        assert!(network.look(true).await.is_err());
        network.suite.cloud.clear_faults();
    }
}

#[tokio::test]
async fn a_listing_with_a_warning_is_not_complete() {
    let network = Network::start().await;
    network
        .suite
        .cloud
        .configure(|config| config.gcp.partial_lists = true);
    for with_wiring in [false, true] {
        let error = network.look(with_wiring).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Unavailable);
        assert!(error.message.contains("UNREACHABLE"), "{error}");
    }
}

/// What a cloud with these answers about networks, subnets and rules is understood to show.
async fn heard([networks, subnets, rules]: [&Value; 3]) -> Result<Vec<Observation>, CloudError> {
    let url = Parrot::new(networks.to_string())
        .with_answer("/aggregated/subnetworks", 200, subnets.to_string())
        .with_answer("/global/firewalls", 200, rules.to_string())
        .start()
        .await;
    let adapter = adapter(&url, ", anonymous=true", &[]).await;
    observe_vpcs(&adapter.client, group(), DEPLOYMENT, true).await
}

#[tokio::test]
async fn answers_that_are_none_or_not_whole_are_errors() {
    let network = Network::start().await;
    let networks = network.suite.cloud.gcp_networks(PROJECT);
    let networks = json!({"kind": "compute#networkList", "items": networks});
    let subnets = json!({"kind": "compute#subnetworkAggregatedList"});
    let rules = json!({"kind": "compute#firewallList"});
    let seen = heard([&networks, &subnets, &rules]).await.unwrap();
    assert_eq!(seen[0].vpc.as_ref().unwrap().parts, ["network"]);
    let lost =
        json!({"kind": "compute#subnetworkAggregatedList", "unreachables": ["regions/us-east1"]});
    let again = json!({"kind": "compute#firewallList", "nextPageToken": "again"});
    for bad in [
        [&networks, &rules, &rules],
        [&networks, &lost, &rules],
        [&networks, &subnets, &again],
    ] {
        let error = heard(bad).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Unavailable, "{bad:?}: {error}");
    }
}
