//! The event log: one append-only table per service that is its history, its watch and its audit.
//!
//! An event is written in the transaction of the change it tells of. Numbers handed out inside
//! transactions would commit out of order, so on PostgreSQL a sequencer numbers what is committed
//! afterwards; SQLite has one writer and numbers at once. A number comes with a hash over the event and
//! the hash before it, so that nothing can be changed or taken out unnoticed; up to the number of the last event that was
//! purged, events may be missing. [`Feed`] runs the sequencer
//! and tells watchers of numbered events, in their order and each once.

mod chain;
mod entity;
mod feed;
mod place;
mod purge;
mod sequencer;
mod table;
mod watch;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};
use sea_orm::{EntityTrait, QueryFilter, QueryOrder, QuerySelect};

pub use chain::{Verified, VerifyError, verify};
pub use feed::{Feed, Pace};
pub use place::Start;
pub use purge::{purge, purge_migration};
pub use table::migration;
pub use watch::{Item, Shown, ShownPage, Watched};

/// An event to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEvent {
    /// The resource it happened to.
    pub resource_id: String,
    /// Whose resource that is.
    pub tenant_id: String,
    /// The resource's version after the change; orders its events.
    pub version: i64,
    /// What happened, such as `created` or `state_changed`.
    pub kind: String,
    /// State before; empty when there was none.
    pub from_state: String,
    /// State after.
    pub to_state: String,
    /// Stable code saying why.
    pub reason: String,
    /// The same for people.
    pub message: String,
    /// What the cloud said, word for word.
    pub raw_state: String,
    /// Who caused it.
    pub actor: String,
    /// The id of the call that caused it.
    pub request_id: String,
    /// The trace of that call.
    pub trace_id: String,
    /// What the service needs to tell it again; opaque here.
    pub payload: Vec<u8>,
}

/// A numbered event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log: from 1, without gaps, in the order in which readers see events.
    pub seq: i64,
    /// When it was written, in milliseconds since the epoch.
    pub created_at: i64,
    /// Hash over it and all events before it.
    pub hash: Vec<u8>,
    /// What was written.
    pub event: NewEvent,
}

/// Writes `event` in the transaction of the change it tells of.
pub async fn append(txn: &DatabaseTransaction, event: NewEvent, now: i64) -> Result<(), DbErr> {
    match txn.get_database_backend() {
        DbBackend::Postgres => entity::insert(txn, &event, now, None).await,
        _ => sequencer::append_numbered(txn, &event, now).await,
    }
}

/// A resource's numbered events after `after_seq`, oldest first, at most `limit`.
pub async fn list(
    conn: &impl ConnectionTrait,
    resource_id: &str,
    after_seq: i64,
    limit: u64,
) -> Result<Vec<Event>, DbErr> {
    let rows = entity::Entity::find()
        .filter(entity::COLUMN.resource_id.eq(resource_id))
        .filter(entity::COLUMN.seq.gt(after_seq))
        .order_by_asc(entity::Column::Seq)
        .limit(limit)
        .all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(entity::Model::numbered)
        .collect())
}

/// All resources' numbered events after `after_seq`, oldest first, at most `limit`.
pub async fn since(
    conn: &impl ConnectionTrait,
    after_seq: i64,
    limit: u64,
) -> Result<Vec<Event>, DbErr> {
    let rows = entity::Entity::find()
        .filter(entity::COLUMN.seq.gt(after_seq))
        .order_by_asc(entity::Column::Seq)
        .limit(limit)
        .all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(entity::Model::numbered)
        .collect())
}

/// The number of the newest numbered event; 0 when there is none.
pub async fn last_seq(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    Ok(sequencer::position(conn).await?.seq)
}
