//! The status-check queue: which group of things in a cloud is due to be looked at, in which lane, and who
//! looks at it now.
//!
//! A job is a group in a lane and carries no payload: what there is to do stands in the service's rows. The
//! tables `check_group` and `check_lane` stand for the jobs; Redis, where there is one, holds due times and
//! leases and may be lost at any moment. One type serves both, and moves to the table by itself while Redis
//! is away. The queue knows neither networks nor peerings and calls no cloud.

mod backend;
mod gate;
pub mod grpc;
mod keep;
pub mod model;
mod operators;
mod orphans;
mod run;
mod schema;
mod sweep;
#[cfg(test)]
mod tests;
mod trouble;
mod turn;
mod wake;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use runtime::config::QueueConfig;
use runtime::db::Db;
use sea_orm::DbErr;
use tokio::sync::{Notify, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use types::GroupId;

use crate::backend::Backends;
use crate::operators::Rates;
use crate::trouble::Trouble;
use crate::wake::Wakes;

pub use crate::operators::{GroupView, LaneFigures, LaneView};
pub use crate::orphans::{Orphan, Unowned, orphan_migration};
pub use crate::schema::{LaneRow, ensure_group, hasten, lock_group, migration};
pub use crate::turn::{Gate, Outcome, Turn};

/// What kind of look or act a group is due for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Writes to the cloud.
    Work,
    /// Entries that wait for someone.
    Pending,
    /// Entries that stand, watched for change.
    Drift,
}

impl Lane {
    /// All lanes; every group is in each of them.
    pub const ALL: [Self; 3] = [Self::Work, Self::Pending, Self::Drift];

    /// The name in tables and keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Pending => "pending",
            Self::Drift => "drift",
        }
    }
}

/// Why the queue could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service's database failed.
    #[error("the queue's database failed: {0}")]
    Database(#[from] DbErr),
    /// Redis answered with an error, or could not be reached.
    #[error("the queue's Redis failed: {0}")]
    Redis(#[from] redis::RedisError),
    /// Redis did not answer in time.
    #[error("the queue's Redis did not answer within {0:?}")]
    Silent(Duration),
    /// The settings of Redis make no sense; names the setting and the rule.
    #[error("{0}")]
    Settings(String),
    /// Nobody made this group's lanes.
    #[error("group {0} is not in the queue")]
    UnknownGroup(GroupId),
}

/// The queue of one service. Clones share everything.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

pub(crate) struct Inner {
    name: &'static str,
    /// This process, as a candidate for the sweep's lead.
    holder: String,
    db: Db,
    config: QueueConfig,
    backends: Backends,
    wakes: Arc<Wakes>,
    /// Asks the sweep to run now, leader or not.
    refill: Arc<Notify>,
    /// Counts the turns that were committed.
    turns: watch::Sender<u64>,
    random: Mutex<StdRng>,
    trouble: Trouble,
    rates: Rates,
    /// Ends what runs in the background when the last clone goes.
    _background: DropGuard,
}

impl Queue {
    /// Opens the queue called `name` (such as `status-check`), on Redis when one is configured, and never
    /// waits for it. The tables of [`migration`] and of [`runtime::leader`] must exist.
    ///
    /// # Errors
    /// When the settings of Redis cannot be understood, or a file that they name cannot be read.
    pub async fn start(name: &'static str, db: Db, config: &QueueConfig) -> Result<Self, Error> {
        let wakes = Arc::new(Wakes::default());
        let refill = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let backends = Backends::open(name, &db, config, &wakes, &refill, &stop)?;
        let random = match config.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => rand::make_rng(),
        };
        Ok(Self(Arc::new(Inner {
            name,
            holder: uuid::Uuid::new_v4().to_string(),
            db,
            config: config.clone(),
            backends,
            wakes,
            refill,
            turns: watch::Sender::new(0),
            random: Mutex::new(random),
            trouble: Trouble::new(name),
            rates: Rates::default(),
            _background: stop.drop_guard(),
        })))
    }

    /// Where due times and leases stand now: `redis` or `table`.
    pub fn backend(&self) -> &'static str {
        self.0.backends.in_use().as_str()
    }

    /// Makes a group's lane due `delay` from now, or at once after the turn that runs. Call it after the
    /// commit. It never fails: what Redis does not take is written in the table, what is lost even so is
    /// mended by the sweep.
    pub async fn nudge(&self, group: &GroupId, lane: Lane, delay: Duration) {
        match self.0.backends.nudge(group, lane, delay).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(queue = self.0.name, lane = lane.as_str(), %group, %error, "a nudge was lost");
            }
        }
        if delay.is_zero() {
            self.0.wakes.wake(lane);
        }
    }

    /// What the table says about a group's lane.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`] when [`ensure_group`] was never called for it.
    pub async fn lane(&self, group: &GroupId, lane: Lane) -> Result<LaneRow, Error> {
        let row = schema::lane(self.0.db.read(), group, lane).await?;
        row.ok_or_else(|| Error::UnknownGroup(group.clone()))
    }

    /// Changes after each turn that this process committed. Other replicas' turns don't show here.
    pub fn turns(&self) -> watch::Receiver<u64> {
        self.0.turns.subscribe()
    }
}

impl Inner {
    /// A number no other claim has: not from the seed, which replicas may share.
    fn nonce() -> String {
        format!("{:032x}", rand::random::<u128>())
    }

    fn with_random<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        // A generator is whole after every draw, so a panic elsewhere cannot have spoilt it.
        draw(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
