//! What stands on networks, and who wins.

use api::network::v1::network::State;
use api::network::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

use crate::on_each_database;
use crate::suite::{Suite, attaching, datastore, peering, reason};

on_each_database! {
    async fn attaching_claims_and_detaching_frees(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let first = peering(&network.id, 1, &["10.1.0.0/16"]);
        let answer = suite.attach(first.clone()).await.unwrap();
        assert_eq!(answer.network.as_ref().unwrap().peering_count, 1);
        assert!(answer.network.unwrap().placement.is_some());
        let again = suite.attach(first.clone()).await.unwrap();
        assert_eq!(again.attachment, answer.attachment);
        suite.attach(datastore(&network.id, "ds-1", "10.20.1.0/24")).await.unwrap();
        let counted = suite.get(&network.id).await;
        assert_eq!((counted.peering_count, counted.datastore_count), (1, 1));

        let taken = suite.attach(peering(&network.id, 2, &["10.1.128.0/17"])).await.unwrap_err();
        assert_eq!((taken.code(), reason(&taken).as_str()), (Code::FailedPrecondition, "CIDR_OVERLAP_SIBLING"));
        let facts = taken.get_details_error_info().unwrap().metadata;
        assert_eq!((facts["cidr"].as_str(), facts["other_cidr"].as_str()), ("10.1.128.0/17", "10.1.0.0/16"));
        assert_eq!(facts["other_id"], first.id);
        assert!(taken.message().contains("10.1.0.0/16") && taken.message().contains("10.1.128.0/17"));

        suite.detach(&first).await.unwrap();
        suite.detach(&first).await.unwrap();
        suite.attach(peering(&network.id, 2, &["10.1.128.0/17"])).await.unwrap();
        let late = suite.attach(first).await.unwrap_err();
        assert_eq!((late.code(), reason(&late).as_str()), (Code::FailedPrecondition, "ATTACHMENT_DETACHED"));
        let never = peering(&network.id, 3, &["10.9.0.0/16"]);
        suite.detach(&never).await.unwrap();
        assert_eq!(reason(&suite.attach(never).await.unwrap_err()), "ATTACHMENT_DETACHED");
    }

    async fn other_ranges_replace_the_first_in_one_step(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        suite.attach(peering(&network.id, 1, &["10.1.0.0/16"])).await.unwrap();
        suite.attach(peering(&network.id, 2, &["10.2.0.0/16"])).await.unwrap();
        let grown = peering(&network.id, 1, &["10.1.0.0/16", "10.3.0.0/16"]);
        suite.attach(grown.clone()).await.unwrap();
        let refused = suite.attach(peering(&network.id, 1, &["10.2.0.0/24"])).await.unwrap_err();
        assert_eq!(reason(&refused), "CIDR_OVERLAP_SIBLING");
        let request = ListAttachmentsRequest {
            tenant_id: "acme".to_owned(),
            network_id: network.id.clone(),
            page_size: 1,
            ..ListAttachmentsRequest::default()
        };
        let page = suite.client.clone().list_attachments(request.clone()).await.unwrap().into_inner();
        assert_eq!(page.attachments[0].cidrs, grown.cidrs);
        let next = ListAttachmentsRequest { page_token: page.next_page_token, ..request };
        let page = suite.client.clone().list_attachments(next).await.unwrap().into_inner();
        assert_eq!((page.attachments.len(), page.next_page_token.as_str()), (1, ""));
    }

    async fn ranges_in_the_way_are_refused(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        let peer = suite.attach(peering(id, 1, &["10.20.5.0/24"])).await.unwrap_err();
        assert_eq!((peer.code(), reason(&peer).as_str()), (Code::FailedPrecondition, "CIDR_OVERLAP_PEER"));
        assert_eq!(peer.get_details_error_info().unwrap().metadata["other_id"], network.id);
        let outside = suite.attach(datastore(id, "ds-1", "10.21.0.0/24")).await.unwrap_err();
        assert_eq!((outside.code(), reason(&outside).as_str()), (Code::InvalidArgument, "CIDR_OUTSIDE_NETWORK"));
        suite.attach(peering(id, 1, &["10.1.0.0/16"])).await.unwrap();
        let allowed = Attachment { allow_overlap: true, ..peering(id, 2, &["10.1.2.0/24"]) };
        suite.attach(allowed).await.unwrap();
        let equal = Attachment { allow_overlap: true, ..peering(id, 3, &["10.1.0.0/16"]) };
        assert_eq!(reason(&suite.attach(equal).await.unwrap_err()), "CIDR_OVERLAP_SIBLING");

        let neighbour = suite.active("other", "10.20.128.0/17").await;
        let shared = Attachment { network_id: neighbour.id.clone(), ..peering(id, 1, &["10.50.0.0/16"]) };
        let refused = suite.attach(Attachment { id: "peer_x".to_owned(), ..shared }).await.unwrap_err();
        assert_eq!(reason(&refused), "CIDR_OVERLAP_SIBLING");
        assert_eq!(refused.get_details_error_info().unwrap().metadata["other_id"], network.id);
    }

    async fn only_an_active_network_takes_attachments(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let first = peering(&network.id, 1, &["10.1.0.0/16"]);
        suite.attach(first.clone()).await.unwrap();
        let refused = suite.delete(&network.id).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NETWORK_IN_USE"));
        assert_eq!(refused.get_details_error_info().unwrap().metadata["total"], "1");
        let blockers = refused.get_details_precondition_failure().unwrap().violations;
        assert_eq!((blockers[0].r#type.as_str(), blockers[0].subject.as_str()), ("PEERING", first.id.as_str()));

        suite.detach(&first).await.unwrap();
        suite.delete(&network.id).await.unwrap();
        let late = suite.attach(peering(&network.id, 2, &["10.2.0.0/16"])).await.unwrap_err();
        assert_eq!((late.code(), reason(&late).as_str()), (Code::FailedPrecondition, "NETWORK_NOT_ACTIVE"));
        suite.until(&network.id, State::Deleted).await;
        suite.detach(&first).await.unwrap();
    }

    async fn of_fifty_claims_in_each_other_s_way_one_wins(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let claims = (0..50).map(|number| suite.attach(peering(&network.id, number, &["10.1.0.0/16"])));
        let results = futures::future::join_all(claims).await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        let lost = results.iter().filter_map(|result| result.as_ref().err());
        assert!(lost.map(reason).all(|reason| reason == "CIDR_OVERLAP_SIBLING"));
        assert_eq!((won, suite.get(&network.id).await.peering_count), (1, 1));
    }

    async fn an_attach_and_a_delete_at_once_never_both_win(suite: Suite) {
        for round in 0..10 {
            let network = suite.active(&format!("n{round}"), "10.20.0.0/16").await;
            let (attached, deleted) = tokio::join!(
                suite.attach(peering(&network.id, 1, &["10.1.0.0/16"])),
                suite.delete(&network.id),
            );
            assert_ne!(attached.is_ok(), deleted.is_ok(), "{attached:?} {deleted:?}");
        }
    }

    async fn every_bad_field_of_a_claim_is_named(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let good = peering(&network.id, 1, &["10.1.0.0/16"]);
        let bad_peer = |identity: &str| Attachment { peer_identity: identity.to_owned(), ..good.clone() };
        let store = datastore(&network.id, "ds-1", "10.20.1.0/24");
        let cases: Vec<(Attachment, &[&str])> = vec![
            (Attachment::default(), &["attachment.network_id", "attachment.kind", "attachment.id"]),
            (Attachment { id: "x".repeat(65), ..good.clone() }, &["attachment.id"]),
            (Attachment { cidrs: vec!["10.1.0.1/16".to_owned()], ..good.clone() }, &["attachment.cidrs[0]"]),
            (Attachment { cidrs: vec!["10.1.0.0/16".to_owned(); 2], ..good.clone() }, &["attachment.cidrs[1]"]),
            (Attachment { cidrs: vec!["10.1.0.0/16".to_owned(); 129], ..good.clone() }, &["attachment.cidrs"]),
            (bad_peer(""), &["attachment.peer_identity"]),
            (bad_peer("aws/1/eu-west-1/vpc-0a1b2c3d"), &["attachment.peer_identity"]),
            (bad_peer("gcp/acme-prod/default"), &["attachment.peer_identity"]),
            (Attachment { ports: vec![1], ..good.clone() }, &["attachment"]),
            (Attachment { ports: vec![0, 65_536], ..store.clone() }, &["attachment.ports[0]", "attachment.ports[1]"]),
            (Attachment { cidrs: Vec::new(), ..store.clone() }, &["attachment.cidrs"]),
            (Attachment { private_name: "a b".to_owned(), ..store.clone() }, &["attachment.private_name"]),
            (Attachment { allow_overlap: true, ..store }, &["attachment"]),
        ];
        for (claim, expected) in cases {
            let refused = suite.attach(claim).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            let found: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
            assert_eq!(found, expected);
        }
        let nothing = AttachResourceRequest { attachment: None, ..attaching(good) };
        assert_eq!(suite.client.clone().attach_resource(nothing).await.unwrap_err().code(), Code::InvalidArgument);
        let foreign = DetachResourceRequest::default();
        let refused = suite.client.clone().detach_resource(foreign).await.unwrap_err();
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations.len(), 4);
        assert_eq!(suite.get(&network.id).await.peering_count, 0);
    }
}
