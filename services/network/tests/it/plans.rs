//! What PostgreSQL reads for questions that are asked often, of a hundred thousand networks.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::network::domain::{Limits, State};
use ::network::store::{Filter, Migrator, Store};
use runtime::db::{self, Db};
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDatabase;
use types::{Labels, ProviderKind, TenantScope};

use crate::suite::PATIENCE;

/// A hundred thousand, of which one tenant has all but a hundredth. Every tenth is DELETED, fifty are DELETING.
const ROWS: &str = "INSERT INTO network (id, tenant_id, display_name, provider, region, cidr, labels, state, reason, message, \
    account_id, subnets, parts, refused_accounts, operation_token, lane, next_guarded, touched, retries, failures, \
    peering_count, datastore_count, version, lane_since, create_time, update_time, name_key) \
    SELECT 'net_' || lpad(to_hex(n), 32, '0'), CASE WHEN n % 100 = 7 THEN 't' || n % 1000 ELSE 'acme' END, 'n' || n, \
    CASE WHEN n % 3 = 0 THEN 'gcp' ELSE 'aws' END, 'eu-west-1', '10.20.0.0/16', '{}', \
    CASE WHEN n % 10 = 1 THEN 'DELETED' WHEN n % 2000 = 0 THEN 'DELETING' ELSE 'ACTIVE' END, '', repeat('.', 500), \
    'account-' || n % 40, '[]', '[]', '[]', '', 'drift', FALSE, TRUE, 0, 0, 0, 0, 1, 0, 0, 0, \
    CASE WHEN n % 10 = 1 THEN NULL ELSE 'name-' || n END FROM generate_series(1, 100000) AS n";

/// How often each question is asked: after some times PostgreSQL plans for any values instead of these.
const ASKED: i64 = 12;

#[tokio::test]
async fn what_is_asked_often_is_not_read_from_all_networks() {
    let database = testkit::postgres().await;
    let db = database.connect().await;
    db::migrate::<Migrator>(&db).await.unwrap();
    for sql in [ROWS, "VACUUM ANALYZE network"] {
        db.write().execute_unprepared(sql).await.unwrap();
    }
    db.close().await.unwrap();
    let before = reads(&database).await;

    let db = database.connect().await;
    let store = Store::new(
        db.clone(),
        |_| Vec::new(),
        Limits::default(),
        Arc::default(),
    );
    for _ in 0..ASKED {
        for tenants in [TenantScope::All, TenantScope::One("acme".parse().unwrap())] {
            let leaving = Filter {
                tenants,
                state: Some(State::Deleting),
                provider: None,
                region: None,
                labels: Labels::default(),
                name_prefix: String::new(),
                show_deleted: false,
            };
            assert_eq!(store.list(&leaving, None, 1_000).await.unwrap().len(), 50);
        }
        let usage = store.usage(ProviderKind::Aws).await.unwrap();
        assert_eq!(usage.values().sum::<i64>(), 60_000);
    }
    drop(store);
    db.close().await.unwrap();
    let after = reads(&database).await;
    let asked = |index: &str| after[index].0 - before[index].0;
    assert_eq!(asked("network"), 0, "no scan of the table: {after:?}");
    assert_eq!(asked("network_by_account"), ASKED);
    let walked = ["network_by_state", "network_live", "network_by_tenant"]
        .map(|index| after[index].1 - before[index].1);
    assert_eq!(walked.iter().sum::<i64>(), 2 * ASKED * 50, "{walked:?}");
}

/// Scans and entries read, of the table as a whole and of its indexes. What a connection has read is counted at its end at
/// the latest, so all others have to be gone.
async fn reads(database: &TestDatabase) -> BTreeMap<String, (i64, i64)> {
    const OTHERS: &str = "SELECT COUNT(*) AS others FROM pg_stat_activity WHERE datname = current_database() \
        AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    const READS: &str = "SELECT relname::text AS name, seq_scan AS scans, seq_tup_read AS read FROM pg_stat_user_tables \
        WHERE relname = 'network' UNION ALL \
        SELECT indexrelname::text, idx_scan, idx_tup_read FROM pg_stat_user_indexes WHERE relname = 'network'";
    let db: Db = database.connect().await;
    let began = std::time::Instant::now();
    let ask = |sql: &str| Statement::from_string(db.read().get_database_backend(), sql);
    loop {
        let row = db.read().query_one_raw(ask(OTHERS)).await.unwrap().unwrap();
        let others: i64 = row.try_get("", "others").unwrap();
        if others == 0 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{others} are still there");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let rows = db.read().query_all_raw(ask(READS)).await.unwrap();
    db.close().await.unwrap();
    rows.iter()
        .map(|row| {
            let count = |column| row.try_get("", column).unwrap();
            let name = row.try_get("", "name").unwrap();
            (name, (count("scans"), count("read")))
        })
        .collect()
}
