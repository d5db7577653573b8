//! Peerings of Compute Engine: two halves, one operation at a time, ranges that must not meet.

use serde_json::json;

use crate::gce_core_support::*;

const BUSY: &str =
    "There is a peering operation in progress on the local or peer network. Try again later.";

#[test]
fn a_peering_is_active_when_both_halves_are_there_and_only_then() {
    let mut cloud = both();
    let (ours, theirs) = ([("network", "v")], [("network", "c")]);
    cloud
        .done(
            "networks.addPeering",
            VENDOR,
            &ours,
            half("p", CUSTOMER, "c"),
        )
        .unwrap();
    let peering = cloud.get_network(VENDOR, "v")["peerings"][0].clone();
    assert_eq!(peering["name"], "p");
    assert_eq!(
        peering["network"],
        format!("{BASE}/compute/v1/projects/customer/global/networks/c")
    );
    assert_eq!(peering["state"], "INACTIVE");
    let details = peering["stateDetails"].as_str().unwrap();
    assert!(
        details.starts_with("[2026-04-30T")
            && details.ends_with("]: Waiting for peer network to connect."),
        "{details}"
    );
    assert_eq!(peering["exchangeSubnetRoutes"], true);
    assert_eq!(state(&mut cloud, CUSTOMER, "c"), "");

    cloud
        .done(
            "networks.addPeering",
            CUSTOMER,
            &theirs,
            half("q", VENDOR, "v"),
        )
        .unwrap();
    assert_eq!(
        (
            state(&mut cloud, VENDOR, "v"),
            state(&mut cloud, CUSTOMER, "c")
        ),
        ("ACTIVE".into(), "ACTIVE".into())
    );
    let details = cloud.get_network(VENDOR, "v")["peerings"][0]["stateDetails"].clone();
    assert!(
        details.as_str().unwrap().ends_with("]: Connected."),
        "{details}"
    );

    cloud
        .done(
            "networks.removePeering",
            CUSTOMER,
            &theirs,
            json!({ "name": "q" }),
        )
        .unwrap();
    assert_eq!(
        (
            state(&mut cloud, VENDOR, "v"),
            state(&mut cloud, CUSTOMER, "c")
        ),
        ("INACTIVE".into(), "".into())
    );
    cloud
        .done(
            "networks.addPeering",
            CUSTOMER,
            &theirs,
            half("q", VENDOR, "v"),
        )
        .unwrap();
    assert_eq!(state(&mut cloud, VENDOR, "v"), "ACTIVE");
}

#[test]
fn the_effect_shows_when_the_operation_is_done_or_before_it_by_a_switch() {
    for before in [false, true] {
        let mut cloud = both();
        cloud.config.gcp.effect_before_done = before;
        let operation = cloud.ok(
            "networks.addPeering",
            VENDOR,
            &[("network", "v")],
            half("p", CUSTOMER, "c"),
        );
        assert_eq!(operation["operationType"], "addPeering");
        assert_eq!(cloud.look(VENDOR, &operation)["status"], "RUNNING");
        assert_eq!(
            state(&mut cloud, VENDOR, "v"),
            if before { "INACTIVE" } else { "" }
        );
        cloud.settle_after(999);
        assert_eq!(cloud.look(VENDOR, &operation)["status"], "RUNNING");
        cloud.settle_after(1);
        assert_eq!(state(&mut cloud, VENDOR, "v"), "INACTIVE");
    }
}

#[test]
fn a_peer_that_does_not_exist_is_no_error() {
    let mut cloud = both();
    for (name, project, network) in [("p", CUSTOMER, "typo"), ("q", "no-such-project", "c")] {
        cloud
            .done(
                "networks.addPeering",
                VENDOR,
                &[("network", "v")],
                half(name, project, network),
            )
            .unwrap();
    }
    assert_eq!(state(&mut cloud, VENDOR, "v"), "INACTIVE INACTIVE");
}

#[test]
fn one_peering_operation_at_a_time_on_a_network_and_its_peer() {
    let mut cloud = both();
    cloud.network(VENDOR, "w");
    cloud.network(CUSTOMER, "d");
    cloud.ok(
        "networks.addPeering",
        VENDOR,
        &[("network", "v")],
        half("p", CUSTOMER, "c"),
    );
    let busy = [
        (VENDOR, "v", half("q", CUSTOMER, "d")),
        (CUSTOMER, "c", half("q", VENDOR, "w")),
        (VENDOR, "w", half("q", CUSTOMER, "c")),
        (CUSTOMER, "d", half("q", VENDOR, "v")),
    ];
    for (project, network, body) in busy {
        let error = cloud.error_with(
            "networks.addPeering",
            project,
            &[("network", network)],
            &[],
            body,
        );
        assert_eq!(
            (error.status, error.reason.as_str(), error.message.as_str()),
            (400, "badRequest", BUSY)
        );
    }
    cloud.ok(
        "networks.addPeering",
        VENDOR,
        &[("network", "w")],
        half("q", CUSTOMER, "d"),
    );
    cloud.settle_after(1000);
    cloud.ok(
        "networks.removePeering",
        VENDOR,
        &[("network", "v")],
        json!({ "name": "p" }),
    );
    let error = cloud.error_with(
        "networks.addPeering",
        CUSTOMER,
        &[("network", "c")],
        &[],
        half("p", VENDOR, "v"),
    );
    assert_eq!(error.message, BUSY);
    cloud.settle_after(1000);
    cloud.ok(
        "networks.addPeering",
        CUSTOMER,
        &[("network", "c")],
        half("p", VENDOR, "v"),
    );
}

#[test]
fn a_second_half_of_the_same_name_or_towards_the_same_network_is_refused() {
    let mut cloud = both();
    cloud
        .done(
            "networks.addPeering",
            VENDOR,
            &[("network", "v")],
            half("p", CUSTOMER, "c"),
        )
        .unwrap();
    let add = |cloud: &mut Cloud, body| {
        cloud.error_with(
            "networks.addPeering",
            VENDOR,
            &[("network", "v")],
            &[],
            body,
        )
    };
    let error = add(&mut cloud, half("p", CUSTOMER, "d"));
    assert_eq!(
        (error.status, error.message.as_str()),
        (
            400,
            "There is already a peering p with the same name. Select another name."
        )
    );
    cloud.config.gcp.duplicate_peering_status = 409;
    let error = add(&mut cloud, half("q", CUSTOMER, "c"));
    assert_eq!(
        (error.status, error.reason.as_str()),
        (409, "alreadyExists")
    );
    assert_eq!(
        error.message,
        "There is already a peering p with the same network. Select another network."
    );
    let error = cloud.error_with(
        "networks.removePeering",
        VENDOR,
        &[("network", "v")],
        &[],
        json!({ "name": "q" }),
    );
    assert_eq!(error.status, 400);
}

#[test]
fn both_forms_of_the_request_are_understood_but_not_together() {
    let mut cloud = both();
    let path = [("network", "v")];
    let old = json!({ "name": "p", "peerNetwork": "projects/customer/global/networks/c", "autoCreateRoutes": true });
    let mut mixed = half("p", CUSTOMER, "c");
    mixed["name"] = json!("p");
    let with = |field: &str, value| {
        let mut body = half("p", CUSTOMER, "c");
        body["networkPeering"][field] = value;
        body
    };
    let cases = [
        (mixed, "cannot be set together"),
        (
            with("exchangeSubnetRoutes", json!(false)),
            "'false'. It must be true.",
        ),
        (
            with("exchangeSubnetRoutes", json!(null)),
            "Required field 'resource.networkPeering.exchangeSubnetRoutes'",
        ),
        (with("network", json!("c")), "The URL is malformed."),
        (
            with("network", json!(null)),
            "Required field 'resource.networkPeering.network'",
        ),
        (
            with("name", json!("P")),
            "'resource.networkPeering.name': 'P'",
        ),
        (
            with("network", json!("global/networks/v")),
            "cannot be peered with itself",
        ),
        (
            with("stackType", json!("IPV6")),
            "'resource.networkPeering.stackType': 'IPV6'",
        ),
        (
            json!({ "name": "p" }),
            "Required field 'resource.peerNetwork'",
        ),
    ];
    for (body, text) in cases {
        let error = cloud.error_with("networks.addPeering", VENDOR, &path, &[], body);
        assert_eq!(error.status, 400);
        assert!(error.message.contains(text), "{}", error.message);
    }
    cloud
        .done("networks.addPeering", VENDOR, &path, old)
        .unwrap();
    assert_eq!(state(&mut cloud, VENDOR, "v"), "INACTIVE");
}

#[test]
fn a_network_has_so_many_peerings() {
    let mut cloud = both();
    cloud.config.gcp.quotas.peerings_per_network = 1;
    cloud
        .done(
            "networks.addPeering",
            VENDOR,
            &[("network", "v")],
            half("p", CUSTOMER, "c"),
        )
        .unwrap();
    let refused = cloud.refused(
        "networks.addPeering",
        VENDOR,
        &[("network", "v")],
        half("q", CUSTOMER, "d"),
    );
    assert_eq!(refused, (403, "quotaExceeded".into()));
    cloud.config.gcp.peering_quota_fails_operation = true;
    let failed = cloud.done(
        "networks.addPeering",
        VENDOR,
        &[("network", "v")],
        half("q", CUSTOMER, "d"),
    );
    assert_eq!(failed.unwrap_err().0, "QUOTA_EXCEEDED");
    assert_eq!(state(&mut cloud, VENDOR, "v"), "INACTIVE");
}

#[test]
fn a_half_is_updated_and_its_routes_are_listed_while_it_is_active() {
    let mut cloud = both();
    cloud.subnetwork(VENDOR, "v", "10.0.0.0/16");
    cloud.subnetwork(CUSTOMER, "c", "10.1.0.0/16");
    let routes = |cloud: &mut Cloud, direction| {
        let query = [
            ("peeringName", "p"),
            ("region", REGION),
            ("direction", direction),
        ];
        cloud.ok_with(
            "networks.listPeeringRoutes",
            VENDOR,
            &[("network", "v")],
            &query,
            json!(null),
        )
    };
    cloud
        .done(
            "networks.addPeering",
            VENDOR,
            &[("network", "v")],
            half("p", CUSTOMER, "c"),
        )
        .unwrap();
    assert!(routes(&mut cloud, "INCOMING").get("items").is_none());
    cloud
        .done(
            "networks.addPeering",
            CUSTOMER,
            &[("network", "c")],
            half("p", VENDOR, "v"),
        )
        .unwrap();
    let incoming = routes(&mut cloud, "INCOMING");
    assert_eq!(incoming["items"][0]["destRange"], "10.1.0.0/16");
    assert_eq!(incoming["items"][0]["type"], "SUBNET_PEERING_ROUTE");
    assert_eq!(
        routes(&mut cloud, "OUTGOING")["items"][0]["destRange"],
        "10.0.0.0/16"
    );
    let body = json!({ "networkPeering": { "name": "p", "importCustomRoutes": true } });
    cloud
        .done("networks.updatePeering", VENDOR, &[("network", "v")], body)
        .unwrap();
    let peering = cloud.get_network(VENDOR, "v")["peerings"][0].clone();
    assert_eq!(
        (&peering["importCustomRoutes"], &peering["state"]),
        (&json!(true), &json!("ACTIVE"))
    );
}

#[test]
fn planted_networks_look_like_made_ones() {
    let mut cloud = cloud();
    let plant = cloudsim::gce::state::Plant {
        prefix: "n".to_owned(),
        networks: 700,
        peerings: 2,
        peer_project: CUSTOMER.to_owned(),
        active: true,
    };
    cloud.state.plant(VENDOR, &plant, cloud.now_ms);
    let page = cloud.ok("networks.list", VENDOR, &[], json!(null));
    assert_eq!(names_in(&page).len(), 500);
    assert_eq!(state(&mut cloud, VENDOR, "n-699"), "ACTIVE ACTIVE");
    cloud
        .done(
            "networks.removePeering",
            CUSTOMER,
            &[("network", "n-699-peer-1")],
            json!({ "name": "peering-0" }),
        )
        .unwrap();
    assert_eq!(state(&mut cloud, VENDOR, "n-699"), "ACTIVE INACTIVE");
}
