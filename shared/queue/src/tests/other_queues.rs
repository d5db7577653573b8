//! What is known to go wrong in other queues, wherever this one stands.

use std::future::pending;
use std::time::Duration;

use futures::FutureExt;
use runtime::clock::Clock;
use runtime::leader;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use types::GroupId;

use super::{
    BLINK, Fixture, HOUR, NAME, claim_one, claim_when_due, end, is_idle, on_every_backend,
};
use crate::Lane::{Drift, Pending, Work};
use crate::{Lane, Outcome, Queue, Turn};

on_every_backend! {
    a_lease_is_known_by_its_claim_and_not_by_its_worker
    however_often_its_lease_lapses_nothing_counts_as_failed
    a_turn_that_never_ends_takes_its_group_out_of_no_lane
    a_group_whose_first_nudge_was_lost_is_found_by_the_sweep
    the_sweep_goes_on_after_the_death_of_its_leader
    groups_that_were_due_at_once_part
}

impl Fixture {
    /// Lets the lease on a lane end now, as if its time had passed.
    pub(super) async fn lapse(&self, group: &GroupId, lane: Lane) {
        if self.config.redis_url.is_none() {
            let sql = "UPDATE check_lane SET lease_until = 0 WHERE group_id = $1 AND lane = $2";
            let values = [crate::schema::text(group), lane.as_str().into()];
            return self.sql(sql, values).await;
        }
        let mut set = redis::cmd("ZADD");
        set.arg(self.key("due", lane)).arg(1).arg(group.to_string());
        self.ask_redis::<i64>(&set).await;
    }

    pub(super) fn key(&self, what: &str, lane: Lane) -> String {
        format!("{}:{what}:{}", self.tag(), lane.as_str())
    }
}

async fn a_lease_is_known_by_its_claim_and_not_by_its_worker(fixture: Fixture) {
    let (worker, twin) = (fixture.queue().await, fixture.queue().await);
    let group = fixture.group("111122223333", Duration::ZERO).await;
    for next in [&worker, &twin] {
        let lapsed = claim_one(&worker, Work).await;
        fixture.lapse(&group, Work).await;
        let held = claim_one(next, Work).await;
        assert!(!worker.0.backends.extend(&lapsed).await.unwrap());
        end(&worker, &lapsed, Duration::ZERO).await;
        assert!(is_idle(&worker, Work).await, "the later claim stands");
        assert!(next.0.backends.extend(&held).await.unwrap());
        end(next, &held, Duration::ZERO).await;
    }
}

async fn however_often_its_lease_lapses_nothing_counts_as_failed(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    for _ in 0..10 {
        claim_one(&queue, Work).await;
        fixture.lapse(&group, Work).await;
    }
    let turn = |turn: Turn| async move {
        assert_eq!(turn.row.last_error, None);
        Outcome::again(HOUR)
    };
    assert_eq!(queue.run_due(Work, turn).await.unwrap(), 1);
    let view = queue.groups(None, 1).await.unwrap().remove(0);
    assert_eq!((view.group, view.reason), (group, None));
    let shut = [
        view.suspended_at,
        view.read_gate_until,
        view.write_gate_until,
    ];
    assert_eq!(shut, [None; 3]);
}

/// Whether the lane knows the group, where the queue stands.
async fn stands(queue: &Queue, group: &GroupId, lane: Lane) -> bool {
    let backends = &queue.0.backends;
    let held = backends.held(lane, std::slice::from_ref(group)).await;
    match held.unwrap() {
        Some(held) => held[0].left.is_some(),
        None => {
            let due = backends.table.due(lane).await.unwrap();
            due.iter().any(|(one, _)| one == group)
        }
    }
}

async fn a_turn_that_never_ends_takes_its_group_out_of_no_lane(fixture: Fixture) {
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    for lane in Lane::ALL {
        let begun = Notify::new();
        let turn = async |_| {
            begun.notify_one();
            pending().await
        };
        // Its process dies in the middle.
        tokio::select! {
            ran = queue.run_due(lane, &turn) => unreachable!("it ended: {ran:?}"),
            () = begun.notified() => {}
        }
        assert!(stands(&queue, &group, lane).await, "{lane:?}");
        fixture.lapse(&group, lane).await;
        let held = claim_one(&queue, lane).await;
        assert!(stands(&queue, &group, lane).await, "{lane:?}");
        end(&queue, &held, HOUR).await;
        assert!(stands(&queue, &group, lane).await, "{lane:?}");
    }
}

async fn a_group_whose_first_nudge_was_lost_is_found_by_the_sweep(fixture: Fixture) {
    let queue = fixture.queue().await;
    for lane in Lane::ALL {
        assert!(is_idle(&queue, lane).await, "all that there was is laid in");
    }
    let group = fixture.group("111122223333", Duration::ZERO).await;
    queue.sweep(&[]).await.unwrap();
    for lane in Lane::ALL {
        assert_eq!(claim_one(&queue, lane).await.group, group);
    }
}

async fn the_sweep_goes_on_after_the_death_of_its_leader(fixture: Fixture) {
    let queue = fixture.queue_with(|config| config.sweep = BLINK).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    end(&queue, &held, HOUR).await;
    // That the lanes were laid in asked for a sweep, which waits for no lead.
    queue.0.refill.notified().now_or_never();
    let lead = format!("{NAME}-sweep");
    let leads = leader::hold(&fixture.db, &lead, "the dead", BLINK * 4).await;
    assert!(leads.unwrap());
    let stop = CancellationToken::new();
    let sweeping = tokio::spawn({
        let (queue, stop, group) = (queue.clone(), stop.clone(), group.clone());
        async move {
            let steps = || async { Ok(vec![(group.clone(), 1)]) };
            queue.run_sweep(stop, steps).await
        }
    });
    assert_eq!(claim_when_due(&queue, Work).await.group, group);
    stop.cancel();
    sweeping.await.unwrap();
}

async fn groups_that_were_due_at_once_part(fixture: Fixture) {
    let queue = fixture.queue_with(|config| config.seed = Some(6)).await;
    let mut groups = Vec::new();
    for number in 0..20 {
        let group = fixture.group(&format!("{number:012}"), HOUR).await;
        groups.push(group);
    }
    let turn = |_| async { Outcome::again(HOUR) };
    assert_eq!(queue.run_due(Drift, turn).await.unwrap(), groups.len());
    let mut due = Vec::new();
    for group in &groups {
        due.push(queue.lane(group, Drift).await.unwrap().due_at);
    }
    due.sort_unstable();
    let apart = due[due.len() - 1] - due[0];
    assert!(apart > 360_000, "{apart} ms between the first and the last");
    due.dedup_by(|later, earlier| *later - *earlier < 1_000);
    assert!(due.len() > 15, "hardly any two within a second: {due:?}");
}

async fn on_postgres_and_redis() -> Fixture {
    let redis = testkit::Redis::start().await;
    Fixture::on(testkit::postgres().await, Some(redis)).await
}

#[tokio::test]
async fn workers_whose_clocks_differ_agree_in_postgres() {
    clocks_do_not_matter(Fixture::postgres().await).await;
}

#[tokio::test]
async fn workers_whose_clocks_differ_agree_in_redis() {
    clocks_do_not_matter(on_postgres_and_redis().await).await;
}

/// One worker's clock is right, one's is two hours ahead, one's two hours behind.
async fn clocks_do_not_matter(fixture: Fixture) {
    let now = fixture.db.now_ms().await.unwrap();
    let right = fixture.queue().await;
    let mut queues = vec![right.clone()];
    for apart in [7_200_000, -7_200_000] {
        let clock = Clock::manual(now + apart);
        let db = fixture.database.connect_at(clock).await;
        let queue = Queue::start(NAME, db, &fixture.config).await;
        queues.push(queue.unwrap());
    }
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let nobody_claims = async |why: &str| {
        for queue in &queues {
            assert!(is_idle(queue, Work).await, "{why}");
        }
    };
    for queue in &queues {
        let held = claim_one(queue, Work).await;
        nobody_claims("the lease stands for all").await;
        assert!(queue.0.backends.extend(&held).await.unwrap());
        nobody_claims("the lease is prolonged for all").await;
        end(queue, &held, HOUR).await;
        nobody_claims("it is due in an hour for all").await;
        queue
            .sweep(&[(group.clone(), now + 3_600_000)])
            .await
            .unwrap();
        nobody_claims("the sweep leaves it there").await;
        queue.nudge(&group, Work, HOUR / 2).await;
        nobody_claims("it is due in half an hour for all").await;
        queue.nudge(&group, Work, Duration::ZERO).await;
        // Due at once, for the next of them and in the end for the first again.
    }
    claim_one(&right, Work).await;
}

#[tokio::test]
async fn after_an_outage_of_the_database_claims_go_on_in_the_table() {
    the_database_comes_back(Fixture::postgres().await).await;
}

#[tokio::test]
async fn after_an_outage_of_the_database_claims_go_on_in_redis() {
    the_database_comes_back(on_postgres_and_redis().await).await;
}

/// A connection to the same server that an outage of the fixture's database does not end, and that database's name.
async fn server(fixture: &Fixture) -> (DatabaseConnection, String) {
    let (server, name) = fixture.database.url().rsplit_once('/').unwrap();
    let server = Database::connect(format!("{server}/postgres")).await;
    (server.unwrap(), name.to_owned())
}

async fn the_database_comes_back(fixture: Fixture) {
    let lease = Duration::from_secs(1);
    let queue = fixture.queue_with(|config| config.lease = lease).await;
    fixture.group("111122223333", Duration::ZERO).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (queue, stop) = (queue.clone(), stop.clone());
        let turn = |_| async { Outcome::again(BLINK) };
        async move { queue.run(Pending, stop, turn).await }
    });
    let mut turns = queue.turns();
    turns.wait_for(|turns| *turns > 0).await.unwrap();

    let (server, name) = server(&fixture).await;
    let connections = async |allowed: bool| {
        let sql = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allowed}");
        server.execute_unprepared(&sql).await.unwrap();
    };
    connections(false).await;
    // Waits for the end of each of them.
    let cut = format!(
        "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    server.execute_unprepared(&cut).await.unwrap();
    let turn = |_| async { Outcome::again(BLINK) };
    while queue.run_due(Pending, turn).await.is_ok() {
        tokio::time::sleep(BLINK).await;
    }
    let before = *turns.borrow_and_update();
    for _ in 0..10 {
        let ran = queue.run_due(Pending, turn).await;
        assert!(ran.is_err(), "what is claimed could not be looked at");
    }
    assert_eq!(*turns.borrow(), before);

    connections(true).await;
    turns.wait_for(|turns| *turns > before + 2).await.unwrap();
    stop.cancel();
    running.await.unwrap();
}
