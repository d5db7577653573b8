//! The event log.

use std::sync::Arc;

use runtime::db::{self, Db};
use runtime::events::{self, Event, Feed, NewEvent, Pace, Verified, VerifyError};
use sea_orm::ConnectionTrait;
use testkit::TestDatabase;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Schema, on_both};

const NOW: i64 = 1_800_000_000_000;

on_both! {
    events_are_listed_by_resource_in_order_and_in_pages
    what_is_rolled_back_is_never_numbered
    writers_at_the_same_time_leave_no_gap_and_no_double
    a_changed_event_is_found
    a_removed_event_is_found
}

fn event(resource: &str, version: i64) -> NewEvent {
    NewEvent {
        resource_id: resource.into(),
        tenant_id: "acme".into(),
        version,
        kind: "state_changed".into(),
        to_state: "ACTIVE".into(),
        payload: vec![1, 2, 3],
        ..NewEvent::default()
    }
}

/// A database with its sequencer at work, until it is dropped.
struct Log {
    db: Db,
    wake: Arc<Notify>,
    stop: CancellationToken,
    sequencer: JoinHandle<()>,
}

impl Log {
    async fn start(database: &TestDatabase) -> Self {
        let db = database.connect().await;
        db::migrate::<Schema>(&db).await.unwrap();
        Self::on(db)
    }

    fn on(db: Db) -> Self {
        let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let run = Feed::new(db.clone(), Pace::default()).run(wake.clone(), stop.clone());
        Self {
            db,
            wake,
            stop,
            sequencer: tokio::spawn(run),
        }
    }

    async fn append(&self, event: NewEvent) {
        let txn = self.db.begin().await.unwrap();
        events::append(&txn, event, NOW).await.unwrap();
        txn.commit().await.unwrap();
        self.wake.notify_one();
    }

    /// Waits until `count` events have their numbers.
    async fn numbered(&self, count: i64) {
        let wait = async {
            while events::last_seq(self.db.read()).await.unwrap() < count {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .expect("events get their numbers");
    }

    async fn list(&self, resource: &str, after: i64, limit: u64) -> Vec<Event> {
        events::list(self.db.read(), resource, after, limit)
            .await
            .unwrap()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn versions(events: &[Event]) -> Vec<i64> {
    events.iter().map(|one| one.event.version).collect()
}

async fn events_are_listed_by_resource_in_order_and_in_pages(database: TestDatabase) {
    let log = Log::start(&database).await;
    for version in 1..=3 {
        log.append(event("peer_a", version)).await;
        log.append(event("peer_b", version)).await;
    }
    log.numbered(6).await;
    let first = log.list("peer_a", 0, 2).await;
    assert_eq!(versions(&first), [1, 2]);
    let rest = log.list("peer_a", first[1].seq, 100).await;
    assert_eq!(versions(&rest), [3]);
    assert_eq!(
        (rest[0].created_at, &rest[0].event),
        (NOW, &event("peer_a", 3))
    );
    let all = events::since(log.db.read(), 0, 100).await.unwrap();
    assert_eq!(
        all.iter().map(|one| one.seq).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    let verified = events::verify(log.db.read()).await.unwrap();
    assert_eq!(
        verified,
        Verified {
            chained: 6,
            purged: 0,
            unchained: 0
        }
    );
}

async fn what_is_rolled_back_is_never_numbered(database: TestDatabase) {
    let log = Log::start(&database).await;
    log.append(event("peer_a", 1)).await;
    let txn = log.db.begin().await.unwrap();
    events::append(&txn, event("peer_a", 2), NOW).await.unwrap();
    txn.rollback().await.unwrap();
    log.append(event("peer_a", 2)).await;
    log.numbered(2).await;
    assert_eq!(versions(&log.list("peer_a", 0, 100).await), [1, 2]);
    events::verify(log.db.read()).await.unwrap();
}

async fn writers_at_the_same_time_leave_no_gap_and_no_double(database: TestDatabase) {
    let log = Arc::new(Log::start(&database).await);
    // A second replica's sequencer works on the same database.
    let other = Log::on(database.connect().await);
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                for version in 1..=20 {
                    log.append(event(&format!("peer_{writer}"), version)).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    log.numbered(120).await;
    let all = events::since(log.db.read(), 0, 1_000).await.unwrap();
    assert_eq!(
        all.iter().map(|one| one.seq).collect::<Vec<_>>(),
        (1..=120).collect::<Vec<_>>()
    );
    for writer in 0..6 {
        let of_one = log.list(&format!("peer_{writer}"), 0, 100).await;
        assert_eq!(versions(&of_one), (1..=20).collect::<Vec<_>>());
    }
    let verified = events::verify(log.db.read()).await.unwrap();
    assert_eq!(
        verified,
        Verified {
            chained: 120,
            purged: 0,
            unchained: 0
        }
    );
    drop(other);
}

async fn a_changed_event_is_found(database: TestDatabase) {
    let log = Log::start(&database).await;
    for version in 1..=3 {
        log.append(event("peer_a", version)).await;
    }
    log.numbered(3).await;
    let change = "UPDATE event SET to_state = 'DELETED' WHERE seq = 2";
    log.db.write().execute_unprepared(change).await.unwrap();
    let broken = events::verify(log.db.read()).await.unwrap_err();
    assert!(matches!(broken, VerifyError::Broken { seq: 2 }), "{broken}");
}

async fn a_removed_event_is_found(database: TestDatabase) {
    let log = Log::start(&database).await;
    for version in 1..=3 {
        log.append(event("peer_a", version)).await;
    }
    log.numbered(3).await;
    log.db
        .write()
        .execute_unprepared("DELETE FROM event WHERE seq = 3")
        .await
        .unwrap();
    let broken = events::verify(log.db.read()).await.unwrap_err();
    assert!(matches!(broken, VerifyError::Broken { seq: 3 }), "{broken}");
}

#[tokio::test]
async fn a_number_is_given_after_the_commit_only() {
    let database = testkit::postgres().await;
    let log = Log::start(&database).await;
    let txn = log.db.begin().await.unwrap();
    events::append(&txn, event("peer_slow", 1), NOW)
        .await
        .unwrap();
    // Inserted later, committed earlier: it must not wait, and the slow one must not be lost.
    log.append(event("peer_fast", 1)).await;
    log.numbered(1).await;
    txn.commit().await.unwrap();
    log.wake.notify_one();
    log.numbered(2).await;
    assert_eq!(log.list("peer_fast", 0, 10).await[0].seq, 1);
    assert_eq!(log.list("peer_slow", 0, 10).await[0].seq, 2);
}

#[tokio::test]
async fn a_resources_events_are_numbered_by_version_and_not_by_insertion() {
    let database = testkit::postgres().await;
    let db = database.connect().await;
    db::migrate::<Schema>(&db).await.unwrap();
    let txn = db.begin().await.unwrap();
    // More than one batch, the resource's first version at the very end.
    events::append(&txn, event("peer_a", 2), NOW).await.unwrap();
    for version in 1..=300 {
        events::append(&txn, event("peer_b", version), NOW)
            .await
            .unwrap();
    }
    events::append(&txn, event("peer_a", 1), NOW).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(
        events::verify(db.read()).await.unwrap(),
        Verified {
            chained: 0,
            purged: 0,
            unchained: 302
        }
    );
    let log = Log::on(db);
    log.numbered(302).await;
    assert_eq!(versions(&log.list("peer_a", 0, 10).await), [1, 2]);
    assert_eq!(
        versions(&log.list("peer_b", 0, 1_000).await),
        (1..=300).collect::<Vec<_>>()
    );
    events::verify(log.db.read()).await.unwrap();
}

#[tokio::test]
async fn another_replica_goes_on_when_the_leader_stops() {
    let database = testkit::postgres().await;
    let mut first = Log::start(&database).await;
    first.append(event("peer_a", 1)).await;
    first.numbered(1).await;
    let second = Log::on(first.db.clone());
    first.stop.cancel();
    (&mut first.sequencer).await.unwrap();
    second.append(event("peer_a", 2)).await;
    second.numbered(2).await;
}
