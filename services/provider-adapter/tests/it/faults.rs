//! What goes wrong on the way to the cloud, and what callers are told.

use api::cloud::CloudErrorKind;
use api::provider::v1::Vpc;
use cloudsim::{Cloudsim, Fault, FaultKind, Options};
use types::{NetworkId, PeeringId};

use crate::support::*;

const CIDR: &str = "10.20.0.0/16";

#[tokio::test]
async fn each_fault_of_a_write_says_whether_something_may_have_happened() {
    use CloudErrorKind::*;
    for (kind, expected, refused) in [
        (FaultKind::Throttle, Throttled, true),
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
        let suite = Suite::with(IMPATIENT).await;
        suite.cloud.fault(Fault::once("CreateVpc", kind));
        let request = vpc_request(NetworkId::generate(), CIDR, &Vpc::default(), "vpc");
        let answer = tokio::time::timeout(PATIENCE, suite.ensure_vpc(request))
            .await
            .unwrap();
        let error = cloud_error(answer.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (expected, refused),
            "{kind:?}: {error}"
        );
        assert_eq!(error.retry_after.is_some(), kind == FaultKind::Throttle);
        // One try, whatever it was: a second could make a second.
        assert_eq!(suite.cloud.calls_of("CreateVpc").len(), 1, "{kind:?}");
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
        suite.cloud.fault(Fault::once("DescribeVpcs", kind));
        let request = vpc_request(NetworkId::generate(), CIDR, &Vpc::default(), "vpc");
        let error = cloud_error(suite.ensure_vpc(request).await.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, true),
            "{kind:?}"
        );
        assert!(suite.cloud.calls_of("CreateVpc").is_empty());
    }
}

#[tokio::test]
async fn garbage_in_the_place_of_an_answer_without_result_is_no_success() {
    for kind in [FaultKind::Garbage, FaultKind::Html200] {
        let suite = Suite::start().await;
        let network = NetworkId::generate();
        let made = suite
            .ensure_vpc(vpc_request(network, CIDR, &Vpc::default(), "vpc"))
            .await;
        let known = made.unwrap().vpc.unwrap();
        suite.cloud.fault(Fault::once("ModifyVpcAttribute", kind));
        let request = vpc_request(network, CIDR, &known, "dns");
        let error = cloud_error(suite.ensure_vpc(request.clone()).await.unwrap_err());
        assert_eq!(error.kind, CloudErrorKind::Unavailable, "{kind:?}");
        assert!(suite.ensure_vpc(request).await.is_ok());
    }
}

#[tokio::test]
async fn a_cloud_that_is_not_there_has_surely_done_nothing() {
    let adapter = Adapter::start("http://127.0.0.1:1", "", IMPATIENT).await;
    let request = vpc_request(NetworkId::generate(), CIDR, &Vpc::default(), "vpc");
    let error = cloud_error(
        adapter
            .client
            .clone()
            .ensure_vpc(request)
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unavailable, true),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id() {
    let role = format!("arn:aws:iam::{VENDOR}:role/peerway");
    for (external_id, works) in [("right", true), ("wrong", false)] {
        let cloud = Cloudsim::start(Options::default()).await.unwrap();
        cloud.configure(|config| {
            config.external_ids.insert(role.clone(), "right".into());
        });
        let more = format!(r#", role_arn="{role}", external_id="{external_id}""#);
        // The process's own credentials are of another account.
        let adapter = Adapter::start_as("777788889999", &cloud.endpoint(), &more, &[]).await;
        let request = vpc_request(NetworkId::generate(), CIDR, &Vpc::default(), "vpc");
        let answer = adapter.client.clone().ensure_vpc(request).await;
        if works {
            assert_eq!(answer.unwrap().into_inner().next_part, "dns");
            assert_eq!(cloud.calls_of("AssumeRole").len(), 1);
            assert!(
                cloud
                    .calls_of("CreateVpc")
                    .iter()
                    .all(|call| call.account == VENDOR)
            );
        } else {
            let error = cloud_error(answer.unwrap_err());
            assert_eq!(
                (error.kind, error.refused),
                (CloudErrorKind::Unauthorized, true),
                "{error}"
            );
            assert!(cloud.calls_of("*Vpc*").is_empty());
        }
    }
}

#[tokio::test]
async fn an_account_that_is_not_configured_is_refused() {
    let suite = Suite::start().await;
    let mut request = peering_request(PeeringId::generate(), 1, "vpc-00000001", "vpc-00000002");
    let group = request.r#ref.as_mut().unwrap().group.as_mut().unwrap();
    group.account_id = "999999999999".into();
    let error = cloud_error(suite.ensure_peering(request).await.unwrap_err());
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unauthorized, true)
    );
}
