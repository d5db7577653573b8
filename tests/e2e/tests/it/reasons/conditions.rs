//! Reasons at AWS that explain a condition of a peering that stands.

use api::peering::v1::next_action::Actor::{Customer, Vendor};
use api::peering::v1::peering::State;
use api::peering::v1::{Options as PeeringOptions, Peering};
use cloudsim::FaultKind;
use e2e::{Options, Suite, VENDOR, condition, wish};
use serde_json::{Value, json};

use super::{RANGE, REGION, advises, row, sides};

/// An operator of the vendor's does something with boto3.
async fn operator(suite: &Suite, call: &str, request: Value) -> Value {
    let done = suite.customer.call(VENDOR, REGION, call, request).await;
    done.unwrap_or_else(|no| panic!("{call}: {no:?}"))
}

/// A peering that waits for the customer.
async fn waiting(suite: &Suite) -> Peering {
    let (network, vpc) = sides(suite).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    suite.until(&peering, State::PendingAcceptance).await
}

/// The vendor's VPC of a peering.
fn vendor_vpc(peering: &Peering) -> String {
    peering.vendor.clone().expect("the vendor's side").vpc_id
}

async fn accept(suite: &Suite, waiting: &Peering) {
    let pcx = &waiting.provider_peering_id;
    suite.customer.accept(REGION, pcx).await;
}

#[tokio::test]
async fn a_route_that_cannot_be_put_back_is_the_vendor_s_to_mend() {
    let suite = Suite::standalone_with(Options::default().watchful()).await;
    let waiting = waiting(&suite).await;
    suite.accepted(&waiting).await;
    suite.until_met(&waiting, "ROUTES_READY").await;
    let cloud = suite.cloudsim();
    cloud.fault_in(REGION, "CreateRoute", FaultKind::Unavailable503);
    for table in cloud.tables_of(&vendor_vpc(&waiting)) {
        let route = json!({"RouteTableId": table, "DestinationCidrBlock": RANGE});
        operator(&suite, "delete_route", route).await;
    }
    let told = suite
        .until_unmet(&waiting, "ROUTES_READY", "ROUTE_MISSING_VENDOR")
        .await;
    let message = &condition(&told, "ROUTES_READY").message;
    assert!(message.contains(RANGE), "{message}");
    let missing = row(
        ("ROUTE_MISSING_VENDOR", told.state()),
        (Vendor, "MAKE_ROOM_FOR_ROUTES"),
        &["keeps putting them in place", "stands there instead"],
    );
    advises(&told, &missing);
    let check = suite.check(&waiting, "VENDOR_ROUTES").await;
    assert_eq!(check.reason, "ROUTE_MISSING_VENDOR");
    assert!(check.advice.contains("puts the vendor's routes back"));
    cloud.clear_faults();
    suite.until_met(&waiting, "ROUTES_READY").await;
}

#[tokio::test]
async fn a_full_route_table_is_told_with_both_ways_out() {
    let suite = Suite::standalone().await;
    let waiting = waiting(&suite).await;
    suite
        .cloudsim()
        .configure(|config| config.limits.routes_per_table = 0);
    accept(&suite, &waiting).await;
    let told = suite
        .until_unmet(&waiting, "ROUTES_READY", "ROUTE_TABLE_FULL")
        .await;
    assert_eq!(told.state(), State::Active, "it gets a minute");
    let told = suite.until(&waiting, State::Degraded).await;
    let full = row(
        ("ROUTE_TABLE_FULL", State::Degraded),
        (Vendor, "MAKE_ROOM_FOR_ROUTES"),
        &["raise the limit", "fewer, larger ranges"],
    );
    advises(&told, &full);
}

#[tokio::test]
async fn ranges_that_no_datastore_admits_want_to_be_allowed() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    suite.until_met(&peering, "ROUTES_READY").await;
    let told = suite
        .until_unmet(&peering, "ALLOW_LISTED", "ALLOW_LIST_MISSING")
        .await;
    let missing = row(
        ("ALLOW_LIST_MISSING", told.state()),
        (Customer, "ADD_TO_ALLOW_LIST"),
        &["AllowPeeredCidrs", RANGE],
    );
    advises(&told, &missing);
    let check = suite.check(&peering, "ALLOW_LIST").await;
    assert_eq!(check.reason, "ALLOW_LIST_MISSING");
    assert!(check.advice.contains("AllowPeeredCidrs"), "{check:?}");

    assert_eq!(suite.allow_peered(&network).await, [RANGE]);
    let told = suite.until_met(&peering, "ALLOW_LISTED").await;
    let routes = row(
        ("", State::Active),
        (Customer, "ADD_ROUTES"),
        &["10.20.0.0/16"],
    );
    advises(&told, &routes);
}

#[tokio::test]
async fn a_firewall_that_takes_no_more_wants_a_shorter_list() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    suite
        .cloudsim()
        .configure(|config| config.limits.rules_per_group = 1);
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432, 6432])
        .await;
    suite.allow(&network, RANGE).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    accept(&suite, &waiting).await;
    suite.until_met(&peering, "ROUTES_READY").await;
    let told = suite
        .until_unmet(&peering, "FIREWALL_READY", "ALLOW_LIST_FULL")
        .await;
    let full = row(
        ("ALLOW_LIST_FULL", told.state()),
        (Customer, "SHORTEN_ALLOW_LIST"),
        &["fewer, larger ranges"],
    );
    advises(&told, &full);
}

#[tokio::test]
async fn a_range_that_the_customer_adds_and_that_overlaps_is_told() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    suite.until_met(&waiting, "ROUTES_READY").await;
    suite.cloudsim().grow(&vpc, "10.20.64.0/18");
    let told = suite
        .until_unmet(&waiting, "IN_SYNC", "CIDR_OVERLAP_PEER")
        .await;
    let overlap = row(
        ("CIDR_OVERLAP_PEER", told.state()),
        (Customer, "REMOVE_OVERLAP"),
        &["10.20.0.0/16", "10.20.64.0/18"],
    );
    advises(&told, &overlap);
    let check = suite.check(&waiting, "PEER_CIDRS_COMPLETE").await;
    assert_eq!(check.reason, "CIDR_OVERLAP_PEER");
    assert!(check.advice.contains("Remove the range"), "{check:?}");
}

#[tokio::test]
async fn names_need_host_names_in_the_vendor_s_vpc_and_an_active_peering() {
    let suite = Suite::standalone().await;
    let (network, vpc) = sides(&suite).await;
    let options = PeeringOptions {
        resolve_dns: true,
        ..PeeringOptions::default()
    };
    let mut request = wish(&network, REGION, &vpc, RANGE);
    request.options = Some(options);
    let made = suite.peerings().create_peering(request).await;
    let peering = made.expect("a peering").into_inner().peering;
    let peering = peering.expect("a peering");
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    let modify = "ModifyVpcPeeringConnectionOptions";
    let asked = suite.cloudsim().outcomes(modify);
    assert_eq!(asked, Vec::<String>::new(), "not before it is active");

    let off = json!({"VpcId": network.provider_vpc_id, "EnableDnsHostnames": {"Value": false}});
    operator(&suite, "modify_vpc_attribute", off).await;
    accept(&suite, &waiting).await;
    let told = suite
        .until_unmet(&waiting, "IN_SYNC", "DNS_PRIVATE_RESOLUTION_OFF")
        .await;
    let off = row(
        ("DNS_PRIVATE_RESOLUTION_OFF", told.state()),
        (Vendor, "STOP_DRIFT"),
        &["DNS host names"],
    );
    advises(&told, &off);
    let check = suite.check(&waiting, "DNS_OPTION").await;
    assert_eq!(check.reason, "DNS_PRIVATE_RESOLUTION_OFF");
    let asked = suite.cloudsim().outcomes(modify);
    assert!(
        !asked.contains(&"OperationNotPermitted".to_owned()),
        "{asked:?}"
    );
}
