//! The Rust SDK with a service account's key: what Peerway does, from the first call to the last.

use google_cloud_auth::credentials::impersonated;
use google_cloud_compute_v1::client::Networks;
use google_cloud_compute_v1::model::NetworksRemovePeeringRequest;
use google_cloud_compute_v1::model::network_peering::State;
use serde_json::json;

use crate::gce_support::*;
use crate::support::*;

#[tokio::test]
async fn two_halves_become_a_peering_and_one_of_them_goes() {
    let sim = start().await;
    sim.clock_freeze(true);
    let (ours, theirs) = (key(&sim, OURS), key(&sim, THEIRS));
    let vendor = networks(&sim, credentials(&ours)).await;
    let customer = networks(&sim, credentials(&theirs)).await;
    network(&sim, &vendor, OURS, "db").await;
    network(&sim, &customer, THEIRS, "app").await;
    let listed = vendor.list().set_project(OURS).send().await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].name.as_deref(), Some("db"));

    let begun = half(&vendor, (OURS, "db"), (THEIRS, "app")).await;
    assert!(!is_done(&begun));
    let looks = operations(&sim, credentials(&ours)).await;
    let look = || {
        let name = begun.name.clone().unwrap();
        looks.get().set_project(OURS).set_operation(name).send()
    };
    assert!(!is_done(&look().await.unwrap()));
    sim.clock_advance(WHILE);
    let done = look().await.unwrap();
    assert!(is_done(&done) && done.error.is_none(), "{done:?}");
    assert_eq!(
        peering(&vendor, OURS, "db").await.state,
        Some(State::Inactive)
    );

    half(&customer, (THEIRS, "app"), (OURS, "db")).await;
    sim.clock_advance(WHILE);
    for (client, project, network) in [(&vendor, OURS, "db"), (&customer, THEIRS, "app")] {
        let peering = peering(client, project, network).await;
        assert_eq!(peering.state, Some(State::Active));
    }
    let gone = NetworksRemovePeeringRequest::new().set_name("half");
    let remove = customer.remove_peering().set_project(THEIRS);
    let remove = remove.set_network("app").set_body(gone);
    remove.send().await.unwrap();
    sim.clock_advance(WHILE);
    assert_eq!(
        peering(&vendor, OURS, "db").await.state,
        Some(State::Inactive)
    );
}

#[tokio::test]
async fn a_refusal_reaches_the_client_with_status_and_message() {
    let sim = start().await;
    let vendor = networks(&sim, credentials(&key(&sim, OURS))).await;
    let get = vendor.get().set_project(OURS).set_network("none");
    let error = get.send().await.unwrap_err();
    assert_eq!(error.http_status_code(), Some(404));
    let text = format!("The resource 'projects/{OURS}/global/networks/none' was not found");
    assert_eq!(error.status().unwrap().message, text);
}

#[tokio::test]
async fn an_account_acts_as_another_that_lets_it() {
    let sim = start().await;
    let helper = sim.gcp_service_account(OURS, "helper", &[]);
    let target = key(&sim, THEIRS);
    let url = format!(
        "{}/v1/projects/-/serviceAccounts/{}:generateAccessToken",
        sim.endpoint(),
        email(&target)
    );
    let file = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": url,
        "source_credentials": helper,
    });
    let acting = || impersonated::Builder::new(file.clone()).build().unwrap();
    let list = async || {
        let client = networks(&sim, acting()).await;
        client.list().set_project(THEIRS).send().await
    };
    assert!(list().await.unwrap_err().is_authentication());
    let outcomes = sim.calls_of("generateAccessToken");
    assert_eq!(outcomes[0].outcome, "PERMISSION_DENIED");
    sim.gcp_permissions(
        THEIRS,
        email(&helper),
        &["iam.serviceAccounts.getAccessToken"],
    );
    list().await.unwrap();
    let call = sim.calls_of("networks.list").pop().unwrap();
    assert_eq!(
        (call.account.as_str(), call.outcome.as_str()),
        (THEIRS, "ok")
    );
}

/// Where the endpoint stands in the process that has the key file for its default.
const ENDPOINT: &str = "CLOUDSIM_TEST_ENDPOINT";

#[tokio::test]
async fn a_key_file_is_found_by_its_variable() {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        let client = Networks::builder().with_endpoint(endpoint).build().await;
        let list = client.unwrap().list().set_project(OURS);
        list.send().await.unwrap();
        return;
    }
    let sim = start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.json");
    std::fs::write(&file, key(&sim, OURS).to_string()).unwrap();
    // Only a new process may have another environment.
    let itself = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "gce_clients::a_key_file_is_found_by_its_variable",
        ])
        .env(ENDPOINT, sim.endpoint())
        .env("GOOGLE_APPLICATION_CREDENTIALS", file)
        .status();
    assert!(itself.await.unwrap().success());
    let calls = sim.calls_of("networks.list");
    assert_eq!(calls[0].outcome, "ok");
}
