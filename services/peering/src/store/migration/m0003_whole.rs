//! What a peering remembers of its options, its earlier attempts, its network and what others changed; and what it is
//! found by.

use ::types::Labels;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use sea_orm_migration::prelude::*;

use crate::domain::Peer;

/// Rows read at once to be brought into the new columns.
const ROWS: i64 = 500;

pub(super) struct Whole;

impl MigrationName for Whole {
    fn name(&self) -> &str {
        "m0003_whole"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Whole {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        for statement in STATEMENTS {
            conn.execute_unprepared(statement).await?;
        }
        // Prefixes are compared byte by byte, as SQLite does by itself.
        let name = match manager.get_database_backend() {
            DbBackend::Postgres => "display_name COLLATE \"C\"",
            _ => "display_name",
        };
        let index = format!("CREATE INDEX peering_by_name ON peering (tenant_id, {name})");
        conn.execute_unprepared(&index).await?;
        fill(conn).await
    }
}

/// Brings what was recorded before into what peerings are found by.
async fn fill(conn: &impl ConnectionTrait) -> Result<(), DbErr> {
    let page = "SELECT id, peer, labels FROM peering WHERE id > $1 ORDER BY id LIMIT $2";
    let find = "UPDATE peering SET peer_account = $2, peer_vpc = $3 WHERE id = $1";
    let label = "INSERT INTO peering_label (peering_id, key, value) VALUES ($1, $2, $3)";
    let backend = conn.get_database_backend();
    let mut after = String::new();
    loop {
        let values: [Value; 2] = [after.as_str().into(), ROWS.into()];
        let ask = Statement::from_sql_and_values(backend, page, values);
        let rows = conn.query_all_raw(ask).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = row.try_get_by_index(0)?;
            let peer: Peer = read(&row, 1)?;
            run(conn, find, [&after, peer.account(), peer.vpc()]).await?;
            let labels: Labels = read(&row, 2)?;
            for (key, value) in labels.as_map() {
                run(conn, label, [&after, key, value]).await?;
            }
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(row: &QueryResult, column: usize) -> Result<T, DbErr> {
    let text: String = row.try_get_by_index(column)?;
    serde_json::from_str(&text).map_err(|error| DbErr::Custom(format!("{text}: {error}")))
}

async fn run(conn: &impl ConnectionTrait, sql: &str, values: [&str; 3]) -> Result<(), DbErr> {
    let values = values.map(Value::from);
    let backend = conn.get_database_backend();
    conn.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

/// SQLite and PostgreSQL write them alike.
const STATEMENTS: &[&str] = &[
    "ALTER TABLE peering ADD COLUMN options TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE peering ADD COLUMN peer_account TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE peering ADD COLUMN peer_vpc TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE peering ADD COLUMN former TEXT",
    "ALTER TABLE peering ADD COLUMN options_due BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE peering ADD COLUMN sets_options BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE peering ADD COLUMN options_told_at BIGINT",
    "ALTER TABLE peering ADD COLUMN network_due BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE peering ADD COLUMN allow_list_version BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE peering ADD COLUMN leaving TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE peering ADD COLUMN end_reason TEXT NOT NULL DEFAULT 'DELETE_REQUESTED'",
    "ALTER TABLE peering ADD COLUMN claims_at BIGINT",
    "ALTER TABLE peering ADD COLUMN repairs TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE peering ADD COLUMN routes_told_at BIGINT",
    "ALTER TABLE peering ADD COLUMN observed_cidrs TEXT NOT NULL DEFAULT '[]'",
    "CREATE INDEX peering_live ON peering (tenant_id, id) WHERE name_key IS NOT NULL",
    "CREATE INDEX peering_by_state ON peering (state, id) WHERE name_key IS NOT NULL",
    "CREATE INDEX peering_by_reason ON peering (reason, id) WHERE name_key IS NOT NULL",
    "CREATE INDEX peering_by_peer ON peering (peer_account, peer_vpc, id)",
    "CREATE INDEX peering_by_peer_vpc ON peering (peer_vpc, id)",
    "CREATE INDEX peering_by_cloud_id ON peering (provider_peering_id) WHERE provider_peering_id IS NOT NULL",
    "CREATE TABLE peering_label (peering_id TEXT NOT NULL REFERENCES peering (id), key TEXT NOT NULL, \
     value TEXT NOT NULL, PRIMARY KEY (peering_id, key))",
    "CREATE INDEX peering_label_by_value ON peering_label (key, value, peering_id)",
    "CREATE INDEX peering_by_purge ON peering (purge_at) WHERE purge_at IS NOT NULL",
];
