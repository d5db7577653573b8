//! The cloud of the walks: what there was when, so that reads can be old.

use crate::domain::{CloudState, Sighting};

/// The cloud, with its past, so that reads can be old.
pub(super) struct Cloud {
    /// What there was from when on.
    pub(super) past: Vec<(i64, Vec<Sighting>)>,
    pub(super) made: usize,
    /// Attempts for which something was made.
    pub(super) made_for: Vec<i32>,
    /// A request that finds the object of an earlier attempt makes it its own, instead of telling of it.
    pub(super) adopts: bool,
}

impl Cloud {
    pub(super) fn at(&self, time: i64) -> Vec<Sighting> {
        let found = self.past.iter().rev().find(|(since, _)| *since <= time);
        found.map(|(_, seen)| seen.clone()).unwrap_or_default()
    }

    pub(super) fn now(&self) -> Vec<Sighting> {
        self.at(i64::MAX)
    }

    pub(super) fn live(&self) -> Option<Sighting> {
        self.now().into_iter().find(|one| one.state.is_live())
    }

    pub(super) fn put(&mut self, now: i64, seen: Vec<Sighting>) {
        self.past.push((now, seen));
    }

    pub(super) fn change(&mut self, now: i64, id: &str, change: impl FnOnce(&mut Sighting)) {
        let mut all = self.now();
        if let Some(one) = all.iter_mut().find(|one| one.provider_peering_id == id) {
            change(one);
        }
        self.put(now, all);
    }

    /// Whether an object of this state may become one of that.
    pub(super) fn allows(from: CloudState, to: CloudState) -> bool {
        use CloudState::*;
        match from {
            Provisioning => matches!(to, PendingAcceptance | Failed),
            PendingAcceptance => matches!(to, Active | Rejected | Expired | Deleted),
            Active => to == Deleted,
            _ => false,
        }
    }
}
