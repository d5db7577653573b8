//! The database: rows under compare-and-set, the lanes of each group, gates, and who leads the sweep.

use std::collections::BTreeMap;

use peering::domain::{Peering, State, Watch};
use queue::Lane;

/// How long a lane without rows rests, in milliseconds.
pub(crate) const IDLE: i64 = 60_000;

/// A lane of a group, as `check_lane` has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaneRow {
    pub(crate) due_at: i64,
    pub(crate) nudged: bool,
    pub(crate) nonce: Option<String>,
    pub(crate) lease_until: i64,
    pub(crate) covered_at: Option<i64>,
}

/// A peering, and when its last version was written.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) peering: Peering,
    pub(crate) written_at: i64,
    /// Since when its lane has to look at it.
    pub(crate) watched_since: i64,
}

/// The group number and the lane.
pub(crate) type Key = (usize, Lane);

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) rows: Vec<Row>,
    pub(crate) lanes: BTreeMap<Key, LaneRow>,
    /// Until when reads and writes of a group are gated.
    pub(crate) gates: Vec<(i64, i64)>,
    pub(crate) leader: Option<(usize, i64)>,
    pub(crate) away_until: i64,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Yes,
    Stale,
}

impl Store {
    pub(crate) fn lane(&mut self, key: Key) -> &mut LaneRow {
        self.lanes.entry(key).or_default()
    }

    /// Pulls a lane forward in the transaction of a change.
    pub(crate) fn hasten(&mut self, key: Key, at: i64) {
        let lane = self.lane(key);
        lane.due_at = at.min(lane.due_at - 1);
        lane.nudged |= lane.nonce.is_some();
    }

    pub(crate) fn insert(&mut self, group: usize, peering: Peering, now: i64) {
        for lane in Lane::ALL {
            self.lanes.entry((group, lane)).or_insert(LaneRow {
                due_at: now,
                ..LaneRow::default()
            });
        }
        self.hasten((group, Lane::Pending), now + 1_000);
        self.rows.push(Row {
            peering,
            written_at: now,
            watched_since: now,
        });
    }

    /// Writes the way of one change if the row is as it was read, and finds what the invariants forbid.
    pub(crate) fn write(
        &mut self,
        index: usize,
        group: usize,
        before: &Peering,
        way: &[Peering],
        checks: bool,
        now: i64,
    ) -> Result<Written, String> {
        let row = &mut self.rows[index];
        if checks && row.peering.version != before.version {
            return Ok(Written::Stale);
        }
        if row.peering.version != before.version {
            return Err(format!(
                "row {index}: version {} was written over version {}",
                before.version + 1,
                row.peering.version
            ));
        }
        let mut known = before.clone();
        for next in way {
            let (from, to) = (known.state, next.state);
            let renewed = next.attempt > known.attempt;
            if from != to && !renewed && !from.may_become(to) {
                return Err(format!("row {index}: {from} became {to}"));
            }
            let version = known.version + 1;
            known = next.clone();
            known.version = version;
        }
        let enters =
            known.state.watch() == Watch::Pending && before.state.watch() != Watch::Pending;
        if known.state.watch() != before.state.watch() {
            row.watched_since = now;
        }
        row.peering = known;
        row.written_at = now;
        if enters {
            self.hasten((group, Lane::Pending), now + 1_000);
        }
        Ok(Written::Yes)
    }

    /// The rows that a lane of a group watches.
    pub(crate) fn watched(&self, key: Key, group_of: impl Fn(&Peering) -> usize) -> Vec<usize> {
        let watch = match key.1 {
            Lane::Pending => Watch::Pending,
            Lane::Drift => Watch::Drift,
            Lane::Work => Watch::None,
        };
        let all = self.rows.iter().enumerate();
        let of_lane = all.filter(|(_, row)| {
            row.peering.state.watch() == watch && group_of(&row.peering) == key.0
        });
        of_lane.map(|(index, _)| index).collect()
    }

    /// The least time at which a step of a group is due.
    pub(crate) fn least_step(
        &self,
        group: usize,
        group_of: impl Fn(&Peering) -> usize,
    ) -> Option<i64> {
        let of_group = self
            .rows
            .iter()
            .filter(|row| group_of(&row.peering) == group);
        of_group.filter_map(|row| row.peering.work.step_at).min()
    }

    /// Whether everything has come to rest.
    pub(crate) fn at_rest(&self) -> bool {
        let busy = |row: &Row| {
            row.peering.state == State::Deleting || row.peering.work.requested_at.is_some()
        };
        !self.rows.iter().any(busy)
    }
}
