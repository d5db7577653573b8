//! A network's name and labels, and what cannot change.

use std::collections::BTreeMap;

use api::network::v1::network::State;
use api::network::v1::*;
use prost_types::FieldMask;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::on_each_database;
use crate::suite::{Suite, events, reason};

fn update(network: &Network, paths: &[&str]) -> UpdateNetworkRequest {
    UpdateNetworkRequest {
        tenant_id: "acme".to_owned(),
        network_id: network.id.clone(),
        display_name: "renamed".to_owned(),
        labels: labels(&[("team", "data")]),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..UpdateNetworkRequest::default()
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

async fn send(suite: &Suite, request: UpdateNetworkRequest) -> Result<Network, Status> {
    let answer = suite.client.clone().update_network(request).await?;
    Ok(answer.into_inner().network.unwrap())
}

on_each_database! {
    async fn only_what_the_mask_names_changes(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        let renamed = send(&suite, update(&network, &["display_name"])).await.unwrap();
        assert_eq!((renamed.display_name.as_str(), renamed.labels.len()), ("renamed", 0));
        assert_ne!(renamed.etag, network.etag);
        let labelled = send(&suite, update(&network, &["labels"])).await.unwrap();
        assert_eq!(labelled.labels, labels(&[("team", "data")]));
        assert_eq!(suite.get(&network.id).await, labelled);
        // The old name is free again, and labels can be taken away.
        suite.create("main", "10.30.0.0/16").await;
        let bare = UpdateNetworkRequest { labels: BTreeMap::new(), ..update(&network, &["labels", "display_name"]) };
        assert_eq!(send(&suite, bare).await.unwrap().labels.len(), 0);
    }

    async fn a_change_that_changes_nothing_is_no_event(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        let both = update(&network, &["labels", "display_name"]);
        let first = send(&suite, both.clone()).await.unwrap();
        assert_eq!(send(&suite, both).await.unwrap(), first);
        suite.delete(&network.id).await.unwrap();
        let kinds: Vec<_> = events(&suite, &network.id, "DELETING").await.into_iter().map(|event| event.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| *kind == "UPDATED").count(), 1, "{kinds:?}");
    }

    async fn a_repeated_update_is_answered_as_the_first(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        // With the etag that the first of them makes stale.
        let request = UpdateNetworkRequest {
            request_id: "r-1".to_owned(),
            etag: network.etag.clone(),
            ..update(&network, &["display_name"])
        };
        let calls = (0..10).map(|_| send(&suite, request.clone()));
        let answers: Vec<_> = futures::future::join_all(calls).await.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let other = UpdateNetworkRequest { display_name: "other".to_owned(), ..request };
        assert_eq!(reason(&send(&suite, other).await.unwrap_err()), "REQUEST_ID_REUSED");
    }

    async fn a_stale_etag_is_told_and_changes_nothing(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        let current = UpdateNetworkRequest { etag: network.etag.clone(), ..update(&network, &["display_name"]) };
        let renamed = send(&suite, current.clone()).await.unwrap();
        let again = UpdateNetworkRequest { display_name: "third".to_owned(), ..current };
        let refused = send(&suite, again).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
        assert_eq!(suite.get(&network.id).await, renamed);
    }

    async fn a_name_of_another_network_is_in_use(suite: Suite) {
        suite.create("renamed", "10.30.0.0/16").await;
        let network = suite.settled("main", "10.20.0.0/16").await;
        let refused = send(&suite, update(&network, &["display_name"])).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "NAME_IN_USE"));
        assert_eq!(suite.get(&network.id).await.display_name, "main");
    }

    async fn what_leaves_is_not_changed(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        suite.delete(&network.id).await.unwrap();
        let refused = send(&suite, update(&network, &["display_name"])).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NETWORK_DELETED"));
        suite.until(&network.id, State::Deleted).await;
        let refused = send(&suite, update(&network, &["labels"])).await.unwrap_err();
        assert_eq!(reason(&refused), "NETWORK_DELETED");
        assert_eq!(refused.get_details_error_info().unwrap().metadata["state"], "DELETED");
    }

    async fn every_path_that_cannot_change_is_refused_by_name(suite: Suite) {
        let network = suite.settled("main", "10.20.0.0/16").await;
        let immutable = [
            "id", "tenant_id", "provider", "region", "cidr", "multi_region_group", "state", "reason", "message",
            "conditions", "provider_account_id", "provider_vpc_id", "placement", "placement.subnets", "peering_count",
            "datastore_count", "etag", "create_time", "update_time", "delete_time", "purge_time",
        ];
        let unknown = ["", "*", "name", "labels.team", "Display_name"];
        let cases = immutable.map(|path| (path, "IMMUTABLE_FIELD")).into_iter();
        for (path, expected) in cases.chain(unknown.map(|path| (path, "INVALID_FIELD"))) {
            let refused = send(&suite, update(&network, &["display_name", path])).await.unwrap_err();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, expected), "{path}");
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            assert_eq!((violations.len(), violations[0].field.as_str()), (1, "update_mask"));
            assert!(violations[0].description.contains(path.split('.').next().unwrap()), "{violations:?}");
        }
        for nothing in [None, Some(FieldMask::default())] {
            let request = UpdateNetworkRequest { update_mask: nothing, ..update(&network, &[]) };
            let refused = send(&suite, request).await.unwrap_err();
            assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "update_mask");
        }
        let wrong = UpdateNetworkRequest {
            display_name: " x".to_owned(),
            labels: labels(&[("a b", "")]),
            ..update(&network, &["display_name", "labels"])
        };
        let refused = send(&suite, wrong).await.unwrap_err();
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations.len(), 2);
        assert_eq!(suite.get(&network.id).await, network);
    }
}
