//! Leadership.

use std::time::Duration;

use runtime::clock::Clock;
use runtime::{db, leader};
use testkit::TestDatabase;

use crate::support::{Schema, on_both};

const LONG: Duration = Duration::from_secs(60);

on_both! {
    one_of_two_leads_until_it_gives_up
    leads_of_other_names_are_others
    of_many_at_once_exactly_one_leads
}

async fn one_of_two_leads_until_it_gives_up(database: TestDatabase) {
    let db = database.connect().await;
    db::migrate::<Schema>(&db).await.unwrap();
    assert!(leader::hold(&db, "sweep", "a", LONG).await.unwrap());
    assert!(!leader::hold(&db, "sweep", "b", LONG).await.unwrap());
    assert!(
        leader::hold(&db, "sweep", "a", LONG).await.unwrap(),
        "the holder keeps it"
    );
    leader::release(&db, "sweep", "b").await.unwrap();
    assert!(
        !leader::hold(&db, "sweep", "b", LONG).await.unwrap(),
        "only the holder gives it up"
    );
    leader::release(&db, "sweep", "a").await.unwrap();
    assert!(leader::hold(&db, "sweep", "b", LONG).await.unwrap());
}

async fn leads_of_other_names_are_others(database: TestDatabase) {
    let db = database.connect().await;
    db::migrate::<Schema>(&db).await.unwrap();
    assert!(leader::hold(&db, "sweep", "a", LONG).await.unwrap());
    assert!(leader::hold(&db, "sequencer", "b", LONG).await.unwrap());
}

async fn of_many_at_once_exactly_one_leads(database: TestDatabase) {
    let db = database.connect().await;
    db::migrate::<Schema>(&db).await.unwrap();
    let tries: Vec<_> = (0..8)
        .map(|n| {
            let db = db.clone();
            tokio::spawn(async move {
                leader::hold(&db, "sweep", &n.to_string(), LONG)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut leaders = 0;
    for one in tries {
        leaders += usize::from(one.await.unwrap());
    }
    assert_eq!(leaders, 1);
}

#[tokio::test]
async fn a_lead_that_is_not_kept_lapses() {
    let clock = Clock::manual(1_000);
    let database = testkit::sqlite();
    let db = database.connect_at(clock.clone()).await;
    db::migrate::<Schema>(&db).await.unwrap();
    assert!(
        leader::hold(&db, "sweep", "a", Duration::from_secs(5))
            .await
            .unwrap()
    );
    clock.advance(Duration::from_millis(4_999));
    assert!(!leader::hold(&db, "sweep", "b", LONG).await.unwrap());
    clock.advance(Duration::from_millis(1));
    assert!(leader::hold(&db, "sweep", "b", LONG).await.unwrap());
    assert!(!leader::hold(&db, "sweep", "a", LONG).await.unwrap());
}

#[tokio::test]
async fn on_postgresql_a_lead_lapses_by_the_servers_time() {
    let database = testkit::postgres().await;
    let db = database.connect_at(Clock::manual(0)).await;
    db::migrate::<Schema>(&db).await.unwrap();
    assert!(
        leader::hold(&db, "sweep", "a", Duration::ZERO)
            .await
            .unwrap()
    );
    assert!(leader::hold(&db, "sweep", "b", LONG).await.unwrap());
    assert!(!leader::hold(&db, "sweep", "a", LONG).await.unwrap());
}
