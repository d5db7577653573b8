//! Which networks a list shows, and its pages while networks come and go.

use std::collections::BTreeMap;

use api::network::v1::network::State;
use api::network::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::on_each_database;
use crate::suite::{Suite, wish};

fn all() -> ListNetworksRequest {
    ListNetworksRequest {
        tenant_id: "acme".to_owned(),
        ..ListNetworksRequest::default()
    }
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

async fn page(
    suite: &Suite,
    request: ListNetworksRequest,
) -> Result<(Vec<String>, String), Status> {
    let page = suite.client.clone().list_networks(request).await?;
    let page = page.into_inner();
    let names = page
        .networks
        .into_iter()
        .map(|network| network.display_name);
    Ok((names.collect(), page.next_page_token))
}

async fn names(suite: &Suite, request: ListNetworksRequest) -> Vec<String> {
    page(suite, request).await.unwrap().0
}

on_each_database! {
    async fn each_filter_chooses_and_all_of_them_together(suite: Suite) {
        let mut client = suite.client.clone();
        for (number, (name, region, pairs)) in [
            ("db-one", "eu-west-1", &[("team", "data"), ("env", "prod")][..]),
            ("db-two", "eu-west-1", &[("team", "data"), ("env", "dev")]),
            ("Db-three", "us-east-1", &[("env", "prod")]),
            ("web", "us-east-1", &[]),
        ].into_iter().enumerate() {
            let region = region.to_owned();
            let request = CreateNetworkRequest { region, labels: labels(pairs), ..wish(name, &format!("10.{}.0.0/16", 30 + number)) };
            client.create_network(request).await.unwrap();
        }
        suite.create_in_gcp("db-gcp", "10.40.0.0/16").await;
        let foreign = CreateNetworkRequest { tenant_id: "globex".to_owned(), ..wish("db-one", "10.30.0.0/16") };
        client.create_network(foreign).await.unwrap();
        let prefix = |prefix: &str| ListNetworksRequest { name_prefix: prefix.to_owned(), ..all() };
        let label = |pairs: &[(&str, &str)]| ListNetworksRequest { labels: labels(pairs), ..all() };
        let cases: Vec<(ListNetworksRequest, &[&str])> = vec![
            (all(), &["db-one", "db-two", "Db-three", "web", "db-gcp"]),
            (prefix("db-"), &["db-one", "db-two", "db-gcp"]),
            (prefix("db-o"), &["db-one"]),
            (prefix("db-one"), &["db-one"]),
            (prefix("db-one "), &[]),
            (prefix("D"), &["Db-three"]),
            (prefix("x"), &[]),
            (ListNetworksRequest { region: "us-east-1".to_owned(), ..all() }, &["Db-three", "web"]),
            (ListNetworksRequest { region: "eu-north-1".to_owned(), ..all() }, &[]),
            (ListNetworksRequest { provider: Provider::Gcp.into(), ..all() }, &["db-gcp"]),
            (label(&[("env", "prod")]), &["db-one", "Db-three"]),
            (label(&[("env", "prod"), ("team", "data")]), &["db-one"]),
            (label(&[("env", "")]), &[]),
            (label(&[("nothing", "x")]), &[]),
            (ListNetworksRequest { region: "eu-west-1".to_owned(), name_prefix: "db".to_owned(), ..label(&[("env", "dev")]) }, &["db-two"]),
            (ListNetworksRequest { tenant_id: "-".to_owned(), ..prefix("db-one") }, &["db-one", "db-one"]),
        ];
        for (request, expected) in cases {
            assert_eq!(names(&suite, request.clone()).await, expected, "{request:?}");
        }
    }

    async fn deleted_networks_show_only_when_asked_for(suite: Suite) {
        let first = suite.active("first", "10.30.0.0/16").await;
        suite.active("second", "10.31.0.0/16").await;
        suite.delete(&first.id).await.unwrap();
        suite.until(&first.id, State::Deleted).await;
        let state = |state: &str| ListNetworksRequest { state: state.to_owned(), ..all() };
        for (request, expected) in [
            (all(), &["second"][..]),
            (ListNetworksRequest { show_deleted: true, ..all() }, &["first", "second"]),
            (state("DELETED"), &["first"]),
            (state("ACTIVE"), &["second"]),
            (ListNetworksRequest { show_deleted: true, ..state("ACTIVE") }, &["second"]),
            (ListNetworksRequest { tenant_id: "-".to_owned(), ..all() }, &["second"]),
        ] {
            assert_eq!(names(&suite, request.clone()).await, expected, "{request:?}");
        }
    }

    async fn what_stays_is_on_one_page_exactly_while_others_come_and_go(suite: Suite) {
        let mut ids = Vec::new();
        for number in 0..8 {
            ids.push(suite.active(&format!("n{number}"), &format!("10.{}.0.0/16", 30 + number)).await.id);
        }
        let mut seen = Vec::new();
        let mut request = ListNetworksRequest { page_size: 2, ..all() };
        for round in 0_usize.. {
            let (mut names, token) = page(&suite, request.clone()).await.unwrap();
            seen.append(&mut names);
            if token.is_empty() {
                break;
            }
            request.page_token = token;
            match round {
                // One that was shown and one that was not go; one comes.
                0 => for gone in [0, 5] {
                    suite.delete(&ids[gone]).await.unwrap();
                    suite.until(&ids[gone], State::Deleted).await;
                },
                1 => drop(suite.create("late", "10.60.0.0/16").await),
                _ => {}
            }
        }
        assert_eq!(seen, ["n0", "n1", "n2", "n3", "n4", "n6", "n7", "late"]);
    }

    async fn a_token_belongs_to_its_question(suite: Suite) {
        for number in 0..3 {
            suite.create(&format!("n{number}"), &format!("10.{}.0.0/16", 30 + number)).await;
        }
        let first = ListNetworksRequest { page_size: 1, ..all() };
        let token = page(&suite, first.clone()).await.unwrap().1;
        let next = ListNetworksRequest { page_token: token.clone(), ..first };
        // A page may be of another size.
        let larger = ListNetworksRequest { page_size: 50, ..next.clone() };
        assert_eq!(names(&suite, larger).await, ["n1", "n2"]);
        let others = [
            ListNetworksRequest { tenant_id: "-".to_owned(), ..next.clone() },
            ListNetworksRequest { tenant_id: "globex".to_owned(), ..next.clone() },
            ListNetworksRequest { state: "PENDING".to_owned(), ..next.clone() },
            ListNetworksRequest { provider: Provider::Aws.into(), ..next.clone() },
            ListNetworksRequest { region: "eu-west-1".to_owned(), ..next.clone() },
            ListNetworksRequest { labels: labels(&[("a", "b")]), ..next.clone() },
            ListNetworksRequest { name_prefix: "n".to_owned(), ..next.clone() },
            ListNetworksRequest { show_deleted: true, ..next.clone() },
            ListNetworksRequest { page_token: format!("{token}00"), ..next.clone() },
            ListNetworksRequest { page_token: token.replace(&token[20..22], "zz"), ..next.clone() },
        ];
        for other in others {
            let refused = page(&suite, other.clone()).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{other:?}");
            assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "page_token");
        }
    }

    async fn every_bad_filter_is_named(suite: Suite) {
        let many: Vec<_> = (0..9).map(|n| (format!("k{n}"), String::new())).collect();
        let cases: Vec<(ListNetworksRequest, &str)> = vec![
            (ListNetworksRequest { region: "Mars".to_owned(), ..all() }, "region"),
            (ListNetworksRequest { labels: labels(&[("a b", "")]), ..all() }, "labels"),
            (ListNetworksRequest { labels: labels(&[("a", "b c")]), ..all() }, "labels"),
            (ListNetworksRequest { labels: many.into_iter().collect(), ..all() }, "labels"),
            (ListNetworksRequest { name_prefix: "x".repeat(64), ..all() }, "name_prefix"),
            (ListNetworksRequest { name_prefix: "a\u{0}".to_owned(), ..all() }, "name_prefix"),
            (ListNetworksRequest { name_prefix: "a%".to_owned(), ..all() }, "name_prefix"),
        ];
        for (request, field) in cases {
            let refused = page(&suite, request).await.unwrap_err();
            let violations = refused.get_details_bad_request().unwrap().field_violations;
            assert_eq!((violations.len(), violations[0].field.as_str()), (1, field));
        }
        let longest = ListNetworksRequest { name_prefix: "x".repeat(63), ..all() };
        assert!(page(&suite, longest).await.is_ok());
    }
}
