//! What happens around a turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{BLINK, Fixture, HOUR, claim_when_due, is_idle, on_every_backend, wait};
use crate::Lane::{Drift, Pending, Work};
use crate::{Error, Gate, Outcome, Turn, schema};

on_every_backend! {
    what_a_turn_found_stands_in_its_lane
    what_was_covered_never_goes_back
    what_comes_up_during_a_turn_is_looked_at_right_after_it
    a_throttled_group_is_left_alone_and_no_nudge_jumps_its_gate
    an_open_gate_is_forgotten_after_a_good_turn
    refused_credentials_shut_their_direction_with_a_reason
    a_suspended_group_is_given_back_unlooked
    a_turn_that_panics_leaves_its_lease_to_lapse
    a_turn_learns_that_its_lease_is_lost_and_what_it_found_is_left_out
    a_long_turn_keeps_its_lease
    a_slow_turn_holds_up_no_other_group
    on_stop_turns_finish_and_give_their_leases_back
    an_idle_worker_wakes_by_a_nudge_from_another_process
    an_unknown_group_is_an_error
}

async fn what_a_turn_found_stands_in_its_lane(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let mut turns = queue.turns();
    let turn = |turn: Turn| async move {
        assert_eq!((turn.lane, turn.row.covered_at), (Drift, None));
        Outcome {
            covered_at: Some(1_000),
            wired_at: Some(900),
            error: Some("half of it".into()),
            ..Outcome::again(HOUR)
        }
    };
    assert_eq!(queue.run_due(Drift, turn).await.unwrap(), 1);
    assert_eq!(queue.run_due(Drift, turn).await.unwrap(), 0);
    let row = queue.lane(&group, Drift).await.unwrap();
    assert_eq!((row.covered_at, row.wired_at), (Some(1_000), Some(900)));
    assert_eq!(row.last_error.as_deref(), Some("half of it"));
    assert!(turns.has_changed().unwrap());
    assert_eq!(*turns.borrow_and_update(), 1);
    let left = wait(&queue, Drift).await.unwrap();
    assert!(
        left > HOUR.mul_f64(0.89) && left <= HOUR.mul_f64(1.1),
        "{left:?}"
    );
}

async fn what_was_covered_never_goes_back(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    for covered_at in [Some(2_000), Some(1_000), None] {
        queue.nudge(&group, Pending, Duration::ZERO).await;
        let turn = move |_| async move {
            Outcome {
                covered_at,
                ..Outcome::again(HOUR)
            }
        };
        assert_eq!(queue.run_due(Pending, turn).await.unwrap(), 1);
        assert_eq!(
            queue.lane(&group, Pending).await.unwrap().covered_at,
            Some(2_000)
        );
    }
}

async fn what_comes_up_during_a_turn_is_looked_at_right_after_it(fixture: Fixture) {
    let queue = fixture.queue().await;
    fixture.group("111122223333", Duration::ZERO).await;
    let turn = async |turn: Turn| {
        fixture.hasten(&turn.group, Drift).await;
        Outcome {
            wired_at: Some(900),
            ..Outcome::again(HOUR)
        }
    };
    // A closure that is async and borrows can't be cloned by value, its reference can.
    let turn = &turn;
    assert_eq!(queue.run_due(Drift, turn).await.unwrap(), 1);
    let looked_again = queue
        .run_due(Drift, |turn: Turn| async move {
            assert_eq!(
                turn.row.wired_at, None,
                "the write under way may have changed the wiring"
            );
            Outcome::again(HOUR)
        })
        .await;
    assert_eq!(looked_again.unwrap(), 1);
    assert!(is_idle(&queue, Drift).await);
}

async fn a_throttled_group_is_left_alone_and_no_nudge_jumps_its_gate(fixture: Fixture) {
    let queue = fixture
        .queue_with(|config| config.gate_first = HOUR / 60)
        .await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let throttled = |_| async {
        Outcome {
            gate: Some(Gate::Throttled(None)),
            ..Outcome::again(Duration::ZERO)
        }
    };
    assert_eq!(queue.run_due(Pending, throttled).await.unwrap(), 1);
    assert_eq!(queue.run_due(Pending, throttled).await.unwrap(), 0);
    queue.nudge(&group, Pending, Duration::ZERO).await;
    queue.nudge(&group, Drift, Duration::ZERO).await;
    assert_eq!(queue.run_due(Pending, throttled).await.unwrap(), 0);
    assert_eq!(queue.run_due(Drift, throttled).await.unwrap(), 0);
    let left = wait(&queue, Pending).await.unwrap();
    assert!(
        left > Duration::from_secs(40) && left <= Duration::from_secs(66),
        "{left:?}"
    );
    let good = |_| async { Outcome::again(HOUR) };
    assert_eq!(
        queue.run_due(Work, good).await.unwrap(),
        1,
        "writes have a gate of their own"
    );
}

async fn an_open_gate_is_forgotten_after_a_good_turn(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let throttled = |_| async {
        Outcome {
            gate: Some(Gate::Throttled(None)),
            ..Outcome::again(HOUR)
        }
    };
    let good = |_| async { Outcome::again(HOUR) };
    for doubled in [1_000_i64, 2_000] {
        queue.nudge(&group, Work, Duration::ZERO).await;
        assert_eq!(queue.run_due(Work, throttled).await.unwrap(), 1);
        let open =
            "UPDATE check_group SET write_gate_until = 1 WHERE write_gate_ms = $1 AND reason = $2";
        fixture
            .sql(open, [doubled.into(), "CLOUD_THROTTLED".into()])
            .await;
    }
    queue.nudge(&group, Work, Duration::ZERO).await;
    assert_eq!(queue.run_due(Work, good).await.unwrap(), 1);
    let clean = "UPDATE check_group SET reason = NULL \
                 WHERE write_gate_ms = 0 AND write_gate_until IS NULL AND reason IS NULL";
    fixture.sql(clean, []).await;
}

async fn refused_credentials_shut_their_direction_with_a_reason(fixture: Fixture) {
    let queue = fixture.queue().await;
    fixture.group("111122223333", Duration::ZERO).await;
    let refused = |_| async {
        Outcome {
            gate: Some(Gate::Unauthorized),
            ..Outcome::again(Duration::ZERO)
        }
    };
    assert_eq!(queue.run_due(Drift, refused).await.unwrap(), 1);
    assert_eq!(queue.run_due(Pending, refused).await.unwrap(), 0);
    let left = wait(&queue, Drift).await.unwrap();
    assert!(
        left > Duration::from_secs(240) && left <= Duration::from_secs(330),
        "{left:?}"
    );
    let seen =
        "UPDATE check_group SET suspended_at = 1 WHERE reason = $1 AND write_gate_until IS NULL";
    fixture.sql(seen, ["CLOUD_UNAUTHORIZED".into()]).await;
}

async fn a_suspended_group_is_given_back_unlooked(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let suspend = "UPDATE check_group SET suspended_at = 1 WHERE group_id = $1";
    fixture.sql(suspend, [schema::text(&group)]).await;
    let turn = |_| async { unreachable!("a suspended group is not looked at") };
    assert_eq!(queue.run_due(Work, turn).await.unwrap(), 0);
    let left = wait(&queue, Work).await.unwrap();
    assert!(
        left > Duration::from_secs(40) && left <= Duration::from_secs(60),
        "{left:?}"
    );
    assert_eq!(queue.lane(&group, Work).await.unwrap().covered_at, None);
}

async fn a_turn_that_panics_leaves_its_lease_to_lapse(fixture: Fixture) {
    let (hasty, queue) = (fixture.hasty_queue().await, fixture.queue().await);
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let turn = |_| async { panic!("as planned") };
    assert_eq!(hasty.run_due(Work, turn).await.unwrap(), 1);
    assert_eq!(claim_when_due(&queue, Work).await.group, group);
}

async fn a_turn_learns_that_its_lease_is_lost_and_what_it_found_is_left_out(fixture: Fixture) {
    let queue = fixture
        .queue_with(|config| config.lease = Duration::from_millis(300))
        .await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let turn = async |turn: Turn| {
        fixture.steal(&turn.group, turn.lane).await;
        turn.lost().cancelled().await;
        Outcome {
            covered_at: Some(1_000),
            ..Outcome::again(HOUR)
        }
    };
    let turn = &turn;
    assert_eq!(queue.run_due(Pending, turn).await.unwrap(), 1);
    assert_eq!(queue.lane(&group, Pending).await.unwrap().covered_at, None);
}

async fn a_long_turn_keeps_its_lease(fixture: Fixture) {
    let lease = Duration::from_secs(1);
    let queue = fixture.queue_with(|config| config.lease = lease).await;
    fixture.group("111122223333", Duration::ZERO).await;
    let turn = async |turn: Turn| {
        tokio::time::sleep(lease * 2).await;
        assert!(
            is_idle(&queue, turn.lane).await,
            "twice its length later the lease still stands"
        );
        Outcome {
            covered_at: Some(1_000),
            ..Outcome::again(HOUR)
        }
    };
    let turn = &turn;
    assert_eq!(queue.run_due(Pending, turn).await.unwrap(), 1);
    assert!(is_idle(&queue, Pending).await);
}

async fn a_slow_turn_holds_up_no_other_group(fixture: Fixture) {
    let queue = fixture.queue_with(|config| config.slots.work = 2).await;
    let slow = fixture.group("111111111111", Duration::from_secs(5)).await;
    let quick = fixture.group("222222222222", Duration::ZERO).await;
    let (stop, release) = (CancellationToken::new(), Arc::new(Notify::new()));
    let (ran, mut turns) = mpsc::unbounded_channel();
    let turn = {
        let (release, slow) = (release.clone(), slow.clone());
        move |turn: Turn| {
            let (release, ran, slow) = (release.clone(), ran.clone(), slow.clone());
            async move {
                if turn.group == slow {
                    release.notified().await;
                }
                ran.send(turn.group).unwrap();
                Outcome::again(Duration::ZERO)
            }
        }
    };
    let running = tokio::spawn({
        let (queue, stop) = (queue.clone(), stop.clone());
        async move { queue.run(Work, stop, turn).await }
    });
    for _ in 0..5 {
        assert_eq!(turns.recv().await.unwrap(), quick);
    }
    stop.cancel();
    release.notify_one();
    running.await.unwrap();
    let mut slow_turns = 0;
    while let Some(group) = turns.recv().await {
        slow_turns += usize::from(group == slow);
    }
    assert_eq!(slow_turns, 1);
}

async fn on_stop_turns_finish_and_give_their_leases_back(fixture: Fixture) {
    let queue = fixture.queue_with(|config| config.lease = HOUR).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let stop = CancellationToken::new();
    let turn = {
        let stop = stop.clone();
        move |_| {
            let stop = stop.clone();
            async move {
                stop.cancel();
                Outcome {
                    covered_at: Some(1_000),
                    ..Outcome::again(Duration::from_secs(1))
                }
            }
        }
    };
    queue.run(Pending, stop, turn).await;
    assert_eq!(
        queue.lane(&group, Pending).await.unwrap().covered_at,
        Some(1_000)
    );
    // Due by what the turn said, and not by its lease of an hour.
    assert_eq!(claim_when_due(&queue, Pending).await.group, group);
}

async fn an_idle_worker_wakes_by_a_nudge_from_another_process(fixture: Fixture) {
    if fixture.config.redis_url.is_none() {
        // The table wakes in process; others find it by their next poll.
        return wakes(
            &fixture.queue_with(|config| config.poll = HOUR).await,
            None,
            &fixture,
        )
        .await;
    }
    let (worker, other) = (
        fixture.queue_with(|config| config.poll = HOUR).await,
        fixture.queue().await,
    );
    wakes(&worker, Some(&other), &fixture).await;
}

async fn wakes(worker: &crate::Queue, other: Option<&crate::Queue>, fixture: &Fixture) {
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let (stop, count) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let turn = {
        let count = count.clone();
        move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Outcome::again(HOUR) }
        }
    };
    let running = tokio::spawn({
        let (worker, stop) = (worker.clone(), stop.clone());
        async move { worker.run(Work, stop, turn).await }
    });
    let mut turns = worker.turns();
    turns.wait_for(|turns| *turns == 1).await.unwrap();
    // A nudge is heard once the worker has subscribed, which nobody can see from here.
    while count.load(Ordering::SeqCst) < 2 {
        other
            .unwrap_or(worker)
            .nudge(&group, Work, Duration::ZERO)
            .await;
        tokio::time::sleep(BLINK).await;
    }
    stop.cancel();
    running.await.unwrap();
}

async fn an_unknown_group_is_an_error(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = "aws/111122223333/eu-west-1".parse().unwrap();
    assert!(matches!(
        queue.lane(&group, Work).await,
        Err(Error::UnknownGroup(_))
    ));
}
