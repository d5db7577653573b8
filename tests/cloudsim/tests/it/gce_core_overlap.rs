//! Ranges of peered networks of Compute Engine, which must not meet.

use serde_json::json;

use crate::gce_core_support::*;

#[test]
fn ranges_that_meet_are_refused_when_the_second_half_would_connect_them() {
    let mut cloud = both();
    cloud.subnetwork(VENDOR, "v", "10.0.0.0/16");
    cloud.subnetwork(CUSTOMER, "c", "10.0.128.0/20");
    let (code, message) = connect(&mut cloud, "p", (VENDOR, "v"), (CUSTOMER, "c")).unwrap_err();
    assert_eq!(code, "INVALID_USAGE");
    let text = "An IP range in the peer network (10.0.0.0/16) overlaps with an IP range in the local network \
                (10.0.128.0/20) allocated by resource \
                (projects/customer/regions/europe-west1/subnetworks/s-10-0-128-0-20).";
    assert_eq!(message, text);
    assert_eq!(
        (
            state(&mut cloud, VENDOR, "v"),
            state(&mut cloud, CUSTOMER, "c")
        ),
        ("INACTIVE".into(), "".into())
    );
}

#[test]
fn ranges_of_what_is_connected_already_count_too() {
    let mut cloud = both();
    cloud.network(CUSTOMER, "d");
    cloud.subnetwork(VENDOR, "v", "10.0.0.0/16");
    cloud.subnetwork(CUSTOMER, "c", "10.1.0.0/16");
    cloud.subnetwork(CUSTOMER, "d", "10.1.0.0/20");
    connect(&mut cloud, "p", (VENDOR, "v"), (CUSTOMER, "c")).unwrap();
    let (_, message) = connect(&mut cloud, "q", (VENDOR, "v"), (CUSTOMER, "d")).unwrap_err();
    assert!(
        message.contains(
            "in an active peer (projects/customer/global/networks/c) of the peer network"
        ),
        "{message}"
    );
    cloud
        .done(
            "networks.removePeering",
            VENDOR,
            &[("network", "v")],
            json!({ "name": "q" }),
        )
        .unwrap();
    let (_, message) = connect(&mut cloud, "q", (CUSTOMER, "d"), (VENDOR, "v")).unwrap_err();
    assert!(
        message.contains(
            "in an active peer (projects/customer/global/networks/c) of the local network"
        ),
        "{message}"
    );

    let body = json!({ "name": "s", "network": "global/networks/c", "ipCidrRange": "10.0.0.0/24" });
    let error = cloud.error_with(
        "subnetworks.insert",
        CUSTOMER,
        &[("region", REGION)],
        &[],
        body,
    );
    assert!(
        error
            .message
            .contains("conflicts with IP range 10.0.0.0/16 in an active peer"),
        "{}",
        error.message
    );
}

#[test]
fn two_networks_in_auto_mode_cannot_be_connected() {
    let mut cloud = cloud();
    for project in [VENDOR, CUSTOMER] {
        let body = json!({ "name": "auto", "autoCreateSubnetworks": true });
        cloud.done("networks.insert", project, &[], body).unwrap();
    }
    let links = cloud.get_network(VENDOR, "auto")["subnetworks"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(links, cloudsim::gce::REGIONS.len());
    connect(&mut cloud, "p", (VENDOR, "auto"), (CUSTOMER, "auto")).unwrap_err();
    cloud.network(CUSTOMER, "c");
    cloud.subnetwork(CUSTOMER, "c", "10.250.0.0/16");
    connect(&mut cloud, "q", (VENDOR, "auto"), (CUSTOMER, "c")).unwrap_err();
}
