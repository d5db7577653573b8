//! What is past its time goes: the events of a resource, and the rounds that remove them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtime::db::{self, Db};
use runtime::events::{self, Verified, VerifyError};
use runtime::{leader, purge};
use sea_orm::DbErr;
use testkit::TestDatabase;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::support::{PATIENCE, Schema, on_both};
use crate::watch::support::{Process, ours};

on_both! {
    the_rest_of_a_log_is_proven_when_a_resource_was_purged
    a_log_whose_end_was_purged_goes_on
    a_hole_behind_the_purged_ones_is_found
    a_change_of_what_a_purge_left_is_found
    a_token_before_a_purged_event_is_too_old_and_one_behind_it_is_not
    what_is_left_is_removed_batch_by_batch_and_again_in_the_next_round
    a_round_is_left_to_the_replica_that_leads
}

async fn purge_of(db: &Db, resource: &str) -> Result<u64, DbErr> {
    let txn = db.begin().await?;
    let removed = events::purge(&txn, resource).await?;
    txn.commit().await?;
    Ok(removed)
}

/// a b a b a c, in this order.
async fn six(database: &TestDatabase) -> Process {
    let process = Process::start(database).await;
    for (count, (resource, version)) in (1..).zip([
        ("peer_a", 1),
        ("peer_b", 1),
        ("peer_a", 2),
        ("peer_b", 2),
        ("peer_a", 3),
        ("peer_c", 1),
    ]) {
        process.write(resource, version).await;
        process.numbered(count).await;
    }
    process
}

async fn verified(process: &Process) -> Result<(u64, u64), VerifyError> {
    let Verified {
        chained, purged, ..
    } = events::verify(process.db.read()).await?;
    Ok((chained, purged))
}

async fn the_rest_of_a_log_is_proven_when_a_resource_was_purged(database: TestDatabase) {
    let process = six(&database).await;
    assert_eq!(purge_of(&process.db, "peer_b").await.unwrap(), 2);
    assert_eq!(verified(&process).await.unwrap(), (4, 2));
    assert_eq!(purge_of(&process.db, "peer_b").await.unwrap(), 0);
    assert_eq!(purge_of(&process.db, "peer_a").await.unwrap(), 3);
    assert_eq!(verified(&process).await.unwrap(), (1, 5));
    let left = events::since(process.db.read(), 0, 10).await.unwrap();
    assert_eq!(
        left.iter().map(|one| one.seq).collect::<Vec<_>>(),
        [6],
        "what is left keeps its number"
    );
}

async fn a_log_whose_end_was_purged_goes_on(database: TestDatabase) {
    let process = six(&database).await;
    purge_of(&process.db, "peer_c").await.unwrap();
    assert_eq!(verified(&process).await.unwrap(), (5, 1));
    process.write("peer_d", 1).await;
    process.numbered(7).await;
    assert_eq!(verified(&process).await.unwrap(), (6, 1));
}

async fn a_hole_behind_the_purged_ones_is_found(database: TestDatabase) {
    let process = six(&database).await;
    purge_of(&process.db, "peer_b").await.unwrap();
    process.execute("DELETE FROM event WHERE seq = 5").await;
    let broken = verified(&process).await.unwrap_err();
    assert!(matches!(broken, VerifyError::Broken { seq: 5 }), "{broken}");
    process.execute("DELETE FROM event WHERE seq = 6").await;
    let broken = verified(&process).await.unwrap_err();
    assert!(matches!(broken, VerifyError::Broken { seq: 5 }), "{broken}");
}

async fn a_change_of_what_a_purge_left_is_found(database: TestDatabase) {
    let process = six(&database).await;
    purge_of(&process.db, "peer_b").await.unwrap();
    // The last first: what is found is the first that does not fit.
    for (change, found) in [
        (
            "UPDATE sequencer SET last_hash = (SELECT hash FROM event WHERE seq = 5)",
            6,
        ),
        ("UPDATE event SET prev_hash = hash WHERE seq = 6", 6),
        ("UPDATE event SET prev_hash = hash WHERE seq = 5", 5),
        ("UPDATE event SET reason = 'X' WHERE seq = 3", 3),
        ("UPDATE event SET seq = 2 WHERE seq = 3", 2),
    ] {
        process.execute(change).await;
        match verified(&process).await {
            Err(VerifyError::Broken { seq }) => assert_eq!(seq, found, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
    }
}

async fn a_token_before_a_purged_event_is_too_old_and_one_behind_it_is_not(database: TestDatabase) {
    let process = Process::start(&database).await;
    let mut watch = process.watch(ours(), "").await;
    let (_, mut tokens) = (watch.snapshot().await, vec![]);
    for (resource, version) in [("peer_a", 1), ("peer_b", 1), ("peer_b", 2), ("peer_a", 2)] {
        process.write(resource, version).await;
        tokens.push(watch.next().await.1);
    }
    purge_of(&process.db, "peer_b").await.unwrap();
    // Its own events are all there; but nobody can tell whether it would have been told of the others.
    for token in &tokens[..2] {
        let refused = process.try_watch(ours(), token, None).await.err().unwrap();
        assert_eq!(refused.code(), Code::OutOfRange);
        let reason = runtime::status::reason(&refused);
        assert_eq!(reason.as_deref(), Some("RESUME_TOKEN_TOO_OLD"));
    }
    let mut again = process.watch(ours(), &tokens[2]).await;
    assert_eq!(again.change().await, ("peer_a".to_owned(), 2));
    // Who follows is not disturbed.
    process.write("peer_a", 3).await;
    assert_eq!(watch.change().await, ("peer_a".to_owned(), 3));
}

#[tokio::test]
async fn what_has_no_number_yet_is_not_purged() {
    let database = testkit::postgres().await;
    let process = Process::idle(&database, crate::watch::support::patient()).await;
    process.write("peer_a", 1).await;
    assert!(purge_of(&process.db, "peer_a").await.is_err());
    let Verified { unchained, .. } = events::verify(process.db.read()).await.unwrap();
    assert_eq!(unchained, 1);
}

/// Rounds of a purge of `left` things, two at once.
struct Rounds {
    left: Arc<AtomicU64>,
    removed: Arc<Notify>,
    stop: CancellationToken,
}

impl Rounds {
    fn start(db: &Db, every: Duration) -> Self {
        let rounds = Self {
            left: Arc::new(AtomicU64::new(5)),
            removed: Arc::new(Notify::new()),
            stop: CancellationToken::new(),
        };
        let (db, stop) = (db.clone(), rounds.stop.clone());
        let (left, removed) = (rounds.left.clone(), rounds.removed.clone());
        tokio::spawn(async move {
            let batch = |_| {
                let more = left.load(Ordering::SeqCst).min(2);
                if left.fetch_sub(more, Ordering::SeqCst) == more {
                    removed.notify_one();
                }
                async move { Ok::<_, DbErr>(more) }
            };
            purge::run(&db, "purge", every, stop, batch).await;
        });
        rounds
    }

    async fn until_nothing_is_left(&self) {
        let wait = async {
            while self.left.load(Ordering::SeqCst) > 0 {
                self.removed.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn what_is_left_is_removed_batch_by_batch_and_again_in_the_next_round(
    database: TestDatabase,
) {
    let db = database.connect().await;
    db::migrate::<Schema>(&db).await.unwrap();
    let rounds = Rounds::start(&db, Duration::from_millis(20));
    rounds.until_nothing_is_left().await;
    rounds.left.store(3, Ordering::SeqCst);
    rounds.until_nothing_is_left().await;
}

async fn a_round_is_left_to_the_replica_that_leads(database: TestDatabase) {
    let db = database.connect().await;
    db::migrate::<Schema>(&db).await.unwrap();
    let long = Duration::from_secs(3_600);
    assert!(leader::hold(&db, "purge", "other", long).await.unwrap());
    let idle = Rounds::start(&db, Duration::from_millis(5));
    // Twenty rounds later nothing has happened.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(idle.left.load(Ordering::SeqCst), 5);
    leader::release(&db, "purge", "other").await.unwrap();
    idle.until_nothing_is_left().await;
}
