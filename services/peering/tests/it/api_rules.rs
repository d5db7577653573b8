//! Reading: scopes, filters, pages, refresh; and what surrounds the service.

use std::collections::BTreeSet;
use std::time::Duration;

use api::peering::v1::peering::State;
use api::peering::v1::*;
use tonic::Code;

use crate::suite::{Kind, Suite, TENANT, observed, on_both_databases, reason, request};
use crate::told::Listing;

on_both_databases!(
    another_tenant_s_peering_is_not_there,
    a_list_has_filters_and_pages,
    a_page_token_is_bound_to_its_question,
    bad_questions_are_refused,
    a_refresh_shows_what_the_cloud_shows_now,
    a_refresh_without_a_look_is_not_fresh,
    what_has_ended_is_not_looked_at,
    an_old_schema_is_refused,
);

async fn another_tenant_s_peering_is_not_there(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    let get = |tenant: &str, id: &str| {
        let request = GetPeeringRequest {
            tenant_id: tenant.to_owned(),
            peering_id: id.to_owned(),
        };
        let mut api = suite.api.clone();
        async move { api.get_peering(request).await }
    };
    assert!(get(TENANT, &created.id).await.is_ok());
    assert!(get("-", &created.id).await.is_ok());
    let missing = types::PeeringId::generate().to_string();
    for (tenant, id) in [("other", created.id.as_str()), (TENANT, missing.as_str())] {
        let status = get(tenant, id).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::NotFound, "PEERING_NOT_FOUND")
        );
    }
    let request = DeletePeeringRequest {
        tenant_id: "other".to_owned(),
        peering_id: created.id.clone(),
        ..Default::default()
    };
    let status = suite.api.clone().delete_peering(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let request = RefreshPeeringRequest {
        tenant_id: "other".to_owned(),
        peering_id: created.id.clone(),
    };
    let status = suite
        .api
        .clone()
        .refresh_peering(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

fn all() -> ListPeeringsRequest {
    ListPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        ..Default::default()
    }
}

async fn ids(suite: &Suite, request: ListPeeringsRequest) -> BTreeSet<String> {
    let answer = suite
        .api
        .clone()
        .list_peerings(request)
        .await
        .unwrap()
        .into_inner();
    answer
        .peerings
        .into_iter()
        .map(|peering| peering.id)
        .collect()
}

async fn a_list_has_filters_and_pages(kind: Kind) {
    let suite = Suite::start(kind).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(suite.create().await);
    }
    let others = suite.network.add("other");
    let theirs = CreatePeeringRequest {
        tenant_id: "other".to_owned(),
        ..request(&others)
    };
    let theirs = suite.create_with(theirs).await.unwrap();
    for peering in &made {
        suite
            .until_state(&peering.id, State::PendingAcceptance)
            .await;
    }
    suite.cloud.accept(&made[0].id);
    suite.until_state(&made[0].id, State::Active).await;

    let expected: BTreeSet<String> = made.iter().map(|peering| peering.id.clone()).collect();
    assert_eq!(ids(&suite, all()).await, expected);
    let everyone = ListPeeringsRequest {
        tenant_id: "-".to_owned(),
        ..all()
    };
    assert!(ids(&suite, everyone).await.contains(&theirs.id));
    let of = ListPeeringsRequest {
        network_id: made[3].network_id.clone(),
        ..all()
    };
    assert_eq!(ids(&suite, of).await, [made[3].id.clone()].into());
    let active = ListPeeringsRequest {
        state: "ACTIVE".to_owned(),
        ..all()
    };
    assert_eq!(ids(&suite, active).await, [made[0].id.clone()].into());
    for word in ["PENDING_ACCEPTANCE", "PENDING", "INACTIVE"] {
        let waiting = ListPeeringsRequest {
            state: word.to_owned(),
            ..all()
        };
        assert_eq!(ids(&suite, waiting).await.len(), 4, "{word}");
    }
    let gcp = ListPeeringsRequest {
        provider: Provider::Gcp.into(),
        ..all()
    };
    assert!(ids(&suite, gcp).await.is_empty());

    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPeeringsRequest {
            page_size: 2,
            page_token,
            ..all()
        };
        let page = suite
            .api
            .clone()
            .list_peerings(request)
            .await
            .unwrap()
            .into_inner();
        assert!(page.peerings.len() <= 2);
        paged.extend(page.peerings.into_iter().map(|peering| peering.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(paged.is_sorted());
    assert_eq!(paged.into_iter().collect::<BTreeSet<_>>(), expected);
}

async fn a_page_token_is_bound_to_its_question(kind: Kind) {
    let suite = Suite::start(kind).await;
    for _ in 0..2 {
        suite.create().await;
    }
    let request = ListPeeringsRequest {
        page_size: 1,
        ..all()
    };
    let page = suite
        .api
        .clone()
        .list_peerings(request.clone())
        .await
        .unwrap()
        .into_inner();
    let token = page.next_page_token;
    assert!(!token.is_empty());
    let tampered = token.replace('0', "1");
    let other = ListPeeringsRequest {
        state: "ACTIVE".to_owned(),
        ..request.clone()
    };
    for (request, page_token) in [
        (other, token.as_str()),
        (request.clone(), tampered.as_str()),
        (request, "nonsense"),
    ] {
        let request = ListPeeringsRequest {
            page_token: page_token.to_owned(),
            ..request
        };
        let status = suite.api.clone().list_peerings(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
}

async fn bad_questions_are_refused(kind: Kind) {
    let suite = Suite::start(kind).await;
    let mut api = suite.api.clone();
    let bad = ListPeeringsRequest {
        tenant_id: String::new(),
        network_id: "x".to_owned(),
        state: "active".to_owned(),
        provider: 77,
        page_size: -1,
        ..Default::default()
    };
    let status = api.list_peerings(bad).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    for field in ["tenant_id", "network_id", "state", "provider", "page_size"] {
        assert!(status.message().contains(field), "{field}: {status:?}");
    }
    let id = types::PeeringId::generate().to_string();
    let refusals = [
        suite.get("peer_1").await.unwrap_err(),
        suite.delete("peer_1").await.unwrap_err(),
        suite.refresh("peer_1").await.unwrap_err(),
        api.refresh_peering(RefreshPeeringRequest {
            tenant_id: "-".to_owned(),
            peering_id: id.clone(),
        })
        .await
        .unwrap_err(),
        api.delete_peering(DeletePeeringRequest {
            tenant_id: "-".to_owned(),
            peering_id: id.clone(),
            ..Default::default()
        })
        .await
        .unwrap_err(),
        api.list_peering_events(ListPeeringEventsRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id,
            page_token: "00".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap_err(),
    ];
    for status in refusals {
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    }
}

async fn a_refresh_shows_what_the_cloud_shows_now(kind: Kind) {
    let slow = |config: &mut ::peering::Config| {
        config.queue.pending_interval = Duration::from_secs(60);
        config.queue.drift_interval = Duration::from_secs(60);
    };
    let suite = Suite::start_with(kind, slow).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.accept(&created.id);
    let answer = suite.refresh(&created.id).await.unwrap();
    let peering = answer.peering.unwrap();
    assert!(answer.fresh);
    assert_eq!(peering.state(), State::Active);
    let first = suite.refresh(&created.id).await.unwrap();
    assert!(first.fresh);
    assert!(observed(&first.peering.unwrap()) > observed(&peering));
}

async fn a_refresh_without_a_look_is_not_fresh(kind: Kind) {
    let short = |config: &mut ::peering::Config| config.refresh_wait = Duration::from_millis(200);
    let suite = Suite::start_with(kind, short).await;
    let created = suite.create().await;
    let before = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.set_listing(Some(Listing::Garbage));
    suite.cloud.until_looked(suite.cloud.looks() + 2).await;
    let answer = suite.refresh(&created.id).await.unwrap();
    assert!(!answer.fresh);
    assert_eq!(answer.peering.unwrap().state(), before.state());
}

async fn what_has_ended_is_not_looked_at(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    use api::provider::v1::peering_observation::State as CloudState;
    suite
        .cloud
        .set_state(&created.id, CloudState::Rejected, "rejected");
    let rejected = suite.until_state(&created.id, State::Rejected).await;
    let answer = suite.refresh(&created.id).await.unwrap();
    assert!(!answer.fresh);
    assert_eq!(answer.peering.unwrap(), rejected);
}

async fn an_old_schema_is_refused(kind: Kind) {
    let database = match kind {
        Kind::Sqlite => testkit::sqlite(),
        Kind::Postgres => testkit::postgres().await,
    };
    let mut config = ::peering::Config::load(None, Vec::new()).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.database = database.config();
    let error = ::peering::App::build(config.clone()).await.err().unwrap();
    assert!(format!("{error:#}").contains("migrate"), "{error:#}");
    ::peering::App::migrate(&config).await.unwrap();
    ::peering::App::migrate(&config).await.unwrap();
    ::peering::App::build(config).await.unwrap();
}
