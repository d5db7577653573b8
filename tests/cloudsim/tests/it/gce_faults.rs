//! Faults on demand in Google's manner.

use cloudsim::{Fault, FaultKind};
use serde_json::json;

use crate::gce_support::*;
use crate::support::*;

#[tokio::test]
async fn refusals_have_the_status_and_reason_of_the_real_one() {
    let sim = start().await;
    let client = networks(&sim, credentials(&key(&sim, OURS))).await;
    for (kind, status, reason) in [
        (FaultKind::Throttle, 403, "rateLimitExceeded"),
        (FaultKind::Throttle429, 429, "rateLimitExceeded"),
        (FaultKind::Error500, 500, "internalError"),
        (FaultKind::Unavailable503, 503, "backendError"),
        (FaultKind::Unauthorized, 403, "forbidden"),
        (FaultKind::AuthError, 401, "authError"),
    ] {
        // The SDK repeats nothing but what is idempotent.
        sim.fault(Fault::once("networks.removePeering", kind));
        let call = client.remove_peering().set_project(OURS).set_network("db");
        let error = call.send().await.unwrap_err();
        assert_eq!(error.http_status_code(), Some(status), "{kind:?}");
        let call = sim.calls_of("networks.removePeering").pop().unwrap();
        assert_eq!(
            (call.outcome.as_str(), call.fault),
            (reason, Some(kind)),
            "{kind:?}"
        );
        if kind == FaultKind::Unauthorized {
            let text = format!(
                "Required 'compute.networks.removePeering' permission for 'projects/{OURS}/global/networks/db'"
            );
            assert_eq!(error.status().unwrap().message, text);
        }
    }
}

#[tokio::test]
async fn a_lost_answer_has_been_executed() {
    let sim = start().await;
    let client = networks(&sim, credentials(&key(&sim, OURS))).await;
    for (n, kind) in [
        FaultKind::LostAnswer,
        FaultKind::Cut,
        FaultKind::Garbage,
        FaultKind::Html200,
    ]
    .into_iter()
    .enumerate()
    {
        sim.fault(Fault::once("networks.insert", kind));
        let wanted = google_cloud_compute_v1::model::Network::new()
            .set_name(format!("n-{n}"))
            .set_auto_create_subnetworks(false);
        let insert = client.insert().set_project(OURS).set_body(wanted);
        insert.send().await.unwrap_err();
        sim.clock_advance(WHILE);
        let expected = (n + 1).min(2);
        assert_eq!(sim.gcp_networks(OURS).len(), expected, "{kind:?}");
    }
    let calls = sim.calls_of("networks.insert");
    let outcomes: Vec<&str> = calls.iter().map(|call| call.outcome.as_str()).collect();
    assert_eq!(outcomes, ["ok", "ok", "not executed", "not executed"]);
    assert!(!calls[0].operation.is_empty() && calls[2].operation.is_empty());
}

#[tokio::test]
async fn a_hanging_call_hangs_until_the_client_gives_up() {
    let sim = start().await;
    let client = networks(&sim, credentials(&key(&sim, OURS))).await;
    sim.fault(Fault::once("networks.list", FaultKind::Hang));
    let list = || client.list().set_project(OURS).send();
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), list()).await;
    assert!(waited.is_err());
    list().await.unwrap();
}

#[tokio::test]
async fn faults_keep_to_their_project() {
    let sim = start().await;
    let ours = networks(&sim, credentials(&key(&sim, OURS))).await;
    let theirs = networks(&sim, credentials(&key(&sim, THEIRS))).await;
    let mut fault = Fault::always("networks.*", FaultKind::Throttle);
    fault.account = Some(OURS.to_owned());
    sim.fault(fault);
    theirs.list().set_project(THEIRS).send().await.unwrap();
    let refused = ours.list().set_project(OURS).send().await.unwrap_err();
    assert_eq!(refused.http_status_code(), Some(403));
}

#[tokio::test]
async fn what_is_not_here_or_not_json_is_refused() {
    let sim = start().await;
    let key = key(&sim, OURS);
    let jwt = {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let email = email(&key);
        let audience = "https://compute.googleapis.com/";
        signed(
            &key,
            &json!({ "iss": email, "sub": email, "aud": audience, "iat": now, "exp": now + 60 }),
        )
    };
    let path = format!("{OURS}/global/backendServices");
    let answer = compute(&sim, Some(&jwt), "GET", &path, None).await;
    assert_eq!(reason(&answer), (501, "notImplemented"));
    let path = format!("{OURS}/global/networks?alt=media");
    let answer = compute(&sim, Some(&jwt), "GET", &path, None).await;
    assert_eq!(reason(&answer), (400, "invalidParameter"));
    let path = format!("{OURS}/global/networks?alt=json&prettyPrint=false&key=x&$apiVersion=y");
    assert_eq!(compute(&sim, Some(&jwt), "GET", &path, None).await.0, 200);
    let headers = format!("authorization: Bearer {jwt}\r\n");
    let path = format!("/compute/v1/projects/{OURS}/global/networks");
    let (status, body) = http(&sim, "POST", &path, &headers, "{not json").await;
    assert_eq!(status, 400);
    assert!(body.contains("parseError"), "{body}");
}
