//! Entries of the allow list that follow a peering: they come and go with its ranges, and with it.

use api::network::v1::allow_list_entry::State;
use api::network::v1::condition::Status as Holds;
use api::network::v1::*;
use types::ProviderKind;

use crate::allow_list::{allow_peered, list, put, ranges, remove, until, until_admitted};
use crate::on_each_database;
use crate::suite::{Suite, datastore, events, peering, reason};

/// Each entry's range and the number of the peering that it follows; none: its owner's own.
fn tied(entries: &[AllowListEntry]) -> Vec<(&str, Option<u32>)> {
    let tied = entries.iter().map(|entry| {
        let number = entry.peering_id.strip_prefix("peer_");
        (
            entry.cidr.as_str(),
            number.map(|number| number.parse().unwrap()),
        )
    });
    tied.collect()
}

async fn with_datastore(suite: &Suite) -> String {
    let network = suite.settled("main", "10.20.0.0/16").await;
    suite
        .attach(datastore(&network.id, "ds-1", "10.20.1.0/24"))
        .await
        .unwrap();
    network.id
}

on_each_database! {
    async fn other_ranges_bring_their_entries_and_take_the_old_ones_along(suite: Suite) {
        let id = with_datastore(&suite).await;
        suite.attach(peering(&id, 1, &["10.1.0.0/16"])).await.unwrap();
        suite.attach(peering(&id, 2, &["10.2.0.0/16"])).await.unwrap();
        let added = allow_peered(&suite, &id).await.unwrap();
        assert_eq!(tied(&added), [("10.1.0.0/16", Some(1)), ("10.2.0.0/16", Some(2))]);
        until_admitted(&suite, &id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432]).await;

        let version = suite.get(&id).await.allow_list_version;
        let answer = suite.attach(peering(&id, 1, &["10.1.0.0/16", "10.3.0.0/16"])).await.unwrap();
        // Until the cloud confirms the new range the firewall is not as it should be.
        let told = answer.network.unwrap();
        assert!(told.allow_list_version > version);
        assert_ne!(told.conditions[0].status(), Holds::True);
        assert_eq!(tied(&list(&suite, &id).await), [("10.1.0.0/16", Some(1)), ("10.2.0.0/16", Some(2)), ("10.3.0.0/16", Some(1))]);
        until_admitted(&suite, &id, &["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"], &[5432]).await;
        until(&suite, &id, State::Applied).await;

        suite.attach(peering(&id, 1, &["10.3.0.0/16"])).await.unwrap();
        assert_eq!(tied(&list(&suite, &id).await), [("10.2.0.0/16", Some(2)), ("10.3.0.0/16", Some(1))]);
        until_admitted(&suite, &id, &["10.2.0.0/16", "10.3.0.0/16"], &[5432]).await;

        suite.detach(&peering(&id, 1, &[])).await.unwrap();
        assert_eq!(tied(&list(&suite, &id).await), [("10.2.0.0/16", Some(2))]);
        until_admitted(&suite, &id, &["10.2.0.0/16"], &[5432]).await;
        suite.detach(&datastore(&id, "ds-1", "")).await.unwrap();
        suite.detach(&peering(&id, 2, &[])).await.unwrap();
        assert_eq!(list(&suite, &id).await, []);
        suite.delete(&id).await.unwrap();
        let told = events(&suite, &id, "DELETING").await;
        let kinds: Vec<_> = told.iter().map(|event| event.kind.as_str()).filter(|kind| *kind != "FIREWALL_CHANGED").collect();
        assert_eq!(kinds[2..], [
            "ATTACHED", "ATTACHED", "ATTACHED", "ALLOW_LIST_CHANGED",
            "ATTACHED", "ALLOW_LIST_CHANGED", "ATTACHED", "ALLOW_LIST_CHANGED",
            "DETACHED", "ALLOW_LIST_CHANGED", "DETACHED", "DETACHED", "ALLOW_LIST_CHANGED", "STATE_CHANGED",
        ]);
    }

    async fn an_entry_that_its_owner_puts_stays(suite: Suite) {
        let id = with_datastore(&suite).await;
        suite.attach(peering(&id, 1, &["10.1.0.0/16", "10.2.0.0/16"])).await.unwrap();
        let added = allow_peered(&suite, &id).await.unwrap();
        let put = PutAllowListEntryRequest {
            tenant_id: "acme".to_owned(),
            network_id: id.clone(),
            cidr: "10.1.0.0/16".to_owned(),
            // In the same words: it is the owner's own even so.
            description: added[0].description.clone(),
            ..PutAllowListEntryRequest::default()
        };
        let own = suite.client.clone().put_allow_list_entry(put).await.unwrap().into_inner().entry.unwrap();
        assert_eq!(tied(&[own]), [("10.1.0.0/16", None)]);
        suite.attach(peering(&id, 1, &["10.2.0.0/16"])).await.unwrap();
        assert_eq!(tied(&list(&suite, &id).await), [("10.1.0.0/16", None), ("10.2.0.0/16", Some(1))]);
        suite.detach(&peering(&id, 1, &[])).await.unwrap();
        assert_eq!(tied(&list(&suite, &id).await), [("10.1.0.0/16", None)]);
    }

    async fn nobody_s_ranges_are_allowed_unasked(suite: Suite) {
        let id = with_datastore(&suite).await;
        put(&suite, &id, "10.1.0.0/16").await.unwrap();
        suite.attach(peering(&id, 1, &["10.1.0.0/16"])).await.unwrap();
        suite.attach(peering(&id, 1, &["10.1.0.0/16", "10.2.0.0/16"])).await.unwrap();
        assert_eq!(ranges(&list(&suite, &id).await), ["10.1.0.0/16"]);
        // What its owner took out does not come back with another range.
        allow_peered(&suite, &id).await.unwrap();
        suite.attach(peering(&id, 1, &["10.2.0.0/16", "10.3.0.0/16"])).await.unwrap();
        remove(&suite, &id, "10.2.0.0/16").await.unwrap();
        suite.attach(peering(&id, 1, &["10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"])).await.unwrap();
        assert_eq!(ranges(&list(&suite, &id).await), ["10.1.0.0/16", "10.3.0.0/16", "10.4.0.0/16"]);
    }

    async fn a_peering_within_the_range_of_one_that_goes_is_still_admitted(suite: Suite) {
        let id = with_datastore(&suite).await;
        suite.attach(peering(&id, 1, &["10.1.0.0/16"])).await.unwrap();
        suite.attach(Attachment { allow_overlap: true, ..peering(&id, 2, &["10.1.2.0/24"]) }).await.unwrap();
        assert_eq!(ranges(&allow_peered(&suite, &id).await.unwrap()), ["10.1.0.0/16"]);
        suite.detach(&peering(&id, 1, &[])).await.unwrap();
        assert_eq!(tied(&list(&suite, &id).await), [("10.1.2.0/24", Some(2))]);
        until_admitted(&suite, &id, &["10.1.2.0/24"], &[5432]).await;
    }

    async fn ranges_for_which_the_firewall_has_no_room_are_not_claimed(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            config.catalog.get_mut(&ProviderKind::Aws).unwrap().most_rules = Some(2);
        }).await;
        let id = with_datastore(&suite).await;
        suite.attach(peering(&id, 1, &["10.1.0.0/16"])).await.unwrap();
        put(&suite, &id, "10.9.0.0/16").await.unwrap();
        allow_peered(&suite, &id).await.unwrap();
        let before = suite.get(&id).await;
        let wider = peering(&id, 1, &["10.1.0.0/16", "10.2.0.0/16"]);
        assert_eq!(reason(&suite.attach(wider.clone()).await.unwrap_err()), "ALLOW_LIST_FULL");
        assert_eq!(suite.get(&id).await.allow_list_version, before.allow_list_version);
        assert_eq!(ranges(&list(&suite, &id).await), ["10.1.0.0/16", "10.9.0.0/16"]);
        // One for another needs no more room.
        suite.attach(peering(&id, 1, &["10.2.0.0/16"])).await.unwrap();
        remove(&suite, &id, "10.9.0.0/16").await.unwrap();
        suite.attach(wider).await.unwrap();
        assert_eq!(ranges(&list(&suite, &id).await), ["10.1.0.0/16", "10.2.0.0/16"]);
    }

    async fn nobody_is_kept_from_leaving_by_a_full_firewall(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            config.catalog.get_mut(&ProviderKind::Aws).unwrap().most_rules = Some(1);
        }).await;
        let id = with_datastore(&suite).await;
        suite.attach(peering(&id, 1, &["10.1.0.0/16"])).await.unwrap();
        suite.attach(Attachment { allow_overlap: true, ..peering(&id, 2, &["10.1.2.0/24", "10.1.4.0/24"]) }).await.unwrap();
        allow_peered(&suite, &id).await.unwrap();
        suite.detach(&peering(&id, 1, &[])).await.unwrap();
        // Two would be in the place of the one, and there is room for one.
        assert_eq!(tied(&list(&suite, &id).await), [("10.1.2.0/24", Some(2))]);
    }
}
