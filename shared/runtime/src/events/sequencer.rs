//! Numbers for committed events, given by one replica at a time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, Statement, Value};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::entity::{self, Model};
use super::{NewEvent, chain};
use crate::db::Db;
use crate::leader;

const LEAD: &str = "sequencer";
const TTL: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
/// After an error, or while another replica leads.
const LONG_PAUSE: Duration = Duration::from_secs(1);
const BATCH: u64 = 256;

/// The last number given out, and its hash.
#[derive(Debug)]
pub(super) struct Position {
    pub(super) seq: i64,
    pub(super) hash: Vec<u8>,
}

pub(super) async fn position(conn: &impl ConnectionTrait) -> Result<Position, DbErr> {
    let ask = Statement::from_string(
        conn.get_database_backend(),
        "SELECT last_seq, last_hash FROM sequencer WHERE id = 1",
    );
    let row = conn.query_one_raw(ask).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("the sequencer's row".into()))?;
    Ok(Position {
        seq: row.try_get_by_index(0)?,
        hash: row.try_get_by_index(1)?,
    })
}

/// Moves the end of the log from `from` to `to`; false when it was not at `from` any more.
async fn advance(txn: &DatabaseTransaction, from: &Position, to: &Position) -> Result<bool, DbErr> {
    let sql = "UPDATE sequencer SET last_seq = $1, last_hash = $2 \
               WHERE id = 1 AND last_seq = $3 AND last_hash = $4";
    let values: [Value; 4] = [
        to.seq.into(),
        to.hash.clone().into(),
        from.seq.into(),
        from.hash.clone().into(),
    ];
    let moved = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    Ok(txn.execute_raw(moved).await?.rows_affected() == 1)
}

/// Writes an event with its number. Only where the transaction holds the one write lock.
pub(super) async fn append_numbered(
    txn: &DatabaseTransaction,
    event: &NewEvent,
    now: i64,
) -> Result<(), DbErr> {
    let from = position(txn).await?;
    let link = chain::link(from.seq, &from.hash, event, now);
    let to = Position {
        seq: link.seq,
        hash: link.hash.clone(),
    };
    entity::insert(txn, event, now, Some(link)).await?;
    match advance(txn, &from, &to).await? {
        true => Ok(()),
        false => Err(DbErr::Custom(
            "an event was numbered without the write lock".into(),
        )),
    }
}

/// Numbers committed events until `stop`: at once when `wake` is notified, else every 50 ms; and notifies
/// `numbered` after it did.
///
/// Run it in every replica; one of them leads. On SQLite events have their numbers already.
pub(super) async fn run(db: &Db, wake: &Notify, numbered: &Notify, stop: CancellationToken) {
    if !db.is_postgres() {
        let pass_on = async {
            loop {
                wake.notified().await;
                numbered.notify_one();
            }
        };
        return tokio::select! {
            () = stop.cancelled() => {}
            () = pass_on => {}
        };
    }
    let holder = Uuid::new_v4().to_string();
    let work = async {
        loop {
            if let Err(error) = lead(db, &holder, wake, numbered).await {
                tracing::warn!(%error, "events wait for their numbers");
            }
            tokio::time::sleep(LONG_PAUSE).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
    if let Err(error) = leader::release(db, LEAD, &holder).await {
        tracing::debug!(%error, "the sequencer's lead was not given up; it lapses");
    }
}

/// Leads for as long as this replica is let; returns when another one does.
async fn lead(db: &Db, holder: &str, wake: &Notify, numbered: &Notify) -> Result<(), DbErr> {
    while leader::hold(db, LEAD, holder, TTL).await? {
        let renew = tokio::time::Instant::now() + TTL / 3;
        while tokio::time::Instant::now() < renew {
            let count = number_batch(db).await?;
            if count > 0 {
                numbered.notify_one();
            }
            if is_full(count) {
                continue;
            }
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
    Ok(())
}

/// The number of the newest event that is committed now, once it has one.
///
/// Waits for the sequencer, which takes no longer than it takes to number what is there.
pub(super) async fn settled(db: &Db) -> Result<i64, DbErr> {
    let newest: Option<i64> = entity::Entity::find()
        .select_only()
        .column_as(entity::COLUMN.insert_id.max(), "newest")
        .into_tuple()
        .one(db.read())
        .await?
        .flatten();
    let Some(newest) = newest else {
        return Ok(position(db.read()).await?.seq);
    };
    let waiting = || {
        entity::Entity::find()
            .filter(entity::COLUMN.seq.is_null())
            .filter(entity::COLUMN.insert_id.lte(newest))
    };
    while waiting().one(db.read()).await?.is_some() {
        tokio::time::sleep(PAUSE / 5).await;
    }
    Ok(position(db.read()).await?.seq)
}

/// Numbers up to [`BATCH`] committed events in one transaction; returns how many.
async fn number_batch(db: &Db) -> Result<usize, DbErr> {
    let waiting = unnumbered(db).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let count = waiting.len();
    let txn = db.begin().await?;
    let from = position(&txn).await?;
    let mut end = Position {
        seq: from.seq,
        hash: from.hash.clone(),
    };
    let mut values: Vec<Value> = Vec::with_capacity(waiting.len() * 4);
    for row in in_order(waiting) {
        let (insert_id, created_at) = (row.insert_id, row.created_at);
        let link = chain::link(end.seq, &end.hash, &row.into_new(), created_at);
        end = Position {
            seq: link.seq,
            hash: link.hash.clone(),
        };
        values.extend([
            insert_id.into(),
            link.seq.into(),
            link.prev_hash.into(),
            link.hash.into(),
        ]);
    }
    // The end moves first: it is one row, so of two replicas that both think to lead one waits here,
    // then finds it moved and gives up before it has touched an event.
    if !advance(&txn, &from, &end).await? {
        txn.rollback().await?;
        return Ok(0);
    }
    let numbered = Statement::from_sql_and_values(db.backend(), update(count), values);
    if txn.execute_raw(numbered).await?.rows_affected() != count as u64 {
        txn.rollback().await?;
        return Err(DbErr::Custom(
            "some of the events had their numbers already".into(),
        ));
    }
    txn.commit().await?;
    Ok(count)
}

/// `UPDATE` of `rows` events at once.
fn update(rows: usize) -> String {
    let list: Vec<String> = (0..rows)
        .map(|row| {
            let at = row * 4;
            format!(
                "(${}::BIGINT, ${}::BIGINT, ${}::BYTEA, ${}::BYTEA)",
                at + 1,
                at + 2,
                at + 3,
                at + 4
            )
        })
        .collect();
    format!(
        "UPDATE event SET seq = v.seq, prev_hash = v.prev_hash, hash = v.hash \
         FROM (VALUES {}) AS v (insert_id, seq, prev_hash, hash) \
         WHERE event.insert_id = v.insert_id AND event.seq IS NULL",
        list.join(", ")
    )
}

/// Committed events without a number, by insert id.
///
/// A batch that is cut off at its limit may hold a resource's later event and not its earlier one, when
/// the later was inserted first. Such earlier ones are taken along.
async fn unnumbered(db: &Db) -> Result<Vec<Model>, DbErr> {
    let waiting = || entity::Entity::find().filter(entity::COLUMN.seq.is_null());
    let mut rows = waiting()
        .order_by_asc(entity::Column::InsertId)
        .limit(BATCH)
        .all(db.write())
        .await?;
    let Some(last) = rows
        .last()
        .filter(|_| is_full(rows.len()))
        .map(|row| row.insert_id)
    else {
        return Ok(rows);
    };
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for row in &rows {
        let version = newest.entry(&row.resource_id).or_insert(row.version);
        *version = row.version.max(*version);
    }
    let mut earlier = waiting()
        .filter(entity::COLUMN.insert_id.gt(last))
        .filter(entity::COLUMN.resource_id.is_in(newest.keys().copied()))
        .all(db.write())
        .await?;
    earlier.retain(|row| row.version < newest[row.resource_id.as_str()]);
    rows.extend(earlier);
    Ok(rows)
}

fn is_full(rows: usize) -> bool {
    u64::try_from(rows).is_ok_and(|rows| rows >= BATCH)
}

/// A resource's events by version, in the places that its events have by insert id.
fn in_order(rows: Vec<Model>) -> Vec<Model> {
    let places: Vec<String> = rows.iter().map(|row| row.resource_id.clone()).collect();
    let mut by_resource: BTreeMap<String, Vec<Model>> = BTreeMap::new();
    for row in rows {
        by_resource
            .entry(row.resource_id.clone())
            .or_default()
            .push(row);
    }
    let mut queues: BTreeMap<String, VecDeque<Model>> = by_resource
        .into_iter()
        .map(|(resource, mut rows)| {
            rows.sort_by_key(|row| (row.version, row.insert_id));
            (resource, rows.into())
        })
        .collect();
    places
        .iter()
        .filter_map(|place| queues.get_mut(place)?.pop_front())
        .collect()
}
