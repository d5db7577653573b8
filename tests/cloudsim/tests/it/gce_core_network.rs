//! Networks, subnetworks and firewall rules of Compute Engine.

use cloudsim::gce::state::OpFaultKind;
use serde_json::{Value, json};

use crate::gce_core_support::*;

fn subnetwork(name: &str, cidr: &str) -> Value {
    json!({ "name": name, "network": "global/networks/n", "ipCidrRange": cidr })
}

fn firewall(name: &str) -> Value {
    json!({ "name": name, "network": "projects/vendor/global/networks/n", "allowed": [{ "IPProtocol": "tcp", "ports": ["22", "8000-9000"] }] })
}

#[test]
fn a_network_in_use_is_not_deleted() {
    let mut cloud = with_network();
    let path = [("network", "n")];
    let delete = |cloud: &mut Cloud| cloud.done("networks.delete", VENDOR, &path, json!(null));
    cloud.subnetwork(VENDOR, "n", "10.0.0.0/16");
    cloud
        .done("firewalls.insert", VENDOR, &[], firewall("f"))
        .unwrap();
    cloud
        .done(
            "networks.addPeering",
            VENDOR,
            &path,
            half("p", CUSTOMER, "c"),
        )
        .unwrap();
    let in_use = |error: Result<(), (String, String)>, by: &str| {
        let (code, message) = error.unwrap_err();
        assert_eq!(code, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE");
        let network =
            "The network resource 'projects/vendor/global/networks/n' is already being used by";
        assert_eq!(message, format!("{network} 'projects/vendor/{by}'"));
    };
    in_use(delete(&mut cloud), "global/firewalls/f");
    cloud
        .done(
            "firewalls.delete",
            VENDOR,
            &[("firewall", "f")],
            json!(null),
        )
        .unwrap();
    in_use(
        delete(&mut cloud),
        "regions/europe-west1/subnetworks/s-10-0-0-0-16",
    );
    let path = [("region", REGION), ("subnetwork", "s-10-0-0-0-16")];
    cloud
        .done("subnetworks.delete", VENDOR, &path, json!(null))
        .unwrap();
    in_use(delete(&mut cloud), "global/networks/n/peerings/p");
    cloud.config.gcp.delete_network_with_peerings = true;
    delete(&mut cloud).unwrap();
    assert!(cloud.names("networks.list", VENDOR).is_empty());
    assert_eq!(
        cloud.refused("networks.get", VENDOR, &[("network", "n")], json!(null)),
        (404, "notFound".into())
    );
}

#[test]
fn a_half_does_not_keep_its_peer_and_waits_when_that_is_gone() {
    let mut cloud = with_network();
    cloud.network(CUSTOMER, "c");
    cloud
        .done(
            "networks.addPeering",
            VENDOR,
            &[("network", "n")],
            half("p", CUSTOMER, "c"),
        )
        .unwrap();
    cloud
        .done(
            "networks.addPeering",
            CUSTOMER,
            &[("network", "c")],
            half("p", VENDOR, "n"),
        )
        .unwrap();
    cloud.config.gcp.delete_network_with_peerings = true;
    cloud
        .done(
            "networks.delete",
            CUSTOMER,
            &[("network", "c")],
            json!(null),
        )
        .unwrap();
    assert_eq!(
        cloud.peering_states(VENDOR, "n"),
        [("p".to_owned(), "INACTIVE".to_owned())]
    );
}

#[test]
fn a_network_changes_its_routing_mode_and_nothing_else() {
    let mut cloud = with_network();
    let body = json!({ "routingConfig": { "routingMode": "GLOBAL" } });
    cloud
        .done("networks.patch", VENDOR, &[("network", "n")], body)
        .unwrap();
    assert_eq!(
        cloud.get_network(VENDOR, "n")["routingConfig"]["routingMode"],
        "GLOBAL"
    );
    let refused = cloud.refused(
        "networks.patch",
        VENDOR,
        &[("network", "n")],
        json!({ "mtu": 1500 }),
    );
    assert_eq!(refused, (400, "invalid".into()));
}

#[test]
fn a_subnetwork_is_in_a_region_and_in_its_network() {
    let mut cloud = with_network();
    let region = [("region", REGION)];
    let operation = cloud.ok(
        "subnetworks.insert",
        VENDOR,
        &region,
        subnetwork("s", "10.0.0.0/16"),
    );
    assert!(
        operation["region"]
            .as_str()
            .unwrap()
            .ends_with("projects/vendor/regions/europe-west1")
    );
    cloud.settle_after(500);
    assert_eq!(cloud.look(VENDOR, &operation)["status"], "DONE");
    let one = cloud.ok(
        "subnetworks.get",
        VENDOR,
        &[("region", REGION), ("subnetwork", "s")],
        json!(null),
    );
    assert_eq!(
        (&one["ipCidrRange"], &one["gatewayAddress"]),
        (&json!("10.0.0.0/16"), &json!("10.0.0.1"))
    );
    assert_eq!(
        cloud.get_network(VENDOR, "n")["subnetworks"],
        json!([one["selfLink"]])
    );
    let all = cloud.ok("subnetworks.aggregatedList", VENDOR, &[], json!(null));
    assert_eq!(
        all["items"]["regions/europe-west1"]["subnetworks"][0]["name"],
        "s"
    );
    assert_eq!(
        all["items"]["regions/us-east1"]["warning"]["code"],
        "NO_RESULTS_ON_PAGE"
    );
    let here = cloud.ok("subnetworks.list", VENDOR, &region, json!(null));
    assert_eq!(names_in(&here), ["s"]);
    let there = cloud.ok(
        "subnetworks.list",
        VENDOR,
        &[("region", "us-east1")],
        json!(null),
    );
    assert!(there.get("items").is_none());
}

#[test]
fn ranges_of_subnetworks_are_checked() {
    let mut cloud = with_network();
    let region = [("region", REGION)];
    cloud.subnetwork(VENDOR, "n", "10.0.0.0/16");
    cloud.ok(
        "subnetworks.insert",
        VENDOR,
        &region,
        subnetwork("coming", "10.9.0.0/16"),
    );
    let cases = [
        (
            subnetwork("s", "10.0.4.0/24"),
            "conflicts with existing subnetwork 's-10-0-0-0-16' in region 'europe-west1'",
        ),
        (
            subnetwork("s", "10.9.4.0/24"),
            "conflicts with existing subnetwork 'coming'",
        ),
        (
            subnetwork("s", "10.1.0.1/24"),
            "the first of the range, 10.1.0.0/24",
        ),
        (subnetwork("s", "10.1.0.0/30"), "between 8 and 29"),
        (
            subnetwork("s", "169.254.0.0/24"),
            "reserved range 169.254.0.0/16",
        ),
        (subnetwork("s", "ten"), "CIDR format"),
        (
            json!({ "name": "s", "network": "global/networks/n" }),
            "Required field 'resource.ipCidrRange'",
        ),
        (
            json!({ "name": "s", "ipCidrRange": "10.1.0.0/16" }),
            "Required field 'resource.network'",
        ),
        (
            json!({ "name": "s", "ipCidrRange": "10.1.0.0/16", "network": "global/networks/m" }),
            "'projects/vendor/global/networks/m' was not found",
        ),
        (subnetwork("s-10-0-0-0-16", "10.1.0.0/16"), "already exists"),
    ];
    for (body, text) in cases {
        let error = cloud.error_with("subnetworks.insert", VENDOR, &region, &[], body);
        assert!(error.message.contains(text), "{}", error.message);
    }
    let error = cloud.error_with(
        "subnetworks.insert",
        VENDOR,
        &[("region", "mars-1")],
        &[],
        subnetwork("s", "10.1.0.0/16"),
    );
    assert!(
        error.message.contains("'mars-1'. Unknown region."),
        "{}",
        error.message
    );
}

#[test]
fn what_is_being_made_cannot_be_used_yet() {
    let mut cloud = cloud();
    cloud.ok("networks.insert", VENDOR, &[], custom("n"));
    let refused = cloud.refused(
        "subnetworks.insert",
        VENDOR,
        &[("region", REGION)],
        subnetwork("s", "10.0.0.0/16"),
    );
    assert_eq!(refused, (400, "resourceNotReady".into()));
    let refused = cloud.refused(
        "networks.addPeering",
        VENDOR,
        &[("network", "n")],
        half("p", CUSTOMER, "c"),
    );
    assert_eq!(refused, (400, "resourceNotReady".into()));
    assert_eq!(
        cloud.refused("networks.insert", VENDOR, &[], custom("n")),
        (409, "alreadyExists".into())
    );
    cloud.settle_after(500);
    assert_eq!(
        cloud.refused("networks.insert", VENDOR, &[], custom("n")),
        (409, "alreadyExists".into())
    );
}

#[test]
fn a_firewall_rule_without_sources_lets_everybody_in() {
    let mut cloud = with_network();
    cloud
        .done("firewalls.insert", VENDOR, &[], firewall("f"))
        .unwrap();
    let get =
        |cloud: &mut Cloud| cloud.ok("firewalls.get", VENDOR, &[("firewall", "f")], json!(null));
    let rule = get(&mut cloud);
    assert_eq!(
        (&rule["sourceRanges"], &rule["direction"]),
        (&json!(["0.0.0.0/0"]), &json!("INGRESS"))
    );
    assert_eq!(
        (&rule["priority"], &rule["disabled"]),
        (&json!(1000), &json!(false))
    );
    let patch = |cloud: &mut Cloud, body| {
        cloud
            .done("firewalls.patch", VENDOR, &[("firewall", "f")], body)
            .unwrap()
    };
    patch(
        &mut cloud,
        json!({ "sourceRanges": ["10.0.0.0/16", "10.1.0.0/16"] }),
    );
    let rule = get(&mut cloud);
    assert_eq!(rule["sourceRanges"], json!(["10.0.0.0/16", "10.1.0.0/16"]));
    assert_eq!(rule["allowed"][0]["ports"], json!(["22", "8000-9000"]));
    patch(&mut cloud, json!({ "description": "d" }));
    assert_eq!(
        get(&mut cloud)["sourceRanges"],
        json!(["10.0.0.0/16", "10.1.0.0/16"])
    );
    patch(&mut cloud, json!({ "sourceRanges": [] }));
    assert_eq!(get(&mut cloud)["sourceRanges"], json!(["0.0.0.0/0"]));
    cloud
        .done(
            "firewalls.update",
            VENDOR,
            &[("firewall", "f")],
            firewall("f"),
        )
        .unwrap();
    assert!(get(&mut cloud).get("description").is_none());
    assert_eq!(cloud.names("firewalls.list", VENDOR), ["f"]);
}

#[test]
fn firewall_rules_are_checked() {
    let mut cloud = with_network();
    let with = |field: &str, value: Value| {
        let mut body = firewall("f");
        body[field] = value;
        body
    };
    let protocol = |name: &str, ports: Value| json!([{ "IPProtocol": name, "ports": ports }]);
    let cases = [
        (
            with("allowed", json!(null)),
            "Required field 'resource.allowed'",
        ),
        (with("denied", protocol("tcp", json!([]))), "Only one of"),
        (
            with("allowed", json!([{ "ports": ["1"] }])),
            "'resource.allowed[0].IPProtocol'",
        ),
        (
            with("allowed", protocol("carrier-pigeon", json!([]))),
            "Unknown protocol.",
        ),
        (
            with("allowed", protocol("icmp", json!(["1"]))),
            "Ports may not be specified",
        ),
        (
            with("allowed", protocol("tcp", json!(["9-1"]))),
            "'resource.allowed[0].ports[0]': '9-1'",
        ),
        (
            with("allowed", protocol("tcp", json!(["65536"]))),
            "'65536'",
        ),
        (
            with("sourceRanges", json!(["10.0.0.1/16"])),
            "the first of the range, 10.0.0.0/16",
        ),
        (with("priority", json!(65_536)), "between 0 and 65535"),
        (with("direction", json!("UP")), "'resource.direction': 'UP'"),
        (
            with("network", json!("global/networks/m")),
            "'projects/vendor/global/networks/m' was not found",
        ),
    ];
    for (body, text) in cases {
        let error = cloud.error_with("firewalls.insert", VENDOR, &[], &[], body);
        assert!(error.message.contains(text), "{}", error.message);
    }
    let egress = json!({ "name": "e", "network": "global/networks/n", "direction": "EGRESS", "denied": [{ "IPProtocol": "all" }] });
    cloud
        .done("firewalls.insert", VENDOR, &[], egress.clone())
        .unwrap();
    let rule = cloud.ok("firewalls.get", VENDOR, &[("firewall", "e")], json!(null));
    assert_eq!(rule["destinationRanges"], json!(["0.0.0.0/0"]));
    let refused = cloud.refused(
        "firewalls.patch",
        VENDOR,
        &[("firewall", "e")],
        json!({ "direction": "INGRESS" }),
    );
    assert_eq!(refused.0, 400);
}

#[test]
fn what_is_made_in_a_network_that_went_meanwhile_fails() {
    let mut cloud = with_network();
    cloud.fault("insert", OpFaultKind::Hang, 1);
    let operation = cloud.ok("firewalls.insert", VENDOR, &[], firewall("f"));
    let path = [("network", "n")];
    cloud
        .done("networks.delete", VENDOR, &path, json!(null))
        .unwrap();
    cloud.state.clear_op_faults(cloud.now_ms);
    let operation = cloud.look(VENDOR, &operation);
    assert_eq!(
        operation["error"]["errors"][0]["code"],
        "RESOURCE_NOT_FOUND"
    );
    assert_eq!(operation["httpErrorStatusCode"], 404);
    assert!(cloud.names("firewalls.list", VENDOR).is_empty());
}
