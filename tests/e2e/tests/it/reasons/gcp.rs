//! Reasons at GCP, where each side makes a half of its own.

use api::network::v1::Network;
use api::peering::v1::next_action::Actor::{Customer, Vendor};
use api::peering::v1::peering::State;
use cloudsim::gce::config::GcpQuotas;
use cloudsim::gce::state::OpFaultKind;
use e2e::{CUSTOMER_PROJECT, Options, Suite, VENDOR_PROJECT, condition};

use super::{RANGE, nobody, row, tells};

const REGION: &str = "europe-west1";

/// A suite with a network, and the customer's network `app`.
async fn suite_with(options: Options) -> (Suite, Network) {
    let suite = Suite::standalone_with(options).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    suite.google().network("app", RANGE).await;
    (suite, network)
}

#[tokio::test]
async fn a_missing_half_names_both_networks_and_later_all_that_may_be_in_the_way() {
    let mut options = Options::gcp();
    options.settings.push(("peering", "HINT_AFTER", "3s"));
    let (suite, network) = suite_with(options).await;
    let peering = suite.peer(&network, "app", RANGE).await;
    let awaiting = row(
        ("AWAITING_RECIPROCAL_PEERING", State::PendingAcceptance),
        (Customer, "CREATE_PEERING"),
        &[
            CUSTOMER_PROJECT,
            VENDOR_PROJECT,
            "can't tell a wrong one from waiting",
        ],
    );
    let told = tells(&suite, &peering, &awaiting).await;
    let advice = told.next_action.expect("advice").summary;
    assert!(advice.contains(&network.provider_vpc_id), "{advice}");

    let has_hints = |seen: &api::peering::v1::Peering| {
        let advice = seen.next_action.clone().unwrap_or_default().summary;
        advice.contains("compute.networks.addPeering")
            && advice.contains("compute.restrictVpcPeering")
    };
    suite.until_shown(&peering, "hints", has_hints).await;
}

#[tokio::test]
async fn a_half_that_the_customer_removes_is_to_be_put_back() {
    let (suite, network) = suite_with(Options::gcp()).await;
    let peering = suite.peer(&network, "app", RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    suite.google().unpeer("app").await;
    suite.until_refreshed(&peering, State::Disconnected).await;
    let deleted = row(
        ("DELETED_BY_PEER", State::Disconnected),
        (Customer, "CREATE_PEERING"),
        &["again", "renew or delete"],
    );
    tells(&suite, &peering, &deleted).await;
    suite
        .google()
        .peer("app", VENDOR_PROJECT, &network.provider_vpc_id)
        .await;
    suite.until_refreshed(&peering, State::Active).await;
}

#[tokio::test]
async fn overlaps_that_only_the_cloud_sees_name_the_ranges_and_whose_they_are() {
    let (suite, network) = suite_with(Options::gcp()).await;
    let google = suite.google();
    google.network("same", "10.20.128.0/20").await;
    google.network("sibling", "10.1.128.0/20").await;
    let first = suite.peer(&network, "app", RANGE).await;
    let first = suite.until(&first, State::PendingAcceptance).await;
    suite.accepted(&first).await;
    // The customer tells other ranges than these networks have, and makes its halves first.
    for name in ["same", "sibling"] {
        google
            .peer(name, VENDOR_PROJECT, &network.provider_vpc_id)
            .await;
    }
    let same = suite.peer(&network, "same", "10.3.0.0/16").await;
    let peer = row(
        ("CIDR_OVERLAP_PEER", State::Failed),
        (Customer, "FIX_AND_RENEW"),
        &["10.20.0.0/16", "CheckCidr"],
    );
    let told = tells(&suite, &same, &peer).await;
    assert!(told.message.contains("10.20.128.0/20"), "{}", told.message);

    let sibling = suite.peer(&network, "sibling", "10.4.0.0/16").await;
    let row = row(
        ("CIDR_OVERLAP_SIBLING", State::Failed),
        (Customer, "FIX_AND_RENEW"),
        &["Another VPC", "renew this one"],
    );
    let told = tells(&suite, &sibling, &row).await;
    assert!(told.message.contains("10.1.128.0/20"), "{}", told.message);
}

#[tokio::test]
async fn a_half_that_somebody_made_by_hand_is_named() {
    let (suite, network) = suite_with(Options::gcp()).await;
    let peer = (CUSTOMER_PROJECT, "app");
    let made = suite
        .google()
        .half(VENDOR_PROJECT, &network.provider_vpc_id, "by-hand", peer)
        .await;
    made.expect("somebody of the vendor's makes a half");
    let peering = suite.peer(&network, "app", RANGE).await;
    let duplicate = row(
        ("DUPLICATE_PEERING", State::Failed),
        (Customer, "FIX_AND_RENEW"),
        &["Delete the other peering"],
    );
    let told = tells(&suite, &peering, &duplicate).await;
    assert!(told.message.contains("by-hand"), "{}", told.message);
}

#[tokio::test]
async fn a_busy_network_is_shown_while_it_is_waited_for() {
    let (suite, network) = suite_with(Options::gcp()).await;
    let cloud = suite.cloudsim();
    cloud.operation_fault(VENDOR_PROJECT, "addPeering", OpFaultKind::Hang);
    suite.peer(&network, "app", RANGE).await;
    cloud
        .until_called_in(VENDOR_PROJECT, "networks.addPeering", 1)
        .await;
    let next = suite.peer(&network, "next", "10.2.0.0/16").await;
    let busy = nobody(
        "CLOUD_OPERATION_IN_PROGRESS",
        State::Provisioning,
        &["another operation", "customer's project"],
    );
    tells(&suite, &next, &busy).await;
    cloud.clear_operation_faults();
    suite.until(&next, State::PendingAcceptance).await;
}

#[tokio::test]
async fn a_quota_and_a_permission_are_the_vendor_s_to_mend() {
    let (suite, network) = suite_with(Options::gcp()).await;
    let cloud = suite.cloudsim();
    let quotas = GcpQuotas {
        peerings_per_network: 0,
        ..GcpQuotas::default()
    };
    cloud.quotas(VENDOR_PROJECT, quotas);
    let peering = suite.peer(&network, "app", RANGE).await;
    let limit = row(
        ("ACTIVE_LIMIT", State::Provisioning),
        (Vendor, "RAISE_LIMIT"),
        &["more peerings"],
    );
    let told = tells(&suite, &peering, &limit).await;
    assert!(told.message.contains(VENDOR_PROJECT), "{}", told.message);
    cloud.quotas(VENDOR_PROJECT, GcpQuotas::default());
    suite.until(&peering, State::PendingAcceptance).await;

    let missing = "compute.networks.addPeering";
    cloud.forbid(VENDOR_PROJECT, missing);
    let next = suite.peer(&network, "next", "10.2.0.0/16").await;
    let unauthorized = row(
        ("CLOUD_UNAUTHORIZED", State::Provisioning),
        (Vendor, "RESTORE_ACCESS"),
        &["restore its access"],
    );
    let told = tells(&suite, &next, &unauthorized).await;
    assert!(told.message.contains(missing), "{}", told.message);
}

#[tokio::test]
async fn a_half_of_ours_that_vanishes_is_put_back() {
    let (suite, network) = suite_with(Options::gcp()).await;
    let peering = suite.peer(&network, "app", RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    let active = suite.accepted(&waiting).await;
    let half = &active.provider_peering_id;
    suite
        .google()
        .remove_half(VENDOR_PROJECT, &network.provider_vpc_id, half)
        .await;
    let told = suite
        .until_unmet(&peering, "IN_SYNC", "VENDOR_HALF_MISSING")
        .await;
    let message = &condition(&told, "IN_SYNC").message;
    assert!(!message.is_empty());
    let back = suite.until_met(&peering, "IN_SYNC").await;
    assert_eq!(back.provider_peering_id, *half);
    assert_eq!(suite.cloudsim().halves(VENDOR_PROJECT).len(), 1);
}
