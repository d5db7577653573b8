//! The purge of what is past its time.

use std::time::Duration;

use api::network::v1::network::State;
use api::network::v1::*;
use sea_orm::{ConnectionTrait, Statement};
use tonic::Code;

use crate::on_each_database;
use crate::suite::{PATIENCE, Suite, events, peering, reason, wish};

async fn execute(suite: &Suite, sql: &str) {
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

/// Waits until the database counts none.
async fn until_none(suite: &Suite, sql: &str) {
    let gone = async {
        while count(suite, sql).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect(sql);
}

/// The token of the end of a snapshot of everything.
async fn token(suite: &Suite) -> String {
    let request = WatchNetworksRequest {
        tenant_id: "acme".to_owned(),
        ..Default::default()
    };
    let answer = suite.client.clone().watch_networks(request).await.unwrap();
    let mut messages = answer.into_inner();
    loop {
        let message = messages.message().await.unwrap().unwrap();
        let is_end = matches!(
            message.message,
            Some(watch_networks_response::Message::SnapshotComplete(_))
        );
        if is_end {
            return message.resume_token;
        }
    }
}

/// A network that was deleted, with an entry, a label, a tombstone and an answer left of it.
async fn deleted(suite: &Suite) -> Network {
    let wish = CreateNetworkRequest {
        request_id: "long-ago".to_owned(),
        labels: [("env".to_owned(), "prod".to_owned())].into(),
        ..wish("gone", "10.30.0.0/16")
    };
    let created = suite.client.clone().create_network(wish).await.unwrap();
    let id = created.into_inner().network.unwrap().id;
    suite.until(&id, State::Active).await;
    suite
        .attach(peering(&id, 1, &["10.1.0.0/16"]))
        .await
        .unwrap();
    crate::allow_list::put(suite, &id, "10.1.0.0/16")
        .await
        .unwrap();
    suite.detach(&peering(&id, 1, &[])).await.unwrap();
    suite.delete(&id).await.unwrap();
    let gone = suite.until(&id, State::Deleted).await;
    events(suite, &id, "DELETED").await;
    gone
}

async fn often(suite: &mut Suite) {
    let often = Duration::from_millis(20);
    suite
        .restart(|config| config.work.purge_interval = often)
        .await;
}

on_each_database! {
    async fn a_network_goes_with_all_that_is_left_of_it(suite: Suite) {
        let mut suite = suite;
        // With nothing left to do: a change during a snapshot makes its end a place to start over from.
        let kept = suite.settled("kept", "10.20.0.0/16").await;
        let before = token(&suite).await;
        let gone = deleted(&suite).await;
        // Nobody's clock has to be moved for a time that is stored.
        execute(&suite, &format!("UPDATE network SET purge_time = 1 WHERE id = '{}'", gone.id)).await;
        execute(&suite, "UPDATE request_id SET created_at = 1").await;
        often(&mut suite).await;
        until_none(&suite, &format!("SELECT COUNT(*) FROM network WHERE id = '{}'", gone.id)).await;
        let status = crate::suite::get(&suite.client, &gone.id).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "NETWORK_NOT_FOUND"));
        for table in ["allow_list_entry", "network_label", "tombstone"] {
            assert_eq!(count(&suite, &format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
        assert_eq!(count(&suite, &format!("SELECT COUNT(*) FROM event WHERE resource_id = '{}'", gone.id)).await, 0);
        until_none(&suite, "SELECT COUNT(*) FROM request_id").await;

        // What watched before cannot be told all; what begins anew can.
        let resumed = WatchNetworksRequest { tenant_id: "acme".to_owned(), resume_token: before, ..Default::default() };
        let status = suite.client.clone().watch_networks(resumed).await.map(drop).unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "RESUME_TOKEN_TOO_OLD"));
        token(&suite).await;
        assert!(!events(&suite, &kept.id, "ACTIVE").await.is_empty());
    }

    async fn what_is_not_past_its_time_stays(suite: Suite) {
        let mut suite = suite;
        let first = deleted(&suite).await;
        let second = suite.active("live", "10.20.0.0/16").await;
        // A live one is never purged, whatever its row says.
        execute(&suite, &format!("UPDATE network SET purge_time = 1 WHERE id = '{}'", second.id)).await;
        execute(&suite, "INSERT INTO request_id (tenant, method, request_id, body_hash, answer, created_at) \
            SELECT tenant, method, 'older', body_hash, answer, 1 FROM request_id WHERE request_id = 'long-ago'").await;
        often(&mut suite).await;
        // A whole batch has passed once an old answer is gone.
        until_none(&suite, "SELECT COUNT(*) FROM request_id WHERE request_id = 'older'").await;
        for id in [&first.id, &second.id] {
            assert!(crate::suite::get(&suite.client, id).await.is_ok());
        }
        assert_eq!(count(&suite, "SELECT COUNT(*) FROM request_id").await, 1);
        assert_eq!(count(&suite, "SELECT COUNT(*) FROM tombstone").await, 1);
    }
}
