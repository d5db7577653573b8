//! Issuers of tokens that do not answer, or answer nonsense: what was not sent has surely done nothing.

use api::cloud::CloudErrorKind;
use cloudsim::{Cloudsim, Options};
use tokio::net::TcpListener;
use types::PeeringId;

use crate::gcp_support::*;
use crate::parrot::Parrot;
use crate::support::{Adapter, cloud_error};

/// An adapter whose tokens come from `issuer`, and the key that it signs its requests for them with.
async fn acting(cloud: &Cloudsim, issuer: &str) -> (Adapter, KeyFile) {
    let file = KeyFile::new(&cloud.gcp_service_account("own-project", "own", &[]));
    let more = format!(
        r#"{}, impersonate="target@x.example", iam_endpoint="{issuer}""#,
        file.setting()
    );
    let settings = &[("GCP__CALL_TIMEOUT", "1500ms")];
    let adapter = adapter(&cloud.endpoint(), &more, settings).await;
    (adapter, file)
}

#[tokio::test]
async fn a_write_that_had_to_wait_for_its_token_was_never_sent() {
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", silent.local_addr().unwrap());
    let (adapter, _file) = acting(&cloud, &issuer).await;
    let request = peering_request(PeeringId::generate(), "n", "main");
    let answer = adapter.client.clone().ensure_peering(request).await;
    let error = cloud_error(answer.unwrap_err());
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unavailable, true),
        "{error}"
    );
    assert!(error.message.contains("no token in time"), "{error}");
    assert!(cloud.calls_of("networks.*").is_empty());
}

#[tokio::test]
async fn an_issuer_s_nonsense_ends_a_call_and_not_the_project() {
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let expired = r#"{"accessToken":"t","expireTime":"2020-01-01T00:00:00Z"}"#;
    let issuer = Parrot::new(expired.into()).start().await;
    let (adapter, _file) = acting(&cloud, &issuer).await;
    // The same each time, and never a broken connection.
    for _ in 0..3 {
        let request = peering_request(PeeringId::generate(), "n", "main");
        let answer = adapter.client.clone().ensure_peering(request).await;
        let error = cloud_error(answer.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unauthorized, true),
            "{error}"
        );
        assert!(error.message.contains("no credentials"), "{error}");
    }
}
