//! Redis goes away and comes back.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Fixture, HOUR, claim_one, claim_when_due, end};
use crate::Lane::{Pending, Work};
use crate::{Outcome, Queue};

/// Timings that a test can wait for.
pub(super) async fn quick_queue(fixture: &Fixture) -> Queue {
    let quick = Duration::from_millis(100);
    fixture
        .queue_with(|config| {
            config.redis_timeout = quick;
            config.redis_probe = quick / 10;
            config.redis_patience = quick;
            config.redis_trust = quick * 2;
        })
        .await
}

pub(super) async fn reaches(queue: &Queue, backend: &str) {
    while queue.backend() != backend {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_start_does_not_wait_for_redis() {
    let mut fixture = Fixture::redis().await;
    fixture.redis.as_mut().unwrap().stop();
    let queue = quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    reaches(&queue, "table").await;
    assert_eq!(claim_one(&queue, Work).await.group, group);
    fixture.redis.as_mut().unwrap().start_again().await;
    reaches(&queue, "redis").await;
    assert_eq!(claim_one(&queue, Pending).await.group, group);
}

#[tokio::test]
async fn while_redis_is_stopped_the_table_serves_and_afterwards_redis_again() {
    let mut fixture = Fixture::redis().await;
    let queue = quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (queue, stop) = (queue.clone(), stop.clone());
        async move {
            queue
                .run(Work, stop, |_| async { Outcome::again(HOUR) })
                .await
        }
    });
    let mut turns = queue.turns();
    let mut expected = 0;
    let mut one_more_turn = async || {
        expected += 1;
        queue.nudge(&group, Work, Duration::ZERO).await;
        turns.wait_for(|turns| *turns >= expected).await.unwrap();
        expected = *turns.borrow();
    };
    one_more_turn().await;
    for _ in 0..2 {
        fixture.redis.as_mut().unwrap().stop();
        reaches(&queue, "table").await;
        one_more_turn().await;
        fixture.redis.as_mut().unwrap().start_again().await;
        reaches(&queue, "redis").await;
        one_more_turn().await;
    }
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_frozen_redis_counts_as_away() {
    let fixture = Fixture::redis().await;
    let queue = quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    fixture.redis.as_ref().unwrap().pause();
    reaches(&queue, "table").await;
    // Its acknowledgement is dropped; what the turn found and when it is due again stands all the same.
    assert!(end(&queue, &held, HOUR).await);
    assert_eq!(claim_one(&queue, Pending).await.group, group);
    assert!(super::is_idle(&queue, Work).await);
    fixture.redis.as_ref().unwrap().resume();
    reaches(&queue, "redis").await;
}

#[tokio::test]
async fn a_full_redis_counts_as_away() {
    let fixture = Fixture::redis().await;
    let queue = quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let limit = async |bytes: u32| {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET").arg("maxmemory").arg(bytes);
        fixture.ask_redis::<String>(&set).await;
    };
    limit(1).await;
    reaches(&queue, "table").await;
    assert_eq!(claim_one(&queue, Work).await.group, group);
    limit(0).await;
    reaches(&queue, "redis").await;
}

#[tokio::test]
async fn a_nudge_that_redis_does_not_take_stands_in_the_table() {
    let mut fixture = Fixture::redis().await;
    let queue = fixture
        .queue_with(|config| config.redis_patience = HOUR)
        .await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Pending).await;
    end(&queue, &held, HOUR).await;
    fixture.redis.as_mut().unwrap().stop();
    queue.nudge(&group, Pending, Duration::ZERO).await;
    assert_eq!(queue.backend(), "redis");
    let row = queue.lane(&group, Pending).await.unwrap();
    assert!(row.due_at <= fixture.db.now_ms().await.unwrap());
}

#[tokio::test]
async fn the_sweep_runs_in_one_process_and_in_each_that_asks_for_it() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    end(&queue, &held, HOUR).await;
    let leads = runtime::leader::hold(&fixture.db, "test-check-sweep", "another", HOUR).await;
    assert!(leads.unwrap());
    let stop = CancellationToken::new();
    let sweeping = tokio::spawn({
        let (queue, stop, group) = (queue.clone(), stop.clone(), group.clone());
        async move {
            queue
                .run_sweep(stop, || async { Ok(vec![(group.clone(), 0)]) })
                .await
        }
    });
    // A wipe is seen by the next claim, which asks for a sweep, which knows that work is due.
    fixture.redis.as_ref().unwrap().flushall();
    assert_eq!(claim_when_due(&queue, Work).await.group, group);
    stop.cancel();
    sweeping.await.unwrap();
}

/// What Redis forbids its user on top of all, and one thing more that it allows.
async fn forbid(fixture: &Fixture, rule: &str) {
    let mut set = redis::cmd("ACL");
    set.arg("SETUSER").arg("default").arg(rule);
    fixture.ask_redis::<String>(&set).await;
}

#[tokio::test]
async fn a_redis_that_forbids_one_command_counts_as_away() {
    let fixture = Fixture::redis().await;
    let queue = quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    for (rule, undo) in [
        ("-evalsha", "+evalsha"),
        ("-hset", "+hset"),
        ("-zadd", "+zadd"),
    ] {
        forbid(&fixture, rule).await;
        reaches(&queue, "table").await;
        let held = claim_when_due(&queue, Work).await;
        assert_eq!(held.group, group);
        end(&queue, &held, Duration::ZERO).await;
        forbid(&fixture, undo).await;
        reaches(&queue, "redis").await;
    }
}

#[tokio::test]
async fn a_redis_without_the_right_to_publish_is_used_all_the_same() {
    let fixture = Fixture::redis().await;
    forbid(&fixture, "-publish").await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    end(&queue, &held, HOUR).await;
    queue.nudge(&group, Work, Duration::ZERO).await;
    assert_eq!(claim_one(&queue, Work).await.group, group);
}

#[tokio::test]
async fn a_replica_counts_as_away_until_it_is_promoted() {
    let fixture = Fixture::redis().await;
    let queue = quick_queue(&fixture).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let redis = fixture.redis.as_ref().unwrap();
    // Of a master that does not answer, so it also keeps what it has.
    redis.must("REPLICAOF 127.0.0.1 1");
    reaches(&queue, "table").await;
    assert_eq!(claim_one(&queue, Work).await.group, group);
    redis.must("REPLICAOF NO ONE");
    reaches(&queue, "redis").await;
}
