//! Claims, leases and nudges.

use std::time::Duration;

use super::{
    BLINK, Fixture, HOUR, claim, claim_one, claim_when_due, end, is_idle, on_every_backend, wait,
};
use crate::Lane;
use crate::Lane::{Drift, Pending, Work};

on_every_backend! {
    a_group_is_claimed_once_in_each_lane
    the_oldest_is_claimed_first
    what_is_given_back_is_due_again_when_its_end_said
    a_lapsed_lease_is_claimed_again_and_its_acknowledgement_has_no_effect
    a_lease_is_prolonged_for_its_holder_only
    a_nudge_while_leased_makes_the_lane_due_after_the_lease
    a_nudge_under_a_lapsed_lease_is_not_lost
    a_delayed_nudge_brings_the_due_time_forward_and_never_puts_it_off
    a_lease_given_back_unlooked_is_due_at_once
    two_workers_never_hold_the_same_lane
    the_sweep_mends_a_lost_nudge_of_the_work_lane
}

async fn a_group_is_claimed_once_in_each_lane(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    for lane in Lane::ALL {
        assert_eq!(claim_one(&queue, lane).await.group, group);
        let left = wait(&queue, lane).await.unwrap();
        assert!(
            left > Duration::from_secs(5) && left <= Duration::from_secs(10),
            "{left:?}"
        );
    }
}

async fn the_oldest_is_claimed_first(fixture: Fixture) {
    let queue = fixture.queue().await;
    let second = fixture.group("222222222222", Duration::from_secs(20)).await;
    let third = fixture.group("111111111111", Duration::from_secs(10)).await;
    let first = fixture.group("333333333333", Duration::from_secs(30)).await;
    let claims = queue.0.backends.claim(Pending, 2, "a").await.unwrap().taken;
    let groups: Vec<_> = claims.into_iter().map(|claim| claim.group).collect();
    assert_eq!(groups, [first, second]);
    assert_eq!(claim_one(&queue, Pending).await.group, third);
}

async fn what_is_given_back_is_due_again_when_its_end_said(fixture: Fixture) {
    let queue = fixture.queue().await;
    fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Drift).await;
    assert!(end(&queue, &held, HOUR).await);
    let left = wait(&queue, Drift).await.unwrap();
    assert!(
        left > HOUR - Duration::from_secs(30) && left <= HOUR,
        "{left:?}"
    );
    let row = queue.lane(&held.group, Drift).await.unwrap();
    assert!(row.due_at > fixture.db.now_ms().await.unwrap() + 3_500_000);
}

async fn a_lapsed_lease_is_claimed_again_and_its_acknowledgement_has_no_effect(fixture: Fixture) {
    let (hasty, queue) = (fixture.hasty_queue().await, fixture.queue().await);
    fixture.group("111122223333", Duration::ZERO).await;
    let lapsed = claim_one(&hasty, Work).await;
    let held = claim_when_due(&queue, Work).await;
    end(&hasty, &lapsed, Duration::ZERO).await;
    assert!(
        is_idle(&queue, Work).await,
        "the second holder's lease stands"
    );
    end(&queue, &held, Duration::ZERO).await;
    claim_one(&queue, Work).await;
}

async fn a_lease_is_prolonged_for_its_holder_only(fixture: Fixture) {
    let (hasty, queue) = (fixture.hasty_queue().await, fixture.queue().await);
    fixture.group("111122223333", Duration::ZERO).await;
    let lapsed = claim_one(&hasty, Work).await;
    let held = claim_when_due(&queue, Work).await;
    assert!(!hasty.0.backends.extend(&lapsed).await.unwrap());
    assert!(queue.0.backends.extend(&held).await.unwrap());
    assert!(is_idle(&queue, Work).await);
}

async fn a_nudge_while_leased_makes_the_lane_due_after_the_lease(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Pending).await;
    queue.nudge(&group, Pending, Duration::ZERO).await;
    assert!(
        is_idle(&queue, Pending).await,
        "a nudge takes no lease away"
    );
    end(&queue, &held, HOUR).await;
    let held = claim_one(&queue, Pending).await;
    end(&queue, &held, HOUR).await;
    assert!(
        is_idle(&queue, Pending).await,
        "one nudge makes one further turn"
    );
}

async fn a_nudge_under_a_lapsed_lease_is_not_lost(fixture: Fixture) {
    let (hasty, queue) = (fixture.hasty_queue().await, fixture.queue().await);
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let lapsed = claim_one(&hasty, Pending).await;
    tokio::time::sleep(BLINK).await;
    hasty.nudge(&group, Pending, Duration::ZERO).await;
    end(&hasty, &lapsed, HOUR).await;
    claim_one(&queue, Pending).await;
}

async fn a_delayed_nudge_brings_the_due_time_forward_and_never_puts_it_off(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    end(&queue, &held, HOUR).await;
    for delay in [HOUR / 2, HOUR * 2] {
        queue.nudge(&group, Work, delay).await;
        let left = wait(&queue, Work).await.unwrap();
        assert!(
            left <= HOUR / 2 && left > HOUR / 2 - Duration::from_secs(30),
            "{left:?}"
        );
    }
    queue.nudge(&group, Work, Duration::ZERO).await;
    claim_one(&queue, Work).await;
}

async fn a_lease_given_back_unlooked_is_due_at_once(fixture: Fixture) {
    let queue = fixture.queue().await;
    fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    queue.0.backends.release(&held, Duration::ZERO).await;
    claim_one(&queue, Work).await;
}

async fn two_workers_never_hold_the_same_lane(fixture: Fixture) {
    let (one, other) = (fixture.queue().await, fixture.queue().await);
    for number in 0..40 {
        fixture
            .group(&format!("{number:012}"), Duration::from_secs(60))
            .await;
    }
    let take_all = async |queue| {
        let mut groups = Vec::new();
        loop {
            let claims = claim(queue, Drift).await;
            if claims.is_empty() && is_idle(queue, Drift).await {
                return groups;
            }
            groups.extend(claims.into_iter().map(|claim| claim.group));
        }
    };
    let (mut taken, rest) = tokio::join!(take_all(&one), take_all(&other));
    taken.extend(rest);
    taken.extend(take_all(&one).await);
    assert_eq!(taken.len(), 40);
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 40);
}

async fn the_sweep_mends_a_lost_nudge_of_the_work_lane(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    end(&queue, &held, HOUR).await;
    let now = fixture.db.now_ms().await.unwrap();
    queue.sweep(&[]).await.unwrap();
    assert!(is_idle(&queue, Work).await);
    queue.sweep(&[(group.clone(), now)]).await.unwrap();
    assert_eq!(claim_one(&queue, Work).await.group, group);
}
