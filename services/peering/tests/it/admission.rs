//! The admission: recorded, attached, part of the world; and everything that can happen between.

use std::collections::HashMap;
use std::time::Duration;

use api::peering::v1::*;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::network::Attach;
use crate::suite::{Kind, Suite, TENANT, aws_peer, fact, on_both_databases, reason, request};

on_both_databases!(
    a_created_peering_is_attached_and_complete,
    the_same_request_has_the_same_answer,
    many_creates_with_one_request_id_make_one_peering,
    a_refused_attachment_leaves_nothing,
    a_quota_of_the_network_is_handed_through,
    a_lost_attachment_is_invisible_and_resumed_by_the_same_request,
    a_create_that_nobody_resumes_is_withdrawn,
    a_late_admission_fails,
    a_pair_can_be_linked_once,
    an_ended_pair_is_renewed_instead,
    a_name_is_used_once,
    a_deleted_peering_frees_its_pair_and_its_name,
);

fn with_id(network: &str, request_id: &str) -> CreatePeeringRequest {
    CreatePeeringRequest {
        request_id: request_id.to_owned(),
        ..request(network)
    }
}

async fn a_created_peering_is_attached_and_complete(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let labels = [("team".to_owned(), "data".to_owned())].into();
    let request = CreatePeeringRequest {
        labels,
        allow_overlap: true,
        ..request(&network)
    };
    let peering = suite.create_with(request).await.unwrap();
    assert_eq!(peering.state(), peering::State::Provisioning);
    assert!(peering.id.starts_with("peer_"));
    assert_eq!(
        (peering.tenant_id.as_str(), peering.network_id.as_str()),
        (TENANT, &*network)
    );
    assert_eq!(
        (peering.network_display_name.as_str(), peering.attempt),
        ("main", 1)
    );
    assert_eq!(peering.labels["team"], "data");
    assert_eq!(peering.provider(), Provider::Aws);
    assert!(!peering.cross_region && !peering.etag.is_empty() && !peering.message.is_empty());
    let vendor = peering.vendor.unwrap();
    assert_eq!(vendor.vpc_id, suite.network.vpc(&network));
    assert_eq!(
        (vendor.region.as_str(), vendor.cidr.as_str()),
        ("eu-west-1", "10.20.0.0/16")
    );
    let Some(peering::Peer::Aws(aws)) = peering.peer else {
        panic!("it is in AWS")
    };
    assert_eq!(
        aws,
        AwsPeer {
            region: "eu-west-1".to_owned(),
            ..aws_peer()
        }
    );
    let action = peering.next_action.unwrap();
    assert_eq!(action.actor(), next_action::Actor::Nobody);

    let attached = suite.network.attached();
    assert_eq!(attached.len(), 1);
    assert_eq!(attached[0].id, peering.id);
    assert_eq!(
        attached[0].kind(),
        api::network::v1::attachment::Kind::Peering
    );
    assert_eq!(attached[0].cidrs, aws_peer().cidrs);
    assert_eq!(
        attached[0].peer_identity,
        "aws/222222222222/eu-west-1/vpc-0a0a0a0a0a0a0a0a0"
    );
    assert!(attached[0].allow_overlap);
    let events = suite
        .events(&peering.id, peering::State::Provisioning)
        .await;
    assert_eq!(events[0].from_state(), peering::State::Unspecified);
    assert_eq!(events[0].to_state(), peering::State::Provisioning);
    assert_eq!(events[0].actor, "anonymous");
    assert_eq!(events[0].trace_id.len(), 32);
}

async fn the_same_request_has_the_same_answer(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let labels = ["a", "b", "c", "d", "e"].map(|key| (key.to_owned(), key.to_owned()));
    let request = CreatePeeringRequest {
        labels: labels.into(),
        ..with_id(&network, "once")
    };
    let first = suite.create_with(request.clone()).await.unwrap();
    for _ in 0..5 {
        assert_eq!(suite.create_with(request.clone()).await.unwrap(), first);
    }
    let other = CreatePeeringRequest {
        display_name: "other".to_owned(),
        ..request.clone()
    };
    let status = suite.create_with(other).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    // Without an id it is another request, and the pair is taken.
    let again = CreatePeeringRequest {
        request_id: String::new(),
        ..request
    };
    assert_eq!(
        reason(&suite.create_with(again).await.unwrap_err()),
        "PEERING_EXISTS"
    );
    assert_eq!(suite.list().await.len(), 1);
}

async fn many_creates_with_one_request_id_make_one_peering(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let request = with_id(&network, "many");
    let creates = (0..20).map(|_| suite.create_with(request.clone()));
    let answers = futures::future::join_all(creates).await;
    let mut made: Vec<Peering> = Vec::new();
    for answer in answers {
        match answer {
            Ok(peering) => made.push(peering),
            Err(status) => assert_eq!(status.code(), Code::Aborted, "{status:?}"),
        }
    }
    assert!(!made.is_empty());
    assert!(
        made.iter().all(|one| *one == made[0]),
        "all have the same answer"
    );
    assert_eq!(suite.create_with(request).await.unwrap(), made[0]);
    assert_eq!(suite.list().await.len(), 1);
    assert_eq!(suite.network.attached().len(), 1);
}

async fn a_refused_attachment_leaves_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let refusal = Attach::Refuse(Code::FailedPrecondition, "CIDR_OVERLAP_SIBLING");
    suite.network.next_attach(refusal);
    let status = suite
        .create_with(with_id(&network, "once"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "CIDR_OVERLAP_SIBLING");
    assert!(suite.list().await.is_empty());
    // Nothing is in the way of the same wish, and errors are not stored.
    suite.create_with(with_id(&network, "once")).await.unwrap();
    assert_eq!(suite.network.attached().len(), 1);
}

async fn a_quota_of_the_network_is_handed_through(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    for reason_told in ["QUOTA_EXCEEDED", "ALLOW_LIST_FULL"] {
        let facts = [("used", "50"), ("limit", "50")];
        let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut details = ErrorDetails::new();
        details.set_error_info(reason_told, "peerway", HashMap::from(facts));
        details.add_quota_failure_violation("peerings_per_network", "50 of 50 are used");
        let told = Status::with_error_details(Code::ResourceExhausted, "50 of 50", details);
        suite
            .network
            .next_attach(Attach::RefuseWith(Box::new(told.clone())));
        let status = suite
            .create_with(with_id(&network, "once"))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), status.message(), reason(&status).as_str()),
            (Code::ResourceExhausted, "50 of 50", reason_told)
        );
        assert_eq!(
            (fact(&status, "used"), fact(&status, "limit")),
            ("50".to_owned(), "50".to_owned())
        );
        assert_eq!(status.details(), told.details());
        assert!(suite.list().await.is_empty());
    }
    suite.network.until_detached(2).await;
    // Nothing of it is left, and a new peering has a new row.
    let made = suite.create_with(with_id(&network, "once")).await.unwrap();
    assert!(!suite.network.detached().contains(&made.id));
}

async fn a_lost_attachment_is_invisible_and_resumed_by_the_same_request(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    suite.network.next_attach(Attach::Lost);
    let status = suite
        .create_with(with_id(&network, "once"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let id = suite.network.attached()[0].id.clone();
    // Attached, and no part of the world: not for lists, gets, events, deletions or the worker.
    assert!(suite.list().await.is_empty());
    assert_eq!(suite.get(&id).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(suite.delete(&id).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(suite.cloud.made(), 0);
    // Another request for the same pair has to wait; another body has no right to the id.
    let status = suite
        .create_with(with_id(&network, "other"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Aborted, "CREATE_IN_PROGRESS")
    );
    let other = CreatePeeringRequest {
        allow_overlap: true,
        ..with_id(&network, "once")
    };
    assert_eq!(
        reason(&suite.create_with(other).await.unwrap_err()),
        "REQUEST_ID_REUSED"
    );

    let peering = suite.create_with(with_id(&network, "once")).await.unwrap();
    assert_eq!(peering.id, id, "the same row");
    assert_eq!(suite.network.attached().len(), 1);
    suite
        .until_state(&id, peering::State::PendingAcceptance)
        .await;
}

fn impatient(config: &mut ::peering::Config) {
    config.withdraw_after = Duration::ZERO;
    config.withdraw_interval = Duration::from_millis(20);
}

async fn a_create_that_nobody_resumes_is_withdrawn(kind: Kind) {
    let suite = Suite::start_with(kind, impatient).await;
    let network = suite.network.add(TENANT);
    suite.network.set_detach_away(true);
    suite.network.next_attach(Attach::Lost);
    let status = suite
        .create_with(with_id(&network, "once"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let id = suite.network.attached()[0].id.clone();
    // The sweep goes on until the claims are given back.
    suite.network.set_detach_away(false);
    suite.network.until_detached(1).await;
    assert_eq!(suite.network.detached(), std::slice::from_ref(&id));
    assert!(suite.network.attached().is_empty());
    assert_eq!(suite.get(&id).await.unwrap_err().code(), Code::NotFound);
}

async fn a_late_admission_fails(kind: Kind) {
    let suite = Suite::start_with(kind, impatient).await;
    let network = suite.network.add(TENANT);
    suite.network.attaching.shut();
    let late = suite.create_with(with_id(&network, "late"));
    let others = async {
        suite.network.attaching.until_reached().await;
        suite.network.until_detached(1).await;
        suite.network.attaching.open();
    };
    let (late, ()) = tokio::join!(late, others);
    let status = late.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Aborted, "CREATE_WITHDRAWN")
    );
    assert!(suite.list().await.is_empty());
    assert!(suite.network.attached().is_empty());
    assert_eq!(suite.cloud.made(), 0);
}

async fn a_pair_can_be_linked_once(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let first = suite.create_with(request(&network)).await.unwrap();
    let again = CreatePeeringRequest {
        display_name: "again".to_owned(),
        ..request(&network)
    };
    let status = suite.create_with(again.clone()).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::AlreadyExists, "PEERING_EXISTS")
    );
    assert_eq!(fact(&status, "peering_id"), first.id);
    // The same VPC may be linked with another network.
    let other = suite.network.add(TENANT);
    suite.create_with(request(&other)).await.unwrap();
    assert_eq!(suite.network.attached().len(), 2);
}

async fn an_ended_pair_is_renewed_instead(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let first = suite.create_with(request(&network)).await.unwrap();
    suite
        .until_state(&first.id, peering::State::PendingAcceptance)
        .await;
    use api::provider::v1::peering_observation::State;
    suite
        .cloud
        .set_state(&first.id, State::Rejected, "rejected");
    suite.until_state(&first.id, peering::State::Rejected).await;
    let again = CreatePeeringRequest {
        display_name: "again".to_owned(),
        ..request(&network)
    };
    let status = suite.create_with(again).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::AlreadyExists, "RENEW_INSTEAD")
    );
    assert_eq!(fact(&status, "peering_id"), first.id);
}

async fn a_name_is_used_once(kind: Kind) {
    let suite = Suite::start(kind).await;
    let (one, two) = (suite.network.add(TENANT), suite.network.add(TENANT));
    let named = |network: &str| CreatePeeringRequest {
        display_name: "the one".to_owned(),
        ..request(network)
    };
    let first = suite.create_with(named(&one)).await.unwrap();
    let status = suite.create_with(named(&two)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::AlreadyExists, "NAME_IN_USE")
    );
    assert_eq!(fact(&status, "peering_id"), first.id);
    // Names are a tenant's own.
    let others = suite.network.add("somebody-else");
    let request = CreatePeeringRequest {
        tenant_id: "somebody-else".to_owned(),
        ..named(&others)
    };
    suite.create_with(request).await.unwrap();
}

async fn a_deleted_peering_frees_its_pair_and_its_name(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let first = suite.create_with(request(&network)).await.unwrap();
    suite.delete(&first.id).await.unwrap();
    suite.until_state(&first.id, peering::State::Deleted).await;
    let second = suite.create_with(request(&network)).await.unwrap();
    assert_ne!(second.id, first.id);
}
