//! CreatePeering with validate_only: all findings at once, and nothing done.

use api::network::v1::network::State as NetworkState;
use api::peering::v1::finding::Severity;
use api::peering::v1::*;
use tonic::{Code, Status};

use crate::suite::{Kind, Suite, TENANT, aws_peer, on_both_databases, reason, request};

on_both_databases!(
    a_wish_without_fault_finds_nothing_and_does_nothing,
    everything_that_is_wrong_is_found_at_once,
    what_is_malformed_does_not_hide_the_rest,
    who_holds_the_pair_or_the_name_is_told,
    warnings_come_with_the_peering,
    a_request_id_that_was_used_stays_an_error,
    without_the_network_service_nothing_is_said,
);

async fn check(suite: &Suite, wish: CreatePeeringRequest) -> Result<Vec<Finding>, Status> {
    let wish = CreatePeeringRequest {
        validate_only: true,
        ..wish
    };
    let answer = suite.api.clone().create_peering(wish).await?.into_inner();
    assert_eq!(answer.peering, None);
    Ok(answer.findings)
}

/// Severity, reason and field.
fn told(findings: &[Finding]) -> Vec<(bool, &str, &str)> {
    findings
        .iter()
        .map(|one| {
            assert!(!one.message.is_empty(), "{one:?}");
            let is_error = one.severity() == Severity::Error;
            (is_error, one.reason.as_str(), one.field.as_str())
        })
        .collect()
}

fn with_peer(
    wish: CreatePeeringRequest,
    change: impl FnOnce(&mut AwsPeer),
) -> CreatePeeringRequest {
    let mut peer = aws_peer();
    change(&mut peer);
    CreatePeeringRequest {
        peer: Some(create_peering_request::Peer::Aws(peer)),
        ..wish
    }
}

async fn a_wish_without_fault_finds_nothing_and_does_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let findings = check(&suite, request(&network)).await.unwrap();
    assert_eq!(findings, []);
    assert!(suite.list().await.is_empty());
    assert!(suite.network.attached().is_empty());
    assert_eq!(suite.cloud.made(), 0);
    let checked = suite.network.checked();
    assert_eq!(checked.len(), 1);
    assert_eq!(
        checked[0].peer_identity,
        "aws/222222222222/eu-west-1/vpc-0a0a0a0a0a0a0a0a0"
    );
    // And what was found is what comes of it.
    suite.create_with(request(&network)).await.unwrap();
}

async fn everything_that_is_wrong_is_found_at_once(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add_with(TENANT, |network| {
        network.set_state(NetworkState::Pending);
        network.cidr = "10.1.0.0/16".to_owned();
    });
    suite
        .network
        .find(true, "CIDR_OVERLAP_SIBLING", "172.31.0.0/20");
    suite.network.find(true, "QUOTA_EXCEEDED", "");
    suite.network.find(true, "NETWORK_NOT_ACTIVE", "");
    let wish = with_peer(request(&network), |peer| {
        peer.account_id = "111111111111".to_owned();
        peer.region = "us-east-1".to_owned();
        peer.cidrs = vec!["10.1.2.0/24".to_owned(), "172.31.0.0/20".to_owned()];
    });
    let findings = check(&suite, wish).await.unwrap();
    assert_eq!(
        told(&findings),
        [
            (true, "NETWORK_NOT_ACTIVE", "network_id"),
            (true, "CIDR_OVERLAP_PEER", "aws.cidrs[0]"),
            (true, "PEER_IS_VENDOR", "aws.account_id"),
            (true, "CIDR_OVERLAP_SIBLING", "aws.cidrs[1]"),
            (true, "QUOTA_EXCEEDED", "network_id"),
            (false, "WELL_KNOWN_DEFAULT", "aws.cidrs[1]"),
            (false, "CROSS_REGION_COST", "aws.region"),
        ]
    );
    let elsewhere = types::NetworkId::generate().to_string();
    let findings = check(&suite, request(&elsewhere)).await.unwrap();
    assert_eq!(told(&findings), [(true, "NETWORK_NOT_FOUND", "network_id")]);
}

async fn what_is_malformed_does_not_hide_the_rest(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let wish = with_peer(request(&network), |peer| {
        peer.vpc_id = "vpc-x".to_owned();
        peer.cidrs = vec!["10.20.1.0/24".to_owned()];
    });
    let wish = CreatePeeringRequest {
        display_name: " ".to_owned(),
        ..wish
    };
    let findings = check(&suite, wish.clone()).await.unwrap();
    assert_eq!(
        told(&findings),
        [
            (true, "INVALID_FIELD", "display_name"),
            (true, "INVALID_FIELD", "aws.vpc_id"),
            (true, "CIDR_OVERLAP_PEER", "aws.cidrs[0]"),
        ]
    );
    let nobody = CreatePeeringRequest {
        tenant_id: "-".to_owned(),
        ..wish
    };
    let status = check(&suite, nobody).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

async fn who_holds_the_pair_or_the_name_is_told(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let made = suite.create_with(request(&network)).await.unwrap();
    let findings = check(&suite, request(&network)).await.unwrap();
    assert_eq!(
        told(&findings),
        [
            (true, "PEERING_EXISTS", "peer"),
            (true, "NAME_IN_USE", "display_name"),
        ]
    );
    assert!(findings.iter().all(|one| one.message.contains(&made.id)));
}

async fn warnings_come_with_the_peering(kind: Kind) {
    let suite = Suite::start_with(kind, |config| config.quotas.outstanding_peerings = 1).await;
    suite.create().await;
    let network = suite.network.add(TENANT);
    suite
        .network
        .find(false, "CIDR_OVERLAP_SIBLING", "10.1.0.0/16");
    let wish = with_peer(request(&network), |peer| {
        peer.region = "us-east-1".to_owned()
    });
    let wish = CreatePeeringRequest {
        allow_overlap: true,
        ..wish
    };
    let answer = suite.api.clone().create_peering(wish).await.unwrap();
    let answer = answer.into_inner();
    let found = told(&answer.findings);
    assert!(
        found.contains(&(false, "CROSS_REGION_COST", "aws.region")),
        "{found:?}"
    );
    assert!(
        found.contains(&(false, "CIDR_OVERLAP_SIBLING", "aws.cidrs[0]")),
        "{found:?}"
    );
    assert!(found.iter().all(|(is_error, ..)| !is_error));
    assert!(answer.peering.unwrap().cross_region);
    let findings = check(&suite, request(&suite.network.add(TENANT)))
        .await
        .unwrap();
    assert!(
        findings
            .iter()
            .all(|one| one.severity() == Severity::Warning)
    );
}

async fn a_request_id_that_was_used_stays_an_error(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let wish = CreatePeeringRequest {
        request_id: "mine".to_owned(),
        ..request(&network)
    };
    assert_eq!(check(&suite, wish.clone()).await.unwrap(), []);
    suite.create_with(wish.clone()).await.unwrap();
    let status = check(&suite, wish).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
}

async fn without_the_network_service_nothing_is_said(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    suite.network.set_away(true);
    let status = check(&suite, request(&network)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason(&status), "NETWORK_SERVICE_UNAVAILABLE");
}
