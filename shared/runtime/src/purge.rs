//! Removing what is past its time, by one replica at a time.

use std::fmt::Display;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::db::Db;
use crate::leader;

/// Longer than any batch takes.
const TTL: Duration = Duration::from_secs(60);

/// Purges at once and then `every` so often, until `stop`.
///
/// `batch` is told the time, in milliseconds since the epoch, and removes a small number of things; it is called again
/// until it answers that there was nothing left to remove. Run it in every replica: the one that holds the lead called
/// `lead` works. A batch that fails ends the round, and the next one begins anew.
pub async fn run<E, F>(
    db: &Db,
    lead: &str,
    every: Duration,
    stop: CancellationToken,
    batch: impl Fn(i64) -> F,
) where
    E: Display + From<DbErr>,
    F: Future<Output = Result<u64, E>>,
{
    let holder = Uuid::new_v4().to_string();
    let mut rounds = tokio::time::interval(every);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = rounds.tick() => {}
        }
        match round(db, lead, &holder, &stop, &batch).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, lead, "what was past its time is removed"),
            Err(error) => tracing::warn!(%error, lead, "what is past its time stays for now"),
        }
    }
    if let Err(error) = leader::release(db, lead, &holder).await {
        tracing::debug!(%error, lead, "the lead was not given up; it lapses");
    }
}

/// One batch after the other, until nothing is left; returns how much was removed.
async fn round<E, F>(
    db: &Db,
    lead: &str,
    holder: &str,
    stop: &CancellationToken,
    batch: &impl Fn(i64) -> F,
) -> Result<u64, E>
where
    E: From<DbErr>,
    F: Future<Output = Result<u64, E>>,
{
    let mut removed = 0;
    while !stop.is_cancelled() && leader::hold(db, lead, holder, TTL).await? {
        match batch(db.now_ms().await?).await? {
            0 => break,
            more => removed += more,
        }
    }
    Ok(removed)
}
