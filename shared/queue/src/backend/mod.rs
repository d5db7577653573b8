//! Where due times and leases stand: in Redis, or in the table. An enum's worth of choice, behind one type.

mod health;
mod redis;
mod table;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use runtime::config::QueueConfig;
use runtime::db::Db;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use types::GroupId;

use self::redis::{Acknowledged, Redis, Taken};
pub(crate) use self::table::{Finish, Standing, Table};
use crate::wake::Wakes;
use crate::{Error, Lane};

/// After a failure of the database a group is given back for this long.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

/// One of the two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    Redis,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Redis => "redis",
        }
    }
}

/// A group's lane, held under a lease.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) group: GroupId,
    pub(crate) lane: Lane,
    nonce: String,
    /// Who gave it: its acknowledgement goes there or nowhere.
    from: Kind,
    /// When it was asked for: its lease runs at least from here.
    pub(crate) begun: Instant,
}

/// The answer to a claim.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    pub(crate) taken: Vec<Claim>,
    /// How long until the next group is due; none when the lane is empty.
    pub(crate) wait: Option<Duration>,
}

/// How a group stands in a lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Milliseconds until it is due, less than none when it is overdue; none when it is not there.
    pub(crate) left: Option<i64>,
    pub(crate) leased: bool,
}

/// What of a lane waits for a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depth {
    pub(crate) overdue: i64,
    /// Of the most overdue.
    pub(crate) lag: Duration,
}

pub(crate) struct Backends {
    pub(crate) table: Table,
    redis: Option<Arc<Redis>>,
    wakes: Arc<Wakes>,
    /// Asks the sweep to run.
    refill: Arc<Notify>,
}

impl fmt::Debug for Backends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backends")
            .field("in_use", &self.in_use())
            .finish_non_exhaustive()
    }
}

impl Backends {
    pub(crate) fn open(
        name: &'static str,
        db: &Db,
        config: &QueueConfig,
        wakes: &Arc<Wakes>,
        refill: &Arc<Notify>,
        stop: &CancellationToken,
    ) -> Result<Self, Error> {
        let redis = config
            .redis_url
            .as_ref()
            .map(|url| Redis::open(name, url, config, wakes, refill, stop))
            .transpose()?;
        let table = Table::new(db.clone(), config.lease);
        Ok(Self {
            table,
            redis,
            wakes: wakes.clone(),
            refill: refill.clone(),
        })
    }

    pub(crate) fn in_use(&self) -> Kind {
        self.redis_in_use().map_or(Kind::Table, |_| Kind::Redis)
    }

    fn redis_in_use(&self) -> Option<&Redis> {
        self.redis.as_deref().filter(|redis| redis.in_use())
    }

    /// Takes up to `n` groups of a lane that are due, oldest first.
    pub(crate) async fn claim(&self, lane: Lane, n: usize, nonce: &str) -> Result<Claims, Error> {
        let Some(redis) = self.redis_in_use() else {
            return Ok(self.table.claim(lane, n, nonce).await?);
        };
        if let Taken::Claims(claims) = redis.claim(lane, n, nonce).await? {
            return Ok(claims);
        }
        tracing::warn!(
            lane = lane.as_str(),
            "Redis was wiped: the lane is laid in again"
        );
        let rows = self.table.due(lane).await?;
        self.fill(lane, &rows).await?;
        // The sweep knows better when work is due.
        self.refill.notify_one();
        match redis.claim(lane, n, nonce).await? {
            Taken::Claims(claims) => Ok(claims),
            Taken::Wiped => Ok(Claims {
                taken: Vec::new(),
                wait: Some(Duration::ZERO),
            }),
        }
    }

    /// Prolongs a lease from now; false when it is another's by now.
    pub(crate) async fn extend(&self, claim: &Claim) -> Result<bool, Error> {
        match (claim.from, &self.redis) {
            (Kind::Redis, Some(redis)) => redis.extend(claim).await,
            (Kind::Redis, None) => Ok(false),
            (Kind::Table, _) => Ok(self.table.extend(claim).await?),
        }
    }

    /// Writes the lane's row and gives the lease back. False when the lease was another's already and
    /// nothing was written.
    pub(crate) async fn finish(&self, claim: &Claim, finish: &Finish<'_>) -> Result<bool, Error> {
        let settled = self.table.settle(claim, finish).await;
        if claim.from == Kind::Table {
            return Ok(settled?.is_some());
        }
        let next = match &settled {
            Ok(Some(left)) => *left,
            Ok(None) => finish.next,
            Err(_) => RETRY,
        };
        self.acknowledge(claim, next).await;
        settled?;
        Ok(true)
    }

    /// Gives a lease back without a look; with the table the lane is due as before.
    pub(crate) async fn release(&self, claim: &Claim, next: Duration) {
        match claim.from {
            Kind::Redis => self.acknowledge(claim, next).await,
            Kind::Table => {
                if let Err(error) = self.table.release(claim).await {
                    tracing::debug!(%error, "a lease is left to lapse");
                }
            }
        }
    }

    /// Wakes the workers of other processes, where something was given back that nobody waits for.
    pub(crate) async fn announce(&self, lane: Lane) {
        if let Some(redis) = self.redis_in_use() {
            redis.announce(lane).await;
        }
    }

    async fn acknowledge(&self, claim: &Claim, next: Duration) {
        let Some(redis) = &self.redis else { return };
        match redis.ack(claim, next).await {
            Ok(Acknowledged::Done) => {}
            Ok(Acknowledged::Nudged) => self.wakes.wake(claim.lane),
            Ok(Acknowledged::Stale) => {
                tracing::info!(lane = claim.lane.as_str(), group = %claim.group, "a lease had lapsed");
            }
            Err(error) => tracing::debug!(%error, "an acknowledgement was dropped"),
        }
    }

    /// Makes a lane due `delay` from now, in the place in use; in the table when Redis does not take it,
    /// from where the sweep or the fall-back pick it up.
    pub(crate) async fn nudge(
        &self,
        group: &GroupId,
        lane: Lane,
        delay: Duration,
    ) -> Result<(), Error> {
        if let Some(redis) = self.redis_in_use() {
            match redis.nudge(group, lane, delay).await {
                Ok(()) => return Ok(()),
                Err(error) => tracing::debug!(%error, "a nudge goes to the table"),
            }
        }
        Ok(self.table.nudge(group, lane, delay).await?)
    }

    /// Lays due times into Redis: what is absent, or due later than it should. Nothing to do on the table.
    pub(crate) async fn fill(&self, lane: Lane, due: &[(GroupId, i64)]) -> Result<(), Error> {
        match self.redis_in_use() {
            Some(redis) => redis.fill(lane, due).await,
            None => Ok(()),
        }
    }

    /// How these groups stand in Redis, in their order; none: the table says.
    pub(crate) async fn held(
        &self,
        lane: Lane,
        groups: &[GroupId],
    ) -> Result<Option<Vec<Held>>, Error> {
        let Some(redis) = self.redis_in_use() else {
            return Ok(None);
        };
        match redis.held(lane, groups).await {
            Ok(held) => Ok(Some(held)),
            Err(error) => {
                tracing::debug!(%error, "the table is asked instead");
                Ok(None)
            }
        }
    }

    pub(crate) async fn depth(&self, lane: Lane) -> Result<Depth, Error> {
        if let Some(redis) = self.redis_in_use() {
            match redis.depth(lane).await {
                Ok(depth) => return Ok(depth),
                Err(error) => tracing::debug!(%error, "the table is asked instead"),
            }
        }
        Ok(self.table.depth(lane).await?)
    }
}
