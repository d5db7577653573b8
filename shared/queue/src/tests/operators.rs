//! What operators see and do, wherever the queue stands.

use std::time::Duration;

use super::{Fixture, HOUR, claim, claim_one, claim_when_due, end, is_idle, on_every_backend};
use crate::Lane::{Drift, Pending, Work};
use crate::{Error, Gate, GroupView, Lane, LaneView, Outcome, Queue, Unowned};

on_every_backend! {
    figures_tell_what_waits_and_how_long
    a_view_tells_who_holds_a_lane_and_when_it_is_due
    groups_come_in_order_and_in_pages
    a_suspended_group_is_given_back_unlooked_and_goes_on_when_resumed
    a_rescheduled_lane_is_due_now_and_its_gate_holds
    what_no_entry_names_is_purged_and_what_is_held_stays
    orphans_are_kept_while_looks_show_them
}

fn of(view: &GroupView, lane: Lane) -> &LaneView {
    view.lanes.iter().find(|one| one.lane == lane).unwrap()
}

async fn overdue(queue: &Queue, lane: Lane) -> (i64, i64, Duration) {
    let figures = queue.figures().await.unwrap();
    let one = figures.iter().find(|one| one.lane == lane).unwrap();
    (one.groups, one.overdue, one.lag)
}

async fn figures_tell_what_waits_and_how_long(fixture: Fixture) {
    let queue = fixture.queue().await;
    fixture.group("111111111111", HOUR).await;
    fixture.group("222222222222", Duration::ZERO).await;
    assert!(is_idle_after_a_claim_of_two(&queue, Pending).await);
    // Redis is filled by the first claim.
    let held = claim(&queue, Drift).await;
    assert_eq!(held.len(), 2);
    assert_eq!(overdue(&queue, Drift).await, (2, 0, Duration::ZERO));
    for held in &held {
        queue.0.backends.release(held, Duration::ZERO).await;
    }
    let (groups, waiting, lag) = overdue(&queue, Drift).await;
    assert_eq!((groups, waiting), (2, 2));
    assert!(lag < 2 * HOUR, "{lag:?}");
    let rate = |figures: Vec<crate::LaneFigures>| {
        figures.iter().map(|one| one.claims_per_second).sum::<f64>()
    };
    assert_eq!(rate(queue.figures().await.unwrap()), 0.0);
    let ran = queue
        .run_due(Drift, |_| async { Outcome::again(HOUR) })
        .await
        .unwrap();
    assert_eq!(ran, 2);
    assert!(rate(queue.figures().await.unwrap()) > 0.0);
}

async fn is_idle_after_a_claim_of_two(queue: &Queue, lane: Lane) -> bool {
    claim(queue, lane).await.len() == 2 && is_idle(queue, lane).await
}

async fn a_view_tells_who_holds_a_lane_and_when_it_is_due(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Pending).await;
    let view = queue.group(&group).await.unwrap();
    assert_eq!(
        view.lanes.iter().map(|one| one.lane).collect::<Vec<_>>(),
        Lane::ALL
    );
    assert!(of(&view, Pending).leased);
    assert!(!of(&view, Drift).leased);
    assert!(end(&queue, &held, HOUR).await);
    let view = queue.group(&group).await.unwrap();
    let lane = of(&view, Pending);
    assert!(!lane.leased);
    let now = fixture.db.now_ms().await.unwrap();
    assert!(
        (now + 3_000_000..=now + 3_600_000).contains(&lane.due_at),
        "{lane:?}"
    );
    assert_eq!(lane.row.last_error, None);
}

async fn groups_come_in_order_and_in_pages(fixture: Fixture) {
    let queue = fixture.queue().await;
    let mut made = Vec::new();
    for account in ["333333333333", "111111111111", "222222222222"] {
        made.push(fixture.group(account, Duration::ZERO).await);
    }
    made.sort();
    let first = queue.groups(None, 2).await.unwrap();
    let names = |views: &[GroupView]| {
        views
            .iter()
            .map(|one| one.group.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&first), made[..2]);
    let after = made[1].to_string();
    let rest = queue.groups(Some(&after), 2).await.unwrap();
    assert_eq!(names(&rest), made[2..]);
    assert!(first.iter().chain(&rest).all(|one| one.lanes.len() == 3));
}

async fn a_suspended_group_is_given_back_unlooked_and_goes_on_when_resumed(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    queue.suspend(&group, "maintenance").await.unwrap();
    let looked = async || {
        queue
            .run_due(Pending, |_| async { Outcome::again(HOUR) })
            .await
            .unwrap()
    };
    assert_eq!(looked().await, 0);
    let view = queue.group(&group).await.unwrap();
    assert!(view.suspended_at.is_some());
    assert_eq!(view.reason.as_deref(), Some("maintenance"));
    let now = fixture.db.now_ms().await.unwrap();
    assert!(of(&view, Pending).due_at > now + 30_000, "{view:?}");
    queue.resume(&group).await.unwrap();
    let view = queue.group(&group).await.unwrap();
    assert_eq!((view.suspended_at, view.reason), (None, None));
    assert_eq!(looked().await, 1);
    // What runs is left as it is.
    queue.resume(&group).await.unwrap();
    assert_eq!(looked().await, 0);
}

async fn a_rescheduled_lane_is_due_now_and_its_gate_holds(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let again = |gate| {
        move |_| async move {
            Outcome {
                gate,
                ..Outcome::again(HOUR)
            }
        }
    };
    assert_eq!(queue.run_due(Drift, again(None)).await.unwrap(), 1);
    assert_eq!(queue.run_due(Drift, again(None)).await.unwrap(), 0);
    queue.reschedule(&group, Drift).await.unwrap();
    assert_eq!(
        queue
            .run_due(Drift, again(Some(Gate::Unauthorized)))
            .await
            .unwrap(),
        1
    );
    let view = queue.group(&group).await.unwrap();
    assert!(
        view.read_gate_until.is_some() && view.write_gate_until.is_none(),
        "{view:?}"
    );
    assert_eq!(view.reason.as_deref(), Some("CLOUD_UNAUTHORIZED"));
    queue.reschedule(&group, Drift).await.unwrap();
    assert_eq!(queue.run_due(Drift, again(None)).await.unwrap(), 0);
    let unknown = "gcp/nobody".parse().unwrap();
    for done in [
        queue.reschedule(&unknown, Work).await,
        queue.suspend(&unknown, "x").await,
        queue.resume(&unknown).await,
        queue.group(&unknown).await.map(drop),
    ] {
        assert!(matches!(done, Err(Error::UnknownGroup(_))), "{done:?}");
    }
}

async fn what_no_entry_names_is_purged_and_what_is_held_stays(fixture: Fixture) {
    let queue = fixture.queue().await;
    let used = fixture.group("111111111111", Duration::ZERO).await;
    let lost = fixture.group("222222222222", Duration::ZERO).await;
    let held = fixture.group("333333333333", Duration::ZERO).await;
    let haunted = fixture.group("444444444444", Duration::ZERO).await;
    queue.suspend(&held, "maintenance").await.unwrap();
    let orphan = Unowned {
        provider_id: "pcx-1".to_owned(),
        entry_id: "peer_1".to_owned(),
        attempt: 1,
    };
    queue.keep_orphans(&haunted, &[orphan], 1).await.unwrap();
    let db = fixture.db.write();
    for sql in [
        "CREATE TABLE entry (group_id TEXT)",
        "INSERT INTO entry VALUES ($1)",
    ] {
        let values = sql.contains("$1").then(|| crate::schema::text(&used));
        crate::schema::run(db, sql, values).await.unwrap();
    }
    assert_eq!(queue.purge_groups("entry", 10).await.unwrap(), 1);
    assert_eq!(queue.purge_groups("entry", 10).await.unwrap(), 0);
    let left = queue.groups(None, 10).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|one| one.group).collect();
    assert_eq!(left, [used, held, haunted]);
    // Where it was is no harm.
    let claimed = claim_when_due(&queue, Work).await;
    assert!(
        claimed.group != lost
            || queue
                .0
                .backends
                .table
                .standing(&claimed)
                .await
                .unwrap()
                .is_none()
    );
}

async fn orphans_are_kept_while_looks_show_them(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let other = fixture.group("444455556666", Duration::ZERO).await;
    let seen = |id: &str, attempt| Unowned {
        provider_id: id.to_owned(),
        entry_id: "peer_1".to_owned(),
        attempt,
    };
    let told = |kept: &[crate::Orphan]| {
        let mut told: Vec<_> = kept
            .iter()
            .map(|one| (one.provider_id.clone(), one.first_seen, one.looks))
            .collect();
        told.sort();
        told
    };
    let (one, two) = (|| "pcx-1".to_owned(), || "pcx-2".to_owned());
    let kept = queue
        .keep_orphans(&group, &[seen("pcx-1", 1)], 10)
        .await
        .unwrap();
    assert_eq!(told(&kept), [(one(), 10, 1)]);
    let both = [seen("pcx-1", 1), seen("pcx-2", 1)];
    let kept = queue.keep_orphans(&group, &both, 20).await.unwrap();
    assert_eq!(told(&kept), [(one(), 10, 2), (two(), 20, 1)]);
    // The same look told twice is one look.
    let kept = queue.keep_orphans(&group, &both, 20).await.unwrap();
    assert_eq!(told(&kept), [(one(), 10, 2), (two(), 20, 1)]);
    queue
        .keep_orphans(&other, &[seen("pcx-3", 1)], 25)
        .await
        .unwrap();
    // Another attempt's tags make another orphan, and what is not shown is gone.
    let kept = queue
        .keep_orphans(&group, &[seen("pcx-2", 2)], 30)
        .await
        .unwrap();
    assert_eq!(told(&kept), [(two(), 30, 1)]);
    let all = queue.orphans(("", ""), 10).await.unwrap();
    assert_eq!(told(&all), [(two(), 30, 1), ("pcx-3".to_owned(), 25, 1)]);
    let first = &all[0];
    let rest = queue
        .orphans((&first.group_id, &first.provider_id), 10)
        .await
        .unwrap();
    assert_eq!(rest, all[1..]);
    assert_eq!(queue.keep_orphans(&group, &[], 40).await.unwrap(), []);
}
