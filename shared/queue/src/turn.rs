//! What a worker is handed for one claim, and what it hands back.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use types::GroupId;

use crate::{Lane, LaneRow};

/// One claim of a group's lane.
#[derive(Debug, Clone)]
pub struct Turn {
    /// The group to look at.
    pub group: GroupId,
    /// The lane it was claimed in.
    pub lane: Lane,
    /// The lane's row as it stood when the turn began.
    pub row: LaneRow,
    pub(crate) lost: CancellationToken,
}

impl Turn {
    /// Cancelled when the lease is no longer held: no further cloud call may go out, what is known already
    /// may still be committed.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

/// How a turn ended, and when the lane is due again.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Pending and drift: the interval from claim to claim, spread by ±10 % from 5 s up. Work: how long after
    /// the turn's end the next step is due, as it is. A nudge or [`hasten`](crate::hasten) meanwhile wins.
    pub next: Duration,
    /// After a complete look: the database's time just before its rows were read. It never goes back.
    pub covered_at: Option<i64>,
    /// After a complete look at routes and firewall: the same time.
    pub wired_at: Option<i64>,
    /// Why the turn did not do all it should; none clears the lane's last error.
    pub error: Option<String>,
    /// Whether the cloud asked to be left alone.
    pub gate: Option<Gate>,
}

impl Outcome {
    /// A good turn that looked at nothing: due again after `next`.
    pub fn again(next: Duration) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }
}

/// Why a whole group is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Too many calls; with the wait the cloud asked for, if it did.
    Throttled(Option<Duration>),
    /// Our own share of the writes is used up for this long: no fault of anybody's, so it does not grow.
    Paced(Duration),
    /// The credentials were refused.
    Unauthorized,
}
