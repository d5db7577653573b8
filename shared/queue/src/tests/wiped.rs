//! Redis loses what it held, or was never told.

use std::time::Duration;

use super::{Fixture, HOUR, NAME, claim, claim_one, end, is_idle, wait};
use crate::Lane;
use crate::Lane::{Drift, Pending, Work};

#[tokio::test]
async fn after_a_wipe_every_lane_is_laid_in_again_with_its_due_time() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let later = fixture.group("111111111111", Duration::ZERO).await;
    let held = claim_one(&queue, Drift).await;
    end(&queue, &held, HOUR).await;
    let old = fixture.group("222222222222", Duration::from_secs(20)).await;
    let older = fixture.group("333333333333", Duration::from_secs(30)).await;
    fixture.redis.as_ref().unwrap().flushall();
    let taken: Vec<_> = claim(&queue, Drift)
        .await
        .into_iter()
        .map(|claim| claim.group)
        .collect();
    assert_eq!(taken, [older.clone(), old.clone()]);
    for group in [&old, &older] {
        assert_ne!(group, &later);
    }
    fixture.redis.as_ref().unwrap().flushall();
    assert_eq!(
        claim(&queue, Drift).await.len(),
        2,
        "leases are lost: the two are looked at twice"
    );
    let left = wait(&queue, Drift).await.unwrap();
    assert!(left < HOUR && left > Duration::ZERO, "{left:?}");
}

#[tokio::test]
async fn the_turn_of_a_wiped_lease_still_writes_down_what_it_found() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let turn = async |_| {
        fixture.redis.as_ref().unwrap().flushall();
        crate::Outcome {
            covered_at: Some(1_000),
            ..crate::Outcome::again(HOUR)
        }
    };
    let turn = &turn;
    assert_eq!(queue.run_due(Pending, turn).await.unwrap(), 1);
    assert_eq!(
        queue.lane(&group, Pending).await.unwrap().covered_at,
        Some(1_000)
    );
    assert!(
        is_idle(&queue, Pending).await,
        "the lane is laid in with its new due time"
    );
}

#[tokio::test]
async fn deleting_any_key_changes_timing_only() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    for what in ["filled", "due", "lease", "nudged"] {
        let held = claim_one(&queue, Work).await;
        queue.nudge(&group, Work, Duration::ZERO).await;
        let mut delete = redis::cmd("DEL");
        delete.arg(format!("{{{NAME}}}:{what}:work"));
        assert_eq!(fixture.ask_redis::<i64>(&delete).await, 1, "{what}");
        end(&queue, &held, Duration::ZERO).await;
        queue.sweep(&[]).await.unwrap();
        let held = claim_one(&queue, Work).await;
        end(&queue, &held, Duration::ZERO).await;
    }
}

#[tokio::test]
async fn the_sweep_mends_what_a_commit_asked_for_and_no_nudge_told() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Pending).await;
    end(&queue, &held, HOUR).await;
    fixture.hasten(&group, Pending).await;
    assert!(is_idle(&queue, Pending).await);
    queue.sweep(&[]).await.unwrap();
    assert_eq!(claim_one(&queue, Pending).await.group, group);
    queue.sweep(&[]).await.unwrap();
    assert!(
        is_idle(&queue, Pending).await,
        "the sweep takes no lease away"
    );
}

#[tokio::test]
async fn a_new_group_is_found_by_its_first_nudge() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    assert!(is_idle(&queue, Work).await);
    let group = fixture.group("111122223333", Duration::ZERO).await;
    assert!(is_idle(&queue, Work).await);
    queue.nudge(&group, Work, Duration::ZERO).await;
    assert_eq!(claim_one(&queue, Work).await.group, group);
}

#[tokio::test]
async fn a_group_that_redis_alone_knows_costs_one_query_a_minute() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let ghost = "aws/999999999999/eu-west-1".parse().unwrap();
    assert!(
        is_idle(&queue, Work).await,
        "the first claim lays the lane in"
    );
    let turn = |_| async { unreachable!("there is nothing to look at") };
    queue.nudge(&ghost, Work, Duration::ZERO).await;
    assert_eq!(queue.run_due(Work, turn).await.unwrap(), 0);
    let left = wait(&queue, Work).await.unwrap();
    assert!(
        left > Duration::from_secs(40) && left <= Duration::from_secs(60),
        "{left:?}"
    );
}

#[tokio::test]
async fn hundreds_of_groups_are_laid_in_with_all_their_keys_in_one_slot() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let txn = fixture.db.begin().await.unwrap();
    for number in 0..250 {
        let group = types::GroupId::gcp(format!("project-{number}"));
        crate::ensure_group(&txn, &group, 0).await.unwrap();
    }
    txn.commit().await.unwrap();
    for lane in Lane::ALL {
        claim(&queue, lane).await;
        let mut count = redis::cmd("ZCARD");
        count.arg(format!("{{{NAME}}}:due:{}", lane.as_str()));
        assert_eq!(fixture.ask_redis::<i64>(&count).await, 250);
    }
    let mut keys = redis::cmd("KEYS");
    let keys: Vec<String> = fixture.ask_redis(keys.arg("*")).await;
    let tag = format!("{{{NAME}}}:");
    assert!(keys.iter().all(|key| key.starts_with(&tag)), "{keys:?}");
}
