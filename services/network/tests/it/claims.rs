//! What datastores and peerings claim: replaced whole, counted, and won by one.

use api::network::v1::network::State;
use api::network::v1::*;
use tonic::Code;
use tonic_types::StatusExt;
use types::ProviderKind;

use crate::on_each_database;
use crate::provider::{Mood, PARTS};
use crate::suite::{Suite, attaching, datastore, peering, reason};

async fn attached(suite: &Suite, network: &str) -> Vec<Attachment> {
    let request = ListAttachmentsRequest {
        tenant_id: "acme".to_owned(),
        network_id: network.to_owned(),
        ..ListAttachmentsRequest::default()
    };
    let listed = suite.client.clone().list_attachments(request).await;
    listed.unwrap().into_inner().attachments
}

on_each_database! {
    async fn a_datastore_is_answered_with_where_it_can_live(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let wanted = datastore(&network.id, "ds-1", "10.20.1.0/24");
        let answer = suite.attach(wanted.clone()).await.unwrap();
        let network = answer.network.unwrap();
        assert_eq!((network.datastore_count, network.placement.unwrap().subnets.len()), (1, 3));
        let recorded = answer.attachment.unwrap();
        assert_eq!((&recorded.ports, recorded.private_name.as_str()), (&wanted.ports, "db.internal"));
        assert_eq!(attached(&suite, &network.id).await, [recorded]);
    }

    async fn a_refused_replacement_leaves_the_claim_as_it_was(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        suite.attach(datastore(id, "ds-1", "10.20.1.0/24")).await.unwrap();
        suite.attach(datastore(id, "ds-2", "10.20.2.0/24")).await.unwrap();
        let grown = Attachment { ports: vec![5432, 6379], private_name: "new.internal".to_owned(), ..datastore(id, "ds-1", "10.20.4.0/22") };
        let replaced = suite.attach(grown.clone()).await.unwrap().attachment.unwrap();
        assert_eq!((&replaced.cidrs, &replaced.ports, &replaced.private_name), (&grown.cidrs, &grown.ports, &grown.private_name));
        for (cidr, expected) in [
            ("10.20.2.0/24", "CIDR_OVERLAP_SIBLING"),
            ("10.20.2.128/25", "CIDR_OVERLAP_SIBLING"),
            ("10.20.0.0/16", "CIDR_OVERLAP_SIBLING"),
            ("10.0.0.0/8", "CIDR_OUTSIDE_NETWORK"),
        ] {
            let refused = suite.attach(datastore(id, "ds-1", cidr)).await.unwrap_err();
            assert_eq!(reason(&refused), expected, "{cidr}");
            assert_eq!(attached(&suite, id).await[0], replaced);
        }
        // Its first range is free again.
        suite.attach(datastore(id, "ds-3", "10.20.1.0/24")).await.unwrap();
        assert_eq!(suite.get(id).await.datastore_count, 3);
    }

    async fn the_quota_counts_peerings_and_no_replacements(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            config.quotas.peerings_per_network.insert(ProviderKind::Aws, 2);
        }).await;
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        for number in 1..=2 {
            suite.attach(peering(id, number, &[&format!("10.{number}.0.0/16")])).await.unwrap();
        }
        let refused = suite.attach(peering(id, 3, &["10.3.0.0/16"])).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "QUOTA_EXCEEDED"));
        let facts = refused.get_details_error_info().unwrap().metadata;
        assert_eq!((facts["quota"].as_str(), facts["used"].as_str(), facts["limit"].as_str()), ("peerings_per_network", "2", "2"));
        assert_eq!(refused.get_details_quota_failure().unwrap().violations[0].subject, "peerings_per_network");
        suite.attach(peering(id, 2, &["10.5.0.0/16"])).await.unwrap();
        suite.attach(datastore(id, "ds-1", "10.20.1.0/24")).await.unwrap();
        suite.detach(&peering(id, 1, &[])).await.unwrap();
        suite.attach(peering(id, 3, &["10.3.0.0/16"])).await.unwrap();
    }

    async fn the_quota_of_datastores_counts_no_peerings_and_no_replacements(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| config.quotas.datastores_per_network = 2).await;
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        let store = |number: u32, third: u32| datastore(id, &format!("ds-{number}"), &format!("10.20.{third}.0/24"));
        suite.attach(peering(id, 1, &["10.1.0.0/16"])).await.unwrap();
        suite.attach(store(1, 1)).await.unwrap();
        suite.attach(store(2, 2)).await.unwrap();
        let refused = suite.attach(store(3, 3)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "QUOTA_EXCEEDED"));
        let facts = refused.get_details_error_info().unwrap().metadata;
        assert_eq!((facts["quota"].as_str(), facts["used"].as_str(), facts["limit"].as_str()), ("datastores_per_network", "2", "2"));
        suite.attach(store(2, 5)).await.unwrap();
        suite.detach(&store(1, 1)).await.unwrap();
        suite.attach(store(3, 3)).await.unwrap();
    }

    async fn a_refusal_names_every_conflict_and_stays_small(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        suite.attach(peering(id, 1, &["10.1.0.0/16", "10.2.0.0/16"])).await.unwrap();
        suite.attach(peering(id, 2, &["10.3.0.0/16"])).await.unwrap();
        let wanted = peering(id, 3, &["10.20.7.0/24", "10.2.0.0/24", "10.3.0.0/16"]);
        let refused = suite.attach(wanted.clone()).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CIDR_OVERLAP_PEER"));
        let facts = refused.get_details_error_info().unwrap().metadata;
        assert_eq!((facts["cidr"].as_str(), facts["other_id"].as_str()), ("10.20.7.0/24", id));
        let named = refused.get_details_precondition_failure().unwrap().violations;
        let ids: Vec<_> = named.iter().map(|one| (one.r#type.as_str(), one.subject.clone())).collect();
        let (first, second) = (peering(id, 1, &[]), peering(id, 2, &[]));
        assert_eq!(ids, [("CIDR_OVERLAP_PEER", id.to_owned()), ("CIDR_OVERLAP_SIBLING", first.id.clone()), ("CIDR_OVERLAP_SIBLING", second.id.clone())]);
        let owner = |one: &Attachment| format!("{} (peering {})", one.peer_identity, one.id);
        assert_eq!(named[1].description, format!("10.2.0.0/24 of {} overlaps 10.2.0.0/16 of {}", owner(&wanted), owner(&first)));
        assert_eq!(named[2].description, format!("10.3.0.0/16 of {} equals 10.3.0.0/16 of {}", owner(&wanted), owner(&second)));

        let many: Vec<_> = (0..30).map(|n| format!("10.3.{n}.0/24")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let refused = suite.attach(peering(id, 4, &many)).await.unwrap_err();
        let named = refused.get_details_precondition_failure().unwrap().violations.len();
        assert!((10..=20).contains(&named), "{named}");
        // In base64 it is a third more, and some clients take no more than 8 KiB of headers.
        assert!(refused.details().len() < 5_400, "{}", refused.details().len());
    }

    async fn a_network_that_is_not_active_yet_takes_nothing(suite: Suite) {
        suite.provider.on_make(PARTS[0], [Mood::TakeOn(u32::MAX)]);
        let network = suite.create("main", "10.20.0.0/16").await;
        for wanted in [peering(&network.id, 1, &["10.1.0.0/16"]), datastore(&network.id, "ds-1", "10.20.1.0/24")] {
            let refused = suite.attach(wanted).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NETWORK_NOT_ACTIVE"));
            assert_eq!(refused.get_details_error_info().unwrap().metadata["state"], "PENDING");
        }
        assert_eq!(suite.get(&network.id).await.state(), State::Pending);
    }

    async fn of_fifty_clients_with_ranges_over_each_other_one_wins(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        // All of them hold 10.1.0.0/24.
        let claims = (0..50_u32).map(|number| {
            let claim = peering(&network.id, number, &[&format!("10.1.0.0/{}", 16 + number % 9)]);
            let suite = &suite;
            async move { suite.another_client().await.attach_resource(attaching(claim)).await }
        });
        let results = futures::future::join_all(claims).await;
        let lost = results.iter().filter_map(|result| result.as_ref().err());
        assert!(lost.map(reason).all(|reason| reason == "CIDR_OVERLAP_SIBLING"), "{results:?}");
        let won = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!((won, attached(&suite, &network.id).await.len()), (1, 1));
    }

    async fn of_networks_over_each_other_one_is_linked_with_a_vpc(suite: Suite) {
        let mut networks = Vec::new();
        for number in 0..8 {
            networks.push(suite.active(&format!("n{number}"), &format!("10.20.0.0/{}", 16 + number)).await);
        }
        let claims = networks.iter().enumerate().map(|(number, network)| {
            let of_its_own = peering(&network.id, u32::try_from(number).unwrap(), &["10.1.0.0/16"]);
            suite.attach(Attachment { peer_identity: "aws/222233334444/eu-west-1/vpc-0a1b2c3d".to_owned(), ..of_its_own })
        });
        let results = futures::future::join_all(claims).await;
        let lost = results.iter().filter_map(|result| result.as_ref().err());
        assert!(lost.map(reason).all(|reason| reason == "CIDR_OVERLAP_SIBLING"), "{results:?}");
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    }
}
