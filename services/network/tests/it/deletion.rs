//! Deleting what things stand on: refused, or the peerings first.

use api::network::v1::network::State;
use api::network::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::on_each_database;
use crate::provider::Mood;
use crate::suite::{Suite, datastore, deletion, events, peering, reason};

async fn cascade(suite: &Suite, id: &str) -> Result<Network, Status> {
    let request = DeleteNetworkRequest {
        cascade_peerings: true,
        ..deletion(id)
    };
    let answer = suite.client.clone().delete_network(request).await?;
    Ok(answer.into_inner().network.unwrap())
}

/// The kinds and ids that a refusal names, and its total.
fn blockers(refused: &Status) -> (Vec<(String, String)>, String) {
    assert_eq!(
        (refused.code(), reason(refused).as_str()),
        (Code::FailedPrecondition, "NETWORK_IN_USE")
    );
    let named = refused
        .get_details_precondition_failure()
        .unwrap()
        .violations;
    let named = named.into_iter().map(|one| (one.r#type, one.subject));
    let total = refused.get_details_error_info().unwrap().metadata["total"].clone();
    (named.collect(), total)
}

on_each_database! {
    async fn the_first_twenty_in_the_way_are_named_in_order(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let mut expected = Vec::new();
        for number in (0..12).rev() {
            let peering = suite.attach(peering(&network.id, number, &[])).await.unwrap().attachment.unwrap();
            let cidr = format!("10.20.{number}.0/24");
            let store = suite.attach(datastore(&network.id, &format!("ds-{number:02}"), &cidr)).await.unwrap();
            expected.push(("PEERING".to_owned(), peering.id));
            expected.push(("DATASTORE".to_owned(), store.attachment.unwrap().id));
        }
        expected.sort_by(|one, other| one.1.cmp(&other.1));
        expected.truncate(20);
        for _ in 0..2 {
            let refused = suite.delete(&network.id).await.unwrap_err();
            assert_eq!(blockers(&refused), (expected.clone(), "24".to_owned()));
        }
        let refused = cascade(&suite, &network.id).await.unwrap_err();
        let (named, total) = blockers(&refused);
        assert!(named.iter().all(|(kind, _)| kind == "DATASTORE"), "{named:?}");
        assert_eq!((named.len(), total.as_str()), (12, "12"));
        assert_eq!(suite.get(&network.id).await.state(), State::Active);
    }

    async fn a_cascade_waits_for_the_last_peering(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let peerings: Vec<_> = (1..=3_u32).map(|number| peering(&network.id, number, &[])).collect();
        for one in &peerings {
            suite.attach(one.clone()).await.unwrap();
        }
        let leaving = cascade(&suite, &network.id).await.unwrap();
        assert_eq!((leaving.state(), leaving.reason.as_str()), (State::Deleting, "WAITING_FOR_PEERINGS"));
        assert_eq!(leaving.message, "3 peerings are being deleted first");
        // Said again, with and without, it is no error.
        assert_eq!(cascade(&suite, &network.id).await.unwrap(), leaving);
        assert_eq!(suite.delete(&network.id).await.unwrap(), leaving);
        for late in [peering(&network.id, 9, &["10.9.0.0/16"]), datastore(&network.id, "ds-1", "10.20.1.0/24")] {
            let refused = suite.attach(late).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NETWORK_NOT_ACTIVE"));
        }
        suite.detach(&peerings[0]).await.unwrap();
        assert_eq!(suite.get(&network.id).await.message, "2 peerings are being deleted first");
        suite.detach(&peerings[1]).await.unwrap();
        let last = suite.get(&network.id).await;
        assert_eq!((last.state(), last.message.as_str()), (State::Deleting, "1 peering is being deleted first"));
        assert!(suite.provider.has_one_of_each(&network.id), "the VPC stands while a peering does");
        suite.detach(&peerings[2]).await.unwrap();
        let deleted = suite.until(&network.id, State::Deleted).await;
        assert_eq!((deleted.reason.as_str(), deleted.peering_count), ("", 0));
        assert_eq!(suite.provider.parts_of(&network.id).len(), 0);
        let told = events(&suite, &network.id, "DELETED").await;
        let kinds: Vec<_> = told.iter().map(|event| event.kind.as_str()).filter(|kind| *kind == "DETACHED").collect();
        assert_eq!(kinds.len(), 3);
    }

    async fn a_cascade_survives_a_restart(suite: Suite) {
        let mut suite = suite;
        let network = suite.active("main", "10.20.0.0/16").await;
        let first = peering(&network.id, 1, &["10.1.0.0/16"]);
        suite.attach(first.clone()).await.unwrap();
        cascade(&suite, &network.id).await.unwrap();
        suite.restart(|_| {}).await;
        assert_eq!(suite.get(&network.id).await.reason, "WAITING_FOR_PEERINGS");
        suite.detach(&first).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
    }

    async fn a_failed_network_is_deleted_like_any_other(suite: Suite) {
        suite.provider.on_make("vpc", [Mood::Refuse(api::cloud::CloudErrorKind::Terminal, "CIDR_SIZE")]);
        let network = suite.create("main", "10.20.0.0/16").await;
        suite.until(&network.id, State::Failed).await;
        let refused = suite.attach(peering(&network.id, 1, &["10.1.0.0/16"])).await.unwrap_err();
        assert_eq!(reason(&refused), "NETWORK_NOT_ACTIVE");
        assert_eq!(refused.get_details_error_info().unwrap().metadata["state"], "FAILED");
        cascade(&suite, &network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
    }
}
