//! The admin API, as a test in any language speaks to it.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn the_clock_is_read_moved_and_set() {
    let sim = start().await;
    let (vendor, _) = both(&sim);
    let (pcx, ..) = pending(&sim).await;
    let clock = async |body| {
        sim_call(&sim, "POST", "/clock", Some(body)).await.1["now_ms"]
            .as_i64()
            .unwrap()
    };
    let before = sim.now_ms();
    let after = clock(json!({ "advance_ms": 169 * 3_600_000 })).await;
    assert!(after - before >= 169 * 3_600_000);
    assert_eq!(status(&vendor, &pcx).await, "expired");
    assert_eq!(clock(json!({ "freeze": true, "set_ms": 1000 })).await, 1000);
    assert_eq!(
        sim_call(&sim, "GET", "/clock", None).await.1,
        json!({ "now_ms": 1000, "frozen": true })
    );
    assert_eq!(
        sim_call(&sim, "POST", "/clock", Some(json!({ "ms": 1 })))
            .await
            .0,
        422
    );
}

#[tokio::test]
async fn switches_are_patched_and_checked() {
    let sim = start().await;
    let patch = json!({ "limits": { "vpcs_per_region": 1 }, "describe_lag_ms": 5 });
    let (status, config) = sim_call(&sim, "POST", "/config", Some(patch)).await;
    assert_eq!(
        (status, &config["limits"]["routes_per_table"]),
        (200, &json!(500))
    );
    let now = sim.config();
    assert_eq!((now.limits.vpcs_per_region, now.describe_lag_ms), (1, 5));
    let (status, answer) =
        sim_call(&sim, "POST", "/config", Some(json!({ "colour": "red" }))).await;
    assert_eq!(status, 400, "{answer}");
}

#[tokio::test]
async fn faults_are_set_and_cleared() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let faults = json!([{ "action": "Describe*", "kind": "throttle", "times": null }]);
    assert_eq!(sim_call(&sim, "POST", "/faults", Some(faults)).await.0, 200);
    assert_eq!(
        code(vendor.describe_vpcs().send().await),
        "RequestLimitExceeded"
    );
    assert_eq!(
        sim_call(&sim, "GET", "/faults", None)
            .await
            .1
            .as_array()
            .unwrap()
            .len(),
        1
    );
    sim_call(&sim, "DELETE", "/faults", None).await;
    vendor.describe_vpcs().send().await.unwrap();
}

#[tokio::test]
async fn calls_are_logged_counted_and_forgotten() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let _ = vendor.describe_vpcs().vpc_ids("vpc-12345678").send().await;
    customer.describe_vpcs().send().await.unwrap();
    let (_, all) = sim_call(&sim, "GET", "/calls?action=DescribeVpcs", None).await;
    let first = &all["calls"][0];
    assert_eq!(all["count"], 2);
    assert_eq!(
        (&first["account"], &first["outcome"]),
        (&json!(VENDOR), &json!("InvalidVpcID.NotFound"))
    );
    assert_eq!(first["params"], json!({ "VpcId.1": "vpc-12345678" }));
    let count = async |query: &str| {
        sim_call(&sim, "GET", &format!("/calls?count=true&{query}"), None)
            .await
            .1["count"]
            .clone()
    };
    assert_eq!(count(&format!("account={CUSTOMER}")).await, json!(1));
    assert_eq!(count("action=Create*").await, json!(0));
    assert_eq!(count("since=1").await, json!(1));
    let (_, counts) = sim_call(&sim, "GET", "/calls/counts", None).await;
    let expected = json!({ "DescribeVpcs": { "InvalidVpcID.NotFound": 1, "ok": 1 } });
    assert_eq!(counts, expected);
    sim_call(&sim, "DELETE", "/calls", None).await;
    let (_, counts) = sim_call(&sim, "GET", "/calls/counts", None).await;
    assert_eq!(counts, json!({}));
    assert_eq!(count("").await, json!(0));
}

#[tokio::test]
async fn objects_vanish_and_statuses_are_forced() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let (pcx, ours, _) = pending(&sim).await;
    let force = async |status: &str| {
        let path = format!("/peerings/{pcx}");
        sim_call(
            &sim,
            "POST",
            &path,
            Some(json!({ "status": status, "message": "so it is" })),
        )
        .await
        .0
    };
    assert_eq!(force("weird-new").await, 200);
    assert_eq!(status(&vendor, &pcx).await, "weird-new");
    assert_eq!(message(&seen(&vendor, &pcx).await.unwrap()), "so it is");
    force("provisioning").await;
    sim.clock_advance(HOUR);
    assert_eq!(
        status(&vendor, &pcx).await,
        "provisioning",
        "it stays as it was forced"
    );
    force("pending-acceptance").await;
    accept(&customer, &pcx).await;
    assert_eq!(status(&vendor, &pcx).await, "active");

    assert_eq!(
        sim_call(&sim, "POST", "/vanish", Some(json!({ "id": pcx })))
            .await
            .0,
        200
    );
    assert_eq!(
        (status(&vendor, &pcx).await, force("active").await),
        ("-".into(), 404)
    );
    let (_, kinds) = sim_call(&sim, "GET", "/state", None).await;
    assert_eq!((&kinds["vpcs"], &kinds["peerings"]), (&json!(2), &json!(0)));
    let (_, vpcs) = sim_call(&sim, "GET", "/state?kind=vpcs", None).await;
    assert_eq!(vpcs[&ours]["owner"]["account"], VENDOR);
    sim_call(&sim, "POST", "/reset", None).await;
    assert_eq!(
        sim_call(&sim, "GET", "/state", None).await.1["vpcs"],
        Value::from(0)
    );
}

#[tokio::test]
async fn ten_thousand_peerings_are_planted_and_listed() {
    let sim = start().await;
    let side = |account: &str| json!({ "account": account, "region": HERE });
    let plant = json!({
        "requester": side(VENDOR), "accepter": side(CUSTOMER),
        "vpcs": 100, "peerings": 100, "status": "active",
    });
    let (status, planted) = sim_call(&sim, "POST", "/plant", Some(plant)).await;
    assert_eq!(status, 200);
    let vpc = planted[0]["vpc_id"].as_str().unwrap();
    let vendor = client(&sim, VENDOR, HERE);
    let pages = vendor
        .describe_vpc_peering_connections()
        .filters(filter("requester-vpc-info.vpc-id", &[vpc]))
        .send()
        .await
        .unwrap();
    let seen = pages.vpc_peering_connections();
    assert_eq!(seen.len(), 100);
    let all = sim.state(|state| state.peerings.len());
    assert_eq!(all, 10_000);
}
