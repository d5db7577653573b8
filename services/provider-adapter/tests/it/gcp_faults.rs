//! What goes wrong on the way to Google, and what callers are told.

use api::cloud::CloudErrorKind;
use cloudsim::{Cloudsim, Fault, FaultKind, Options};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use types::{NetworkId, PeeringId};

use crate::gcp_support::*;
use crate::log::Log;
use crate::support::{PATIENCE, cloud_error};

/// For calls that get no answer; those before them have to get theirs on a busy machine.
const IMPATIENT: &[(&str, &str)] = &[("GCP__CALL_TIMEOUT", "1500ms")];

#[tokio::test]
async fn each_fault_of_a_write_says_whether_something_may_have_happened() {
    use CloudErrorKind::*;
    for (kind, expected, refused) in [
        (FaultKind::Throttle, Throttled, true),
        (FaultKind::Throttle429, Throttled, true),
        (FaultKind::Unauthorized, Unauthorized, true),
        (FaultKind::Error500, Unavailable, false),
        (FaultKind::Unavailable503, Unavailable, false),
        (FaultKind::Hang, Unavailable, false),
        (FaultKind::HangAfter, Unavailable, false),
        (FaultKind::LostAnswer, Unavailable, false),
        (FaultKind::Cut, Unavailable, false),
        (FaultKind::Garbage, Unavailable, false),
        (FaultKind::Html200, Unavailable, false),
    ] {
        let settings = match kind {
            FaultKind::Hang | FaultKind::HangAfter => IMPATIENT,
            _ => &[],
        };
        let suite = Suite::with(&["compute.*"], "", settings).await;
        suite.cloud.fault(Fault::once("networks.insert", kind));
        let request = vpc_request(NetworkId::generate(), CIDR);
        let answer = tokio::time::timeout(PATIENCE, suite.ensure_vpc(request))
            .await
            .unwrap();
        let error = cloud_error(answer.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (expected, refused),
            "{kind:?}: {error}"
        );
        let minute = std::time::Duration::from_secs(60);
        assert_eq!(error.retry_after.is_some(), expected == Throttled);
        assert!(error.retry_after.is_none_or(|wait| wait <= minute));
        // One try, whatever it was.
        assert_eq!(suite.count("networks.insert"), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_failing_look_before_a_write_has_surely_made_nothing() {
    for kind in [
        FaultKind::Error500,
        FaultKind::Cut,
        FaultKind::Garbage,
        FaultKind::Html200,
    ] {
        let suite = Suite::start().await;
        suite.cloud.fault(Fault::once("networks.get", kind));
        let request = vpc_request(NetworkId::generate(), CIDR);
        let error = cloud_error(suite.ensure_vpc(request).await.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, true),
            "{kind:?}"
        );
        assert_eq!(suite.count("networks.insert"), 0);
    }
}

#[tokio::test]
async fn a_cloud_that_is_not_there_has_surely_done_nothing() {
    let adapter = adapter("http://127.0.0.1:1", ", anonymous=true", IMPATIENT).await;
    let request = peering_request(PeeringId::generate(), "n", "main");
    let answer = adapter.client.clone().ensure_peering(request).await;
    let error = cloud_error(answer.unwrap_err());
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unavailable, true),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_permission_is_named_with_its_resource() {
    let suite = Suite::with(
        &["compute.networks.get", "compute.networks.create"],
        "",
        &[],
    )
    .await;
    let request = peering_request(PeeringId::generate(), "peerway-x", "main");
    let error = cloud_error(suite.ensure_peering(request).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason, error.refused),
        (CloudErrorKind::Unauthorized, "CLOUD_UNAUTHORIZED", true)
    );
    let lacking = format!(
        "the vendor's credentials lack compute.networks.addPeering on projects/{PROJECT}/global/networks/peerway-x"
    );
    assert_eq!(error.message, lacking);
    // Once the vendor has granted it, it works without a restart.
    suite
        .cloud
        .gcp_permissions(PROJECT, &suite.principal, &["compute.*"]);
    let vendor = suite.network(NetworkId::generate(), CIDR).await;
    suite
        .peering(peering_request(PeeringId::generate(), &vendor, "main"))
        .await;
}

#[tokio::test]
async fn a_project_that_does_not_exist_or_is_not_configured_is_named() {
    for status in [404, 403] {
        let suite = Suite::start().await;
        suite
            .cloud
            .configure(|config| config.gcp.missing_project_status = status);
        suite.cloud.gcp_state(|state| state.projects.clear());
        let (pages, error) = suite.observe(listing()).await;
        let error = error.unwrap();
        assert!(pages.is_empty());
        assert_eq!(error.kind, CloudErrorKind::Unauthorized, "{error}");
        assert!(error.message.contains(PROJECT), "{error}");
    }
    let suite = Suite::start().await;
    let mut request = peering_request(PeeringId::generate(), "n", "main");
    let group = request.r#ref.as_mut().unwrap().group.as_mut().unwrap();
    group.account_id = "other-prod".into();
    let error = cloud_error(suite.ensure_peering(request.clone()).await.unwrap_err());
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unauthorized, true)
    );
    assert!(
        error.message.contains("other-prod is not configured"),
        "{error}"
    );
    request.operation_token = "add-peering/global/operation-1".into();
    let error = cloud_error(suite.ensure_peering(request).await.unwrap_err());
    assert!(!error.refused, "what runs in the cloud runs on");
}

#[tokio::test]
async fn refused_credentials_are_built_anew_once() {
    let suite = Suite::start().await;
    suite
        .cloud
        .fault(Fault::once("networks.list", FaultKind::AuthError));
    assert!(suite.seen().await.is_empty());
    assert_eq!(suite.count("networks.list"), 2);
    suite.cloud.clear_calls();
    suite
        .cloud
        .fault(Fault::always("networks.list", FaultKind::AuthError));
    let (_, error) = suite.observe(listing()).await;
    assert_eq!(error.unwrap().kind, CloudErrorKind::Unauthorized);
    assert_eq!(suite.count("networks.list"), 2);
}

#[tokio::test]
async fn revoked_tokens_are_replaced() {
    let suite = Suite::start().await;
    suite.seen().await;
    suite.cloud.gcp_revoke_tokens();
    // A token that is signed once more within the same second is the same one.
    let replaced = async { while suite.observe(listing()).await.1.is_some() {} };
    tokio::time::timeout(PATIENCE, replaced).await.unwrap();
}

#[tokio::test]
async fn health_follows_the_cloud() {
    let suite = Suite::start().await;
    let channel = tonic::transport::Endpoint::from_shared(suite.adapter.url.clone()).unwrap();
    let mut health = HealthClient::new(channel.connect_lazy());
    let request = HealthCheckRequest {
        service: "gcp".into(),
    };
    let mut told = health.watch(request).await.unwrap().into_inner();
    let mut becomes = async |status: ServingStatus| {
        let seen = async { while told.message().await.unwrap().unwrap().status() != status {} };
        tokio::time::timeout(PATIENCE, seen).await.unwrap();
    };
    becomes(ServingStatus::Serving).await;
    suite
        .cloud
        .fault(Fault::once("networks.list", FaultKind::Garbage));
    suite.observe(listing()).await;
    becomes(ServingStatus::NotServing).await;
    suite.observe(listing()).await;
    becomes(ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_key_file_that_is_of_no_use_is_named_and_not_quoted() {
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let broken =
        KeyFile::new(&serde_json::json!({"type": "service_account", "private_key": "s3cret"}));
    let other =
        KeyFile::new(&serde_json::json!({"type": "authorized_user", "refresh_token": "s3cret"}));
    for (setting, words) in [
        (broken.setting(), "lacks what"),
        (other.setting(), "not the key of a service account"),
        (
            r#", key_file="/nowhere/key.json""#.to_owned(),
            "/nowhere/key.json cannot be read",
        ),
    ] {
        let adapter = adapter(&cloud.endpoint(), &setting, &[]).await;
        let (_, error) = observe(adapter.client.clone(), listing()).await;
        let error = error.unwrap();
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unauthorized, true)
        );
        assert!(
            error.message.contains(words) && !error.message.contains("s3cret"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn another_account_is_acted_as_once_that_is_allowed() {
    let (log, guard) = Log::at(tracing::Level::TRACE);
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let target = cloud.gcp_service_account(PROJECT, "target", &["compute.*"]);
    let target = target["client_email"].as_str().unwrap();
    let own = cloud.gcp_service_account("own-project", "own", &[]);
    let file = KeyFile::new(&own);
    let more = format!(
        r#"{}, impersonate="{target}", iam_endpoint="{}""#,
        file.setting(),
        cloud.endpoint()
    );
    let adapter = adapter(&cloud.endpoint(), &more, &[]).await;
    let (_, error) = observe(adapter.client.clone(), listing()).await;
    let error = error.unwrap();
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unauthorized, true),
        "{error}"
    );
    assert!(error.message.contains(PROJECT), "{error}");
    assert!(
        error.message.contains("iam.serviceAccounts.getAccessToken"),
        "{error}"
    );
    let own_email = own["client_email"].as_str().unwrap();
    cloud.gcp_permissions(PROJECT, own_email, &["iam.serviceAccounts.getAccessToken"]);
    let replaced = async { while observe(adapter.client.clone(), listing()).await.1.is_some() {} };
    tokio::time::timeout(PATIENCE, replaced).await.unwrap();
    drop(guard);
    let log = log.text();
    assert!(log.contains("networks.list"));
    let secret = own["private_key"].as_str().unwrap().lines().nth(1).unwrap();
    assert!(
        !log.contains(secret) && !log.contains("Bearer "),
        "a secret is in the log"
    );
}
