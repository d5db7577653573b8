//! What the release before wrote, brought into the tables of this one.

use ::network::store::Migrator;
use runtime::db::{self, Db};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use sea_orm_migration::MigratorTrait;
use testkit::TestDatabase;

/// The last migration of the release before.
const BEFORE: &str = "m0001_network";

/// Each network: id, tenant, range, labels, state, created and changed at, next step at.
type Row<'a> = (
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    (i64, i64),
    Option<i64>,
);

const NETWORKS: &[Row<'_>] = &[
    (
        "net_a",
        "acme",
        "10.20.0.0/16",
        r#"{"env":"prod","acme.io/team":"db"}"#,
        "ACTIVE",
        (100, 200),
        None,
    ),
    (
        "net_b",
        "acme",
        "10.20.0.0/24",
        "{}",
        "PENDING",
        (110, 210),
        Some(5_000),
    ),
    (
        "net_c",
        "acme",
        "10.30.0.0/16",
        r#"{"env":"old"}"#,
        "DELETED",
        (120, 220),
        None,
    ),
    (
        "net_d",
        "globex",
        "172.16.0.0/20",
        "{}",
        "DELETING",
        (130, 230),
        Some(6_000),
    ),
    (
        "net_e",
        "gone",
        "10.40.0.0/16",
        "{}",
        "DELETED",
        (140, 240),
        None,
    ),
];

/// Each attachment: network, kind, id, ranges.
const ATTACHMENTS: &[(&str, &str, &str, &str)] = &[
    (
        "net_a",
        "PEERING",
        "peer_1",
        r#"["10.1.0.0/16","192.168.7.0/32"]"#,
    ),
    ("net_a", "PEERING", "peer_2", "[]"),
    ("net_a", "DATASTORE", "ds_1", r#"["10.20.4.0/28"]"#),
];

async fn run(db: &Db, sql: &str) {
    let done = db.write().execute_unprepared(sql).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn all<T>(db: &Db, sql: &str, read: impl Fn(&QueryResult) -> T) -> Vec<T> {
    let conn = db.read();
    let ask = Statement::from_string(conn.get_database_backend(), sql);
    let rows = conn.query_all_raw(ask).await.unwrap();
    rows.iter().map(read).collect()
}

fn text(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap()
}

fn number(row: &QueryResult, column: &str) -> i64 {
    row.try_get("", column).unwrap()
}

/// A database as the release before left it.
async fn old(database: &TestDatabase) -> Db {
    let db = database.connect().await;
    let migrations = Migrator::migrations();
    let last = migrations.iter().position(|one| one.name() == BEFORE);
    let steps = u32::try_from(last.unwrap() + 1).unwrap();
    Migrator::up(db.write(), Some(steps)).await.unwrap();
    // Tenants had a row once they attached or deleted.
    run(&db, "INSERT INTO tenant (id) VALUES ('acme'), ('gone')").await;
    for (id, tenant, cidr, labels, state, (created, changed), step_at) in NETWORKS {
        let name_key = match *state {
            "DELETED" => "NULL".to_owned(),
            _ => format!("'{tenant}|{id}'"),
        };
        let step_at = step_at.map_or("NULL".to_owned(), |at| at.to_string());
        let sql = format!(
            "INSERT INTO network (id, tenant_id, display_name, provider, region, cidr, labels, state, reason, message, \
             subnets, parts, refused_accounts, operation_token, lane, next_guarded, touched, retries, failures, \
             peering_count, datastore_count, version, lane_since, create_time, update_time, step_at, name_key) \
             VALUES ('{id}', '{tenant}', '{id}', 'aws', 'eu-west-1', '{cidr}', '{labels}', '{state}', '', '', \
             '[]', '[]', '[]', '', 'drift', FALSE, TRUE, 0, 0, 2, 1, 4, {created}, {created}, {changed}, {step_at}, {name_key})"
        );
        run(&db, &sql).await;
    }
    for (network, kind, id, cidrs) in ATTACHMENTS {
        let sql = format!(
            "INSERT INTO attachment (network_id, kind, id, tenant_id, cidrs, ports, private_name, peer_identity, \
             allow_overlap, create_time) VALUES ('{network}', '{kind}', '{id}', 'acme', '{cidrs}', '[5432]', '', '', FALSE, 150)"
        );
        run(&db, &sql).await;
    }
    db
}

async fn what_was_there_is_found_as_if_it_were_new(database: TestDatabase) {
    let db = old(&database).await;
    db::migrate::<Migrator>(&db).await.unwrap();
    db::check_schema::<Migrator>(&db).await.unwrap();

    let claims = "SELECT * FROM claim ORDER BY tenant_id, first, last";
    let claims = all(&db, claims, |row| {
        let network = text(row, "network_id");
        let who = format!(
            "{} {} {} {}",
            text(row, "tenant_id"),
            network,
            text(row, "kind"),
            text(row, "id")
        );
        let group = text(row, "multi_region_group");
        (who, number(row, "first"), number(row, "last"), group)
    })
    .await;
    let claim = |who: &str, [a, b, c, d]: [i64; 4], size: i64| {
        let first = ((a * 256 + b) * 256 + c) * 256 + d;
        (who.to_owned(), first, first + size - 1, String::new())
    };
    assert_eq!(
        claims,
        [
            claim("acme net_a PEERING peer_1", [10, 1, 0, 0], 65_536),
            claim("acme net_b NETWORK net_b", [10, 20, 0, 0], 256),
            claim("acme net_a NETWORK net_a", [10, 20, 0, 0], 65_536),
            claim("acme net_a PEERING peer_1", [192, 168, 7, 0], 1),
            claim("globex net_d NETWORK net_d", [172, 16, 0, 0], 4_096),
        ],
        "datastores and what is DELETED claim nothing"
    );

    let labels = "SELECT * FROM network_label ORDER BY network_id, key";
    let labels = all(&db, labels, |row| {
        format!(
            "{} {}={}",
            text(row, "network_id"),
            text(row, "key"),
            text(row, "value")
        )
    })
    .await;
    assert_eq!(labels, ["net_a acme.io/team=db", "net_a env=prod"]);

    let tenants = "SELECT id, networks FROM tenant ORDER BY id";
    let tenants = all(&db, tenants, |row| {
        (text(row, "id"), number(row, "networks"))
    })
    .await;
    let counted = [("acme", 2), ("globex", 1), ("gone", 0)];
    assert_eq!(tenants, counted.map(|(id, count)| (id.to_owned(), count)));

    let networks = "SELECT id, multi_region_group, missed, repairs, firewall_goal, firewall_done, firewall_since, step_at \
                    FROM network ORDER BY id";
    let networks = all(&db, networks, |row| {
        let empty = ["multi_region_group", "missed", "repairs"].map(|column| text(row, column));
        assert_eq!(empty, ["", "[]", "[]"]);
        let goal = (number(row, "firewall_goal"), number(row, "firewall_done"));
        assert_eq!(goal, (1, 0), "no firewall is as it should be yet");
        let step_at: Option<i64> = row.try_get("", "step_at").unwrap();
        (text(row, "id"), number(row, "firewall_since"), step_at)
    })
    .await;
    let expected = NETWORKS
        .iter()
        .map(|(id, _, _, _, state, (created, changed), step_at)| {
            // What stands gets its firewall looked at once.
            let step_at = if *state == "ACTIVE" {
                Some(*changed)
            } else {
                *step_at
            };
            ((*id).to_owned(), *created, step_at)
        });
    assert_eq!(networks, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_there_is_found_as_if_it_were_new_on_sqlite() {
    what_was_there_is_found_as_if_it_were_new(testkit::sqlite()).await;
}

#[tokio::test]
async fn what_was_there_is_found_as_if_it_were_new_on_postgres() {
    what_was_there_is_found_as_if_it_were_new(testkit::postgres().await).await;
}
