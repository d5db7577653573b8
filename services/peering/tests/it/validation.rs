//! What CreatePeering refuses, and that a refusal records nothing.

use api::peering::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::network::ACCOUNT;
use crate::suite::{Kind, Suite, TENANT, aws_peer, fact, on_both_databases, reason, request};

on_both_databases!(
    every_field_is_checked_and_all_violations_come_at_once,
    each_bad_field_has_its_reason,
    a_network_must_be_there_active_and_in_the_same_cloud,
    ranges_and_accounts_of_the_vendor_are_refused,
    the_same_gcp_network_in_another_spelling_is_the_same_peer,
    calls_that_name_no_peering_are_refused,
);

async fn refused(suite: &Suite, request: CreatePeeringRequest) -> Status {
    let status = suite.create_with(request).await.unwrap_err();
    assert!(suite.list().await.is_empty(), "nothing is recorded");
    assert!(suite.network.attached().is_empty(), "nothing is attached");
    status
}

/// Fields and reasons of all violations.
fn violations(status: &Status) -> Vec<(String, String)> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let found = status.get_details_bad_request().unwrap().field_violations;
    found
        .into_iter()
        .map(|one| (one.field, one.reason))
        .collect()
}

async fn every_field_is_checked_and_all_violations_come_at_once(kind: Kind) {
    let suite = Suite::start(kind).await;
    let bad = CreatePeeringRequest {
        tenant_id: "-".to_owned(),
        request_id: "with space".to_owned(),
        network_id: "net_1".to_owned(),
        display_name: " x".to_owned(),
        labels: [("-upper".to_owned(), String::new())].into(),
        peer: Some(create_peering_request::Peer::Aws(AwsPeer {
            account_id: "1".to_owned(),
            region: "nowhere".to_owned(),
            vpc_id: "vpc-x".to_owned(),
            cidrs: vec!["10.0.0.1/8".to_owned(), "8.8.8.0/24".to_owned()],
        })),
        ..Default::default()
    };
    let status = suite.create_with(bad).await.unwrap_err();
    assert_eq!(reason(&status), "INVALID_FIELD");
    let fields: Vec<String> = violations(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(
        fields,
        [
            "tenant_id",
            "request_id",
            "network_id",
            "display_name",
            "labels",
            "aws.account_id",
            "aws.region",
            "aws.vpc_id",
            "aws.cidrs[0]",
            "aws.cidrs[1]",
        ]
    );
}

async fn each_bad_field_has_its_reason(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let with = |change: &dyn Fn(&mut CreatePeeringRequest)| {
        let mut request = request(&network);
        change(&mut request);
        request
    };
    let cidrs = |cidrs: &[&str]| {
        let cidrs = cidrs.iter().map(ToString::to_string).collect();
        with(&|request| {
            let peer = AwsPeer {
                cidrs: Vec::clone(&cidrs),
                ..aws_peer()
            };
            request.peer = Some(create_peering_request::Peer::Aws(peer));
        })
    };
    let gcp = |project: &str, name: &str, cidrs: &[&str]| {
        let peer = GcpPeer {
            project_id: project.to_owned(),
            network_name: name.to_owned(),
            cidrs: cidrs.iter().map(ToString::to_string).collect(),
        };
        with(&|request| request.peer = Some(create_peering_request::Peer::Gcp(peer.clone())))
    };
    let many: Vec<String> = (0..65).map(|n| format!("10.{n}.0.0/24")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (request, field, reason) in [
        (
            with(&|request| request.tenant_id.clear()),
            "tenant_id",
            "INVALID_FIELD",
        ),
        (
            with(&|request| request.request_id = "x".repeat(65)),
            "request_id",
            "INVALID_FIELD",
        ),
        (
            with(&|request| request.network_id.clear()),
            "network_id",
            "INVALID_FIELD",
        ),
        (
            with(&|request| request.display_name.clear()),
            "display_name",
            "INVALID_FIELD",
        ),
        (
            with(&|request| request.display_name = "x".repeat(64)),
            "display_name",
            "INVALID_FIELD",
        ),
        (
            with(&|request| request.peer = None),
            "peer",
            "INVALID_FIELD",
        ),
        (cidrs(&[]), "aws.cidrs", "INVALID_FIELD"),
        (cidrs(&many), "aws.cidrs", "INVALID_FIELD"),
        (cidrs(&["10.1.0.1/16"]), "aws.cidrs[0]", "CIDR_HOST_BITS"),
        (cidrs(&["11.0.0.0/16"]), "aws.cidrs[0]", "CIDR_NOT_PRIVATE"),
        (
            cidrs(&["169.254.0.0/16"]),
            "aws.cidrs[0]",
            "CIDR_NOT_PRIVATE",
        ),
        (cidrs(&["fd00::/8"]), "aws.cidrs[0]", "INVALID_CIDR"),
        (
            cidrs(&["10.1.0.0/16", "10.1.0.0/16"]),
            "aws.cidrs[1]",
            "INVALID_FIELD",
        ),
        (gcp("", "main", &[]), "gcp.project_id", "INVALID_FIELD"),
        (
            gcp("acme-prod", "", &[]),
            "gcp.network_name",
            "INVALID_FIELD",
        ),
        (
            gcp("acme-prod", "Main", &[]),
            "gcp.network_name",
            "INVALID_FIELD",
        ),
        (
            gcp(
                "acme-prod",
                "projects/acme-prod/global/networks/main/x",
                &[],
            ),
            "gcp.network_name",
            "INVALID_FIELD",
        ),
        (
            gcp("acme-prod", "projects/acme-other/global/networks/main", &[]),
            "gcp.project_id",
            "INVALID_FIELD",
        ),
        (
            gcp("acme-prod", "main", &["10.0.0.1/8"]),
            "gcp.cidrs[0]",
            "CIDR_HOST_BITS",
        ),
    ] {
        let status = refused(&suite, request.clone()).await;
        let expected = [(field.to_owned(), reason.to_owned())];
        assert_eq!(violations(&status), expected, "{request:?}");
        assert_eq!(crate::suite::reason(&status), reason);
    }
}

async fn a_network_must_be_there_active_and_in_the_same_cloud(kind: Kind) {
    let suite = Suite::start(kind).await;
    let others = suite.network.add("somebody-else");
    for missing in [others, types::NetworkId::generate().to_string()] {
        let status = refused(&suite, request(&missing)).await;
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::NotFound, "NETWORK_NOT_FOUND")
        );
    }
    let pending = suite.network.add_with(TENANT, |network| {
        network.set_state(api::network::v1::network::State::Pending);
    });
    let status = refused(&suite, request(&pending)).await;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "NETWORK_NOT_ACTIVE");
    assert_eq!(fact(&status, "state"), "PENDING");

    let network = suite.network.add(TENANT);
    let mut gcp = request(&network);
    gcp.peer = Some(create_peering_request::Peer::Gcp(GcpPeer {
        project_id: "acme-prod".to_owned(),
        network_name: "main".to_owned(),
        cidrs: Vec::new(),
    }));
    let status = refused(&suite, gcp).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "WRONG_PROVIDER");

    suite.network.set_away(true);
    let status = refused(&suite, request(&network)).await;
    assert_eq!(status.code(), Code::Unavailable);
}

async fn ranges_and_accounts_of_the_vendor_are_refused(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    let with = |change: &dyn Fn(&mut AwsPeer)| {
        let mut peer = aws_peer();
        change(&mut peer);
        let peer = Some(create_peering_request::Peer::Aws(peer));
        CreatePeeringRequest {
            peer,
            ..request(&network)
        }
    };
    let overlapping = with(&|peer| peer.cidrs = vec!["10.16.0.0/12".to_owned()]);
    let status = refused(&suite, overlapping).await;
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(reason(&status), "CIDR_OVERLAP_PEER");
    assert_eq!(fact(&status, "cidr"), "10.16.0.0/12");
    assert_eq!(fact(&status, "other_cidr"), "10.20.0.0/16");

    let vendor = with(&|peer| peer.account_id = ACCOUNT.to_owned());
    let status = refused(&suite, vendor).await;
    assert_eq!(reason(&status), "PEER_IS_VENDOR");

    let own = with(&|peer| {
        peer.account_id = ACCOUNT.to_owned();
        peer.vpc_id = suite.network.vpc(&network);
    });
    let status = refused(&suite, own).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "SELF_PEERING");

    let lenient = Suite::start_with(kind, |config| config.allow_vendor_peer = true).await;
    let network = lenient.network.add(TENANT);
    let peer = AwsPeer {
        account_id: ACCOUNT.to_owned(),
        ..aws_peer()
    };
    let peer = Some(create_peering_request::Peer::Aws(peer));
    lenient
        .create_with(CreatePeeringRequest {
            peer,
            ..request(&network)
        })
        .await
        .unwrap();
}

async fn the_same_gcp_network_in_another_spelling_is_the_same_peer(kind: Kind) {
    const PATH: &str = "projects/acme-prod/global/networks/main";
    let spellings = [
        ("acme-prod", "main".to_owned()),
        ("acme-prod", "global/networks/main".to_owned()),
        ("", PATH.to_owned()),
        ("acme-prod", PATH.to_owned()),
        ("", format!("https://www.googleapis.com/compute/v1/{PATH}")),
        (
            "",
            format!("https://compute.googleapis.com/compute/beta/{PATH}"),
        ),
        (
            "",
            format!("http://compute.googleapis.com/compute/v1/{PATH}"),
        ),
        ("", format!("//compute.googleapis.com/{PATH}")),
    ];
    let suite = Suite::start(kind).await;
    for first in &spellings {
        let network = suite.network.add_with(TENANT, |network| {
            network.provider = api::network::v1::Provider::Gcp.into();
            network.region = "europe-west1".to_owned();
            network.provider_account_id = "vendor-prod".to_owned();
        });
        let spelt = |(project, name): &(&str, String), display_name: String| {
            let peer = GcpPeer {
                project_id: (*project).to_owned(),
                network_name: name.clone(),
                cidrs: Vec::new(),
            };
            CreatePeeringRequest {
                display_name,
                peer: Some(create_peering_request::Peer::Gcp(peer)),
                ..request(&network)
            }
        };
        let created = suite
            .create_with(spelt(first, network.clone()))
            .await
            .unwrap();
        let Some(peering::Peer::Gcp(peer)) = &created.peer else {
            panic!("it is in GCP: {created:?}");
        };
        assert_eq!(
            (&*peer.project_id, &*peer.network_name),
            ("acme-prod", "main")
        );
        for second in &spellings {
            let again = spelt(second, "again".to_owned());
            let status = suite.create_with(again).await.unwrap_err();
            assert_eq!(status.code(), Code::AlreadyExists, "{first:?} {second:?}");
            assert_eq!(fact(&status, "peering_id"), created.id);
        }
    }
}

async fn calls_that_name_no_peering_are_refused(kind: Kind) {
    let suite = Suite::start(kind).await;
    let mut api = suite.api.clone();
    let refusals = [
        api.update_peering(UpdatePeeringRequest::default())
            .await
            .unwrap_err(),
        api.renew_peering(RenewPeeringRequest::default())
            .await
            .unwrap_err(),
        api.get_peering_instructions(GetPeeringInstructionsRequest::default())
            .await
            .unwrap_err(),
        api.diagnose_peering(DiagnosePeeringRequest::default())
            .await
            .unwrap_err(),
    ];
    for status in refusals {
        let fields: Vec<String> = violations(&status)
            .into_iter()
            .map(|(field, _)| field)
            .collect();
        for field in ["tenant_id", "peering_id"] {
            assert!(fields.iter().any(|one| one == field), "{field}: {status:?}");
        }
    }
}
