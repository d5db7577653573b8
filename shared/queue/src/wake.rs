//! Wakes the claim loops of this process.

use tokio::sync::Notify;

use crate::Lane;

/// One bell per lane.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    work: Notify,
    pending: Notify,
    drift: Notify,
}

impl Wakes {
    /// The lane's bell. Enable its future before asking what is due, else a ring between is missed.
    pub(crate) fn of(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Work => &self.work,
            Lane::Pending => &self.pending,
            Lane::Drift => &self.drift,
        }
    }

    pub(crate) fn wake(&self, lane: Lane) {
        self.of(lane).notify_waiters();
    }

    pub(crate) fn wake_all(&self) {
        for lane in Lane::ALL {
            self.wake(lane);
        }
    }
}
