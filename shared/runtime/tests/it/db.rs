//! The database.

use std::time::Duration;

use runtime::clock::Clock;
use runtime::config::DatabaseConfig;
use runtime::db::{self, Db};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use secrecy::SecretString;
use testkit::TestDatabase;

use crate::support::{Schema, on_both};

on_both! {
    an_old_schema_is_refused_and_migrating_twice_is_harmless
    what_is_rolled_back_is_gone
    the_database_answers_and_tells_the_time
    changes_at_the_same_time_all_happen
}

async fn an_old_schema_is_refused_and_migrating_twice_is_harmless(database: TestDatabase) {
    let db = database.connect().await;
    let refused = db::check_schema::<Schema>(&db)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("m0001_leader, m0001_request_id, m0001_event"),
        "{refused}"
    );
    assert!(refused.contains("migrate"), "{refused}");
    db::migrate::<Schema>(&db).await.unwrap();
    db::migrate::<Schema>(&db).await.unwrap();
    db::check_schema::<Schema>(&db).await.unwrap();
}

async fn what_is_rolled_back_is_gone(database: TestDatabase) {
    let db = counter(&database).await;
    let txn = db.begin().await.unwrap();
    raise(&txn).await.unwrap();
    txn.rollback().await.unwrap();
    let txn = db.begin().await.unwrap();
    raise(&txn).await.unwrap();
    drop(txn);
    assert_eq!(value(&db).await, 0);
    let txn = db.begin().await.unwrap();
    raise(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(value(&db).await, 1);
}

async fn the_database_answers_and_tells_the_time(database: TestDatabase) {
    let clock = Clock::manual(42);
    let db = database.connect_at(clock.clone()).await;
    db.ping().await.unwrap();
    let system = Clock::system().now_ms();
    let now = db.now_ms().await.unwrap();
    if db.is_postgres() {
        assert!(
            (now - system).abs() < 60_000,
            "{now} is the server's own time"
        );
    } else {
        assert_eq!(now, 42);
        clock.advance(Duration::from_secs(1));
        assert_eq!(db.now_ms().await.unwrap(), 1_042);
    }
}

async fn changes_at_the_same_time_all_happen(database: TestDatabase) {
    let db = counter(&database).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    let txn = db.begin().await.unwrap();
                    raise(&txn).await.unwrap();
                    txn.commit().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(value(&db).await, 40);
}

#[tokio::test]
async fn a_missing_sqlite_file_is_made_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/service.db");
    let db = connect(&format!("sqlite://{}", path.display()))
        .await
        .unwrap();
    db.write()
        .execute_unprepared("CREATE TABLE t (x BIGINT)")
        .await
        .unwrap();
    assert!(path.is_file());
}

#[tokio::test]
async fn the_readers_of_a_sqlite_file_cannot_write() {
    let database = testkit::sqlite();
    let db = counter(&database).await;
    assert!(
        db.read()
            .execute_unprepared("UPDATE counter SET x = 9")
            .await
            .is_err()
    );
    assert_eq!(value(&db).await, 0);
}

#[tokio::test]
async fn readers_see_the_last_commit_while_a_change_is_under_way() {
    let database = testkit::sqlite();
    let db = counter(&database).await;
    let txn = db.begin().await.unwrap();
    raise(&txn).await.unwrap();
    assert_eq!(value(&db).await, 0);
    txn.commit().await.unwrap();
    assert_eq!(value(&db).await, 1);
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_with_its_key() {
    for url in ["mysql://root@localhost/x", "", "sqlite::memory:"] {
        let refused = connect(url).await.unwrap_err().to_string();
        assert!(refused.contains("database.url"), "{url}: {refused}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_its_password() {
    // The port was free a moment ago, so nobody answers there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = DatabaseConfig {
        url: SecretString::from(format!("postgres://me:hunter2@127.0.0.1:{port}/x")),
        acquire_timeout: Duration::from_millis(100),
        ..DatabaseConfig::default()
    };
    let refused = Db::connect(&config, Clock::system())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(&format!("the database at 127.0.0.1:{port} ")),
        "{refused}"
    );
    assert!(
        !refused.contains("hunter2") && !refused.contains("me:"),
        "{refused}"
    );
}

async fn connect(url: &str) -> Result<Db, DbErr> {
    let config = DatabaseConfig {
        url: SecretString::from(url),
        ..DatabaseConfig::default()
    };
    Db::connect(&config, Clock::system()).await
}

async fn counter(database: &TestDatabase) -> Db {
    let db = database.connect().await;
    db.write()
        .execute_unprepared("CREATE TABLE counter (x BIGINT)")
        .await
        .unwrap();
    db.write()
        .execute_unprepared("INSERT INTO counter VALUES (0)")
        .await
        .unwrap();
    db
}

async fn raise(txn: &DatabaseTransaction) -> Result<(), DbErr> {
    txn.execute_unprepared("UPDATE counter SET x = x + 1")
        .await
        .map(|_| ())
}

async fn value(db: &Db) -> i64 {
    let backend = db.read().get_database_backend();
    let ask = sea_orm::Statement::from_string(backend, "SELECT x FROM counter");
    db.read()
        .query_one_raw(ask)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}
