//! ListPeerings with all its filters, and what the release before wrote.

use std::collections::BTreeSet;

use ::peering::store::Migrator;
use api::peering::v1::peering::State;
use api::peering::v1::*;
use runtime::db;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::MigratorTrait;
use tonic::Code;

use crate::suite::{Kind, Suite, TENANT, aws_peer, on_both_databases, reason, request};

on_both_databases!(
    every_filter_finds_its_peerings,
    what_is_deleted_shows_only_when_asked_for,
    a_filter_that_nothing_can_match_is_refused,
    a_token_fits_its_filters_only,
    what_the_release_before_wrote_is_found,
);

fn all() -> ListPeeringsRequest {
    ListPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        ..Default::default()
    }
}

async fn names(suite: &Suite, request: ListPeeringsRequest) -> BTreeSet<String> {
    let answer = suite.api.clone().list_peerings(request).await.unwrap();
    let peerings = answer.into_inner().peerings.into_iter();
    peerings.map(|peering| peering.display_name).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

async fn create(
    suite: &Suite,
    name: &str,
    account: &str,
    vpc: &str,
    labels: &[(&str, &str)],
) -> Peering {
    let network = suite.network.add(TENANT);
    let own = |text: &&str| (*text).to_owned();
    let wish = CreatePeeringRequest {
        display_name: name.to_owned(),
        labels: labels
            .iter()
            .map(|(key, value)| (own(key), own(value)))
            .collect(),
        peer: Some(create_peering_request::Peer::Aws(AwsPeer {
            account_id: account.to_owned(),
            vpc_id: vpc.to_owned(),
            ..aws_peer()
        })),
        ..request(&network)
    };
    suite.create_with(wish).await.unwrap()
}

const ONE: (&str, &str) = ("222222222222", "vpc-0a0a0a0a0a0a0a0a0");
const TWO: (&str, &str) = ("333333333333", "vpc-0b0b0b0b0b0b0b0b0");

async fn every_filter_finds_its_peerings(kind: Kind) {
    let suite = Suite::start(kind).await;
    let prod = [("env", "prod"), ("acme.io/team", "db")];
    let a = create(&suite, "Apps one", ONE.0, ONE.1, &prod).await;
    create(&suite, "Apps two", TWO.0, TWO.1, &[("env", "prod")]).await;
    let c = create(&suite, "apps three", ONE.0, TWO.1, &[("env", "test")]).await;
    create(&suite, "Äpfel", TWO.0, ONE.1, &[]).await;
    for peering in suite.list().await {
        suite
            .until_state(&peering.id, State::PendingAcceptance)
            .await;
    }
    suite.cloud.accept(&c.id);
    suite.until_state(&c.id, State::Active).await;
    let a = suite.get(&a.id).await.unwrap();

    let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let cases = [
        (all(), set(&["Apps one", "Apps two", "apps three", "Äpfel"])),
        (
            ListPeeringsRequest {
                reason: "AWAITING_CUSTOMER_ACCEPTANCE".to_owned(),
                ..all()
            },
            set(&["Apps one", "Apps two", "Äpfel"]),
        ),
        (
            ListPeeringsRequest {
                labels: [label("env", "prod")].into(),
                ..all()
            },
            set(&["Apps one", "Apps two"]),
        ),
        (
            ListPeeringsRequest {
                labels: [label("env", "prod"), label("acme.io/team", "db")].into(),
                ..all()
            },
            set(&["Apps one"]),
        ),
        (
            ListPeeringsRequest {
                labels: [label("env", "")].into(),
                ..all()
            },
            set(&[]),
        ),
        (
            ListPeeringsRequest {
                peer_account_id: ONE.0.to_owned(),
                ..all()
            },
            set(&["Apps one", "apps three"]),
        ),
        (
            ListPeeringsRequest {
                peer_vpc_id: TWO.1.to_owned(),
                ..all()
            },
            set(&["Apps two", "apps three"]),
        ),
        (
            ListPeeringsRequest {
                provider_peering_id: a.provider_peering_id.clone(),
                ..all()
            },
            set(&["Apps one"]),
        ),
        (
            ListPeeringsRequest {
                name_prefix: "Apps ".to_owned(),
                ..all()
            },
            set(&["Apps one", "Apps two"]),
        ),
        (
            ListPeeringsRequest {
                name_prefix: "Ä".to_owned(),
                ..all()
            },
            set(&["Äpfel"]),
        ),
        (
            ListPeeringsRequest {
                name_prefix: "apps".to_owned(),
                state: "ACTIVE".to_owned(),
                peer_account_id: ONE.0.to_owned(),
                network_id: c.network_id.clone(),
                provider: Provider::Aws.into(),
                ..all()
            },
            set(&["apps three"]),
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(
            names(&suite, request.clone()).await,
            expected,
            "{request:?}"
        );
    }
}

async fn what_is_deleted_shows_only_when_asked_for(kind: Kind) {
    let suite = Suite::start(kind).await;
    let kept = create(&suite, "kept", ONE.0, ONE.1, &[]).await;
    let gone = create(&suite, "gone", TWO.0, TWO.1, &[]).await;
    suite.until_state(&gone.id, State::PendingAcceptance).await;
    suite.delete(&gone.id).await.unwrap();
    suite.until_state(&gone.id, State::Deleted).await;
    assert_eq!(names(&suite, all()).await, set(&["kept"]));
    let state = "DELETED".to_owned();
    let deleted = ListPeeringsRequest { state, ..all() };
    assert_eq!(names(&suite, deleted).await, set(&["gone"]));
    let both = ListPeeringsRequest {
        show_deleted: true,
        ..all()
    };
    assert_eq!(names(&suite, both).await, set(&["kept", "gone"]));
    assert!(suite.get(&kept.id).await.is_ok());
}

async fn a_filter_that_nothing_can_match_is_refused(kind: Kind) {
    let suite = Suite::start(kind).await;
    let labels = |count: usize| {
        (0..count)
            .map(|n| (format!("k{n}"), String::new()))
            .collect()
    };
    let wrong = [
        (
            "labels",
            ListPeeringsRequest {
                labels: labels(9),
                ..all()
            },
        ),
        (
            "labels",
            ListPeeringsRequest {
                labels: [("-".to_owned(), String::new())].into(),
                ..all()
            },
        ),
        (
            "reason",
            ListPeeringsRequest {
                reason: "NO SUCH".to_owned(),
                ..all()
            },
        ),
        (
            "peer_account_id",
            ListPeeringsRequest {
                peer_account_id: "x".repeat(129),
                ..all()
            },
        ),
        (
            "peer_vpc_id",
            ListPeeringsRequest {
                peer_vpc_id: "ä".to_owned(),
                ..all()
            },
        ),
        (
            "provider_peering_id",
            ListPeeringsRequest {
                provider_peering_id: "a b".to_owned(),
                ..all()
            },
        ),
        (
            "name_prefix",
            ListPeeringsRequest {
                name_prefix: "x".repeat(64),
                ..all()
            },
        ),
        (
            "name_prefix",
            ListPeeringsRequest {
                name_prefix: " x".to_owned(),
                ..all()
            },
        ),
    ];
    for (field, request) in wrong {
        let status = suite.api.clone().list_peerings(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        assert!(
            status.message().starts_with(&format!("{field}: ")),
            "{status}"
        );
        assert_eq!(reason(&status), "INVALID_FIELD");
    }
    let most = ListPeeringsRequest {
        labels: labels(8),
        name_prefix: "x".repeat(63),
        ..all()
    };
    assert!(names(&suite, most).await.is_empty());
}

async fn a_token_fits_its_filters_only(kind: Kind) {
    let suite = Suite::start(kind).await;
    for (name, peer) in [("a one", ONE), ("a two", TWO)] {
        create(&suite, name, peer.0, peer.1, &[("env", "prod")]).await;
    }
    let ask = |request: ListPeeringsRequest| {
        let mut api = suite.api.clone();
        async move { Ok::<_, tonic::Status>(api.list_peerings(request).await?.into_inner()) }
    };
    let env = || [("env".to_owned(), "prod".to_owned())].into();
    let first = ListPeeringsRequest {
        page_size: 1,
        labels: env(),
        ..all()
    };
    let page = ask(first.clone()).await.unwrap();
    assert_eq!(page.peerings.len(), 1);
    let page_token = page.next_page_token;
    let second = ListPeeringsRequest {
        page_size: 5,
        page_token: page_token.clone(),
        ..first
    };
    let page = ask(second.clone()).await.unwrap();
    assert_eq!(page.peerings[0].display_name, "a two");
    assert!(page.next_page_token.is_empty());
    for other in [
        ListPeeringsRequest {
            show_deleted: true,
            ..second.clone()
        },
        ListPeeringsRequest {
            name_prefix: "a".to_owned(),
            ..second.clone()
        },
        ListPeeringsRequest {
            labels: Default::default(),
            ..second.clone()
        },
    ] {
        assert_eq!(ask(other).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

/// As the release before wrote it; PostgreSQL and SQLite take the statement alike.
fn row(id: &str, name: &str, peer: &str, labels: &str) -> String {
    format!(
        "INSERT INTO peering (id, tenant_id, version, admission, create_hash, network_id, network_display_name, \
         display_name, labels, provider, peer, allow_overlap, vendor_account_id, vendor_vpc_id, vendor_region, vendor_cidr, \
         name_key, attempt, attempt_at, state, reason, message, raw_state, conditions, create_at, update_at, lane, \
         lane_since, failures, gone, routes_due, operation_token) VALUES ('{id}', 'acme', 1, 'admitted', '', \
         'net_0190b6b0d7c97d0a8b1d6f0a3c5e7f12', 'main', '{name}', '{labels}', 'aws', '{peer}', FALSE, '111111111111', \
         'vpc-0c0c0c0c', 'eu-west-1', '10.20.0.0/16', 'acme|{name}', 1, 1, 'EXPIRED', 'REQUEST_EXPIRED', '', 'expired', \
         '[]', 1, 1, 'none', 1, 0, TRUE, FALSE, '')"
    )
}

async fn what_the_release_before_wrote_is_found(kind: Kind) {
    let database = match kind {
        Kind::Sqlite => testkit::sqlite(),
        Kind::Postgres => testkit::postgres().await,
    };
    let db = database.connect().await;
    let migrations = Migrator::migrations();
    let before = migrations
        .iter()
        .position(|one| one.name() == "m0003_whole")
        .unwrap();
    let steps = Some(u32::try_from(before).unwrap());
    Migrator::up(db.write(), steps).await.unwrap();
    let aws = r#"{"aws":{"account":"222222222222","region":"eu-west-1","vpc":"vpc-0a0a0a0a","cidrs":["10.1.0.0/16"]}}"#;
    let ids = [
        "peer_0190b6b0d7c97d0a8b1d6f0a3c5e7f01",
        "peer_0190b6b0d7c97d0a8b1d6f0a3c5e7f02",
    ];
    for (id, name, labels) in [
        (ids[0], "one", r#"{"env":"prod","tier":"1"}"#),
        (ids[1], "two", "{}"),
    ] {
        db.write()
            .execute_unprepared(&row(id, name, aws, labels))
            .await
            .unwrap();
    }
    db::migrate::<Migrator>(&db).await.unwrap();
    let ask = |sql: &str| Statement::from_string(db.read().get_database_backend(), sql);
    let found =
        "SELECT id FROM peering WHERE peer_account = '222222222222' AND peer_vpc = 'vpc-0a0a0a0a'";
    assert_eq!(db.read().query_all_raw(ask(found)).await.unwrap().len(), 2);
    let labelled = "SELECT peering_id FROM peering_label WHERE key = 'env' AND value = 'prod'";
    let rows = db.read().query_all_raw(ask(labelled)).await.unwrap();
    let labelled: Vec<String> = rows
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    assert_eq!(labelled, [ids[0]]);
    db.close().await.unwrap();
}
