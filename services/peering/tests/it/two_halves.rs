//! Peerings of which each side makes its own half, one operation at a time on a network.

use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind};
use api::network::v1::Provider;
use api::peering::v1::peering::State;
use api::peering::v1::*;

use crate::suite::{Kind, PATIENCE, Suite, is_routed, on_both_databases, request};
use crate::told::Told;

on_both_databases!(
    many_at_once_go_one_after_another,
    networks_of_one_peer_wait_for_each_other,
    a_half_is_waited_for_then_up_then_down_and_up_again,
    a_half_of_ours_that_vanished_is_put_back,
    a_half_that_cannot_be_put_back_is_lost,
    deleting_leaves_nothing,
    whoever_waits_for_long_gets_hints_once,
);

const PROJECT: &str = "vendor-prod";

pub(crate) fn hasty(config: &mut ::peering::Config) {
    config.queue.absence_grace = Duration::ZERO;
}

/// A network of the tenant's in GCP.
pub(crate) fn network(suite: &Suite) -> String {
    suite.network.add_with("acme", |network| {
        network.set_provider(Provider::Gcp);
        network.region = "europe-west1".to_owned();
        network.provider_account_id = PROJECT.to_owned();
        network.provider_vpc_id = format!("net-{}", &network.id[network.id.len() - 12..]);
    })
}

pub(crate) fn wish(network: &str, peer: usize) -> CreatePeeringRequest {
    let gcp = GcpPeer {
        project_id: "customer-prod".to_owned(),
        network_name: format!("apps-{peer}"),
        cidrs: vec![format!("10.{peer}.0.0/16")],
    };
    CreatePeeringRequest {
        display_name: format!("{peer} of {}", &network[network.len() - 12..]),
        peer: Some(create_peering_request::Peer::Gcp(gcp)),
        ..request(network)
    }
}

pub(crate) async fn create(suite: &Suite) -> Peering {
    let wish = wish(&network(suite), 1);
    suite.create_with(wish).await.unwrap()
}

async fn waiting(suite: &Suite) -> Peering {
    let created = create(suite).await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await
}

pub(crate) async fn active(suite: &Suite) -> Peering {
    let waiting = waiting(suite).await;
    suite.cloud.halves.set_reciprocal(&waiting.id, true);
    suite.until(&waiting.id, "routed", is_routed).await
}

fn in_sync(peering: &Peering) -> Option<condition::Status> {
    let mut conditions = peering.conditions.iter();
    let found = conditions.find(|one| one.r#type == "IN_SYNC");
    found.map(Condition::status)
}

pub(crate) fn error(kind: CloudErrorKind, reason: &str) -> CloudError {
    CloudError::refused(kind, reason, "The cloud says no.")
}

/// Whatever happened, no network is held any more.
pub(crate) async fn nothing_is_held(suite: &Suite) {
    use sea_orm::{ConnectionTrait, Statement};
    let db = suite.database.connect().await;
    let free = async {
        loop {
            let sql = "SELECT COUNT(*) FROM cloud_busy";
            let ask = Statement::from_string(db.read().get_database_backend(), sql);
            let row = db.read().query_one_raw(ask).await.unwrap().unwrap();
            if row.try_get_by_index::<i64>(0).unwrap() == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.unwrap();
    db.close().await.unwrap();
}

async fn many_at_once_go_one_after_another(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(300));
    let network = network(&suite);
    let wishes = (1..=10).map(|peer| suite.create_with(wish(&network, peer)));
    let created = futures::future::join_all(wishes).await;
    for peering in &created {
        let id = &peering.as_ref().unwrap().id;
        let served = suite.until_state(id, State::PendingAcceptance).await;
        assert_eq!(served.reason, "AWAITING_RECIPROCAL_PEERING");
        let events = suite.events(id, State::PendingAcceptance).await;
        assert!(events.iter().all(|one| one.to_state() != State::Failed));
    }
    let halves = &suite.cloud.halves;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (10, 10, 0)
    );
    nothing_is_held(&suite).await;
}

async fn networks_of_one_peer_wait_for_each_other(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(300));
    let (one, two) = (create(&suite).await, create(&suite).await);
    for peering in [&one, &two] {
        suite
            .until_state(&peering.id, State::PendingAcceptance)
            .await;
    }
    assert_eq!(suite.cloud.halves.refused(), 0);
    nothing_is_held(&suite).await;
}

async fn a_half_is_waited_for_then_up_then_down_and_up_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    let waiting = waiting(&suite).await;
    assert_eq!(waiting.raw_state, "INACTIVE");
    assert_eq!(waiting.next_action.unwrap().code, "CREATE_PEERING");
    suite.cloud.halves.set_reciprocal(&waiting.id, true);
    let active = suite.until(&waiting.id, "routed", is_routed).await;
    assert_eq!(in_sync(&active), Some(condition::Status::True));
    suite.cloud.halves.set_reciprocal(&waiting.id, false);
    let down = suite.until_state(&waiting.id, State::Disconnected).await;
    assert_eq!(down.reason, "DELETED_BY_PEER");
    assert_eq!(down.next_action.unwrap().code, "CREATE_PEERING");
    assert_eq!(suite.cloud.halves.count(), 1, "our half stays");
    suite.cloud.halves.set_reciprocal(&waiting.id, true);
    let back = suite.until(&waiting.id, "routed", is_routed).await;
    assert_eq!(back.state(), State::Active);
    assert_eq!(suite.cloud.halves.begun(), 1);
    nothing_is_held(&suite).await;
}

async fn a_half_of_ours_that_vanished_is_put_back(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let standing = active(&suite).await;
    let requested = waiting_of_another_peer(&suite).await;
    suite.cloud.halves.set_delay(Duration::from_millis(300));
    suite.cloud.halves.vanish();
    suite
        .until(&standing.id, "out of sync", |one| {
            in_sync(one) == Some(condition::Status::False)
        })
        .await;
    let back = suite
        .until(&standing.id, "in sync", |one| {
            in_sync(one) == Some(condition::Status::True)
        })
        .await;
    assert_eq!(back.state(), State::Active);
    assert_eq!(back.provider_peering_id, standing.provider_peering_id);
    let put_back = async {
        while suite.cloud.halves.count() < 2 {
            suite.refresh(&requested.id).await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, put_back).await.unwrap();
    nothing_is_held(&suite).await;
    assert_eq!(
        (suite.cloud.halves.begun(), suite.cloud.halves.refused()),
        (4, 0)
    );
    let waits = suite.get(&requested.id).await.unwrap();
    assert_eq!(waits.state(), State::PendingAcceptance);
}

async fn waiting_of_another_peer(suite: &Suite) -> Peering {
    let created = suite.create_with(wish(&network(suite), 2)).await.unwrap();
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await
}

async fn a_half_that_cannot_be_put_back_is_lost(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let (standing, waits) = (active(&suite).await, waiting_of_another_peer(&suite).await);
    for peering in [&standing, &waits] {
        let refusal = error(CloudErrorKind::Terminal, "VPC_MISSING");
        suite.cloud.tell("EnsurePeering", Told::Refuse(refusal));
        suite.cloud.halves.vanish();
        let _ = peering;
    }
    for peering in [&standing, &waits] {
        let lost = suite.until_state(&peering.id, State::Disconnected).await;
        assert_eq!(
            (lost.reason.as_str(), lost.message.as_str()),
            ("LOST_OUT_OF_BAND", "The cloud says no.")
        );
        assert_eq!(lost.next_action.unwrap().code, "RENEW_PEERING");
        suite.look(&peering.id, 3).await;
        suite.delete(&peering.id).await.unwrap();
        suite.until_state(&peering.id, State::Deleted).await;
    }
    assert_eq!(suite.cloud.halves.begun(), 2);
    nothing_is_held(&suite).await;
}

async fn deleting_leaves_nothing(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.halves.set_delay(Duration::from_millis(200));
    let network = network(&suite);
    let mut ids = Vec::new();
    for peer in 1..=3 {
        let created = suite.create_with(wish(&network, peer)).await.unwrap();
        ids.push(created.id);
    }
    for id in &ids {
        suite.until_state(id, State::PendingAcceptance).await;
    }
    suite.cloud.halves.set_reciprocal(&ids[0], true);
    suite.until(&ids[0], "routed", is_routed).await;
    for id in &ids {
        suite.delete(id).await.unwrap();
    }
    for id in &ids {
        suite.until_state(id, State::Deleted).await;
    }
    let halves = &suite.cloud.halves;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (0, 6, 0)
    );
    assert!(suite.network.attached().is_empty());
    nothing_is_held(&suite).await;
}

async fn whoever_waits_for_long_gets_hints_once(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        config.hint_after = Duration::from_millis(300);
    })
    .await;
    let waiting = waiting(&suite).await;
    let hinted = suite
        .until(&waiting.id, "hinted", |one| {
            one.message.contains("compute.restrictVpcPeering")
        })
        .await;
    assert_eq!(hinted.reason, "AWAITING_RECIPROCAL_PEERING");
    assert!(
        hinted
            .next_action
            .unwrap()
            .summary
            .contains("compute.networks.addPeering")
    );
    let later = suite.look(&waiting.id, 4).await;
    assert_eq!(later.message, hinted.message);
    suite.cloud.halves.set_reciprocal(&waiting.id, true);
    suite.until_state(&waiting.id, State::Active).await;
    let events = suite.events(&waiting.id, State::Active).await;
    let hints = events.iter().filter(|one| one.message == hinted.message);
    assert_eq!(hints.count(), 1);
}
