//! Events of resources that are gone for good.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect, Statement, Value,
};
use sea_orm_migration::prelude::*;

use super::entity::{COLUMN, Entity};

/// The column of the table `sequencer` that says up to which number events may be missing.
pub fn purge_migration() -> Box<dyn MigrationTrait> {
    Box::new(AddPurged)
}

/// Removes all events of a resource, in the transaction that removes the resource; returns how many. Tokens of places
/// before the last of them are too old from then on.
///
/// # Errors
/// When one of them has no number yet: the log would have a hole that nobody accounts for. Try again later.
pub async fn purge(txn: &DatabaseTransaction, resource_id: &str) -> Result<u64, DbErr> {
    let of_it = || Entity::find().filter(COLUMN.resource_id.eq(resource_id));
    let unnumbered = of_it().filter(COLUMN.seq.is_null()).count(txn).await?;
    if unnumbered > 0 {
        return Err(DbErr::Custom(format!(
            "{unnumbered} events of {resource_id} have no number yet"
        )));
    }
    let last: Option<i64> = of_it()
        .select_only()
        .column_as(COLUMN.seq.max(), "last")
        .into_tuple()
        .one(txn)
        .await?
        .flatten();
    let Some(last) = last else {
        return Ok(0);
    };
    let sql = "UPDATE sequencer SET purged_seq = $1 WHERE id = 1 AND purged_seq < $1";
    let values: [Value; 1] = [last.into()];
    let backend = txn.get_database_backend();
    txn.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    let removed = Entity::delete_many()
        .filter(COLUMN.resource_id.eq(resource_id))
        .filter(COLUMN.seq.is_not_null())
        .exec(txn)
        .await?;
    Ok(removed.rows_affected)
}

/// The greatest number of an event that was purged; 0: none was.
pub(super) async fn purged(conn: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let sql = "SELECT purged_seq FROM sequencer WHERE id = 1";
    let ask = Statement::from_string(conn.get_database_backend(), sql);
    let row = conn.query_one_raw(ask).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the sequencer's row".into()))?
        .try_get_by_index(0)
}

struct AddPurged;

impl MigrationName for AddPurged {
    fn name(&self) -> &str {
        "m0002_event_purge"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddPurged {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let purged = Table::alter()
            .table("sequencer")
            .add_column(
                ColumnDef::new("purged_seq")
                    .big_integer()
                    .not_null()
                    .default(0_i64),
            )
            .to_owned();
        manager.alter_table(purged).await
    }
}
