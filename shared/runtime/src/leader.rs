//! Which replica acts where only one must: a row with a holder and an end, in the database's time.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use sea_orm_migration::prelude::*;

use crate::clock::millis;
use crate::db::{Db, POSTGRES_NOW};

/// The table `leader`.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(CreateLeader)
}

/// Takes or keeps the lead called `name` for `holder` until `ttl` from now; false while another holds it.
///
/// Call it again well before `ttl` has passed. Leadership saves work; it is no lock: whoever thought to
/// lead may be late, so what a leader writes is compare-and-set as everything else.
pub async fn hold(db: &Db, name: &str, holder: &str, ttl: Duration) -> Result<bool, DbErr> {
    // On SQLite the time is the clock's own, so it goes in as a number; on PostgreSQL it is read inside.
    let now = if db.is_postgres() {
        POSTGRES_NOW.into()
    } else {
        db.clock().now_ms().to_string()
    };
    let sql = format!(
        "INSERT INTO leader (name, holder, until) VALUES ($1, $2, {now} + $3) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until \
         WHERE leader.holder = excluded.holder OR leader.until <= {now}"
    );
    let values: [Value; 3] = [name.into(), holder.into(), millis(ttl).into()];
    let held = Statement::from_sql_and_values(db.backend(), sql, values);
    Ok(db.write().execute_raw(held).await?.rows_affected() == 1)
}

/// Gives the lead up at once, if `holder` has it.
pub async fn release(db: &Db, name: &str, holder: &str) -> Result<(), DbErr> {
    let sql = "DELETE FROM leader WHERE name = $1 AND holder = $2";
    let values: [Value; 2] = [name.into(), holder.into()];
    db.write()
        .execute_raw(Statement::from_sql_and_values(db.backend(), sql, values))
        .await?;
    Ok(())
}

struct CreateLeader;

impl MigrationName for CreateLeader {
    fn name(&self) -> &str {
        "m0001_leader"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateLeader {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let leader = Table::create()
            .table("leader")
            .col(ColumnDef::new("name").text().not_null().primary_key())
            .col(ColumnDef::new("holder").text().not_null())
            .col(ColumnDef::new("until").big_integer().not_null())
            .to_owned();
        manager.create_table(leader).await
    }
}
