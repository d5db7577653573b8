//! What the scripts do to one lane in Redis, as functions over a small state: simulations run on it, and a test holds
//! it to the scripts themselves. Every time is in milliseconds; `now` stands for Redis' `TIME`.

use std::collections::{BTreeMap, BTreeSet};

/// One lane's four keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneModel {
    /// The marker that the lane was laid in as a whole.
    pub filled: bool,
    /// When each group is due.
    pub due: BTreeMap<String, i64>,
    /// Who holds, or held last, a group's lease.
    pub lease: BTreeMap<String, String>,
    /// Groups that were nudged while leased.
    pub nudged: BTreeSet<String>,
}

/// CLAIM's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The lane has to be filled first.
    Wiped,
    /// These groups, oldest first, and how long until the next one is due.
    Taken(Vec<String>, Option<i64>),
}

/// ACK's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acked {
    /// The lease was another's: nothing is changed.
    Stale,
    /// Given back.
    Done,
    /// Given back, and due at once.
    Nudged,
}

impl LaneModel {
    /// CLAIM: up to `n` groups that are due.
    pub fn claim(&mut self, n: usize, lease_ms: i64, nonce: &str, now: i64) -> Claimed {
        if !self.filled {
            return Claimed::Wiped;
        }
        let mut due: Vec<(i64, String)> = self.due.iter().map(|(g, at)| (*at, g.clone())).collect();
        due.retain(|(at, _)| *at <= now);
        due.sort();
        due.truncate(n);
        let taken: Vec<String> = due.into_iter().map(|(_, group)| group).collect();
        for group in &taken {
            self.due.insert(group.clone(), now + lease_ms);
            self.lease.insert(group.clone(), nonce.to_owned());
            self.nudged.remove(group);
        }
        let wait = self.due.values().min().map(|at| (at - now).max(0));
        Claimed::Taken(taken, wait)
    }

    /// ACK: gives a lease back, due again after `next_ms`.
    pub fn ack(&mut self, group: &str, nonce: &str, next_ms: i64, now: i64) -> Acked {
        if self.lease.get(group).map(String::as_str) != Some(nonce) {
            return Acked::Stale;
        }
        self.lease.remove(group);
        let nudged = self.nudged.remove(group);
        let at = if nudged { now } else { now + next_ms };
        self.due.insert(group.to_owned(), at);
        match nudged {
            true => Acked::Nudged,
            false => Acked::Done,
        }
    }

    /// EXTEND: false when the lease is another's.
    pub fn extend(&mut self, group: &str, nonce: &str, lease_ms: i64, now: i64) -> bool {
        let is_ours = self.lease.get(group).map(String::as_str) == Some(nonce);
        if is_ours {
            self.due.insert(group.to_owned(), now + lease_ms);
        }
        is_ours
    }

    /// NUDGE: false when the group is held, and its end will tell.
    pub fn nudge(&mut self, group: &str, delay_ms: i64, lease_ms: i64, now: i64) -> bool {
        if self.lease.contains_key(group) {
            self.nudged.insert(group.to_owned());
        }
        if self.is_held(group, lease_ms, now) {
            return false;
        }
        let at = self.due.entry(group.to_owned()).or_insert(i64::MAX);
        *at = (*at).min(now + delay_ms);
        true
    }

    /// FILL: adds what is absent, pulls forward what is due too late; `mark` says that the lane is whole.
    pub fn fill(&mut self, groups: &[(String, i64)], lease_ms: i64, mark: bool, now: i64) {
        for (group, delay) in groups {
            let at = now + delay;
            let held = self.is_held(group, lease_ms, now);
            let due = self.due.entry(group.clone()).or_insert(at);
            if !held && *due > at {
                *due = at;
            }
        }
        self.filled |= mark;
    }

    /// Whether a lease is live: held, and due within its length.
    pub fn is_held(&self, group: &str, lease_ms: i64, now: i64) -> bool {
        let due = self.due.get(group);
        let is_live = due.is_some_and(|due| now < *due && *due <= now + lease_ms);
        is_live && self.lease.contains_key(group)
    }
}
