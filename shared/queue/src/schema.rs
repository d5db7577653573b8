//! The tables `check_group` and `check_lane`, and what a service does to them in transactions of its own.
//!
//! `due_at` is what a lane's rows ask for: turns write it when they end, [`hasten`] pulls it forward. A claim
//! does not touch it, so that a change of it during a turn tells that something came up meanwhile.

use std::fmt::Display;

use ::types::GroupId;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, ExecResult, QueryResult, Statement, Value,
};
use sea_orm_migration::prelude::*;

use crate::Lane;

/// What the table says about a group's lane. Times are milliseconds since the epoch, the database's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRow {
    /// When it is due.
    pub due_at: i64,
    /// Just before the rows of the last complete look were read.
    pub covered_at: Option<i64>,
    /// The same for routes and firewall; none when they are to be looked at next time.
    pub wired_at: Option<i64>,
    /// Why the last turn did not do all it should.
    pub last_error: Option<String>,
}

impl LaneRow {
    pub(crate) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            due_at: row.try_get("", "due_at")?,
            covered_at: row.try_get("", "covered_at")?,
            wired_at: row.try_get("", "wired_at")?,
            last_error: row.try_get("", "last_error")?,
        })
    }
}

/// Makes the group with its three lanes, due `now`; nothing happens when it exists. Call it in the
/// transaction of the first row that names the group, and nudge after the commit.
pub async fn ensure_group(
    txn: &DatabaseTransaction,
    group: &GroupId,
    now: i64,
) -> Result<(), DbErr> {
    let made = run(
        txn,
        "INSERT INTO check_group (group_id) VALUES ($1) ON CONFLICT (group_id) DO NOTHING",
        [text(group)],
    );
    if made.await?.rows_affected() == 0 {
        return Ok(());
    }
    for lane in Lane::ALL {
        let values = [text(group), lane.as_str().into(), now.into()];
        let sql = "INSERT INTO check_lane (group_id, lane, due_at) VALUES ($1, $2, $3)";
        run(txn, sql, values).await?;
    }
    Ok(())
}

/// Pulls a lane's due time forward to `at` in the transaction of the change that asks for it, so that the
/// sweep finds the change even when the nudge after the commit is lost, and so that a turn that runs now
/// and did not see it is followed by another at once.
pub async fn hasten(
    txn: &impl ConnectionTrait,
    group: &GroupId,
    lane: Lane,
    at: i64,
) -> Result<(), DbErr> {
    // By at least 1 ms: a turn under way must see that the value changed.
    let sql = "UPDATE check_lane \
               SET due_at = CASE WHEN due_at - 1 < $3 THEN due_at - 1 ELSE $3 END, \
                   nudged = CASE WHEN lease_nonce IS NULL THEN nudged ELSE TRUE END \
               WHERE group_id = $1 AND lane = $2";
    let values = [text(group), lane.as_str().into(), at.into()];
    run(txn, sql, values).await?;
    Ok(())
}

/// Holds the group's row until the transaction ends, so that what is counted over the group's entries stays
/// true until then. The group must exist.
pub async fn lock_group(txn: &DatabaseTransaction, group: &GroupId) -> Result<(), DbErr> {
    let sql = "UPDATE check_group SET group_id = group_id WHERE group_id = $1";
    run(txn, sql, [text(group)]).await?;
    Ok(())
}

pub(crate) async fn lane(
    conn: &impl ConnectionTrait,
    group: &GroupId,
    lane: Lane,
) -> Result<Option<LaneRow>, DbErr> {
    let sql = "SELECT due_at, covered_at, wired_at, last_error FROM check_lane \
               WHERE group_id = $1 AND lane = $2";
    let rows = rows(conn, sql, [text(group), lane.as_str().into()]).await?;
    rows.first().map(LaneRow::read).transpose()
}

/// A value as it stands in a text column.
pub(crate) fn text(value: impl Display) -> Value {
    value.to_string().into()
}

/// Runs one statement; `$1` and so on are understood by both kinds of database.
pub(crate) async fn run(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<ExecResult, DbErr> {
    let backend = conn.get_database_backend();
    conn.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await
}

/// Runs one statement that answers with rows.
pub(crate) async fn rows(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>, DbErr> {
    let backend = conn.get_database_backend();
    conn.query_all_raw(Statement::from_sql_and_values(backend, sql, values))
        .await
}

/// The tables `check_group` and `check_lane`.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(CreateQueue)
}

struct CreateQueue;

impl MigrationName for CreateQueue {
    fn name(&self) -> &str {
        "m0001_queue"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateQueue {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let count = |name: &'static str| {
            ColumnDef::new(name)
                .big_integer()
                .not_null()
                .default(0)
                .to_owned()
        };
        let group = Table::create()
            .table("check_group")
            .col(ColumnDef::new("group_id").text().not_null().primary_key())
            .col(ColumnDef::new("read_gate_until").big_integer())
            .col(count("read_gate_ms"))
            .col(ColumnDef::new("write_gate_until").big_integer())
            .col(count("write_gate_ms"))
            .col(ColumnDef::new("suspended_at").big_integer())
            .col(ColumnDef::new("reason").text())
            .to_owned();
        let lane = Table::create()
            .table("check_lane")
            .col(ColumnDef::new("group_id").text().not_null())
            .col(ColumnDef::new("lane").text().not_null())
            .col(ColumnDef::new("due_at").big_integer().not_null())
            .col(ColumnDef::new("nudged").boolean().not_null().default(false))
            .col(ColumnDef::new("lease_nonce").text())
            .col(count("lease_until"))
            .col(ColumnDef::new("covered_at").big_integer())
            .col(ColumnDef::new("wired_at").big_integer())
            .col(ColumnDef::new("last_error").text())
            .primary_key(Index::create().col("group_id").col("lane"))
            .foreign_key(
                ForeignKey::create()
                    .name("check_lane_group")
                    .from("check_lane", "group_id")
                    .to("check_group", "group_id"),
            )
            .to_owned();
        let due = Index::create()
            .name("check_lane_due")
            .table("check_lane")
            .col("lane")
            .col("due_at")
            .to_owned();
        manager.create_table(group).await?;
        manager.create_table(lane).await?;
        manager.create_index(due).await
    }
}
