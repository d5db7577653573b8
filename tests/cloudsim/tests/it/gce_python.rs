//! Google's own Python client, with each way it knows to a bearer token.

use std::path::PathBuf;
use std::process::Stdio;

use cloudsim::Cloudsim;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::gce_support::*;
use crate::support::*;

/// The Python that `make test` installs Google's client for.
fn python() -> PathBuf {
    let venv = std::env::var("PEERWAY_TEST_VENV")
        .expect("PEERWAY_TEST_VENV is not set: `make test`, or deploy/dev/with-servers, sets it");
    PathBuf::from(venv).join("bin/python")
}

/// Runs the story of `google_client.py`; answers what it saw.
async fn google(sim: &Cloudsim, key: &Value, project: &str, way: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.json");
    std::fs::write(&file, key.to_string()).unwrap();
    let output = Command::new(python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/google_client.py"))
        .arg(sim.endpoint())
        .arg(&file)
        .args([project, way])
        .env("GOOGLE_APPLICATION_CREDENTIALS", file)
        // The library asks Google where an account may be used from; here nobody is to be asked.
        .env("https_proxy", "http://127.0.0.1:9")
        .env("no_proxy", "127.0.0.1")
        .stderr(Stdio::piped())
        .output()
        .await
        .expect("python of the virtual environment starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn expected() -> Value {
    json!({
        "insert": "DONE",
        "addPeering": "DONE",
        "states": { "one": ["ACTIVE"], "two": ["ACTIVE"] },
        "missing": "notFound",
    })
}

async fn quick() -> Cloudsim {
    start_with(|config| {
        (config.gcp.operation_ms, config.gcp.peering_operation_ms) = (10, 10);
    })
    .await
}

#[tokio::test]
async fn a_key_signs_its_own_tokens() {
    let sim = quick().await;
    let key = key(&sim, OURS);
    assert_eq!(google(&sim, &key, OURS, "key").await, expected());
    assert!(sim.calls_of("token").is_empty());
}

#[tokio::test]
async fn a_key_file_is_found_by_its_variable() {
    let sim = quick().await;
    let key = key(&sim, OURS);
    assert_eq!(google(&sim, &key, OURS, "default").await, expected());
    assert!(sim.calls_of("token").is_empty());
}

#[tokio::test]
async fn a_key_is_exchanged_for_a_token() {
    let sim = quick().await;
    let key = key(&sim, OURS);
    assert_eq!(google(&sim, &key, OURS, "exchange").await, expected());
    assert_eq!(sim.calls_of("token")[0].service, "oauth2");
}

#[tokio::test]
async fn an_account_acts_as_another() {
    let sim = quick().await;
    let helper = sim.gcp_service_account("tools", "helper", &[]);
    let target = key(&sim, OURS);
    let may = "iam.serviceAccounts.getAccessToken";
    sim.gcp_permissions(OURS, email(&helper), &[may]);
    let seen = google(&sim, &helper, OURS, email(&target)).await;
    assert_eq!(seen, expected());
    assert_eq!(
        sim.calls_of("generateAccessToken")[0].service,
        "iamcredentials"
    );
}
