//! The admin API of Google's side, and what the log tells of operations.

use serde_json::{Value, json};

use crate::gce_support::*;
use crate::support::*;

#[tokio::test]
async fn projects_accounts_and_permissions_are_made_over_http() {
    let sim = start().await;
    let path = format!("/projects/{OURS}");
    let quotas = json!({ "quotas": { "networks": 1 } });
    assert_eq!(gcp_call(&sim, "PUT", &path, Some(quotas)).await.0, 200);
    let unknown = json!({ "colour": "red" });
    assert_eq!(gcp_call(&sim, "PUT", &path, Some(unknown)).await.0, 422);
    let account = json!({ "name": "peerway" });
    let accounts = format!("{path}/serviceAccounts");
    let (_, key) = gcp_call(&sim, "POST", &accounts, Some(account)).await;
    assert_eq!(key["type"], "service_account");
    assert_eq!(key["token_uri"], format!("{}/token", sim.endpoint()));
    let client = networks(&sim, credentials(&key)).await;
    let list = async || client.list().set_project(OURS).send().await;
    assert_eq!(list().await.unwrap_err().http_status_code(), Some(403));
    let grant = json!({ "principal": email(&key), "permissions": ["compute.networks.*"] });
    let permissions = format!("{path}/permissions");
    gcp_call(&sim, "PUT", &permissions, Some(grant)).await;
    list().await.unwrap();

    network(&sim, &client, OURS, "db").await;
    let (_, seen) = gcp_call(&sim, "GET", &format!("{path}/networks"), None).await;
    assert_eq!(seen[0]["name"], "db");
    let missing = gcp_call(&sim, "GET", "/projects/none/networks", None).await;
    assert_eq!(missing.0, 404);
    assert_eq!(gcp_call(&sim, "GET", "/nothing", None).await.0, 404);
    let again = gcp_call(
        &sim,
        "POST",
        &accounts,
        Some(json!({ "name": "peerway", "permissions": [] })),
    );
    let (_, second) = again.await;
    assert_eq!(
        email(&second),
        email(&key),
        "one account, now with two keys"
    );
    assert_eq!(list().await.unwrap_err().http_status_code(), Some(403));
}

#[tokio::test]
async fn projects_named_at_the_start_outlive_a_reset_and_their_keys_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = || cloudsim::Options {
        state_file: Some(directory.path().join("cloud.json")),
        config: cloudsim::config_from(&[format!("gcp.projects={OURS},{THEIRS}")]).unwrap(),
        ..cloudsim::Options::default()
    };
    let sim = cloudsim::Cloudsim::start(options()).await.unwrap();
    let key = key(&sim, OURS);
    let client = networks(&sim, credentials(&key)).await;
    network(&sim, &client, OURS, "db").await;
    sim.stop().await;
    let sim = cloudsim::Cloudsim::start(options()).await.unwrap();
    let client = networks(&sim, credentials(&key)).await;
    let kept = client.list().set_project(OURS).send().await.unwrap();
    assert_eq!(kept.items[0].name.as_deref(), Some("db"));
    sim.reset();
    assert!(sim.gcp_networks(OURS).is_empty());
    let projects: Vec<String> = sim.gcp_state(|state| state.projects.keys().cloned().collect());
    assert_eq!(projects, [THEIRS, OURS]);
}

#[tokio::test]
async fn the_log_tells_when_operations_begin_and_end() {
    let sim = start().await;
    sim.clock_freeze(true);
    let client = networks(&sim, credentials(&key(&sim, OURS))).await;
    network(&sim, &client, OURS, "db").await;
    let begun_ms = sim.now_ms();
    let operation = half(&client, (OURS, "db"), (THEIRS, "app")).await;
    let peering = |action: &str| {
        let calls = sim.calls_of(action).into_iter();
        let mut calls = calls.filter(|call| call.operation == *operation.name.as_ref().unwrap());
        calls.next()
    };
    let began = peering("networks.addPeering").unwrap();
    assert_eq!((began.time_ms, began.outcome.as_str()), (begun_ms, "ok"));
    assert_eq!(began.params["network"], "db");
    assert_eq!(
        began.params["networkPeering.network"],
        format!("projects/{THEIRS}/global/networks/app")
    );
    assert!(peering("operation.done").is_none());
    sim.clock_advance(WHILE);
    let ended = peering("operation.done").unwrap();
    let delay_ms = sim.config().gcp.peering_operation_ms;
    assert_eq!(
        ended.time_ms,
        begun_ms + delay_ms,
        "when it ended, not when that was seen"
    );
    assert_eq!(
        (ended.account.as_str(), ended.outcome.as_str()),
        (OURS, "ok")
    );
    assert_eq!(ended.params["operationType"], "addPeering");
    assert!(ended.seq > began.seq);
    let (_, all) = sim_call(&sim, "GET", "/calls?action=operation.done", None).await;
    assert_eq!(all["count"], 2, "the network's and the peering's");
}

#[tokio::test]
async fn operations_fail_on_demand_over_http() {
    let sim = start().await;
    let client = networks(&sim, credentials(&key(&sim, OURS))).await;
    network(&sim, &client, OURS, "db").await;
    let fail = json!({ "fail": { "code": "INTERNAL_ERROR", "message": "by order" } });
    let fault = json!({ "operation_type": "addPeering", "kind": fail, "times": 1 });
    let (_, waiting) = gcp_call(&sim, "POST", "/operationFaults", Some(fault)).await;
    assert_eq!(waiting.as_array().unwrap().len(), 1);
    half(&client, (OURS, "db"), (THEIRS, "app")).await;
    sim.clock_advance(WHILE);
    let ended = sim.calls_of("operation.done").pop().unwrap();
    assert_eq!(ended.outcome, "INTERNAL_ERROR");
    assert!(sim.gcp_networks(OURS)[0].get("peerings").is_none());
    let hang = json!({ "kind": "hang" });
    gcp_call(&sim, "POST", "/operationFaults", Some(hang)).await;
    let (_, none) = gcp_call(&sim, "DELETE", "/operationFaults", None).await;
    assert_eq!(none, Value::Array(Vec::new()));
    assert!(sim.gcp_state(|state| state.op_faults.is_empty()));
}

#[tokio::test]
async fn many_networks_are_planted_and_listed_page_by_page() {
    let sim = start().await;
    let client = networks(&sim, credentials(&key(&sim, OURS))).await;
    let plant = json!({ "prefix": "n", "networks": 600, "peerings": 2, "peer_project": THEIRS, "active": true });
    let path = format!("/projects/{OURS}/plant");
    assert_eq!(gcp_call(&sim, "POST", &path, Some(plant)).await.0, 200);
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let page = client.list().set_project(OURS);
        let page = page.set_or_clear_page_token(token).set_max_results(500_u32);
        let page = page.send().await.unwrap();
        assert!(page.items.iter().all(|network| network.peerings.len() == 2));
        names.extend(page.items.into_iter().filter_map(|network| network.name));
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), 600);
}
