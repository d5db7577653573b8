//! Faults on demand.

use std::time::{Duration, Instant};

use aws_sdk_ec2::error::SdkError;
use cloudsim::{Fault, FaultKind};

use crate::support::*;

#[tokio::test]
async fn refusals_have_the_codes_of_the_real_one() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let expected = [
        (FaultKind::Throttle, 503, "RequestLimitExceeded"),
        (FaultKind::Throttle429, 503, "RequestLimitExceeded"),
        (FaultKind::Error500, 500, "InternalError"),
        (FaultKind::Unavailable503, 503, "Unavailable"),
        (FaultKind::Unauthorized, 403, "UnauthorizedOperation"),
        (FaultKind::AuthError, 401, "AuthFailure"),
    ];
    for (kind, status, name) in expected {
        sim.fault(Fault::once("Describe*", kind));
        let answer = vendor.describe_vpcs().send().await;
        assert_eq!(
            answer
                .as_ref()
                .unwrap_err()
                .raw_response()
                .unwrap()
                .status()
                .as_u16(),
            status
        );
        assert_eq!(code(answer), name);
        vendor.describe_vpcs().send().await.unwrap();
    }
}

#[tokio::test]
async fn a_lost_answer_has_been_executed() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    for (n, kind) in [FaultKind::LostAnswer, FaultKind::Cut]
        .into_iter()
        .enumerate()
    {
        sim.fault(Fault::once("CreateVpc", kind));
        let answer = vendor
            .create_vpc()
            .cidr_block(format!("10.{n}.0.0/16"))
            .send()
            .await;
        let error = answer.unwrap_err();
        assert!(
            matches!(
                error,
                SdkError::DispatchFailure(_) | SdkError::ResponseError(_)
            ),
            "{kind:?}: {error:?}"
        );
        assert_eq!(
            vendor.describe_vpcs().send().await.unwrap().vpcs().len(),
            n + 1
        );
    }
    let calls = sim.calls_of("CreateVpc");
    let calls: Vec<_> = calls
        .iter()
        .map(|call| (call.outcome.as_str(), call.fault))
        .collect();
    assert_eq!(
        calls,
        [
            ("ok", Some(FaultKind::LostAnswer)),
            ("ok", Some(FaultKind::Cut))
        ]
    );
}

#[tokio::test]
async fn answers_that_mean_nothing_execute_nothing() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    for kind in [FaultKind::Garbage, FaultKind::Html200] {
        sim.fault(Fault::once("CreateVpc", kind));
        let answer = vendor.create_vpc().cidr_block("10.0.0.0/16").send().await;
        // The SDK takes a page of HTML for an answer without a VPC.
        assert!(answer.is_err() || answer.unwrap().vpc.is_none(), "{kind:?}");
    }
    assert!(
        vendor
            .describe_vpcs()
            .send()
            .await
            .unwrap()
            .vpcs()
            .is_empty()
    );
    assert!(
        sim.calls_of("CreateVpc")
            .iter()
            .all(|call| call.outcome == "not executed")
    );
}

#[tokio::test]
async fn a_hanging_call_hangs_until_the_client_gives_up() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let begun = Instant::now();
    for (kind, vpcs) in [(FaultKind::Hang, 0), (FaultKind::HangAfter, 1)] {
        sim.fault(Fault::once("CreateVpc", kind));
        let call = vendor.create_vpc().cidr_block("10.0.0.0/16").send();
        assert!(
            tokio::time::timeout(Duration::from_millis(300), call)
                .await
                .is_err()
        );
        assert_eq!(
            vendor.describe_vpcs().send().await.unwrap().vpcs().len(),
            vpcs
        );
    }
    assert!(begun.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn faults_pass_by_other_accounts_and_the_first_calls() {
    let sim = start().await;
    let (vendor, customer) = both(&sim);
    let mut fault = Fault::times("*", FaultKind::Error500, 1);
    (fault.account, fault.after) = (Some(VENDOR.to_owned()), 1);
    sim.fault(fault);
    customer.describe_vpcs().send().await.unwrap();
    vendor.describe_vpcs().send().await.unwrap();
    assert_eq!(code(vendor.describe_vpcs().send().await), "InternalError");
    vendor.describe_vpcs().send().await.unwrap();
    sim.fault(Fault::always("*", FaultKind::Error500));
    assert_eq!(code(vendor.describe_vpcs().send().await), "InternalError");
    sim.clear_faults();
    vendor.describe_vpcs().send().await.unwrap();
}

#[tokio::test]
async fn a_cloud_ends_when_it_is_dropped() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    vendor.describe_vpcs().send().await.unwrap();
    sim.fault(Fault::once("*", FaultKind::Hang));
    let hanging = tokio::spawn(vendor.describe_vpcs().send());
    while sim.calls().len() < 2 {
        tokio::task::yield_now().await;
    }
    drop(sim);
    assert!(hanging.await.unwrap().is_err());
    assert!(vendor.describe_vpcs().send().await.is_err());
}
