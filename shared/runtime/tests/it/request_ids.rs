//! Calls that are repeated.

use std::time::Duration;

use runtime::clock::millis;
use runtime::db::{self, Db};
use runtime::request_ids::{self, Error, Key};
use runtime::status;
use testkit::TestDatabase;
use tonic::{Code, Status};

use crate::support::{Schema, on_both};

const NOW: i64 = 1_800_000_000_000;

on_both! {
    the_same_call_has_the_same_answer
    another_body_is_refused
    tenants_and_methods_do_not_see_each_others
    an_answer_is_forgotten_after_a_day_and_its_id_is_free
    old_answers_are_purged_the_oldest_first_and_no_more_at_once_than_asked
    of_two_answers_at_once_one_is_stored
    a_change_that_is_rolled_back_leaves_no_answer
}

fn key(tenant: &str, method: &'static str, id: &str, body: &str) -> Key {
    Key::new(tenant, method, id, &body.to_owned()).unwrap()
}

async fn migrated(database: &TestDatabase) -> Db {
    let db = database.connect().await;
    db::migrate::<Schema>(&db).await.unwrap();
    db
}

async fn store(db: &Db, key: &Key, answer: &str, now: i64) -> Result<(), Error> {
    let txn = db.begin().await.unwrap();
    request_ids::store(&txn, key, &answer.to_owned(), now).await?;
    txn.commit().await.unwrap();
    Ok(())
}

async fn replay(db: &Db, key: &Key, now: i64) -> Result<Option<String>, Error> {
    request_ids::replay(db.read(), key, now).await
}

async fn the_same_call_has_the_same_answer(database: TestDatabase) {
    let db = migrated(&database).await;
    let call = key("acme", "Create", "r1", "body");
    assert_eq!(replay(&db, &call, NOW).await.unwrap(), None);
    store(&db, &call, "first", NOW).await.unwrap();
    assert_eq!(
        replay(&db, &call, NOW + 1).await.unwrap().as_deref(),
        Some("first")
    );
}

async fn another_body_is_refused(database: TestDatabase) {
    let db = migrated(&database).await;
    store(&db, &key("acme", "Create", "r1", "body"), "first", NOW)
        .await
        .unwrap();
    let error = replay(&db, &key("acme", "Create", "r1", "other"), NOW)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Reused));
    let refused = Status::from(error);
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(
        status::reason(&refused).as_deref(),
        Some("REQUEST_ID_REUSED")
    );
}

async fn tenants_and_methods_do_not_see_each_others(database: TestDatabase) {
    let db = migrated(&database).await;
    store(&db, &key("acme", "Create", "r1", "body"), "first", NOW)
        .await
        .unwrap();
    for other in [
        key("umbrella", "Create", "r1", "x"),
        key("acme", "Delete", "r1", "x"),
    ] {
        assert_eq!(replay(&db, &other, NOW).await.unwrap(), None);
        store(&db, &other, "second", NOW).await.unwrap();
    }
}

async fn an_answer_is_forgotten_after_a_day_and_its_id_is_free(database: TestDatabase) {
    let db = migrated(&database).await;
    let day = millis(Duration::from_secs(86_400));
    store(&db, &key("acme", "Create", "r1", "body"), "first", NOW)
        .await
        .unwrap();
    let again = key("acme", "Create", "r1", "another body");
    assert_eq!(replay(&db, &again, NOW + day).await.unwrap(), None);
    store(&db, &again, "second", NOW + day).await.unwrap();
    assert_eq!(
        replay(&db, &again, NOW + day).await.unwrap().as_deref(),
        Some("second")
    );
    assert_eq!(request_ids::purge(&db, NOW + 2 * day, 9).await.unwrap(), 1);
}

async fn old_answers_are_purged_the_oldest_first_and_no_more_at_once_than_asked(
    database: TestDatabase,
) {
    let db = migrated(&database).await;
    let day = millis(Duration::from_secs(86_400));
    for (id, at) in [("r3", 3), ("r1", 1), ("r2", 2), ("new", day)] {
        store(&db, &key("acme", "Create", id, "body"), id, NOW + at)
            .await
            .unwrap();
    }
    let purge = async || request_ids::purge(&db, NOW + day + 3, 2).await.unwrap();
    assert_eq!(purge().await, 2);
    // The third one is still there, though too old to be given.
    let third = key("acme", "Create", "r3", "body");
    assert!(replay(&db, &third, NOW + day).await.unwrap().is_some());
    assert_eq!((purge().await, purge().await), (1, 0));
    let young = key("acme", "Create", "new", "body");
    assert!(replay(&db, &young, NOW + day).await.unwrap().is_some());
}

async fn of_two_answers_at_once_one_is_stored(database: TestDatabase) {
    let db = migrated(&database).await;
    let call = key("acme", "Create", "r1", "body");
    store(&db, &call, "first", NOW).await.unwrap();
    let error = store(&db, &call, "second", NOW + 1).await.unwrap_err();
    assert!(matches!(error, Error::Raced));
    assert_eq!(Status::from(error).code(), Code::Aborted);
    assert_eq!(
        replay(&db, &call, NOW + 1).await.unwrap().as_deref(),
        Some("first")
    );
}

async fn a_change_that_is_rolled_back_leaves_no_answer(database: TestDatabase) {
    let db = migrated(&database).await;
    let call = key("acme", "Create", "r1", "body");
    let txn = db.begin().await.unwrap();
    request_ids::store(&txn, &call, &"first".to_owned(), NOW)
        .await
        .unwrap();
    txn.rollback().await.unwrap();
    assert_eq!(replay(&db, &call, NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_call_without_an_id_is_never_recognised() {
    let database = testkit::sqlite();
    let db = migrated(&database).await;
    let call = key("acme", "Create", "", "body");
    store(&db, &call, "first", NOW).await.unwrap();
    assert_eq!(replay(&db, &call, NOW).await.unwrap(), None);
}

#[test]
fn a_malformed_id_is_refused() {
    for id in ["two words", "ä", &"x".repeat(65)] {
        assert!(
            Key::new("acme", "Create", id, &String::new()).is_err(),
            "{id}"
        );
    }
}
