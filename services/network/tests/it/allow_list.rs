//! Which ranges may reach datastores: recorded, brought to the firewall, and never more than it takes.

use std::collections::BTreeSet;

use api::network::v1::allow_list_entry::State;
use api::network::v1::network;
use api::network::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use types::ProviderKind;

use crate::on_each_database;
use crate::provider::{Mood, PARTS};
use crate::suite::{PATIENCE, Suite, datastore, events, peering, reason};

fn putting(network: &str, cidr: &str) -> PutAllowListEntryRequest {
    PutAllowListEntryRequest {
        tenant_id: "acme".to_owned(),
        network_id: network.to_owned(),
        cidr: cidr.to_owned(),
        description: "office".to_owned(),
        ..PutAllowListEntryRequest::default()
    }
}

pub(crate) async fn put(
    suite: &Suite,
    network: &str,
    cidr: &str,
) -> Result<AllowListEntry, Status> {
    let answer = suite
        .client
        .clone()
        .put_allow_list_entry(putting(network, cidr))
        .await?;
    Ok(answer.into_inner().entry.unwrap())
}

pub(crate) async fn remove(suite: &Suite, network: &str, cidr: &str) -> Result<(), Status> {
    let request = DeleteAllowListEntryRequest {
        tenant_id: "acme".to_owned(),
        network_id: network.to_owned(),
        cidr: cidr.to_owned(),
        ..DeleteAllowListEntryRequest::default()
    };
    suite
        .client
        .clone()
        .delete_allow_list_entry(request)
        .await
        .map(drop)
}

fn allowing(network: &str) -> AllowPeeredCidrsRequest {
    AllowPeeredCidrsRequest {
        tenant_id: "acme".to_owned(),
        network_id: network.to_owned(),
        ..AllowPeeredCidrsRequest::default()
    }
}

pub(crate) async fn allow_peered(
    suite: &Suite,
    network: &str,
) -> Result<Vec<AllowListEntry>, Status> {
    let answer = suite
        .client
        .clone()
        .allow_peered_cidrs(allowing(network))
        .await?;
    Ok(answer.into_inner().added)
}

fn listing(network: &str) -> ListAllowListEntriesRequest {
    ListAllowListEntriesRequest {
        tenant_id: "acme".to_owned(),
        network_id: network.to_owned(),
        ..ListAllowListEntriesRequest::default()
    }
}

pub(crate) async fn list(suite: &Suite, network: &str) -> Vec<AllowListEntry> {
    let answer = suite
        .client
        .clone()
        .list_allow_list_entries(listing(network))
        .await;
    answer.unwrap().into_inner().entries
}

pub(crate) fn ranges(entries: &[AllowListEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.cidr.as_str()).collect()
}

/// Waits until all entries are in this state.
pub(crate) async fn until(suite: &Suite, network: &str, state: State) -> Vec<AllowListEntry> {
    let began = std::time::Instant::now();
    loop {
        let entries = list(suite, network).await;
        if entries.iter().all(|entry| entry.state() == state) {
            return entries;
        }
        assert!(began.elapsed() < PATIENCE, "{entries:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Waits until the cloud's firewall admits these ranges to these ports, and nobody else.
pub(crate) async fn until_admitted(suite: &Suite, network: &str, cidrs: &[&str], ports: &[i32]) {
    let wanted: (BTreeSet<String>, BTreeSet<i32>) = (
        cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
        ports.iter().copied().collect(),
    );
    let began = std::time::Instant::now();
    while suite.provider.firewall_of(network) != wanted {
        assert!(
            began.elapsed() < PATIENCE,
            "{:?}",
            suite.provider.firewall_of(network)
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

on_each_database! {
    async fn an_entry_reaches_the_firewall_and_leaves_it_again(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        suite.attach(datastore(id, "ds-1", "10.20.1.0/24")).await.unwrap();
        let entry = put(&suite, id, "10.1.0.0/16").await.unwrap();
        assert_eq!((entry.cidr.as_str(), entry.description.as_str(), entry.state()), ("10.1.0.0/16", "office", State::Pending));
        until_admitted(&suite, id, &["10.1.0.0/16"], &[5432]).await;
        assert_eq!(until(&suite, id, State::Applied).await.len(), 1);
        put(&suite, id, "10.2.0.0/16").await.unwrap();
        until_admitted(&suite, id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432]).await;
        suite.attach(Attachment { ports: vec![6379], ..datastore(id, "ds-2", "10.20.2.0/24") }).await.unwrap();
        until_admitted(&suite, id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432, 6379]).await;
        suite.attach(Attachment { ports: vec![6380], ..datastore(id, "ds-2", "10.20.2.0/24") }).await.unwrap();
        until_admitted(&suite, id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432, 6380]).await;
        suite.detach(&datastore(id, "ds-2", "")).await.unwrap();
        until_admitted(&suite, id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432]).await;
        remove(&suite, id, "10.1.0.0/16").await.unwrap();
        until_admitted(&suite, id, &["10.2.0.0/16"], &[5432]).await;
        // The last one gone admits nobody, and not everybody.
        remove(&suite, id, "10.2.0.0/16").await.unwrap();
        until_admitted(&suite, id, &[], &[]).await;
        assert_eq!(list(&suite, id).await, []);
    }

    async fn what_the_cloud_refuses_is_told_with_the_entry(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        put(&suite, &network.id, "10.1.0.0/16").await.unwrap();
        until(&suite, &network.id, State::Applied).await;
        suite.provider.on_firewall(vec![Mood::Refuse(api::cloud::CloudErrorKind::Quota, "ALLOW_LIST_FULL"); 50]);
        let entry = put(&suite, &network.id, "10.2.0.0/16").await.unwrap();
        assert_eq!(entry.state(), State::Pending);
        let began = std::time::Instant::now();
        let entries = loop {
            let entries = list(&suite, &network.id).await;
            if entries[1].state() == State::Failed {
                break entries;
            }
            assert!(began.elapsed() < PATIENCE, "{entries:?}");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        };
        assert_eq!((entries[1].reason.as_str(), entries[1].message.is_empty()), ("ALLOW_LIST_FULL", false));
        assert_eq!((entries[0].state(), entries[0].reason.as_str()), (State::Applied, ""));
    }

    async fn each_real_change_is_one_event_and_a_repetition_none(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        let keyed = PutAllowListEntryRequest { request_id: "r-1".to_owned(), ..putting(id, "10.1.0.0/16") };
        let calls = (0..10).map(|_| {
            let (mut client, keyed) = (suite.client.clone(), keyed.clone());
            async move { client.put_allow_list_entry(keyed).await.unwrap().into_inner() }
        });
        let answers = futures::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let other = PutAllowListEntryRequest { cidr: "10.2.0.0/16".to_owned(), ..keyed };
        let refused = suite.client.clone().put_allow_list_entry(other).await.unwrap_err();
        assert_eq!(reason(&refused), "REQUEST_ID_REUSED");
        put(&suite, id, "10.1.0.0/16").await.unwrap();
        let described = PutAllowListEntryRequest { description: "home".to_owned(), ..putting(id, "10.1.0.0/16") };
        let entry = suite.client.clone().put_allow_list_entry(described).await.unwrap().into_inner().entry.unwrap();
        assert_eq!((entry.description.as_str(), entry.create_time), ("home", answers[0].entry.as_ref().unwrap().create_time));
        for _ in 0..2 {
            remove(&suite, id, "10.1.0.0/16").await.unwrap();
        }
        assert_eq!(allow_peered(&suite, id).await.unwrap(), []);
        assert_eq!(suite.get(id).await.etag, network.etag);
        suite.delete(id).await.unwrap();
        let told = events(&suite, id, "DELETING").await;
        let changes = told.iter().filter(|event| event.kind == "ALLOW_LIST_CHANGED");
        assert_eq!(changes.count(), 3, "added, described, removed: {told:?}");
    }

    async fn a_list_comes_in_pages_ordered_by_range(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        for cidr in ["192.168.0.0/16", "10.1.0.0/24", "10.1.0.0/16", "9.0.0.0/8", "10.1.0.0/32"] {
            put(&suite, id, cidr).await.unwrap();
        }
        let mut request = ListAllowListEntriesRequest { page_size: 2, ..listing(id) };
        let mut seen = Vec::new();
        loop {
            let page = suite.client.clone().list_allow_list_entries(request.clone()).await.unwrap().into_inner();
            seen.extend(page.entries);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
            let other = ListAllowListEntriesRequest { tenant_id: "-".to_owned(), ..request.clone() };
            assert_eq!(suite.client.clone().list_allow_list_entries(other).await.unwrap_err().code(), Code::InvalidArgument);
        }
        assert_eq!(ranges(&seen), ["9.0.0.0/8", "10.1.0.0/16", "10.1.0.0/24", "10.1.0.0/32", "192.168.0.0/16"]);
    }

    async fn the_ranges_of_all_peerings_are_allowed_once(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        put(&suite, id, "10.2.0.0/15").await.unwrap();
        suite.attach(peering(id, 1, &["10.5.0.0/16", "10.3.4.0/24", "10.1.0.0/16"])).await.unwrap();
        suite.attach(Attachment { allow_overlap: true, ..peering(id, 2, &["10.5.1.0/24", "10.6.0.0/16"]) }).await.unwrap();
        suite.attach(datastore(id, "ds-1", "10.20.1.0/24")).await.unwrap();
        let keyed = AllowPeeredCidrsRequest { request_id: "r-1".to_owned(), ..allowing(id) };
        let added = suite.client.clone().allow_peered_cidrs(keyed.clone()).await.unwrap().into_inner();
        assert_eq!(ranges(&added.added), ["10.1.0.0/16", "10.5.0.0/16", "10.6.0.0/16"]);
        assert_eq!(added.added[0].description, format!("of peering {}", peering(id, 1, &[]).id));
        assert_eq!(allow_peered(&suite, id).await.unwrap(), []);
        assert_eq!(suite.client.clone().allow_peered_cidrs(keyed).await.unwrap().into_inner(), added);
        let all = ["10.1.0.0/16", "10.2.0.0/15", "10.5.0.0/16", "10.6.0.0/16"];
        assert_eq!(ranges(&list(&suite, id).await), all);
        until_admitted(&suite, id, &all, &[5432]).await;
    }

    async fn a_full_list_is_told_before_the_cloud_says_so(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            config.catalog.get_mut(&ProviderKind::Aws).unwrap().most_rules = Some(4);
            config.catalog.get_mut(&ProviderKind::Gcp).unwrap().most_ranges = Some(1);
        }).await;
        let network = suite.active("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        suite.attach(Attachment { ports: vec![1, 2], ..datastore(id, "ds-1", "10.20.1.0/24") }).await.unwrap();
        put(&suite, id, "10.1.0.0/16").await.unwrap();
        suite.attach(peering(id, 1, &["10.3.0.0/16", "10.4.0.0/16"])).await.unwrap();
        // Two rules are left, and four would be needed: none is taken.
        let refused = allow_peered(&suite, id).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "ALLOW_LIST_FULL"));
        let facts = refused.get_details_error_info().unwrap().metadata;
        assert_eq!((facts["used"].as_str(), facts["limit"].as_str()), ("2", "4"));
        assert_eq!(refused.get_details_quota_failure().unwrap().violations.len(), 1);
        put(&suite, id, "10.2.0.0/16").await.unwrap();
        assert_eq!(reason(&put(&suite, id, "10.3.0.0/16").await.unwrap_err()), "ALLOW_LIST_FULL");
        assert_eq!(ranges(&list(&suite, id).await), ["10.1.0.0/16", "10.2.0.0/16"]);
        // What is there may be put again, and as many ports may be others.
        put(&suite, id, "10.2.0.0/16").await.unwrap();
        suite.attach(Attachment { ports: vec![2, 1], ..datastore(id, "ds-2", "10.20.2.0/24") }).await.unwrap();
        let third = Attachment { ports: vec![3], ..datastore(id, "ds-3", "10.20.3.0/24") };
        assert_eq!(reason(&suite.attach(third).await.unwrap_err()), "ALLOW_LIST_FULL");
        let replaced = Attachment { ports: vec![1, 2, 3], ..datastore(id, "ds-1", "10.20.1.0/24") };
        assert_eq!(reason(&suite.attach(replaced).await.unwrap_err()), "ALLOW_LIST_FULL");
        remove(&suite, id, "10.2.0.0/16").await.unwrap();
        suite.attach(Attachment { ports: vec![3], ..datastore(id, "ds-3", "10.20.3.0/24") }).await.unwrap();

        let created = suite.create_in_gcp("gcp", "10.30.0.0/16").await;
        put(&suite, &created.id, "10.1.0.0/16").await.unwrap();
        assert_eq!(reason(&put(&suite, &created.id, "10.2.0.0/16").await.unwrap_err()), "ALLOW_LIST_FULL");
    }

    async fn a_network_that_is_being_made_takes_entries_and_one_that_leaves_does_not(suite: Suite) {
        suite.provider.on_make(PARTS[0], [Mood::TakeOn(20)]);
        let network = suite.create("main", "10.20.0.0/16").await;
        let id = network.id.as_str();
        let entry = put(&suite, id, "10.1.0.0/16").await.unwrap();
        assert_eq!(entry.state(), State::Pending);
        suite.until(id, network::State::Active).await;
        until(&suite, id, State::Applied).await;
        suite.delete(id).await.unwrap();
        for _ in 0..2 {
            for refused in [
                put(&suite, id, "10.2.0.0/16").await.unwrap_err(),
                remove(&suite, id, "10.1.0.0/16").await.unwrap_err(),
                allow_peered(&suite, id).await.unwrap_err(),
            ] {
                assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NETWORK_DELETED"));
            }
            suite.until(id, network::State::Deleted).await;
        }
        assert_eq!(list(&suite, id).await.len(), 1);
    }

    async fn every_bad_field_of_an_entry_is_named(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        for (cidr, expected) in [
            ("", "INVALID_CIDR"),
            ("10.1.0.1/16", "CIDR_HOST_BITS"),
            ("10.1.0.0", "INVALID_CIDR"),
            ("fd00::/16", "INVALID_CIDR"),
            ("0.0.0.0/0", "CIDR_SIZE"),
            ("10.0.0.0/7", "CIDR_SIZE"),
        ] {
            let refused = put(&suite, &network.id, cidr).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, expected), "{cidr}");
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            assert_eq!((violations.len(), violations[0].field.as_str()), (1, "cidr"));
        }
        for description in ["x".repeat(256), "a\nb".to_owned()] {
            let request = PutAllowListEntryRequest { description, ..putting(&network.id, "10.1.0.0/16") };
            let refused = suite.client.clone().put_allow_list_entry(request).await.unwrap_err();
            assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "description");
        }
        let nothing = suite.client.clone().put_allow_list_entry(PutAllowListEntryRequest::default()).await.unwrap_err();
        assert_eq!(nothing.get_details_bad_request().unwrap().field_violations.len(), 3);
        put(&suite, &network.id, "10.0.0.0/8").await.unwrap();
        assert_eq!(ranges(&list(&suite, &network.id).await), ["10.0.0.0/8"]);
    }
}
