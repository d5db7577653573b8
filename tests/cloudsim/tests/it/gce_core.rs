//! The pure core of Compute Engine, without a socket: calls, operations, rates, permissions and what is refused.

use cloudsim::gce::state::OpFaultKind;
use serde_json::json;

use crate::gce_core_support::*;

#[test]
fn the_same_seed_gives_the_same_cloud() {
    let make = || {
        let mut cloud = cloud();
        cloud.network(VENDOR, "n");
        cloud.subnetwork(VENDOR, "n", "10.0.0.0/16");
        serde_json::to_string(&cloud.state).unwrap()
    };
    assert_eq!(make(), make());
}

#[test]
fn an_operation_is_pending_then_running_then_done() {
    let mut cloud = cloud();
    cloud.config.gcp.pending_ms = 100;
    let operation = cloud.ok("networks.insert", VENDOR, &[], custom("n"));
    assert_eq!(operation["kind"], "compute#operation");
    assert_eq!(operation["operationType"], "insert");
    assert_eq!(
        (&operation["status"], &operation["progress"]),
        (&json!("PENDING"), &json!(0))
    );
    assert!(operation.get("startTime").is_none() && operation.get("endTime").is_none());
    assert_eq!(operation["user"], ROBOT);
    assert_eq!(operation["insertTime"], "2026-04-30T17:00:00.000-07:00");
    let target = operation["targetLink"].as_str().unwrap();
    assert_eq!(
        target,
        format!("{BASE}/compute/v1/projects/vendor/global/networks/n")
    );
    cloud.now_ms += 100;
    let operation = cloud.look(VENDOR, &operation);
    assert_eq!(operation["status"], "RUNNING");
    assert_eq!(
        cloud.refused("networks.get", VENDOR, &[("network", "n")], json!(null)),
        (400, "resourceNotReady".into())
    );
    cloud.now_ms += 400;
    let operation = cloud.look(VENDOR, &operation);
    assert_eq!(
        (&operation["status"], &operation["progress"]),
        (&json!("DONE"), &json!(100))
    );
    assert_eq!(operation["endTime"], "2026-04-30T17:00:00.500-07:00");
    let network = cloud.get_network(VENDOR, "n");
    assert_eq!(network["id"], operation["targetId"]);
    assert_eq!(network["routingConfig"]["routingMode"], "REGIONAL");
    assert!(network.get("peerings").is_none() && network.get("subnetworks").is_none());
}

#[test]
fn what_finished_is_told_once_and_with_its_own_time() {
    let mut cloud = cloud();
    let operation = cloud.ok("networks.insert", VENDOR, &[], custom("n"));
    cloud.settle_after(60_000);
    let finished = cloud.state.take_finished();
    let [one] = &finished[..] else {
        panic!("{finished:?}");
    };
    assert_eq!(one.name, operation["name"].as_str().unwrap());
    assert_eq!(
        (one.operation_type.as_str(), one.time_ms),
        ("insert", START_MS + 500)
    );
    assert_eq!(
        (one.target.as_str(), &one.error),
        ("projects/vendor/global/networks/n", &None)
    );
    assert!(cloud.state.take_finished().is_empty());
}

#[test]
fn a_repeated_request_is_the_same_operation_whatever_its_body_says() {
    let mut cloud = cloud();
    let id = "6b1c9c3e-0000-4000-8000-00000000000a";
    let first = cloud.ok_with(
        "networks.insert",
        VENDOR,
        &[],
        &[("requestId", id)],
        custom("n"),
    );
    assert_eq!(first["clientOperationId"], id);
    let again = cloud.ok_with(
        "networks.insert",
        VENDOR,
        &[],
        &[("requestId", id)],
        custom("other"),
    );
    assert_eq!(again["name"], first["name"]);
    cloud.settle_after(1000);
    let later = cloud.ok_with(
        "networks.insert",
        VENDOR,
        &[],
        &[("requestId", id)],
        custom("n"),
    );
    assert_eq!(
        (&later["name"], &later["status"]),
        (&first["name"], &json!("DONE"))
    );
    assert_eq!(cloud.state.networks.len(), 1);
    let elsewhere = cloud.ok_with(
        "networks.insert",
        CUSTOMER,
        &[],
        &[("requestId", id)],
        custom("n"),
    );
    assert_ne!(elsewhere["name"], first["name"]);
    for bad in [
        "",
        "7",
        "00000000-0000-0000-0000-000000000000",
        "6b1c9c3e-0000-4000-8000-00000000000g",
    ] {
        let error = cloud.error_with(
            "networks.insert",
            VENDOR,
            &[],
            &[("requestId", bad)],
            custom("m"),
        );
        assert_eq!(
            (error.status, error.reason.as_str()),
            (400, "invalid"),
            "{bad}"
        );
    }
}

#[test]
fn a_faulty_operation_fails_hangs_or_vanishes() {
    let mut cloud = cloud();
    let (code, message) = ("QUOTA_EXCEEDED".to_owned(), "No more.".to_owned());
    cloud.fault("insert", OpFaultKind::Fail { code, message }, 1);
    let operation = cloud.ok("networks.insert", VENDOR, &[], custom("a"));
    cloud.settle_after(500);
    let operation = cloud.look(VENDOR, &operation);
    assert_eq!(
        operation["error"]["errors"],
        json!([{ "code": "QUOTA_EXCEEDED", "message": "No more." }])
    );
    assert_eq!(operation["httpErrorStatusCode"], 403);

    cloud.fault("insert", OpFaultKind::Hang, 1);
    let operation = cloud.ok("networks.insert", VENDOR, &[], custom("b"));
    cloud.settle_after(3_600_000);
    assert_eq!(cloud.look(VENDOR, &operation)["status"], "RUNNING");
    cloud.state.clear_op_faults(cloud.now_ms);
    assert_eq!(cloud.look(VENDOR, &operation)["status"], "DONE");

    for (name, effect) in [("c", true), ("d", false)] {
        cloud.fault("ins*", OpFaultKind::Vanish { effect }, 1);
        let operation = cloud.ok("networks.insert", VENDOR, &[], custom(name));
        let path = [("operation", operation["name"].as_str().unwrap())];
        cloud.settle_after(500);
        let gone = cloud.refused("globalOperations.get", VENDOR, &path, json!(null));
        assert_eq!(gone, (404, "notFound".into()));
        let path = format!("projects/vendor/global/networks/{name}");
        assert_eq!(cloud.state.networks.contains_key(&path), effect);
    }
    assert!(cloud.state.op_faults.is_empty());
    assert_eq!(cloud.names("networks.list", VENDOR), ["b", "c"]);
}

#[test]
fn a_refused_call_changes_nothing() {
    let mut cloud = cloud();
    cloud.network(VENDOR, "n");
    let before = serde_json::to_string(&cloud.state).unwrap();
    let network = [("network", "n")];
    let rule = json!({ "name": "f", "network": "global/networks/n", "allowed": [{ "IPProtocol": "tcp", "ports": ["1-0"] }] });
    let subnetwork =
        json!({ "name": "s", "network": "global/networks/n", "ipCidrRange": "10.0.0.0/30" });
    cloud.refused("networks.insert", VENDOR, &[], custom("n"));
    cloud.refused(
        "networks.addPeering",
        VENDOR,
        &network,
        half("p", VENDOR, "n"),
    );
    cloud.refused("firewalls.insert", VENDOR, &[], rule);
    cloud.refused(
        "subnetworks.insert",
        VENDOR,
        &[("region", REGION)],
        subnetwork,
    );
    assert_eq!(serde_json::to_string(&cloud.state).unwrap(), before);
}

#[test]
fn bodies_and_parameters_are_taken_at_their_word() {
    let mut cloud = cloud();
    let cases = [
        (
            json!({ "name": "n", "autoCreateSubnetworks": false, "colour": "red" }),
            "Unknown name \"colour\" at 'resource'",
        ),
        (
            json!({ "name": "n", "autoCreateSubnetworks": false, "routingConfig": { "mode": "x" } }),
            "at 'resource.routingConfig'",
        ),
        (
            json!({ "name": "n", "autoCreateSubnetworks": "no" }),
            "Invalid value at 'resource.autoCreateSubnetworks'",
        ),
        (
            json!({ "name": "n", "autoCreateSubnetworks": false, "routingConfig": { "routingMode": "x" } }),
            "'resource.routingConfig.routingMode': 'x'",
        ),
        (
            json!({ "autoCreateSubnetworks": false }),
            "Required field 'resource.name' not specified",
        ),
        (
            json!({ "name": "N", "autoCreateSubnetworks": false }),
            "'resource.name': 'N'. Must be a match of regex",
        ),
        (json!({ "name": "n" }), "'resource.autoCreateSubnetworks'"),
        (
            json!({ "name": "n", "autoCreateSubnetworks": false, "mtu": 9000 }),
            "'resource.mtu': '9000'",
        ),
        (json!(null), "Required field 'resource'"),
    ];
    for (body, text) in cases {
        let error = cloud.error_with("networks.insert", VENDOR, &[], &[], body);
        assert_eq!(error.status, 400);
        assert!(error.message.contains(text), "{}", error.message);
    }
    let error = cloud.error_with("networks.list", VENDOR, &[], &[("page", "1")], json!(null));
    assert!(
        error.message.contains("Unknown name \"page\""),
        "{}",
        error.message
    );
    let body = error.body();
    assert_eq!(body["error"]["code"], 400);
    assert_eq!(body["error"]["errors"][0]["reason"], "badRequest");
    let error = cloud.error_with("networks.fly", VENDOR, &[], &[], json!(null));
    assert_eq!(error.status, 404);
}

#[test]
fn projects_exist_only_when_made() {
    let mut cloud = cloud();
    let call =
        |cloud: &mut Cloud| cloud.error_with("networks.list", "nobody", &[], &[], json!(null));
    let error = call(&mut cloud);
    assert_eq!((error.status, error.reason.as_str()), (404, "notFound"));
    assert_eq!(
        error.message,
        "The resource 'projects/nobody' was not found"
    );
    cloud.config.gcp.missing_project_status = 403;
    let error = call(&mut cloud);
    assert_eq!((error.status, error.reason.as_str()), (403, "forbidden"));
}

#[test]
fn permissions_are_checked_and_named() {
    let mut cloud = cloud();
    cloud.network(VENDOR, "n");
    let may = |cloud: &mut Cloud, permissions: &[&str]| {
        cloud.state.set_permissions(VENDOR, ROBOT, permissions)
    };
    let network = [("network", "n")];
    may(
        &mut cloud,
        &["compute.networks.get", "compute.subnetworks.*"],
    );
    cloud.get_network(VENDOR, "n");
    let error = cloud.error_with(
        "networks.addPeering",
        VENDOR,
        &network,
        &[],
        half("p", CUSTOMER, "c"),
    );
    assert_eq!((error.status, error.reason.as_str()), (403, "forbidden"));
    let text =
        "Required 'compute.networks.addPeering' permission for 'projects/vendor/global/networks/n'";
    assert_eq!(error.message, text);
    let error = cloud.error_with("networks.list", VENDOR, &[], &[], json!(null));
    assert_eq!(
        error.message,
        "Required 'compute.networks.list' permission for 'projects/vendor'"
    );
    let subnetwork =
        json!({ "name": "s", "network": "global/networks/n", "ipCidrRange": "10.0.0.0/16" });
    let error = cloud.error_with(
        "subnetworks.insert",
        VENDOR,
        &[("region", REGION)],
        &[],
        subnetwork,
    );
    let text = "Required 'compute.networks.updatePolicy' permission for 'projects/vendor/global/networks/n'";
    assert_eq!(error.message, text);
    may(&mut cloud, &["compute.networks.addPeering"]);
    cloud.ok(
        "networks.addPeering",
        VENDOR,
        &network,
        half("p", CUSTOMER, "c"),
    );
}

#[test]
fn a_project_that_calls_too_often_waits_for_the_full_minute() {
    let mut cloud = cloud();
    cloud.config.gcp.rates.reads_per_minute = 2;
    cloud.now_ms = START_MS + 59_000;
    cloud.ok("networks.list", VENDOR, &[], json!(null));
    cloud.ok("networks.list", VENDOR, &[], json!(null));
    let error = cloud.error_with("networks.list", VENDOR, &[], &[], json!(null));
    assert_eq!(
        (error.status, error.reason.as_str(), error.domain.as_str()),
        (403, "rateLimitExceeded", "usageLimits")
    );
    cloud.ok("networks.list", CUSTOMER, &[], json!(null));
    cloud.ok("networks.insert", VENDOR, &[], custom("n"));
    cloud.config.gcp.rates.answer_429 = true;
    assert_eq!(
        cloud
            .error_with("networks.list", VENDOR, &[], &[], json!(null))
            .status,
        429
    );
    cloud.now_ms += 1000;
    cloud.ok("networks.list", VENDOR, &[], json!(null));
}

#[test]
fn a_project_shows_its_quotas_and_keeps_to_them() {
    let mut cloud = cloud();
    for n in 0..5 {
        cloud.ok("networks.insert", VENDOR, &[], custom(&format!("n-{n}")));
    }
    let error = cloud.error_with("networks.insert", VENDOR, &[], &[], custom("n-5"));
    assert_eq!(
        (error.status, error.reason.as_str()),
        (403, "quotaExceeded")
    );
    assert!(
        error.message.contains("'NETWORKS' exceeded.  Limit: 5.0"),
        "{}",
        error.message
    );
    cloud.settle_after(500);
    let project = cloud.ok("projects.get", VENDOR, &[], json!(null));
    assert_eq!(project["name"], VENDOR);
    let quota = project["quotas"].as_array().unwrap();
    assert!(
        quota.contains(&json!({ "metric": "NETWORKS", "limit": 5.0, "usage": 5.0 })),
        "{quota:?}"
    );
    let quotas = cloudsim::gce::config::GcpQuotas {
        networks: 6,
        ..cloud.config.gcp.quotas.clone()
    };
    cloud.state.put_project(VENDOR, Some(quotas));
    cloud.ok("networks.insert", VENDOR, &[], custom("n-5"));
}

#[test]
fn the_state_survives_being_written_down() {
    let mut cloud = cloud();
    cloud.network(VENDOR, "n");
    let operation = cloud.ok(
        "networks.addPeering",
        VENDOR,
        &[("network", "n")],
        half("p", CUSTOMER, "c"),
    );
    let written = serde_json::to_string(&cloud.state).unwrap();
    cloud.state = serde_json::from_str(&written).unwrap();
    cloud.settle_after(1000);
    assert_eq!(cloud.look(VENDOR, &operation)["status"], "DONE");
    assert_eq!(
        cloud.peering_states(VENDOR, "n"),
        [("p".to_owned(), "INACTIVE".to_owned())]
    );
}
