//! The queue on Redis: five scripts on keys of one hash tag, none of which carries the truth.

mod connect;
mod view;
mod watch;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::{FromRedisValue, Script, ScriptInvocation};
use runtime::clock::millis as ms;
use runtime::config::QueueConfig;
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use types::GroupId;

use self::connect::{Connection, Server};
use super::health::{Change, Health, Rules};
use super::{Claim, Claims, Kind};
use crate::wake::Wakes;
use crate::{Error, Lane};

/// The most groups one FILL carries, so that no script stalls Redis.
const FILL_BATCH: usize = 32;
/// CLAIM's first number when the lane holds nothing, and when its marker is gone.
const EMPTY: i64 = -1;
const WIPED: i64 = -2;

/// CLAIM's answer.
#[derive(Debug)]
pub(super) enum Taken {
    Claims(Claims),
    /// The lane's marker is gone: it must be filled first.
    Wiped,
}

/// ACK's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    Stale,
    Done,
    /// Done, and due at once.
    Nudged,
}

pub(super) struct Redis {
    server: Server,
    /// Made by the first call. Left while Redis is away, since a connection cut half-way never notices, and
    /// another server may be the master by then.
    connection: tokio::sync::Mutex<Option<Connection>>,
    keys: [Keys; 3],
    scripts: Scripts,
    channel: String,
    probe_keys: [String; 4],
    lease: Duration,
    timeout: Duration,
    probe: Duration,
    away: AtomicBool,
    health: Mutex<Health>,
    wakes: Arc<Wakes>,
    refill: Arc<Notify>,
    resubscribe: Notify,
}

struct Keys {
    filled: String,
    due: String,
    lease: String,
    nudged: String,
}

struct Scripts {
    claim: Script,
    ack: Script,
    extend: Script,
    nudge: Script,
    fill: Script,
    probe: Script,
    eviction: Script,
}

impl Redis {
    pub(super) fn open(
        name: &str,
        url: &SecretString,
        config: &QueueConfig,
        wakes: &Arc<Wakes>,
        refill: &Arc<Notify>,
        stop: &CancellationToken,
    ) -> Result<Arc<Self>, Error> {
        let name = &match config.redis_prefix.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}:{name}"),
        };
        let rules = Rules {
            patience: config.redis_patience,
            trust: config.redis_trust,
        };
        let redis = Arc::new(Self {
            server: Server::open(url, config)?,
            connection: tokio::sync::Mutex::default(),
            keys: Lane::ALL.map(|lane| Keys::of(name, lane)),
            scripts: Scripts::load(),
            channel: format!("{{{name}}}:wake"),
            probe_keys: ["zset", "hash", "set", "string"]
                .map(|kind| format!("{{{name}}}:probe:{kind}")),
            lease: config.lease,
            timeout: config.redis_timeout,
            probe: config.redis_probe,
            away: AtomicBool::new(false),
            health: Mutex::new(Health::new(rules)),
            wakes: wakes.clone(),
            refill: refill.clone(),
            resubscribe: Notify::new(),
        });
        tokio::spawn(
            stop.clone()
                .run_until_cancelled_owned(redis.clone().watch()),
        );
        tokio::spawn(
            stop.clone()
                .run_until_cancelled_owned(redis.clone().listen()),
        );
        Ok(redis)
    }

    pub(super) fn in_use(&self) -> bool {
        !self.away.load(Ordering::Acquire)
    }

    pub(super) async fn claim(&self, lane: Lane, n: usize, nonce: &str) -> Result<Taken, Error> {
        let begun = Instant::now();
        let keys = self.keys(lane);
        let mut claim = self.scripts.claim.key(&keys.filled);
        claim.key(&keys.due).key(&keys.lease).key(&keys.nudged);
        claim.arg(n).arg(ms(self.lease)).arg(nonce);
        let answer: Vec<::redis::Value> = self.ask(&claim).await?;
        let mut answer = answer.into_iter();
        let wait = answer
            .next()
            .map_or(Ok(EMPTY), ::redis::from_redis_value::<i64>);
        let wait = match wait.map_err(::redis::RedisError::from)? {
            WIPED => return Ok(Taken::Wiped),
            EMPTY => None,
            wait => Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0))),
        };
        let mut taken = Vec::new();
        for group in answer {
            let group: String =
                ::redis::from_redis_value(group).map_err(::redis::RedisError::from)?;
            match group.parse() {
                Ok(group) => {
                    let nonce = nonce.to_owned();
                    taken.push(Claim {
                        group,
                        lane,
                        nonce,
                        from: Kind::Redis,
                        begun,
                    });
                }
                Err(error) => tracing::error!(group, %error, "Redis holds what is no group"),
            }
        }
        Ok(Taken::Claims(Claims { taken, wait }))
    }

    pub(super) async fn ack(&self, claim: &Claim, next: Duration) -> Result<Acknowledged, Error> {
        let keys = self.keys(claim.lane);
        let mut ack = self.scripts.ack.key(&keys.due);
        ack.key(&keys.lease).key(&keys.nudged);
        ack.arg(claim.group.to_string())
            .arg(&claim.nonce)
            .arg(ms(next));
        Ok(match self.ask::<i64>(&ack).await? {
            0 => Acknowledged::Stale,
            1 => Acknowledged::Done,
            _ => Acknowledged::Nudged,
        })
    }

    pub(super) async fn extend(&self, claim: &Claim) -> Result<bool, Error> {
        let keys = self.keys(claim.lane);
        let mut extend = self.scripts.extend.key(&keys.due);
        extend.key(&keys.lease);
        extend
            .arg(claim.group.to_string())
            .arg(&claim.nonce)
            .arg(ms(self.lease));
        Ok(self.ask::<i64>(&extend).await? == 1)
    }

    pub(super) async fn nudge(
        &self,
        group: &GroupId,
        lane: Lane,
        delay: Duration,
    ) -> Result<(), Error> {
        let keys = self.keys(lane);
        let mut nudge = self.scripts.nudge.key(&keys.due);
        nudge.key(&keys.lease).key(&keys.nudged);
        nudge
            .arg(group.to_string())
            .arg(ms(delay))
            .arg(ms(self.lease));
        nudge.arg(&self.channel).arg(lane.as_str());
        self.ask::<i64>(&nudge).await?;
        Ok(())
    }

    /// Wakes all who wait for a lane. Without the right to publish they find what there is by their next poll, so a
    /// refusal says nothing about Redis.
    pub(super) async fn announce(&self, lane: Lane) {
        let call = async {
            let mut connection = self.connection().await?;
            let mut publish = ::redis::cmd("PUBLISH");
            publish.arg(&self.channel).arg(lane.as_str());
            publish.query_async::<i64>(&mut connection).await
        };
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "nobody was woken"),
            Err(_) => tracing::debug!("nobody was woken in time"),
        }
    }

    /// Lays in a whole lane; its marker stands once the last batch is in.
    pub(super) async fn fill(&self, lane: Lane, due: &[(GroupId, i64)]) -> Result<(), Error> {
        let keys = self.keys(lane);
        let batches = due.chunks(FILL_BATCH).count().max(1);
        for batch in 0..batches {
            let mut fill = self.scripts.fill.key(&keys.filled);
            fill.key(&keys.due).key(&keys.lease);
            fill.arg(ms(self.lease)).arg(u8::from(batch + 1 == batches));
            for (group, delay) in due.iter().skip(batch * FILL_BATCH).take(FILL_BATCH) {
                fill.arg(group.to_string()).arg(*delay);
            }
            self.ask::<i64>(&fill).await?;
        }
        Ok(())
    }

    fn keys(&self, lane: Lane) -> &Keys {
        let [work, pending, drift] = &self.keys;
        match lane {
            Lane::Work => work,
            Lane::Pending => pending,
            Lane::Drift => drift,
        }
    }

    async fn connection(&self) -> ::redis::RedisResult<Connection> {
        let mut made = self.connection.lock().await;
        match &*made {
            Some(connection) => Ok(connection.clone()),
            None => Ok(made.insert(self.server.connect().await?).clone()),
        }
    }

    async fn ask<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        let call = async {
            let mut connection = self.connection().await?;
            script.invoke_async(&mut connection).await
        };
        self.noted(call).await
    }

    /// Waits for an answer no longer than the timeout, and keeps the books on it.
    async fn noted<T>(
        &self,
        call: impl Future<Output = ::redis::RedisResult<T>>,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let answer = match tokio::time::timeout(self.timeout, call).await {
            Ok(answer) => answer.map_err(Error::from),
            Err(_) => Err(Error::Silent(self.timeout)),
        };
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let change = health.note(begun, Instant::now(), answer.is_ok());
        self.away.store(health.is_away(), Ordering::Release);
        drop(health);
        match change {
            None => return answer,
            Some(Change::Away) => {
                let error = answer.as_ref().err().map(ToString::to_string);
                tracing::warn!(error, "Redis is away: the queue goes on in the database");
            }
            Some(Change::Back) => {
                tracing::info!("Redis is back: the queue returns to it");
                self.resubscribe.notify_one();
            }
        }
        self.refill.notify_one();
        self.wakes.wake_all();
        answer
    }
}

impl Keys {
    fn of(name: &str, lane: Lane) -> Self {
        let key = |what: &str| format!("{{{name}}}:{what}:{}", lane.as_str());
        Self {
            filled: key("filled"),
            due: key("due"),
            lease: key("lease"),
            nudged: key("nudged"),
        }
    }
}

impl Scripts {
    fn load() -> Self {
        Self {
            claim: Script::new(include_str!("scripts/claim.lua")),
            ack: Script::new(include_str!("scripts/ack.lua")),
            extend: Script::new(include_str!("scripts/extend.lua")),
            nudge: Script::new(include_str!("scripts/nudge.lua")),
            fill: Script::new(include_str!("scripts/fill.lua")),
            probe: Script::new(include_str!("scripts/probe.lua")),
            eviction: Script::new(include_str!("scripts/eviction.lua")),
        }
    }
}
