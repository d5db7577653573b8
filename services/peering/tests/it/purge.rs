//! The purge of what is past its time.

use std::time::Duration;

use api::peering::v1::peering::State;
use api::peering::v1::*;
use api::queue::v1::ListGroupsRequest;
use sea_orm::{ConnectionTrait, Statement};
use tonic::Code;

use crate::suite::{Kind, PATIENCE, Suite, TENANT, on_both_databases, reason, request};

on_both_databases!(
    a_peering_goes_with_all_that_is_left_of_it,
    what_is_not_past_its_time_stays,
    groups_without_peerings_go_with_the_purge,
);

async fn run(suite: &Suite, sql: &str) {
    let db = suite.database.connect().await;
    db.write().execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

async fn count(suite: &Suite, sql: &str) -> i64 {
    let db = suite.database.connect().await;
    let ask = Statement::from_string(db.read().get_database_backend(), sql);
    let row = db.read().query_one_raw(ask).await.unwrap().unwrap();
    let count = row.try_get_by_index(0).unwrap();
    db.close().await.unwrap();
    count
}

/// The token of the end of a snapshot of everything.
async fn token(suite: &Suite) -> String {
    let request = WatchPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        ..Default::default()
    };
    let answer = suite.api.clone().watch_peerings(request).await.unwrap();
    let mut messages = answer.into_inner();
    loop {
        let message = messages.message().await.unwrap().unwrap();
        let is_end = matches!(
            message.message,
            Some(watch_peerings_response::Message::SnapshotComplete(_))
        );
        if is_end {
            return message.resume_token;
        }
    }
}

async fn deleted(suite: &Suite) -> Peering {
    let network = suite.network.add(TENANT);
    let wish = CreatePeeringRequest {
        request_id: "long-ago".to_owned(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        ..request(&network)
    };
    let created = suite.create_with(wish).await.unwrap();
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.delete(&created.id).await.unwrap();
    suite.until_state(&created.id, State::Deleted).await
}

async fn a_peering_goes_with_all_that_is_left_of_it(kind: Kind) {
    let mut suite = Suite::start_with(kind, |config| {
        config.purge_interval = Duration::from_millis(50);
    })
    .await;
    let kept = suite.create().await;
    suite.until_state(&kept.id, State::PendingAcceptance).await;
    suite.events(&kept.id, State::PendingAcceptance).await;
    let before = token(&suite).await;
    let gone = deleted(&suite).await;
    suite.events(&gone.id, State::Deleted).await;
    // Nobody's clock has to be moved for a time that is stored.
    run(
        &suite,
        &format!("UPDATE peering SET purge_at = 1 WHERE id = '{}'", gone.id),
    )
    .await;
    run(&suite, "UPDATE request_id SET created_at = 1").await;
    let purged = async {
        while suite.get(&gone.id).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, purged)
        .await
        .expect("it goes in time");
    let status = suite.get(&gone.id).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::NotFound, "PEERING_NOT_FOUND")
    );
    let left = format!(
        "SELECT COUNT(*) FROM event WHERE resource_id = '{}'",
        gone.id
    );
    assert_eq!(count(&suite, &left).await, 0);
    assert_eq!(count(&suite, "SELECT COUNT(*) FROM peering_label").await, 0);
    let answered = async {
        while count(&suite, "SELECT COUNT(*) FROM request_id").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, answered)
        .await
        .expect("answers go in time");

    // What watched before can't be told all; what begins anew can.
    let resumed = WatchPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        resume_token: before,
        ..Default::default()
    };
    let status = match suite.api.clone().watch_peerings(resumed).await {
        Err(status) => status,
        Ok(answer) => {
            let mut messages = answer.into_inner();
            loop {
                match messages.message().await {
                    Ok(message) => assert!(message.is_some(), "the stream ends with a status"),
                    Err(status) => break status,
                }
            }
        }
    };
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::OutOfRange, "RESUME_TOKEN_TOO_OLD")
    );
    token(&suite).await;
    assert_eq!(suite.list().await.len(), 1);
    assert!(
        !suite
            .events(&kept.id, State::PendingAcceptance)
            .await
            .is_empty()
    );
    // Whoever goes on purging need not wait for the lead to lapse.
    suite.stop().await;
    let leads = "SELECT COUNT(*) FROM leader WHERE name = 'peering-purge'";
    assert_eq!(count(&suite, leads).await, 0);
}

async fn what_is_not_past_its_time_stays(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        config.purge_interval = Duration::from_millis(20);
    })
    .await;
    let first = deleted(&suite).await;
    let second = suite.create().await;
    // A live one is never purged, whatever its row says.
    run(
        &suite,
        &format!("UPDATE peering SET purge_at = 1 WHERE id = '{}'", second.id),
    )
    .await;
    run(&suite, "INSERT INTO request_id (tenant, method, request_id, body_hash, answer, created_at) \
        SELECT tenant, method, 'older', body_hash, answer, 1 FROM request_id WHERE request_id = 'long-ago'").await;
    // A whole round has passed once an old answer is gone.
    let rounds = async {
        while count(
            &suite,
            "SELECT COUNT(*) FROM request_id WHERE request_id = 'older'",
        )
        .await
            > 0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, rounds)
        .await
        .expect("a round ends in time");
    assert!(suite.get(&first.id).await.is_ok());
    assert!(suite.get(&second.id).await.is_ok());
    assert_eq!(count(&suite, "SELECT COUNT(*) FROM request_id").await, 1);
}

async fn groups_without_peerings_go_with_the_purge(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        config.purge_interval = Duration::from_millis(20);
    })
    .await;
    suite.active().await;
    let operator = suite.operator().await;
    let groups = async || {
        let mut operator = operator.clone();
        let answer = operator.list_groups(ListGroupsRequest::default()).await;
        let groups = answer.unwrap().into_inner().groups;
        groups.into_iter().map(|group| group.id).collect::<Vec<_>>()
    };
    let used = groups().await.remove(0);
    for (id, suspended_at) in [("aws/111111111111/eu-north-1", "NULL"), ("gcp/held", "1")] {
        run(
            &suite,
            &format!(
                "INSERT INTO check_group (group_id, suspended_at) VALUES ('{id}', {suspended_at})"
            ),
        )
        .await;
    }
    let purged = async {
        while groups().await.len() > 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, purged)
        .await
        .expect("it goes in time");
    let mut left = groups().await;
    left.sort();
    assert_eq!(left, [used, "gcp/held".to_owned()]);
}
