//! Hashes over the log, and the check that nobody changed it.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, PaginatorTrait};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};
use sha2::{Digest, Sha256};

use super::entity::{self, Link};
use super::{NewEvent, purge, sequencer};

/// A log in which every number has its event, but for those that were purged, and every hash fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Events in the chain.
    pub chained: u64,
    /// Numbers whose events were purged.
    pub purged: u64,
    /// Events written that wait for their number.
    pub unchained: u64,
}

/// Why a log is not as it was written.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The first event that is missing, changed or out of its place.
    #[error("the event log is broken at event {seq}")]
    Broken {
        /// The number of that event.
        seq: i64,
    },
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// Reads the whole log and checks its numbers, its hashes and its end.
///
/// Events may be missing up to the greatest number that was purged, and nowhere else. The chain goes on behind such a gap
/// with the hash that the next event names; where the end of the log was purged there is none to compare.
pub async fn verify(conn: &impl ConnectionTrait) -> Result<Verified, VerifyError> {
    const PAGE: u64 = 1_000;
    // The end is read first: what is numbered meanwhile lies behind it.
    let end = sequencer::position(conn).await?;
    let (mut seq, mut hash) = (0_i64, Vec::new());
    let mut chained = 0;
    while seq < end.seq {
        let page = entity::Entity::find()
            .filter(entity::COLUMN.seq.gt(seq))
            .filter(entity::COLUMN.seq.lte(end.seq))
            .order_by_asc(entity::Column::Seq)
            .limit(PAGE)
            .all(conn)
            .await?;
        if page.is_empty() {
            check_gap(conn, seq, end.seq).await?;
            (seq, hash) = (end.seq, end.hash.clone());
        }
        for row in page {
            let before = row.seq.unwrap_or_default() - 1;
            if before > seq {
                check_gap(conn, seq, before).await?;
                (seq, hash) = (before, row.prev_hash.clone().unwrap_or_default());
            }
            let (stored, stored_prev) = (row.hash.clone(), row.prev_hash.clone());
            let (found, created_at) = (row.seq, row.created_at);
            let link = link(seq, &hash, &row.into_new(), created_at);
            let fits = found == Some(link.seq)
                && stored_prev.as_ref() == Some(&link.prev_hash)
                && stored.as_ref() == Some(&link.hash);
            if !fits {
                return Err(VerifyError::Broken { seq: link.seq });
            }
            (seq, hash) = (link.seq, link.hash);
            chained += 1;
        }
    }
    if hash != end.hash {
        return Err(VerifyError::Broken { seq });
    }
    let waiting = entity::Entity::find()
        .filter(entity::COLUMN.seq.is_null())
        .count(conn)
        .await?;
    Ok(Verified {
        chained,
        purged: u64::try_from(seq).unwrap_or_default() - chained,
        unchained: waiting,
    })
}

/// Checks that all numbers behind `seq` up to `last` may be missing. Asked at each gap: a purge may go on meanwhile.
async fn check_gap(conn: &impl ConnectionTrait, seq: i64, last: i64) -> Result<(), VerifyError> {
    let purged = purge::purged(conn).await?;
    if last <= purged {
        return Ok(());
    }
    Err(VerifyError::Broken {
        seq: seq.max(purged) + 1,
    })
}

/// The place of an event behind number `seq` with hash `prev`.
pub(super) fn link(seq: i64, prev: &[u8], event: &NewEvent, created_at: i64) -> Link {
    let seq = seq + 1;
    let mut sha = Sha256::new();
    // Every part goes in with its length, so that no text can move from one field to the next.
    let mut part = |bytes: &[u8]| {
        sha.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        sha.update(bytes);
    };
    part(prev);
    part(&seq.to_be_bytes());
    part(&event.version.to_be_bytes());
    part(&created_at.to_be_bytes());
    for text in [
        &event.resource_id,
        &event.tenant_id,
        &event.kind,
        &event.from_state,
        &event.to_state,
        &event.reason,
        &event.message,
        &event.raw_state,
        &event.actor,
        &event.request_id,
        &event.trace_id,
    ] {
        part(text.as_bytes());
    }
    part(&event.payload);
    Link {
        seq,
        prev_hash: prev.to_vec(),
        hash: sha.finalize().to_vec(),
    }
}
