//! Whose the credentials are is known before anything else is asked.

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::Vpc;
use cloudsim::{Cloudsim, Fault, FaultKind, Options};
use types::NetworkId;

use crate::parrot::Parrot;
use crate::support::*;

const STRANGER: &str = "777788889999";

async fn ensure_vpc(adapter: &Adapter) -> Result<(), CloudError> {
    let request = vpc_request(
        NetworkId::generate(),
        "10.20.0.0/16",
        &Vpc::default(),
        "vpc",
    );
    let answer = adapter.client.clone().ensure_vpc(request).await;
    answer.map(drop).map_err(cloud_error)
}

#[tokio::test]
async fn with_credentials_of_another_account_nothing_is_listed_or_made() {
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let adapter = Adapter::start_as(STRANGER, &cloud.endpoint(), "", &[]).await;
    for _ in 0..2 {
        let (pages, error) = observe_pages(adapter.client.clone(), &[]).await;
        assert!(pages.is_empty(), "{pages:?}");
        for error in [error.unwrap(), ensure_vpc(&adapter).await.unwrap_err()] {
            assert_eq!(
                (error.kind, error.reason.as_str(), error.refused),
                (CloudErrorKind::Unauthorized, "CLOUD_UNAUTHORIZED", true)
            );
            assert!(
                error.message.contains(VENDOR) && error.message.contains(STRANGER),
                "{error}"
            );
        }
    }
    // A failure is not remembered, and EC2 never heard of it.
    assert_eq!(cloud.calls_of("GetCallerIdentity").len(), 4);
    assert_eq!(cloud.calls().len(), 4);
}

#[tokio::test]
async fn the_account_is_asked_for_once() {
    let suite = Suite::start().await;
    for _ in 0..3 {
        suite.observe(&[]).await;
    }
    ensure_vpc(&suite.adapter).await.unwrap();
    assert_eq!(suite.cloud.calls_of("GetCallerIdentity").len(), 1);
}

#[tokio::test]
async fn the_account_is_asked_for_again_after_credentials_were_refused() {
    let suite = Suite::start().await;
    suite.observe(&[]).await;
    let refusal = Fault::once("DescribeVpcPeeringConnections", FaultKind::Unauthorized);
    suite.cloud.fault(refusal);
    assert!(suite.observe_pages(&[]).await.1.is_some());
    suite.observe(&[]).await;
    assert_eq!(suite.cloud.calls_of("GetCallerIdentity").len(), 2);
}

#[tokio::test]
async fn while_the_account_is_unknown_nothing_is_asked_of_ec2() {
    use CloudErrorKind::*;
    for (kind, expected) in [
        (FaultKind::Throttle, Unavailable),
        (FaultKind::Error500, Unavailable),
        (FaultKind::Unavailable503, Unavailable),
        (FaultKind::Hang, Unavailable),
        (FaultKind::LostAnswer, Unavailable),
        (FaultKind::Cut, Unavailable),
        (FaultKind::Garbage, Unavailable),
        (FaultKind::Html200, Unavailable),
        (FaultKind::Unauthorized, Unauthorized),
    ] {
        let suite = Suite::with(IMPATIENT).await;
        suite.cloud.fault(Fault::always("GetCallerIdentity", kind));
        let (pages, error) = tokio::time::timeout(PATIENCE, suite.observe_pages(&[]))
            .await
            .unwrap();
        let error = error.unwrap();
        assert!(pages.is_empty());
        assert_eq!(
            (error.kind, error.refused),
            (expected, true),
            "{kind:?}: {error}"
        );
        assert!(
            suite.cloud.calls_of("GetCallerIdentity").len() <= 2,
            "{kind:?}"
        );
        assert!(suite.cloud.calls_of("Describe*").is_empty(), "{kind:?}");
        suite.cloud.clear_faults();
        suite.observe(&[]).await;
    }
}

#[tokio::test]
async fn an_emulator_without_sts_is_used_all_the_same() {
    let listing = "<DescribeVpcPeeringConnectionsResponse><vpcPeeringConnectionSet/>\
                   </DescribeVpcPeeringConnectionsResponse>";
    let refusal = |code: &str| {
        format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        )
    };
    for (status, body, passes) in [
        (400, refusal("InvalidAction"), true),
        (501, refusal("NotImplemented"), true),
        (404, "<html>nothing here".to_owned(), true),
        (404, String::new(), true),
        (403, refusal("AccessDenied"), false),
        (400, refusal("SomethingElse"), false),
        (502, String::new(), false),
    ] {
        let what = format!("{status} {body}");
        let url = Parrot::new(listing.to_owned())
            .with_identity(status, body)
            .start()
            .await;
        let adapter = Adapter::start(&url, "", &[]).await;
        let (pages, error) = observe_pages(adapter.client.clone(), &[]).await;
        assert_eq!(error.is_none(), passes, "{what}: {error:?}");
        assert_eq!(pages.len(), usize::from(passes), "{what}");
    }
}
