//! The queue on Redis: five scripts on keys of one hash tag, none of which carries the truth.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, FromRedisValue, Script, ScriptInvocation};
use futures::StreamExt;
use runtime::clock::millis as ms;
use runtime::config::QueueConfig;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use types::GroupId;

use super::health::{Change, Health, Rules};
use super::{Claim, Claims, Kind};
use crate::wake::Wakes;
use crate::{Error, Lane};

/// The most groups one FILL carries, so that no script stalls Redis.
const FILL_BATCH: usize = 100;
/// CLAIM's first number when the lane holds nothing, and when its marker is gone.
const EMPTY: i64 = -1;
const WIPED: i64 = -2;
const RESUBSCRIBE: Duration = Duration::from_secs(1);

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
    client: Client,
    /// Replaced while Redis is away, since a connection cut half-way never notices.
    manager: Mutex<ConnectionManager>,
    keys: [Keys; 3],
    scripts: Scripts,
    channel: String,
    probe_key: String,
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
        let client = Client::open(url.expose_secret())?;
        let rules = Rules {
            patience: config.redis_patience,
            trust: config.redis_trust,
        };
        let redis = Arc::new(Self {
            manager: Mutex::new(connect(&client, config.redis_timeout)?),
            client,
            keys: Lane::ALL.map(|lane| Keys::of(name, lane)),
            scripts: Scripts::load(),
            channel: format!("{{{name}}}:wake"),
            probe_key: format!("{{{name}}}:probe"),
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

    fn connection(&self) -> ConnectionManager {
        self.manager
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn ask<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        let mut connection = self.connection();
        self.noted(script.invoke_async(&mut connection)).await
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

    /// Asks Redis from time to time whether it takes a write, which a full or read-only one does not.
    async fn watch(self: Arc<Self>) {
        let mut eviction_checked = false;
        loop {
            let mut connection = self.connection();
            let mut write = ::redis::cmd("SET");
            write.arg(&self.probe_key).arg(1);
            let good = self.noted(write.exec_async(&mut connection)).await.is_ok();
            if good && !eviction_checked {
                eviction_checked = self.check_eviction().await.is_ok();
            }
            if !good && !self.in_use() {
                self.renew_connection();
            }
            tokio::time::sleep(self.probe).await;
        }
    }

    fn renew_connection(&self) {
        match connect(&self.client, self.timeout) {
            Ok(fresh) => *self.manager.lock().unwrap_or_else(PoisonError::into_inner) = fresh,
            Err(error) => tracing::error!(%error, "no connection to Redis can be made"),
        }
    }

    async fn check_eviction(&self) -> Result<(), Error> {
        let mut connection = self.connection();
        let mut info = ::redis::cmd("INFO");
        info.arg("memory");
        let info: String = self.noted(info.query_async(&mut connection)).await?;
        let policy = info
            .lines()
            .find_map(|line| line.strip_prefix("maxmemory_policy:"));
        if let Some(policy) = policy.filter(|policy| *policy != "noeviction") {
            tracing::warn!(
                policy,
                "Redis may evict the queue's keys, which costs repeated looks: set maxmemory-policy noeviction"
            );
        }
        Ok(())
    }

    /// Hears the nudges of other processes. Without it a worker still looks every `poll`.
    async fn listen(self: Arc<Self>) {
        loop {
            tokio::select! {
                result = self.hear() => if let Err(error) = result {
                    tracing::debug!(%error, "no wake-ups from Redis for now");
                },
                () = self.resubscribe.notified() => {}
            }
            tokio::time::sleep(RESUBSCRIBE).await;
        }
    }

    async fn hear(&self) -> Result<(), Error> {
        let mut pubsub = self.client.get_async_pubsub().await?;
        pubsub.subscribe(&self.channel).await?;
        let mut messages = pubsub.on_message();
        while let Some(message) = messages.next().await {
            let lane = message.get_payload::<String>().unwrap_or_default();
            match Lane::ALL.into_iter().find(|known| known.as_str() == lane) {
                Some(lane) => self.wakes.wake(lane),
                None => self.wakes.wake_all(),
            }
        }
        Ok(())
    }
}

/// Connects with the first call, and anew after a connection was cut.
fn connect(client: &Client, timeout: Duration) -> Result<ConnectionManager, Error> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout));
    Ok(ConnectionManager::new_lazy_with_config(
        client.clone(),
        config,
    )?)
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
        }
    }
}
