//! Operations that fail, hang, vanish or are in each other's way, and answers that get lost.

use api::cloud::CloudErrorKind;
use api::provider::v1::{EnsurePeeringRequest, Removal};
use cloudsim::gce::state::{OpFault, OpFaultKind};
use cloudsim::{Fault, FaultKind};
use types::{NetworkId, PeeringId};

use crate::gcp_support::*;
use crate::support::{DEPLOYMENT, cloud_error};

fn fault(operation: &str, kind: OpFaultKind) -> OpFault {
    OpFault {
        operation_type: operation.into(),
        project: "*".into(),
        kind,
        times: Some(1),
    }
}

/// A suite with the vendor's network in it.
async fn suite() -> (Suite, String) {
    let suite = Suite::start().await;
    let vendor = suite.network(NetworkId::generate(), CIDR).await;
    suite.cloud.clear_calls();
    (suite, vendor)
}

/// Asks for a half and hands the token back once the operation should be at its end.
async fn asked_twice(
    suite: &Suite,
    mut request: EnsurePeeringRequest,
) -> Result<api::provider::v1::EnsurePeeringResponse, api::cloud::CloudError> {
    let begun = suite.ensure_peering(request.clone()).await.unwrap();
    suite.settle();
    request.operation_token = begun.operation_token;
    suite.ensure_peering(request).await.map_err(cloud_error)
}

#[tokio::test]
async fn an_operation_that_fails_ends_with_its_cause() {
    for (code, message, kind, reason) in [
        (
            "QUOTA_EXCEEDED",
            "Quota 'PEERINGS_PER_NETWORK' exceeded.",
            CloudErrorKind::Quota,
            "ACTIVE_LIMIT",
        ),
        (
            "RATE_LIMIT_EXCEEDED",
            "slow",
            CloudErrorKind::Throttled,
            "CLOUD_THROTTLED",
        ),
        (
            "INTERNAL_ERROR",
            "oops",
            CloudErrorKind::Unavailable,
            "CLOUD_UNAVAILABLE",
        ),
        (
            "INVALID_USAGE",
            "no",
            CloudErrorKind::Terminal,
            "CLOUD_REFUSED",
        ),
        (
            "SOMETHING_NEW",
            "what",
            CloudErrorKind::Unknown,
            "CLOUD_ERROR",
        ),
    ] {
        let (suite, vendor) = suite().await;
        suite.cloud.gcp_operation_fault(fault(
            "addPeering",
            OpFaultKind::Fail {
                code: code.into(),
                message: message.into(),
            },
        ));
        let request = peering_request(PeeringId::generate(), &vendor, "main");
        let error = asked_twice(&suite, request).await.unwrap_err();
        assert_eq!(
            (error.kind, &*error.reason, error.refused),
            (kind, reason, true),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_operation_that_hangs_is_waited_for_and_nothing_else_begun() {
    let (suite, vendor) = suite().await;
    suite
        .cloud
        .gcp_operation_fault(fault("addPeering", OpFaultKind::Hang));
    let mut request = peering_request(PeeringId::generate(), &vendor, "main");
    let answer = asked_twice(&suite, request.clone()).await.unwrap();
    assert_eq!(answer.observation, None);
    assert!(!answer.operation_token.is_empty());
    assert_eq!(suite.count("networks.addPeering"), 1);
    assert_eq!(suite.count("networks.get"), 0);
    suite.cloud.clear_gcp_operation_faults();
    suite.settle();
    request.operation_token = answer.operation_token;
    let answer = suite.ensure_peering(request).await.unwrap();
    assert!(answer.observation.is_some() && answer.operation_token.is_empty());
}

#[tokio::test]
async fn after_an_operation_that_vanished_only_the_network_tells() {
    for effect in [true, false] {
        let (suite, vendor) = suite().await;
        suite
            .cloud
            .gcp_operation_fault(fault("addPeering", OpFaultKind::Vanish { effect }));
        let request = peering_request(PeeringId::generate(), &vendor, "main");
        let answer = asked_twice(&suite, request).await.unwrap();
        assert_eq!(answer.observation.is_some(), effect);
        assert!(answer.operation_token.is_empty());
    }
}

#[tokio::test]
async fn a_removal_that_vanished_is_over_or_begun_anew() {
    for effect in [true, false] {
        let (suite, vendor) = suite().await;
        let peering = PeeringId::generate();
        let seen = suite
            .peering(peering_request(peering, &vendor, "main"))
            .await;
        suite
            .cloud
            .gcp_operation_fault(fault("removePeering", OpFaultKind::Vanish { effect }));
        let mut removal = removal_request(peering, &seen.provider_peering_id, &vendor);
        suite.delete_peering(&mut removal).await.unwrap();
        suite.settle();
        let after = suite.delete_peering(&mut removal).await.unwrap();
        assert!(removal.operation_token.is_empty());
        if effect {
            assert_eq!(after, Removal::Absent);
            continue;
        }
        assert_eq!(after, Removal::InProgress);
        removal.request_time = Some(api::timestamp(7));
        suite.delete_peering(&mut removal).await.unwrap();
        suite.settle();
        assert_eq!(
            suite.delete_peering(&mut removal).await.unwrap(),
            Removal::Deleted
        );
    }
}

#[tokio::test]
async fn an_operation_that_cannot_be_read_is_not_said_to_have_ended() {
    let (suite, vendor) = suite().await;
    let mut request = peering_request(PeeringId::generate(), &vendor, "main");
    request.operation_token = suite
        .ensure_peering(request.clone())
        .await
        .unwrap()
        .operation_token;
    for kind in [
        FaultKind::Error500,
        FaultKind::Throttle,
        FaultKind::Unauthorized,
        FaultKind::Garbage,
    ] {
        suite.cloud.fault(Fault::once("globalOperations.get", kind));
        let error = cloud_error(suite.ensure_peering(request.clone()).await.unwrap_err());
        assert!(!error.refused, "{kind:?}: {error}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_nothing_begun_twice() {
    for kind in [FaultKind::LostAnswer, FaultKind::Cut] {
        let (suite, vendor) = suite().await;
        suite.cloud.fault(Fault::once("networks.addPeering", kind));
        let mut request = peering_request(PeeringId::generate(), &vendor, "main");
        let error = cloud_error(suite.ensure_peering(request.clone()).await.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, false),
            "{kind:?}"
        );
        let begun = suite.ensure_peering(request.clone()).await.unwrap();
        let operations: Vec<_> = suite
            .cloud
            .calls_of("networks.addPeering")
            .into_iter()
            .map(|call| call.operation)
            .collect();
        assert_eq!(operations.len(), 2);
        assert_eq!(operations[0], operations[1]);
        suite.settle();
        request.operation_token = begun.operation_token;
        assert!(
            suite
                .ensure_peering(request)
                .await
                .unwrap()
                .observation
                .is_some()
        );
    }
}

#[tokio::test]
async fn a_second_operation_on_a_network_has_to_wait() {
    let (suite, vendor) = suite().await;
    let first = peering_request(PeeringId::generate(), &vendor, "main");
    suite.ensure_peering(first).await.unwrap();
    let second = peering_request(PeeringId::generate(), &vendor, "other");
    let error = cloud_error(suite.ensure_peering(second.clone()).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason, error.refused),
        (
            CloudErrorKind::InProgress,
            "CLOUD_OPERATION_IN_PROGRESS",
            true
        ),
        "{error}"
    );
    suite.settle();
    assert!(suite.ensure_peering(second).await.is_ok());
}

#[tokio::test]
async fn a_peering_that_stands_already_is_adopted_or_refused_by_name() {
    for status in [400, 409] {
        let (suite, vendor) = suite().await;
        suite
            .cloud
            .configure(|config| config.gcp.duplicate_peering_status = status);
        let mut request = peering_request(PeeringId::generate(), &vendor, "main");
        let seen = suite.peering(request.clone()).await;
        // Another request for the same attempt: the cloud does not know it for the same.
        request.request_time = Some(api::timestamp(7));
        suite.cloud.clear_calls();
        let answer = suite.ensure_peering(request).await.unwrap();
        assert_eq!(answer.observation, Some(seen.clone()));
        assert!(suite.count("*") <= 3);

        let mut other = peering_request(PeeringId::generate(), &vendor, "main");
        for (deployment, kind, reason) in [
            // An older half of ours goes, one of somebody else's stays.
            (
                DEPLOYMENT,
                CloudErrorKind::InProgress,
                "CLOUD_OPERATION_IN_PROGRESS",
            ),
            ("other", CloudErrorKind::Terminal, "DUPLICATE_PEERING"),
        ] {
            other.r#ref.as_mut().unwrap().deployment = deployment.into();
            let answer = suite.ensure_peering(other.clone()).await;
            let error = cloud_error(answer.unwrap_err());
            assert_eq!((error.kind, &*error.reason), (kind, reason));
            assert!(error.message.contains(&seen.provider_peering_id), "{error}");
        }
    }
}

#[tokio::test]
async fn ranges_that_overlap_are_told_by_the_half_that_connects() {
    let (suite, vendor) = suite().await;
    let customer = suite.customer().await;
    customer.network(&suite, "main").await;
    suite.cloud.gcp_state(|state| {
        let mut theirs = state.subnetworks.values().next().unwrap().clone();
        theirs.project = CUSTOMER_PROJECT.into();
        theirs.network = format!("projects/{CUSTOMER_PROJECT}/global/networks/main");
        let path = format!(
            "projects/{CUSTOMER_PROJECT}/regions/{REGION}/subnetworks/{}",
            theirs.name
        );
        state.subnetworks.insert(path, theirs);
    });
    customer.accept(&suite, "main", &vendor).await;
    let request = peering_request(PeeringId::generate(), &vendor, "main");
    let error = asked_twice(&suite, request).await.unwrap_err();
    assert_eq!(
        (error.kind, &*error.reason, error.refused),
        (CloudErrorKind::Terminal, "CIDR_OVERLAP_PEER", true)
    );
    assert!(error.message.contains(CIDR), "{error}");
}

#[tokio::test]
async fn a_vendor_s_network_that_is_gone_is_named() {
    let suite = Suite::start().await;
    let request = peering_request(PeeringId::generate(), "peerway-gone", "main");
    let error = cloud_error(suite.ensure_peering(request).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason),
        (CloudErrorKind::Terminal, "VPC_MISSING")
    );
    let peering = PeeringId::generate();
    let mut removal = removal_request(peering, "peerway-p", "peerway-gone");
    assert_eq!(
        suite.delete_peering(&mut removal).await.unwrap(),
        Removal::Absent
    );
}

#[tokio::test]
async fn parts_of_a_network_that_fail_or_vanish_are_made_again() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let exhausted = OpFaultKind::Fail {
        code: "QUOTA_EXCEEDED".into(),
        message: "Quota 'NETWORKS' exceeded.".into(),
    };
    suite.cloud.gcp_operation_fault(fault("insert", exhausted));
    let mut request = vpc_request(network, CIDR);
    request.operation_token = suite
        .ensure_vpc(request.clone())
        .await
        .unwrap()
        .operation_token;
    suite.settle();
    let error = cloud_error(suite.ensure_vpc(request.clone()).await.unwrap_err());
    assert_eq!(
        (&*error.reason, error.refused),
        ("VPC_LIMIT", true),
        "{error}"
    );

    suite
        .cloud
        .gcp_operation_fault(fault("insert", OpFaultKind::Vanish { effect: false }));
    request.operation_token.clear();
    request.operation_token = suite
        .ensure_vpc(request.clone())
        .await
        .unwrap()
        .operation_token;
    suite.settle();
    let again = suite.ensure_vpc(request).await.unwrap();
    assert_eq!(again.next_part, "network");
    assert!(!again.operation_token.is_empty());
    suite.settle();
    let vpc = suite.complete_vpc(network, CIDR).await;
    assert_eq!(vpc.parts, ["network", "subnet"]);
    assert_eq!(suite.cloud.gcp_networks(PROJECT).len(), 1);
}

#[tokio::test]
async fn a_token_that_was_never_handed_out_is_refused() {
    let (suite, vendor) = suite().await;
    let mut request = peering_request(PeeringId::generate(), &vendor, "main");
    request.operation_token = "add-peering/global/../../secrets".into();
    let error = cloud_error(suite.ensure_peering(request).await.unwrap_err());
    assert_eq!(error.kind, CloudErrorKind::Invalid);
    assert_eq!(suite.count("*"), 0);
}

#[tokio::test]
async fn a_part_whose_answer_was_lost_is_found_and_not_made_twice() {
    let suite = Suite::start().await;
    suite
        .cloud
        .fault(Fault::once("networks.insert", FaultKind::LostAnswer));
    let request = vpc_request(NetworkId::generate(), CIDR);
    let error = cloud_error(suite.ensure_vpc(request.clone()).await.unwrap_err());
    assert!(!error.refused, "{error}");
    // While it is being made it is neither there nor free.
    let error = cloud_error(suite.ensure_vpc(request.clone()).await.unwrap_err());
    assert_eq!(error.kind, CloudErrorKind::InProgress, "{error}");
    suite.settle();
    let found = suite.ensure_vpc(request).await.unwrap();
    assert_eq!((&*found.next_part, &*found.operation_token), ("subnet", ""));
    assert_eq!(suite.count("networks.insert"), 1);
}
