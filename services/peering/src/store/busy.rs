//! Networks on which an operation of a cloud is, or may be, under way: at most one peering holds each of them.
//!
//! The rows of `cloud_busy` follow `busy_since` of the peerings, in the same transactions.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, Value};
use types::GroupId;

use super::{Error, Store};
use crate::domain::Peering;

const CLAIM: &str = "INSERT INTO cloud_busy (network, peering_id, since) VALUES ($1, $3, $4), ($2, $3, $4) \
     ON CONFLICT (network) DO NOTHING";
/// What stands there already for the same peering is its own. Rows of others are not even locked.
const OWN: &str = "UPDATE cloud_busy SET since = $4 WHERE network IN ($1, $2) AND peering_id = $3";
const RELEASE: &str = "DELETE FROM cloud_busy WHERE network IN ($1, $2) AND peering_id = $3";
const HOLDER: &str =
    "SELECT network FROM cloud_busy WHERE network IN ($1, $2) AND peering_id <> $3";

/// Those who wait for one of two networks. A row that somebody writes at this moment is left to its own time.
const WAITERS: &str = "SELECT id FROM peering WHERE waits_for IN ($1, $2) AND step_at > $3";
const WAKE: [&str; 2] = [
    "UPDATE peering SET step_at = $3 WHERE id IN (",
    ") RETURNING group_id",
];

/// Takes both networks of a peering; false when another has one of them.
pub(super) async fn claim(
    txn: &DatabaseTransaction,
    peering: &Peering,
    now: i64,
) -> Result<bool, DbErr> {
    let Some([one, other]) = peering.guarded_networks() else {
        return Ok(true);
    };
    let values = [
        one.into(),
        other.into(),
        peering.id.to_string().into(),
        now.into(),
    ];
    let taken = txn
        .execute_raw(statement(txn, CLAIM, values.clone()))
        .await?;
    if taken.rows_affected() == 2 {
        return Ok(true);
    }
    let own = txn.execute_raw(statement(txn, OWN, values)).await?;
    Ok(own.rows_affected() == 2)
}

/// Gives both networks of a peering back and makes the steps due that wait for them. Answers with their groups.
pub(super) async fn release(
    txn: &DatabaseTransaction,
    peering: &Peering,
    now: i64,
) -> Result<Vec<GroupId>, DbErr> {
    let Some([one, other]) = peering.guarded_networks() else {
        return Ok(Vec::new());
    };
    let both: [Value; 2] = [one.into(), other.into()];
    let [one, other] = both.clone();
    let values = [one, other, peering.id.to_string().into()];
    txn.execute_raw(statement(txn, RELEASE, values)).await?;
    let skip = match txn.get_database_backend() {
        DbBackend::Postgres => " ORDER BY id FOR UPDATE SKIP LOCKED",
        _ => "",
    };
    let sql = format!("{}{WAITERS}{skip}{}", WAKE[0], WAKE[1]);
    let [one, other] = both;
    let woken = txn
        .query_all_raw(statement(txn, &sql, [one, other, now.into()]))
        .await?;
    let mut groups = Vec::new();
    for row in woken {
        let group: Option<String> = row.try_get_by_index(0)?;
        groups.extend(group.and_then(|group| group.parse::<GroupId>().ok()));
    }
    groups.sort_by_cached_key(ToString::to_string);
    groups.dedup();
    Ok(groups)
}

fn statement<const N: usize>(
    txn: &DatabaseTransaction,
    sql: &str,
    values: [Value; N],
) -> Statement {
    Statement::from_sql_and_values(txn.get_database_backend(), sql, values)
}

impl Store {
    /// Which of a peering's networks another one holds at this moment.
    pub async fn busy_network(&self, peering: &Peering) -> Result<Option<String>, Error> {
        let Some([one, other]) = peering.guarded_networks() else {
            return Ok(None);
        };
        let connection = self.db.write();
        let values: [Value; 3] = [one.into(), other.into(), peering.id.to_string().into()];
        let backend = connection.get_database_backend();
        let ask = Statement::from_sql_and_values(backend, HOLDER, values);
        let row = connection.query_one_raw(ask).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }
}
