//! The model does what the scripts do: both are asked the same at random, and compared after each call.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use redis::aio::MultiplexedConnection;
use redis::{Script, Value};

use crate::model::{Acked, Claimed, LaneModel};

const HOUR: i64 = 3_600_000;
const KEYS: [&str; 4] = ["{m}:filled", "{m}:due", "{m}:lease", "{m}:nudged"];
/// Between the time that the model is told and the time at which a script runs.
const APART: i64 = 10_000;

struct Both {
    connection: MultiplexedConnection,
    model: LaneModel,
    now: i64,
}

impl Both {
    async fn run(&mut self, source: &str, keys: &[usize], arguments: &[String]) -> Value {
        let script = Script::new(source);
        let mut call = script.prepare_invoke();
        for key in keys {
            call.key(KEYS[*key]);
        }
        for argument in arguments {
            call.arg(argument);
        }
        call.invoke_async(&mut self.connection).await.unwrap()
    }

    async fn time(&mut self) -> i64 {
        let time: (i64, i64) = redis::cmd("TIME")
            .query_async(&mut self.connection)
            .await
            .unwrap();
        time.0 * 1_000 + time.1 / 1_000
    }

    /// What Redis holds is what the model holds, but for the milliseconds between them, which the model takes over.
    async fn compare(&mut self, what: &str) {
        let connection = &mut self.connection;
        let filled: bool = redis::cmd("EXISTS")
            .arg(KEYS[0])
            .query_async(connection)
            .await
            .unwrap();
        let mut due = redis::cmd("ZRANGE");
        let due: Vec<(String, i64)> = due
            .arg(KEYS[1])
            .arg(0)
            .arg(-1)
            .arg("WITHSCORES")
            .query_async(connection)
            .await
            .unwrap();
        let lease = redis::cmd("HGETALL")
            .arg(KEYS[2])
            .query_async(connection)
            .await
            .unwrap();
        let nudged = redis::cmd("SMEMBERS")
            .arg(KEYS[3])
            .query_async(connection)
            .await
            .unwrap();
        let held = LaneModel {
            filled,
            due: due.into_iter().collect(),
            lease,
            nudged,
        };
        let mut model = self.model.clone();
        for (group, at) in &mut model.due {
            let real = held.due.get(group).copied().unwrap_or(i64::MAX);
            if (real - *at).abs() <= APART {
                *at = real;
            }
        }
        assert_eq!(model, held, "after {what}");
        self.model = held;
    }

    async fn call(&mut self, random: &mut StdRng) {
        self.now = self.time().await;
        let now = self.now;
        let group = format!("g{}", random.random_range(0..4));
        let nonce = format!("n{}", random.random_range(0..3));
        let hours = random.random_range(-1..3) * HOUR;
        let text = |number: i64| number.to_string();
        match random.random_range(0..6) {
            0 => {
                let n = random.random_range(1..4_usize);
                let arguments = [n.to_string(), text(HOUR), nonce.clone()];
                let claim = include_str!("../backend/scripts/claim.lua");
                let answer = self.run(claim, &[0, 1, 2, 3], &arguments).await;
                let mut answer: Vec<Value> = redis::from_redis_value(answer).unwrap();
                let wait: i64 = redis::from_redis_value(answer.remove(0)).unwrap();
                let taken: Vec<String> = answer
                    .into_iter()
                    .map(|one| redis::from_redis_value(one).unwrap())
                    .collect();
                match self.model.claim(n, HOUR, &nonce, now) {
                    Claimed::Wiped => assert_eq!((wait, taken.len()), (-2, 0)),
                    Claimed::Taken(groups, next) => {
                        assert_eq!(taken, groups);
                        assert!((wait - next.unwrap_or(-1)).abs() <= APART);
                    }
                }
                self.compare("CLAIM").await;
            }
            1 => {
                let arguments = [group.clone(), nonce.clone(), text(hours)];
                let ack = include_str!("../backend/scripts/ack.lua");
                let answer = self.run(ack, &[1, 2, 3], &arguments).await;
                let wanted = match self.model.ack(&group, &nonce, hours, now) {
                    Acked::Stale => 0,
                    Acked::Done => 1,
                    Acked::Nudged => 2,
                };
                assert_eq!(answer, Value::Int(wanted));
                self.compare("ACK").await;
            }
            2 => {
                // A lease of less than nothing has lapsed.
                let arguments = [group.clone(), nonce.clone(), text(hours)];
                let extend = include_str!("../backend/scripts/extend.lua");
                let answer = self.run(extend, &[1, 2], &arguments).await;
                let wanted = self.model.extend(&group, &nonce, hours, now);
                assert_eq!(answer, Value::Int(wanted.into()));
                self.compare("EXTEND").await;
            }
            3 => {
                let hours = hours.max(0);
                let arguments =
                    [&*group, &text(hours), &text(HOUR), "wake", "work"].map(str::to_owned);
                let nudge = include_str!("../backend/scripts/nudge.lua");
                let answer = self.run(nudge, &[1, 2, 3], &arguments).await;
                let wanted = self.model.nudge(&group, hours, HOUR, now);
                assert_eq!(answer, Value::Int(wanted.into()));
                self.compare("NUDGE").await;
            }
            4 => {
                let mark = random.random::<bool>();
                let other = format!("g{}", random.random_range(4..6));
                let entries = vec![(group, hours), (other, HOUR)];
                let mut arguments = vec![text(HOUR), i64::from(mark).to_string()];
                for (group, delay) in &entries {
                    arguments.extend([group.clone(), text(*delay)]);
                }
                let fill = include_str!("../backend/scripts/fill.lua");
                self.run(fill, &[0, 1, 2], &arguments).await;
                self.model.fill(&entries, HOUR, mark, now);
                self.compare("FILL").await;
            }
            _ => {
                let key = random.random_range(0..4_usize);
                let connection = &mut self.connection;
                redis::cmd("DEL")
                    .arg(KEYS[key])
                    .query_async::<()>(connection)
                    .await
                    .unwrap();
                match key {
                    0 => self.model.filled = false,
                    1 => self.model.due.clear(),
                    2 => self.model.lease.clear(),
                    _ => self.model.nudged.clear(),
                }
                self.compare("DEL").await;
            }
        }
    }
}

#[tokio::test]
async fn the_model_does_what_the_scripts_do() {
    let redis = testkit::Redis::start().await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut both = Both {
        connection: client.get_multiplexed_async_connection().await.unwrap(),
        model: LaneModel::default(),
        now: 0,
    };
    let mut random = StdRng::seed_from_u64(6);
    for _ in 0..3_000 {
        both.call(&mut random).await;
    }
}
