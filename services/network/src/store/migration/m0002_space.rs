//! Claims to be searched by range, labels to be searched, allow lists and how far the firewall is.

use ::types::{Cidr, Labels};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use sea_orm_migration::prelude::*;

use crate::store::claims::bounds;

pub(super) struct AddSpace;

impl MigrationName for AddSpace {
    fn name(&self) -> &str {
        "m0002_space"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddSpace {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let conn = manager.get_connection();
        for sql in SCHEMA {
            conn.execute_unprepared(sql).await?;
        }
        // Prefixes are compared byte by byte, as SQLite does by itself.
        let name = match manager.get_database_backend() {
            DbBackend::Postgres => "display_name COLLATE \"C\"",
            _ => "display_name",
        };
        let index = format!("CREATE INDEX network_by_name ON network (tenant_id, {name})");
        conn.execute_unprepared(&index).await?;
        fill(conn).await
    }
}

/// Both databases understand every statement. A live network is one with a `name_key`.
const SCHEMA: &[&str] = &[
    "ALTER TABLE network ADD COLUMN multi_region_group TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE network ADD COLUMN missed TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE network ADD COLUMN reshaped TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE network ADD COLUMN repairs TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE network ADD COLUMN whole TEXT",
    "ALTER TABLE network ADD COLUMN vpc_step_at BIGINT",
    "ALTER TABLE network ADD COLUMN firewall_goal BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE network ADD COLUMN firewall_done BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE network ADD COLUMN firewall_done_at BIGINT",
    "ALTER TABLE network ADD COLUMN firewall_token TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE network ADD COLUMN firewall_step_at BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE network ADD COLUMN firewall_retries INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE network ADD COLUMN firewall_failures INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE network ADD COLUMN firewall_reason TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE network ADD COLUMN firewall_message TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE network ADD COLUMN firewall_since BIGINT NOT NULL DEFAULT 0",
    "CREATE INDEX network_live ON network (tenant_id, id) WHERE name_key IS NOT NULL",
    "CREATE INDEX network_by_state ON network (state, id) WHERE name_key IS NOT NULL",
    "CREATE INDEX network_by_account ON network (provider, account_id, region) WHERE name_key IS NOT NULL",
    "CREATE TABLE claim (network_id TEXT NOT NULL REFERENCES network (id), kind TEXT NOT NULL, id TEXT NOT NULL, \
     first BIGINT NOT NULL, last BIGINT NOT NULL, tenant_id TEXT NOT NULL, multi_region_group TEXT NOT NULL DEFAULT '', \
     PRIMARY KEY (network_id, kind, id, first, last))",
    "CREATE INDEX claim_by_range ON claim (tenant_id, first, last)",
    "CREATE INDEX claim_by_end ON claim (tenant_id, last, first)",
    "CREATE INDEX claim_by_group ON claim (tenant_id, multi_region_group, first, last) WHERE multi_region_group <> ''",
    "ALTER TABLE tenant ADD COLUMN networks BIGINT NOT NULL DEFAULT 0",
    "INSERT INTO tenant (id, networks) SELECT tenant_id, COUNT(*) FROM network WHERE name_key IS NOT NULL \
     GROUP BY tenant_id ON CONFLICT (id) DO UPDATE SET networks = excluded.networks",
    "CREATE TABLE allow_list_entry (network_id TEXT NOT NULL REFERENCES network (id), first BIGINT NOT NULL, \
     last BIGINT NOT NULL, cidr TEXT NOT NULL, description TEXT NOT NULL, goal BIGINT NOT NULL, \
     create_time BIGINT NOT NULL, PRIMARY KEY (network_id, first, last))",
    "CREATE TABLE network_label (network_id TEXT NOT NULL REFERENCES network (id), key TEXT NOT NULL, \
     value TEXT NOT NULL, PRIMARY KEY (network_id, key))",
    "CREATE INDEX network_label_by_value ON network_label (key, value, network_id)",
    // What stands gets its firewall looked at once.
    "UPDATE network SET firewall_since = create_time, firewall_step_at = update_time, vpc_step_at = step_at, \
     step_at = CASE WHEN state = 'ACTIVE' THEN update_time ELSE step_at END",
];

/// Brings what was recorded before into the new tables.
async fn fill(conn: &impl ConnectionTrait) -> Result<(), DbErr> {
    let all = |sql: &str| Statement::from_string(conn.get_database_backend(), sql);
    let networks = "SELECT id, tenant_id, cidr, labels FROM network WHERE name_key IS NOT NULL";
    for row in conn.query_all_raw(all(networks)).await? {
        let (id, tenant) = (text(&row, "id")?, text(&row, "tenant_id")?);
        let cidr = text(&row, "cidr")?;
        claim(conn, &tenant, &id, "NETWORK", &id, &cidr).await?;
        let labels: Labels = read(&text(&row, "labels")?)?;
        for (key, value) in labels.as_map() {
            let sql = "INSERT INTO network_label (network_id, key, value) VALUES ($1, $2, $3)";
            let values = [id.as_str().into(), key.into(), value.into()];
            run(conn, sql, values).await?;
        }
    }
    let peerings = "SELECT network_id, tenant_id, id, cidrs FROM attachment WHERE kind = 'PEERING'";
    for row in conn.query_all_raw(all(peerings)).await? {
        let (network, tenant) = (text(&row, "network_id")?, text(&row, "tenant_id")?);
        let ranges: Vec<String> = read(&text(&row, "cidrs")?)?;
        for range in ranges {
            claim(
                conn,
                &tenant,
                &network,
                "PEERING",
                &text(&row, "id")?,
                &range,
            )
            .await?;
        }
    }
    Ok(())
}

async fn claim(
    conn: &impl ConnectionTrait,
    tenant: &str,
    network: &str,
    kind: &str,
    id: &str,
    range: &str,
) -> Result<(), DbErr> {
    let range: Cidr = range.parse().map_err(|_| unreadable(range))?;
    let (first, last) = bounds(&range);
    let sql = "INSERT INTO claim (network_id, kind, id, first, last, tenant_id) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        network.into(),
        kind.into(),
        id.into(),
        first.into(),
        last.into(),
        tenant.into(),
    ];
    run(conn, sql, values).await
}

async fn run(
    conn: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(), DbErr> {
    let backend = conn.get_database_backend();
    conn.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

fn text(row: &QueryResult, column: &str) -> Result<String, DbErr> {
    row.try_get("", column)
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, DbErr> {
    serde_json::from_str(json).map_err(|_| unreadable(json))
}

fn unreadable(what: &str) -> DbErr {
    DbErr::Migration(format!("{what:?} cannot be read"))
}
