//! What callers ask and are told.

use std::collections::{BTreeMap, BTreeSet};

use api::network::v1::network::State;
use api::network::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

use crate::on_each_database;
use crate::suite::{Suite, deletion, reason, wish};

on_each_database! {
    async fn a_network_becomes_active_and_tells_where_it_stands(suite: Suite) {
        let created = suite.create("main", "10.20.0.0/16").await;
        assert_eq!(created.state(), State::Pending);
        assert_eq!((created.provider_vpc_id.as_str(), &created.placement), ("", &None));
        let active = suite.until(&created.id, State::Active).await;
        assert_eq!(active.provider_account_id, "111122223333");
        assert_eq!(active.provider_vpc_id, "vpc-0a1b2c3d");
        let placement = active.placement.unwrap();
        assert_eq!((placement.subnets.len(), placement.security_group_id.as_str()), (3, "sg-1"));
        assert_eq!(active.etag, created.etag);
        assert!(suite.provider.has_one_of_each(&created.id));
    }

    async fn the_history_tells_each_change_once(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        let request = ListNetworkEventsRequest {
            tenant_id: "acme".to_owned(),
            network_id: network.id.clone(),
            page_size: 3,
            ..ListNetworkEventsRequest::default()
        };
        // On PostgreSQL events have their numbers a moment later.
        let (first, rest) = loop {
            let first = suite.client.clone().list_network_events(request.clone()).await.unwrap().into_inner();
            let page_token = first.next_page_token.clone();
            if !page_token.is_empty() {
                let next = ListNetworkEventsRequest { page_token, ..request.clone() };
                break (first, suite.client.clone().list_network_events(next).await.unwrap().into_inner());
            }
            tokio::task::yield_now().await;
        };
        let events: Vec<_> = first.events.into_iter().chain(rest.events).collect();
        let moves = events.iter().filter(|event| event.from_state != event.to_state);
        let steps: Vec<_> = moves.map(|event| (event.from_state(), event.to_state(), event.actor.as_str())).collect();
        assert_eq!(steps, [
            (State::Unspecified, State::Pending, "anonymous"),
            (State::Pending, State::Active, "worker"),
            (State::Active, State::Deleting, "anonymous"),
            (State::Deleting, State::Deleted, "worker"),
        ]);
        assert!(events.is_sorted_by_key(|event| event.sequence));
    }

    async fn a_repeated_request_is_answered_as_the_first(suite: Suite) {
        // Many labels: their order on the wire makes no other request.
        let labels = (0..20).map(|n| (format!("key-{n}"), n.to_string())).collect();
        let request = CreateNetworkRequest { request_id: "r-1".to_owned(), labels, ..wish("main", "10.20.0.0/16") };
        let calls = (0..20).map(|_| {
            let (mut client, request) = (suite.client.clone(), request.clone());
            async move { client.create_network(request).await.unwrap().into_inner().network.unwrap() }
        });
        let answers = futures::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let other = CreateNetworkRequest { display_name: "other".to_owned(), ..request };
        let refused = suite.client.clone().create_network(other).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "REQUEST_ID_REUSED"));

        let request = DeleteNetworkRequest { request_id: "r-1".to_owned(), ..deletion(&answers[0].id) };
        let first = suite.client.clone().delete_network(request.clone()).await.unwrap().into_inner();
        suite.until(&answers[0].id, State::Deleted).await;
        let again = suite.client.clone().delete_network(request).await.unwrap().into_inner();
        assert_eq!(first, again);
    }

    async fn a_name_is_taken_while_its_network_lives(suite: Suite) {
        let first = suite.active("main", "10.20.0.0/16").await;
        let refused = suite.client.clone().create_network(wish("main", "10.30.0.0/16")).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::AlreadyExists, "NAME_IN_USE"));
        let others = CreateNetworkRequest { tenant_id: "globex".to_owned(), ..wish("main", "10.20.0.0/16") };
        suite.client.clone().create_network(others).await.unwrap();
        suite.delete(&first.id).await.unwrap();
        suite.until(&first.id, State::Deleted).await;
        suite.create("main", "10.30.0.0/16").await;
    }

    async fn every_bad_field_is_named_and_nothing_is_recorded(suite: Suite) {
        let good = wish("main", "10.20.0.0/16");
        let cases: Vec<(CreateNetworkRequest, &[(&str, &str)])> = vec![
            (CreateNetworkRequest::default(), &[
                ("tenant_id", "INVALID_FIELD"), ("display_name", "INVALID_FIELD"), ("provider", "INVALID_FIELD"),
                ("region", "INVALID_FIELD"), ("cidr", "INVALID_FIELD"),
            ]),
            (CreateNetworkRequest { tenant_id: "-".to_owned(), ..good.clone() }, &[("tenant_id", "INVALID_FIELD")]),
            (CreateNetworkRequest { request_id: "x".repeat(65), ..good.clone() }, &[("request_id", "INVALID_FIELD")]),
            (CreateNetworkRequest { display_name: " x".to_owned(), ..good.clone() }, &[("display_name", "INVALID_FIELD")]),
            (CreateNetworkRequest { provider: 7, ..good.clone() }, &[("provider", "INVALID_FIELD")]),
            (
                CreateNetworkRequest { provider: Provider::Gcp.into(), region: "europe-west1".to_owned(), cidr: "10.128.0.0/16".to_owned(), ..good.clone() },
                &[("cidr", "CIDR_RESERVED")],
            ),
            (CreateNetworkRequest { region: "mars-1".to_owned(), ..good.clone() }, &[("region", "REGION_NOT_OFFERED")]),
            (CreateNetworkRequest { cidr: "10.20.1.0/16".to_owned(), ..good.clone() }, &[("cidr", "CIDR_HOST_BITS")]),
            (CreateNetworkRequest { cidr: "10.20.0.0/25".to_owned(), ..good.clone() }, &[("cidr", "CIDR_SIZE")]),
            (CreateNetworkRequest { cidr: "8.8.0.0/16".to_owned(), ..good.clone() }, &[("cidr", "CIDR_NOT_PRIVATE")]),
            (CreateNetworkRequest { cidr: "10.3.0.0/20".to_owned(), ..good.clone() }, &[("cidr", "CIDR_RESERVED")]),
            (CreateNetworkRequest { cidr: "ten".to_owned(), ..good.clone() }, &[("cidr", "INVALID_CIDR")]),
            (CreateNetworkRequest { prefix_length: 16, ..good.clone() }, &[("prefix_length", "INVALID_FIELD")]),
            (CreateNetworkRequest { cidr: String::new(), prefix_length: 25, ..good.clone() }, &[("prefix_length", "CIDR_SIZE")]),
            (CreateNetworkRequest { cidr: "10.20.0.1/16".to_owned(), ..good.clone() }, &[("cidr", "CIDR_HOST_BITS")]),
            (CreateNetworkRequest { cidr: "10.0.0.0/15".to_owned(), ..good.clone() }, &[("cidr", "CIDR_SIZE")]),
            (CreateNetworkRequest { cidr: "127.0.0.0/16".to_owned(), ..good.clone() }, &[("cidr", "CIDR_NOT_PRIVATE")]),
            (CreateNetworkRequest { multi_region_group: " x".to_owned(), ..good.clone() }, &[("multi_region_group", "INVALID_FIELD")]),
            (
                CreateNetworkRequest { labels: BTreeMap::from([("-a".to_owned(), String::new())]), ..good.clone() },
                &[("labels", "INVALID_FIELD")],
            ),
        ];
        for (request, expected) in cases {
            let refused = suite.client.clone().create_network(request).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            let found: BTreeSet<_> = violations.iter().map(|one| (one.field.as_str(), one.reason.as_str())).collect();
            assert_eq!(found, expected.iter().copied().collect());
        }
        let all = ListNetworksRequest { tenant_id: "-".to_owned(), ..ListNetworksRequest::default() };
        let listed = suite.client.clone().list_networks(all).await.unwrap().into_inner();
        assert_eq!(listed.networks, []);
    }

    async fn a_list_comes_in_pages_and_shows_the_tenant_s_own(suite: Suite) {
        let mut ids = Vec::new();
        for number in 0..5 {
            ids.push(suite.active(&format!("n{number}"), &format!("10.{}.0.0/16", 30 + number)).await.id);
        }
        let foreign = CreateNetworkRequest { tenant_id: "globex".to_owned(), ..wish("main", "10.20.0.0/16") };
        suite.client.clone().create_network(foreign).await.unwrap();
        let mut listed = Vec::new();
        let mut request = ListNetworksRequest {
            tenant_id: "acme".to_owned(),
            page_size: 2,
            state: "ACTIVE".to_owned(),
            provider: Provider::Aws.into(),
            ..ListNetworksRequest::default()
        };
        loop {
            let page = suite.client.clone().list_networks(request.clone()).await.unwrap().into_inner();
            listed.extend(page.networks.into_iter().map(|network| network.id));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
            let other = ListNetworksRequest { state: String::new(), ..request.clone() };
            assert_eq!(suite.client.clone().list_networks(other).await.unwrap_err().code(), Code::InvalidArgument);
        }
        assert_eq!(listed, ids);
        for (tenant_id, count) in [("acme", 5), ("globex", 1), ("nobody", 0), ("-", 6)] {
            let request = ListNetworksRequest { tenant_id: tenant_id.to_owned(), ..ListNetworksRequest::default() };
            let listed = suite.client.clone().list_networks(request).await.unwrap().into_inner();
            assert_eq!(listed.networks.len(), count, "{tenant_id}");
        }
        let wrong = ListNetworksRequest {
            page_size: -1,
            page_token: "made-up".to_owned(),
            state: "SLEEPING".to_owned(),
            provider: 9,
            ..ListNetworksRequest::default()
        };
        let refused = suite.client.clone().list_networks(wrong).await.unwrap_err();
        assert_eq!(refused.get_details_bad_request().unwrap().field_violations.len(), 5);
    }

    async fn another_tenant_s_network_is_not_there(suite: Suite) {
        let network = suite.create("main", "10.20.0.0/16").await;
        let ask = |tenant_id: &str, network_id: &str| GetNetworkRequest {
            tenant_id: tenant_id.to_owned(),
            network_id: network_id.to_owned(),
        };
        let missing = format!("net_{:032x}", 7);
        for (tenant, id, code) in [
            ("globex", network.id.as_str(), Code::NotFound),
            ("acme", &missing, Code::NotFound),
            ("acme", "main", Code::InvalidArgument),
        ] {
            let refused = suite.client.clone().get_network(ask(tenant, id)).await.unwrap_err();
            assert_eq!(refused.code(), code);
        }
        let foreign = DeleteNetworkRequest { tenant_id: "globex".to_owned(), ..deletion(&network.id) };
        let refused = suite.client.clone().delete_network(foreign).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NETWORK_NOT_FOUND"));
        assert!(suite.client.clone().get_network(ask("-", &network.id)).await.is_ok());
    }

    async fn deleting_twice_is_no_error_and_a_stale_etag_is(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let stale = DeleteNetworkRequest { etag: "stale".to_owned(), ..deletion(&network.id) };
        let refused = suite.client.clone().delete_network(stale).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
        let right = DeleteNetworkRequest { etag: network.etag.clone(), ..deletion(&network.id) };
        for _ in 0..2 {
            let answer = suite.client.clone().delete_network(right.clone()).await.unwrap().into_inner();
            assert!(matches!(answer.network.unwrap().state(), State::Deleting | State::Deleted));
        }
        let deleted = suite.until(&network.id, State::Deleted).await;
        assert!(deleted.delete_time.is_some() && deleted.purge_time.is_some());
        assert_eq!(suite.delete(&network.id).await.unwrap(), deleted);
        assert_eq!(suite.provider.parts_of(&network.id).len(), 0);
    }
}
