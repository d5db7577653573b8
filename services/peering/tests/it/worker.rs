//! The worker among siblings, other holders of its lane, broken rows, and at its end.

use std::sync::Arc;
use std::time::Duration;

use ::peering::clients::ProviderClient;
use ::peering::domain::wanted_routes;
use ::peering::store::Store;
use api::cloud::{CloudError, CloudErrorKind};
use api::peering::v1::peering::State;
use api::peering::v1::*;
use runtime::config::ClientConfig;
use sea_orm::{ConnectionTrait, Statement};

use crate::suite::{Kind, Suite, is_routed, on_both_databases, request};
use crate::told::Told;

on_both_databases!(
    an_end_does_not_wait_for_a_route_of_another,
    routes_follow_what_is_wanted_meanwhile,
    a_write_without_an_answer_is_not_sent_again_by_itself,
    a_stop_leaves_what_is_not_done,
    a_stop_does_not_wait_for_a_listing,
    an_error_that_nobody_knows_is_shown_until_it_passes,
    a_row_that_cannot_be_read_holds_up_nobody,
);

const PATIENCE: Duration = Duration::from_secs(120);

/// A peering with 10.`index`.0.0/16 that waits for the customer.
async fn waiting(suite: &Suite, network: &str, index: usize) -> Peering {
    let aws = AwsPeer {
        vpc_id: format!("vpc-{index:08x}"),
        cidrs: vec![format!("10.{index}.0.0/16")],
        ..crate::suite::aws_peer()
    };
    let request = CreatePeeringRequest {
        display_name: format!("peer {index}"),
        peer: Some(create_peering_request::Peer::Aws(aws)),
        ..request(network)
    };
    let created = suite.create_with(request).await.unwrap();
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await
}

/// Ranges and targets, as the tables of a network shall show them.
fn leading_to(peerings: &[&Peering]) -> Vec<(String, String)> {
    let route = |one: &&Peering| {
        let Some(peering::Peer::Aws(aws)) = &one.peer else {
            panic!("it is in AWS")
        };
        (aws.cidrs[0].clone(), one.provider_peering_id.clone())
    };
    peerings.iter().map(route).collect()
}

async fn execute(suite: &Suite, sql: &str) {
    let db = suite.database.connect().await;
    db.write().execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

async fn an_end_does_not_wait_for_a_route_of_another(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add("acme");
    let one = waiting(&suite, &network, 1).await;
    let two = waiting(&suite, &network, 2).await;
    suite.cloud.block("10.1.0.0/16");
    suite.cloud.accept(&one.id);
    let lacking = suite
        .until(&one.id, "lacking its route", |peering| {
            let mut conditions = peering.conditions.iter();
            conditions.any(|one| one.reason == "ROUTE_MISSING_VENDOR")
        })
        .await;
    let ready = &lacking.conditions[0];
    assert_eq!(ready.status(), condition::Status::False);
    assert!(ready.message.contains("10.1.0.0/16"), "{}", ready.message);
    assert_eq!(lacking.state(), State::Active);
    // Its own is in place, whatever the other lacks; and so it goes again.
    suite.cloud.accept(&two.id);
    suite.until(&two.id, "routed", is_routed).await;
    suite.delete(&two.id).await.unwrap();
    suite.until_state(&two.id, State::Deleted).await;
    assert!(suite.cloud.routes(&suite.network.vpc(&network)).is_empty());
}

async fn routes_follow_what_is_wanted_meanwhile(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add("acme");
    let one = waiting(&suite, &network, 1).await;
    let two = waiting(&suite, &network, 2).await;
    suite.cloud.accept(&one.id);
    suite.until(&one.id, "routed", is_routed).await;
    suite.cloud.routing.shut();
    suite.cloud.accept(&two.id);
    suite.cloud.routing.until_reached().await;
    // Both are on their way to the tables. Another holder of the lane finishes with the first one.
    let sql = format!(
        "UPDATE peering SET state = 'DELETED', lane = 'none', group_id = NULL, version = version + 1 \
         WHERE id = '{}'",
        one.id
    );
    execute(&suite, &sql).await;
    suite.cloud.routing.open();
    suite.until(&two.id, "routed", is_routed).await;
    let routes = suite.cloud.routes(&suite.network.vpc(&network));
    assert_eq!(routes, leading_to(&[&two]));
}

async fn a_write_without_an_answer_is_not_sent_again_by_itself(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let active = suite.active().await;
    suite.stop().await;
    let config = ClientConfig {
        endpoint: format!("http://{}", suite.cloud_address),
        ..::peering::Config::load(None, Vec::new())
            .unwrap()
            .provider_adapter
    };
    let timeout = config.timeout;
    let channel = runtime::client::channel("provider-adapter", &config).unwrap();
    let client = ProviderClient::new(channel, "dev", timeout);
    let store = Store::new(
        suite.database.connect().await,
        |_| Vec::new(),
        Arc::default(),
    );
    let peering = store.read(active.id.parse().unwrap()).await.unwrap();
    let peering = peering.unwrap();
    let wanted = wanted_routes(std::slice::from_ref(&peering));
    suite.cloud.tell("EnsureRoutes", Told::Silent);
    client.ensure_routes(&peering, &wanted).await.unwrap_err();
    client.ensure_routes(&peering, &wanted).await.unwrap();
    suite.cloud.tell("DeletePeering", Told::Silent);
    let id = &active.provider_peering_id;
    client
        .delete_peering(&peering, id, peering.attempt)
        .await
        .unwrap_err();
    assert_eq!(suite.cloud.deletions(), 0);
}

async fn a_stop_leaves_what_is_not_done(kind: Kind) {
    const PEERINGS: usize = 12;
    let mut suite = Suite::start_with(kind, |config| {
        config.provider_adapter.timeout = Duration::from_secs(2);
        config.quotas.outstanding_peerings = 12;
    })
    .await;
    // The first one's turn lasts until its request is given up; then all others are due at once.
    suite.cloud.requesting.shut();
    for _ in 0..PEERINGS {
        suite.create().await;
    }
    suite.cloud.requesting.until_reached_by(2).await;
    tokio::time::timeout(PATIENCE, suite.stop()).await.unwrap();
    assert!(suite.cloud.made() < PEERINGS);
    suite.cloud.requesting.open();
    suite.restart().await;
    for peering in suite.list().await {
        suite
            .until_state(&peering.id, State::PendingAcceptance)
            .await;
    }
    assert_eq!(suite.cloud.made(), PEERINGS);
}

async fn a_stop_does_not_wait_for_a_listing(kind: Kind) {
    let mut suite = Suite::start_with(kind, |config| {
        config.provider_adapter.timeout = Duration::from_secs(3_600);
    })
    .await;
    suite.active().await;
    suite.cloud.looking.shut();
    suite.cloud.looking.until_reached().await;
    tokio::time::timeout(PATIENCE, suite.stop()).await.unwrap();
}

async fn an_error_that_nobody_knows_is_shown_until_it_passes(kind: Kind) {
    let suite = Suite::start(kind).await;
    let error = CloudError::refused(CloudErrorKind::Unknown, "CLOUD_ERROR", "The cloud coughs.");
    suite.cloud.tell("EnsurePeering", Told::Refuse(error));
    let created = suite.create().await;
    let told = suite
        .until(&created.id, "explained", |one| one.reason == "CLOUD_ERROR")
        .await;
    assert_eq!(
        (told.state(), told.message.as_str()),
        (State::Provisioning, "The cloud coughs.")
    );
    let served = suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    assert_eq!(served.reason, "AWAITING_CUSTOMER_ACCEPTANCE");
}

async fn a_row_that_cannot_be_read_holds_up_nobody(kind: Kind) {
    let suite = Suite::start(kind).await;
    let broken = suite.create().await;
    suite
        .until_state(&broken.id, State::PendingAcceptance)
        .await;
    let sql = format!(
        "UPDATE peering SET labels = 'broken', step_at = 1 WHERE id = '{}'",
        broken.id
    );
    execute(&suite, &sql).await;
    suite.active().await;
    let db = suite.database.connect().await;
    let sql = "SELECT step_at FROM peering WHERE labels = 'broken'";
    let put_off = async {
        loop {
            let ask = Statement::from_string(db.read().get_database_backend(), sql);
            let row = db.read().query_one_raw(ask).await.unwrap().unwrap();
            let step_at: Option<i64> = row.try_get_by_index(0).unwrap();
            if step_at.unwrap() > db.now_ms().await.unwrap() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, put_off).await.unwrap();
}
