//! What is known to go wrong with queues in Redis.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::{BLINK, Fixture, HOUR, claim, claim_one, claim_when_due, end, is_idle};
use crate::Lane::{Drift, Pending, Work};
use crate::backend::{Claim, Finish};
use crate::{Lane, Outcome, Queue};

/// What stands in Redis for one lane.
const KEYS: [&str; 4] = ["filled", "due", "lease", "nudged"];

/// Ends a claim as a complete look does.
async fn covered(queue: &Queue, claim: &Claim, covered_at: Option<i64>) {
    let row = queue.lane(&claim.group, claim.lane).await.unwrap();
    let outcome = Outcome {
        covered_at,
        ..Outcome::again(HOUR)
    };
    let finish = Finish {
        due_at: row.due_at,
        next: HOUR,
        outcome: Some(&outcome),
    };
    assert!(queue.0.backends.finish(claim, &finish).await.unwrap());
}

#[tokio::test]
async fn whatever_due_times_and_leases_say_of_each_other_no_group_is_stuck() {
    let fixture = Fixture::redis().await;
    let queue = fixture.hasty_queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let member = group.to_string();
    let [due_key, lease_key, nudged_key] =
        ["due", "lease", "nudged"].map(|what| fixture.key(what, Pending));
    let put = async |command: &str, key: &str, arguments: &[&str]| {
        let mut put = redis::cmd(command);
        put.arg(key).arg(arguments);
        fixture.ask_redis::<i64>(&put).await;
    };
    assert!(!is_idle(&queue, Drift).await, "another lane is laid in");
    let hour = 3_600_000;
    // Lost; due; as if leased; and as a clock leaves it that was set back by an hour.
    for due in [None, Some(-hour), Some(30), Some(hour)] {
        for holder in [None, Some("the dead")] {
            for nudged in [false, true] {
                put("ZREM", &due_key, &[&member]).await;
                put("HDEL", &lease_key, &[&member]).await;
                put("SREM", &nudged_key, &[&member]).await;
                if let Some(delay) = due {
                    let at = fixture.db.now_ms().await.unwrap() + delay;
                    put("ZADD", &due_key, &[&at.to_string(), &member]).await;
                }
                if let Some(nonce) = holder {
                    put("HSET", &lease_key, &[&member, nonce]).await;
                }
                if nudged {
                    put("SADD", &nudged_key, &[&member]).await;
                }
                queue.sweep(&[]).await.unwrap();
                let claimed = claim_when_due(&queue, Pending);
                let held = tokio::time::timeout(Duration::from_secs(30), claimed).await;
                let held = held.unwrap_or_else(|_| panic!("stuck: {due:?} {holder:?} {nudged}"));
                assert_eq!(held.group, group);
            }
        }
    }
}

#[tokio::test]
async fn no_key_ever_expires() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    end(&queue, &held, Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    assert!(queue.0.backends.extend(&held).await.unwrap());
    queue.nudge(&group, Work, Duration::ZERO).await;
    queue.sweep(&[]).await.unwrap();
    let mut keys = redis::cmd("KEYS");
    let keys: Vec<String> = fixture.ask_redis(keys.arg("*")).await;
    for what in KEYS {
        assert!(keys.contains(&fixture.key(what, Work)), "{what}: {keys:?}");
    }
    for key in keys {
        let mut left = redis::cmd("TTL");
        assert_eq!(fixture.ask_redis::<i64>(left.arg(&key)).await, -1, "{key}");
    }
}

#[tokio::test]
async fn what_redis_evicts_costs_a_look_and_no_group() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&queue, Work).await;
    queue.nudge(&group, Work, Duration::ZERO).await;
    let server = fixture.redis.as_ref().unwrap();
    server.must("CONFIG SET maxmemory-policy allkeys-random");
    server.must("CONFIG SET maxmemory 8mb");
    let keys = KEYS.map(|what| fixture.key(what, Work));
    let mut exist = redis::cmd("EXISTS");
    exist.arg(&keys);
    let mut stuffed = 0;
    while fixture.ask_redis::<i64>(&exist).await > 0 {
        let mut stuff = redis::cmd("SET");
        stuff
            .arg(format!("stuff-{stuffed}"))
            .arg(vec![0_u8; 65_536]);
        fixture.ask_redis::<String>(&stuff).await;
        stuffed += 1;
    }
    server.must("CONFIG SET maxmemory 0");
    end(&queue, &held, Duration::ZERO).await;
    queue.sweep(&[]).await.unwrap();
    for lane in Lane::ALL {
        assert_eq!(claim_one(&queue, lane).await.group, group);
    }
    assert_eq!(queue.backend(), "redis");
}

/// Hears the warnings of a test.
struct Ear(Arc<Mutex<String>>);

struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0, "{field} {value:?}").unwrap();
    }
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Words(&mut self.0.lock().unwrap()));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn whoever_starts_on_a_redis_that_evicts_is_warned() {
    let fixture = Fixture::redis().await;
    let server = fixture.redis.as_ref().unwrap();
    server.must("CONFIG SET maxmemory-policy volatile-lru");
    let heard = Arc::new(Mutex::new(String::new()));
    // The queue's background runs on this thread, the only one of the test.
    let _guard = tracing::subscriber::set_default(Ear(heard.clone()));
    let _queue = fixture.queue().await;
    let warned = async {
        while !heard.lock().unwrap().contains("noeviction") {
            tokio::time::sleep(BLINK / 10).await;
        }
    };
    let warned = tokio::time::timeout(Duration::from_secs(30), warned).await;
    let heard = heard.lock().unwrap();
    assert!(warned.is_ok() && heard.contains("volatile-lru"), "{heard}");
}

#[tokio::test]
async fn no_time_of_a_worker_reaches_redis() {
    let fixture = Fixture::redis().await;
    let client = redis::Client::open(fixture.redis.as_ref().unwrap().url()).unwrap();
    let monitor = client.get_async_monitor().await.unwrap();
    let mut heard = std::pin::pin!(monitor.into_on_message::<String>());
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", HOUR).await;
    let held = claim_one(&queue, Work).await;
    queue.0.backends.extend(&held).await.unwrap();
    queue.nudge(&group, Work, HOUR).await;
    end(&queue, &held, HOUR).await;
    queue.sweep(&[(group, 1)]).await.unwrap();
    fixture
        .ask_redis::<String>(redis::cmd("ECHO").arg("enough"))
        .await;
    let mut scripts = 0;
    while let Some(command) = heard.next().await {
        if command.contains("\"enough\"") {
            break;
        }
        // What a script does is Redis' own.
        if command.contains(" lua] ") {
            continue;
        }
        scripts += usize::from(command.contains("\"EVALSHA\""));
        for argument in command.split('"').skip(1).step_by(2) {
            // A sum of years and no delay; work that was due in 1970 is overdue by as much.
            let number = argument.parse::<i64>().unwrap_or(0);
            assert!(number < 300_000_000_000, "{command}");
        }
    }
    assert!(scripts >= 5, "{scripts} calls were heard");
}

#[tokio::test]
async fn replicas_that_differ_about_redis_look_twice_and_lose_nothing() {
    let fixture = Fixture::redis().await;
    let second = testkit::Redis::start().await;
    let one = fixture.queue().await;
    let change = |config: &mut runtime::config::QueueConfig| {
        config.redis_url = Some(second.url().into());
    };
    let other = fixture.queue_with(change).await;
    let table = fixture.queue_with(|config| config.redis_url = None).await;
    let replicas = [&one, &other, &table];
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let mut held = Vec::new();
    for replica in replicas {
        held.push(claim_one(replica, Pending).await);
    }
    for ((replica, claim), covered_at) in replicas.iter().zip(&held).zip([2_000, 1_000, 500]) {
        covered(replica, claim, Some(covered_at)).await;
    }
    let row = one.lane(&group, Pending).await.unwrap();
    assert_eq!(row.covered_at, Some(2_000), "the latest look counts");
    for replica in replicas {
        assert!(is_idle(replica, Pending).await);
    }
    // A change whose nudge only one of them hears.
    fixture.hasten(&group, Pending).await;
    one.nudge(&group, Pending, Duration::ZERO).await;
    other.sweep(&[]).await.unwrap();
    for replica in replicas {
        assert_eq!(claim_one(replica, Pending).await.group, group);
    }
}

#[tokio::test]
async fn writes_that_a_failover_lost_cost_a_look_and_take_nothing_back() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let replicate = async |from: &str, to: &str| {
        for what in ["due", "lease"] {
            let mut copy = redis::cmd("COPY");
            let tag = fixture.tag();
            copy.arg(format!("{tag}:{what}:{from}"))
                .arg(format!("{tag}:{what}:{to}"))
                .arg("REPLACE");
            assert_eq!(fixture.ask_redis::<i64>(&copy).await, 1, "{what}");
        }
    };
    let held = claim_one(&queue, Pending).await;
    replicate("pending", "replica").await;
    covered(&queue, &held, Some(2_000)).await;
    replicate("replica", "pending").await;
    assert!(is_idle(&queue, Pending).await, "it seems to be held still");
    fixture.lapse(&group, Pending).await;
    let again = claim_one(&queue, Pending).await;
    covered(&queue, &again, Some(1_000)).await;
    let row = queue.lane(&group, Pending).await.unwrap();
    assert_eq!(row.covered_at, Some(2_000));
    assert!(is_idle(&queue, Pending).await);
}

#[tokio::test]
async fn a_death_between_the_row_and_its_acknowledgement_costs_one_look() {
    let fixture = Fixture::redis().await;
    let (hasty, queue) = (fixture.hasty_queue().await, fixture.queue().await);
    let group = fixture.group("111122223333", Duration::ZERO).await;
    let held = claim_one(&hasty, Drift).await;
    let row = queue.lane(&group, Drift).await.unwrap();
    let finish = Finish {
        due_at: row.due_at,
        next: HOUR,
        outcome: Some(&Outcome::again(HOUR)),
    };
    let settled = hasty.0.backends.table.settle(&held, &finish).await;
    assert!(settled.unwrap().is_some());
    // Due in an hour, says the table; but its lease has to lapse first.
    let again = claim_when_due(&queue, Drift).await;
    end(&queue, &again, HOUR).await;
    assert!(is_idle(&queue, Drift).await);
}

#[tokio::test]
async fn after_a_wipe_each_lane_is_due_when_it_was() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    let mut groups = Vec::new();
    for number in 0..40 {
        groups.push(fixture.group(&format!("{number:012}"), HOUR).await);
    }
    let turn = |_| async { Outcome::again(HOUR) };
    assert_eq!(queue.run_due(Drift, turn).await.unwrap(), groups.len());
    let left = async || {
        let held = queue.0.backends.held(Drift, &groups).await.unwrap();
        let left = held.unwrap().into_iter().map(|held| held.left);
        left.collect::<Option<Vec<_>>>().unwrap()
    };
    let before = left().await;
    fixture.redis.as_ref().unwrap().flushall();
    assert!(is_idle(&queue, Drift).await, "nothing is due at once");
    for (before, after) in before.into_iter().zip(left().await) {
        // Apart from what has passed meanwhile; a tenth of what they are spread over.
        assert!((before - after).abs() < 72_000, "{before} {after}");
    }
}

#[tokio::test]
async fn what_is_no_group_stops_nobody() {
    let fixture = Fixture::redis().await;
    let queue = fixture.queue().await;
    assert!(is_idle(&queue, Work).await);
    let mut put = redis::cmd("ZADD");
    put.arg(fixture.key("due", Work)).arg(1).arg("nonsense");
    fixture.ask_redis::<i64>(&put).await;
    let group = fixture.group("111122223333", Duration::ZERO).await;
    queue.nudge(&group, Work, Duration::ZERO).await;
    let claims = claim(&queue, Work).await;
    let groups: Vec<_> = claims.into_iter().map(|claim| claim.group).collect();
    assert_eq!(groups, [group]);
}
