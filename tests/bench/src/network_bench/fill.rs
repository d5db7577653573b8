//! A hundred thousand networks, made in the database itself after the pattern of one that the program made.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use runtime::db::Db;
use sea_orm::ConnectionTrait;
use sea_orm::{DbBackend, Statement};

/// The tenant with half of the networks.
pub(super) const BIG: &str = "big";

/// A tenant with 20 networks, another for each number below 2,500.
pub(super) fn small(number: u32) -> String {
    format!("small-{}", number % 2_500)
}

/// The big tenant's networks have the /24 blocks of 10.5.0.0 to 10.200.80.0, a small one's a /16 each.
const FILL: [&str; 4] = [
    "CREATE TEMPORARY TABLE plan AS SELECT n, 'net_' || lpad(to_hex(n), 32, '0') AS id, \
     CASE WHEN n < 50000 THEN 'big' ELSE 'small-' || (n - 50000) / 20 END AS tenant_id, \
     CASE WHEN n < 50000 THEN 167772160::bigint + 327680 + n * 256 ELSE 167772160::bigint + (20 + n % 20) * 65536 END \
     AS first, CASE WHEN n < 50000 THEN 24 ELSE 16 END AS prefix_len FROM generate_series(0, 99999) AS n",
    "INSERT INTO network SELECT (jsonb_populate_record(pattern, jsonb_build_object(\
     'id', plan.id, 'tenant_id', plan.tenant_id, 'display_name', 'n' || n, \
     'name_key', plan.tenant_id || '|n' || n, 'state', 'ACTIVE', 'lane', 'drift', 'group_id', NULL, 'step_at', NULL, \
     'multi_region_group', CASE WHEN n % 2 = 0 THEN 'europe' ELSE '' END, \
     'cidr', host('0.0.0.0'::inet + plan.first) || '/' || prefix_len))).* FROM network AS pattern, plan",
    "INSERT INTO claim (network_id, kind, id, first, last, tenant_id, multi_region_group) \
     SELECT plan.id, 'NETWORK', plan.id, first, first + (1 << (32 - prefix_len)) - 1, plan.tenant_id, \
     multi_region_group FROM plan JOIN network ON network.id = plan.id",
    "INSERT INTO tenant (id, networks) SELECT tenant_id, COUNT(*) FROM plan GROUP BY tenant_id",
];

/// Fills the database, and has the planner know it.
pub(super) async fn fill(db: &Db) -> anyhow::Result<()> {
    let txn = db.begin().await?;
    for sql in FILL {
        txn.execute_unprepared(sql).await?;
    }
    txn.commit().await?;
    db.write().execute_unprepared("VACUUM ANALYZE").await?;
    Ok(())
}

/// How often each index of the tables about address space was scanned, and each table without one.
#[derive(Debug, Default)]
pub(super) struct Scans(BTreeMap<String, i64>);

impl Scans {
    pub(super) async fn read(db: &Db) -> anyhow::Result<Self> {
        // PostgreSQL counts what a connection did when that has been idle for ten seconds.
        tokio::time::sleep(Duration::from_secs(11)).await;
        let sql = "SELECT indexrelname::text, idx_scan FROM pg_stat_user_indexes \
                   WHERE relname IN ('network', 'claim', 'tenant') \
                   UNION ALL SELECT 'no index of ' || relname, seq_scan FROM pg_stat_user_tables \
                   WHERE relname IN ('network', 'claim')";
        let ask = Statement::from_string(DbBackend::Postgres, sql);
        let rows = db.read().query_all_raw(ask).await?;
        let counts = rows
            .iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)));
        Ok(Self(counts.collect::<anyhow::Result<_>>()?))
    }

    /// What was scanned since then.
    pub(super) async fn since(self, db: &Db) -> anyhow::Result<Self> {
        let now = Self::read(db).await?;
        let since = now.0.into_iter().map(|(name, count)| {
            let before = self.0.get(&name).copied().unwrap_or_default();
            (name, count - before)
        });
        Ok(Self(since.filter(|(_, count)| *count > 0).collect()))
    }
}

impl fmt::Display for Scans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().map(|(name, count)| format!("{name} {count}"));
        f.write_str(&named.collect::<Vec<_>>().join(", "))
    }
}
