//! Where due times and leases stand for each worker: in Redis, or in the table while it takes Redis to be away.

use queue::Lane;
use queue::model::{Acked, Claimed, LaneModel};

use crate::bug::Bug;
use crate::store::{Key, Store};
use crate::world::{LEASE, World};

/// Errors for this long move a worker to the table, answers for that long move it back.
const PATIENCE: i64 = 1_000;
const TRUST: i64 = 10_000;

/// One of the two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Redis,
    Table,
}

/// A Redis with its faults.
#[derive(Debug, Default)]
pub(crate) struct Redis {
    pub(crate) lanes: [LaneModel; 3],
    /// What a replica has: what a failover leaves.
    pub(crate) replica: [LaneModel; 3],
    pub(crate) away_until: i64,
    /// How far its clock is off.
    pub(crate) offset: i64,
}

/// How a worker finds Redis.
#[derive(Debug, Default, Clone)]
pub(crate) struct View {
    pub(crate) cut_until: i64,
    pub(crate) on_table: bool,
    bad_since: Option<i64>,
    good_since: Option<i64>,
}

pub(crate) fn group_name(group: usize) -> String {
    format!("g{group}")
}

fn group_number(name: &str) -> usize {
    name[1..].parse().unwrap_or(usize::MAX)
}

fn number(lane: Lane) -> usize {
    match lane {
        Lane::Work => 0,
        Lane::Pending => 1,
        Lane::Drift => 2,
    }
}

impl World {
    /// The lane in Redis as a worker reaches it, and Redis' time; none when it does not.
    fn redis(&mut self, worker: usize, lane: Lane) -> Option<(&mut LaneModel, i64)> {
        let now = self.now;
        let view = &mut self.workers[worker].view;
        if now < self.redis.away_until || now < view.cut_until {
            view.good_since = None;
            let since = *view.bad_since.get_or_insert(now);
            view.on_table |= now - since >= PATIENCE;
            return None;
        }
        view.bad_since = None;
        let since = *view.good_since.get_or_insert(now);
        view.on_table &= now - since < TRUST;
        let at = now + self.redis.offset;
        Some((&mut self.redis.lanes[number(lane)], at))
    }

    /// What a worker claims of a lane, and when it should ask again.
    pub(crate) fn claim(
        &mut self,
        worker: usize,
        lane: Lane,
        nonce: &str,
    ) -> (Vec<(usize, Place)>, i64) {
        let leaves_due = self.bug == Some(Bug::ClaimLeavesDue);
        let fills = self.bug != Some(Bug::NoSweep);
        if self.workers[worker].view.on_table {
            // Whether Redis is back, a probe tells.
            self.redis(worker, lane);
            let taken = claim_table(&mut self.store, lane, nonce, self.now);
            return (
                taken
                    .into_iter()
                    .map(|group| (group, Place::Table))
                    .collect(),
                1_000,
            );
        }
        for _ in 0..2 {
            let Some((model, now)) = self.redis(worker, lane) else {
                return (Vec::new(), 500);
            };
            match model.claim(8, LEASE, nonce, now) {
                Claimed::Taken(groups, wait) => {
                    for group in groups.iter().filter(|_| leaves_due) {
                        model.due.insert(group.clone(), now);
                    }
                    let taken = groups.iter().map(|name| (group_number(name), Place::Redis));
                    return (taken.collect(), wait.unwrap_or(1_000).clamp(10, 1_000));
                }
                Claimed::Wiped if fills => self.fill(worker, lane),
                Claimed::Wiped => return (Vec::new(), 1_000),
            }
        }
        (Vec::new(), 10)
    }

    /// Lays a lane into Redis from the table, work from the rows.
    pub(crate) fn fill(&mut self, worker: usize, lane: Lane) {
        let now = self.now;
        let mut due = Vec::new();
        for (key, row) in self.store.lanes.iter().filter(|(key, _)| key.1 == lane) {
            let step = (lane == Lane::Work)
                .then(|| self.least_step(key.0))
                .flatten();
            due.push((group_name(key.0), step.unwrap_or(row.due_at) - now));
        }
        let breaks = self.bug == Some(Bug::FillBreaksLeases);
        if let Some((model, now)) = self.redis(worker, lane) {
            if breaks {
                model.lease.clear();
            }
            model.fill(&due, LEASE, true, now);
        }
    }

    /// Whether a lease is still the turn's; none: nobody answered.
    pub(crate) fn extend(
        &mut self,
        worker: usize,
        key: Key,
        nonce: &str,
        place: Place,
    ) -> Option<bool> {
        if place == Place::Redis {
            let (model, now) = self.redis(worker, key.1)?;
            return Some(model.extend(&group_name(key.0), nonce, LEASE, now));
        }
        if self.now < self.store.away_until {
            return None;
        }
        let until = self.now + LEASE;
        let lane = self.store.lane(key);
        let is_ours = lane.nonce.as_deref() == Some(nonce);
        if is_ours {
            lane.lease_until = until;
        }
        Some(is_ours)
    }

    /// Gives a lease of Redis back; dropped when Redis is away.
    pub(crate) fn acknowledge(
        &mut self,
        worker: usize,
        key: Key,
        nonce: &str,
        next: i64,
    ) -> Result<(), String> {
        let careless = self.bug == Some(Bug::AckWithoutNonce);
        let Some((model, now)) = self.redis(worker, key.1) else {
            return Ok(());
        };
        let name = group_name(key.0);
        let holder = model.lease.get(&name).cloned();
        let given = match &holder {
            Some(holder) if careless => holder.clone(),
            _ => nonce.to_owned(),
        };
        let acked = model.ack(&name, &given, next, now);
        if acked != Acked::Stale && holder.as_deref() != Some(nonce) {
            return Err(format!(
                "the lease of {key:?} is given back by another than its holder"
            ));
        }
        if acked == Acked::Nudged {
            self.ring(key.1);
        }
        Ok(())
    }

    /// Asks for a turn, in the place in use; in the table when Redis does not take it.
    pub(crate) fn nudge(&mut self, worker: usize, key: Key, delay: i64) {
        if self.chance(self.chaos.nudge) {
            return;
        }
        if !self.workers[worker].view.on_table
            && let Some((model, now)) = self.redis(worker, key.1)
        {
            model.nudge(&group_name(key.0), delay.max(0), LEASE, now);
        } else if self.now >= self.store.away_until {
            let at = self.now + delay.max(0);
            self.store.hasten(key, at);
        }
        if delay <= 0 {
            self.ring(key.1);
        }
    }

    /// One sweep, by whoever leads.
    pub(crate) fn sweep(&mut self, worker: usize) {
        if self.now < self.store.away_until || self.bug == Some(Bug::NoSweep) {
            return;
        }
        let free = self.store.leader.is_none_or(|(_, until)| until <= self.now);
        if !free && self.store.leader.map(|(who, _)| who) != Some(worker) {
            return;
        }
        self.store.leader = Some((worker, self.now + crate::world::SWEEP));
        if !self.workers[worker].view.on_table {
            for lane in Lane::ALL {
                self.fill(worker, lane);
            }
            return;
        }
        for group in 0..self.groups {
            if let Some(at) = self.least_step(group)
                && self.store.lanes.contains_key(&(group, Lane::Work))
                && at < self.store.lane((group, Lane::Work)).due_at
            {
                self.store.hasten((group, Lane::Work), at);
            }
        }
    }
}

fn claim_table(store: &mut Store, lane: Lane, nonce: &str, now: i64) -> Vec<usize> {
    if now < store.away_until {
        return Vec::new();
    }
    let mut taken = Vec::new();
    for (key, row) in store.lanes.iter_mut().filter(|(key, _)| key.1 == lane) {
        if row.due_at <= now && row.lease_until <= now {
            row.nonce = Some(nonce.to_owned());
            row.lease_until = now + LEASE;
            row.nudged = false;
            taken.push(key.0);
        }
    }
    taken
}
