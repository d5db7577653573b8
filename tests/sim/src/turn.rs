//! One claim of a group's lane, point by point: at each the worker may die, stand still, or find its lease lost.

use peering::domain::{Glance, Peering, Sighting, Step};
use queue::Lane;

use crate::bug::Bug;
use crate::places::Place;
use crate::store::{IDLE, Key, Written};
use crate::world::{Event, LEASE, World};

/// The longest that anybody waits for the cloud.
const TIMEOUT: i64 = 4_000;
/// Steps of one row in one turn.
pub(crate) const STEPS: usize = 4;
/// After a failure of the database.
pub(crate) const RETRY: i64 = 1_000;
/// What throttling shuts a gate for.
pub(crate) const GATE: i64 = 5_000;

/// A call to the cloud or to the network service.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    List(Key),
    Ensure(Box<Peering>),
    Delete(String),
    /// Routes and claims, which are nobody's business here.
    Other,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Listed(Vec<Sighting>, bool),
    Seen(Box<Sighting>),
    Removed(bool),
    Done,
    Throttled,
    Lost,
}

#[derive(Debug, Clone)]
pub(crate) enum Phase {
    Begin,
    /// The rows are read, the cloud is not asked yet.
    Ask,
    /// The cloud is asked.
    Listening,
    /// The next row's next step.
    Act,
    /// What is about to be asked for is recorded.
    Recorded(Box<Peering>, Step, i64),
    /// The cloud is asked to do something.
    Awaiting(Box<Peering>, Step, i64),
    End(i64),
}

#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) worker: usize,
    pub(crate) key: Key,
    pub(crate) nonce: String,
    pub(crate) place: Place,
    pub(crate) begun: i64,
    pub(crate) held_since: i64,
    pub(crate) is_lost: bool,
    /// EXTEND has answered that the lease is another's.
    pub(crate) is_refused: bool,
    pub(crate) phase: Phase,
    pub(crate) answer: Option<Answer>,
    pub(crate) due_at: i64,
    /// Looks: the time before the rows were read, the rows, and when the cloud was asked.
    pub(crate) began_at: i64,
    pub(crate) rows: Vec<(usize, Glance)>,
    pub(crate) asked_at: i64,
    pub(crate) covered: bool,
    /// Work: the rows that are left, and the steps that the first one has.
    pub(crate) due: Vec<usize>,
    pub(crate) steps: usize,
    pub(crate) gated: bool,
}

impl Turn {
    pub(crate) fn new(worker: usize, key: Key, nonce: String, place: Place, now: i64) -> Self {
        Self {
            worker,
            key,
            nonce,
            place,
            begun: now,
            held_since: now,
            is_lost: false,
            is_refused: false,
            phase: Phase::Begin,
            answer: None,
            due_at: 0,
            began_at: now,
            rows: Vec::new(),
            asked_at: 0,
            covered: false,
            due: Vec::new(),
            steps: 0,
            gated: false,
        }
    }
}

impl World {
    /// The turn's next point.
    pub(crate) fn go(&mut self, id: u64) -> Result<(), String> {
        let Some(mut turn) = self.turns.remove(&id) else {
            return Ok(());
        };
        let worker = turn.worker;
        if self.chance(self.chaos.crash) {
            self.crash(worker);
            return Ok(());
        }
        let soon = self.rng.i64(1..30);
        let next = match turn.phase.clone() {
            Phase::Begin => self.begin_turn(&mut turn),
            Phase::Ask => self.ask(id, &mut turn)?,
            Phase::Listening => self.listen(&mut turn)?,
            Phase::Act => self.act(id, &mut turn)?,
            Phase::Recorded(row, step, at) => self.send(id, &mut turn, row, step, at)?,
            Phase::Awaiting(row, step, at) => self.hear(&mut turn, &row, &step, at)?,
            Phase::End(next) => {
                self.end(&turn, next)?;
                return Ok(());
            }
        };
        turn.phase = next;
        let waits = matches!(turn.phase, Phase::Listening | Phase::Awaiting(..));
        self.turns.insert(id, turn);
        if !waits {
            self.plan(soon, Event::Go(id));
        }
        if self.chance(self.chaos.freeze) {
            self.freeze(worker);
        }
        Ok(())
    }

    /// Prolongs the lease.
    pub(crate) fn keep(&mut self, id: u64) -> Result<(), String> {
        let Some(turn) = self.turns.get(&id) else {
            return Ok(());
        };
        let (worker, key, place) = (turn.worker, turn.key, turn.place);
        let (nonce, held_since) = (turn.nonce.clone(), turn.held_since);
        let answer = self.extend(worker, key, &nonce, place);
        let now = self.now;
        let lapse_fails = self.bug == Some(Bug::LapseFails);
        let mut pause = LEASE / 3;
        if let Some(turn) = self.turns.get_mut(&id) {
            match answer {
                Some(true) => turn.held_since = now,
                Some(false) => turn.is_refused = true,
                None if now - held_since >= LEASE / 2 => turn.is_lost = true,
                None => pause = LEASE / 20,
            }
            turn.is_lost |= turn.is_refused && self.bug != Some(Bug::ExtendIgnored);
            if turn.is_lost && lapse_fails {
                for index in turn.due.clone() {
                    self.store.rows[index].peering.work.failures += 1;
                }
            }
            if turn.is_lost {
                return Ok(());
            }
        }
        self.plan(pause, Event::Keep(id));
        Ok(())
    }

    fn begin_turn(&mut self, turn: &mut Turn) -> Phase {
        let (now, key) = (self.now, turn.key);
        if now < self.store.away_until {
            return Phase::End(RETRY);
        }
        turn.due_at = self.store.lane(key).due_at;
        let (reads, writes) = self.store.gates[key.0];
        let gate = if key.1 == Lane::Work { writes } else { reads };
        if gate > now && self.bug != Some(Bug::GateIgnored) {
            turn.gated = true;
            return Phase::End(gate - now);
        }
        turn.began_at = now;
        if key.1 == Lane::Work {
            let group_of = |row: &Peering| self.group_of(row);
            let all = self.store.rows.iter().enumerate();
            let due = all.filter(|(_, row)| {
                group_of(&row.peering) == key.0
                    && row.peering.work.step_at.is_some_and(|at| at <= now)
            });
            turn.due = due.map(|(index, _)| index).rev().collect();
            turn.steps = STEPS;
            return Phase::Act;
        }
        let watched = self.watched(key);
        turn.rows = watched
            .into_iter()
            .map(|index| (index, self.glance(index)))
            .collect();
        if turn.rows.is_empty() {
            turn.covered = true;
            return Phase::End(IDLE);
        }
        Phase::Ask
    }

    pub(crate) fn watched(&self, key: Key) -> Vec<usize> {
        self.store.watched(key, |row| self.group_of(row))
    }

    /// Sends a call, which arrives whatever becomes of the worker.
    pub(crate) fn call(&mut self, id: u64, turn: &Turn, call: Call) -> Result<(), String> {
        self.check_call(turn, &call)?;
        let way = self.rng.i64(5..400);
        let lost = self.chance(self.chaos.lost);
        // Either way: lost before it arrives, or its answer lost.
        if lost {
            self.disturb(self.now + TIMEOUT);
            self.plan(TIMEOUT, Event::Go(id));
        }
        if !(lost && self.rng.bool()) {
            self.plan(way, Event::Arrive(if lost { 0 } else { id }, call));
        }
        Ok(())
    }

    /// The cloud does what it was asked, and answers.
    pub(crate) fn arrive(&mut self, id: u64, call: Call) -> Result<(), String> {
        let now = self.now;
        let answer = match call {
            _ if now < self.cloud.throttled_until && !matches!(call, Call::Other) => {
                Answer::Throttled
            }
            Call::List((group, _)) => {
                let account = format!("90000000000{group}");
                let mut seen = self.cloud.list(&account, self.is_calm(), now);
                let cut = self.chance(self.chaos.cut);
                if cut {
                    self.disturb(now);
                    seen.truncate(self.rng.usize(..=seen.len()));
                }
                Answer::Listed(seen, !cut)
            }
            Call::Ensure(row) => {
                let lag = self.rng.i64(0..15_000);
                let naive = self.bug == Some(Bug::StrangerAdopted);
                let seen = self.cloud.ensure(&row, naive, lag, now);
                self.check_made(&row)?;
                Answer::Seen(Box::new(seen))
            }
            Call::Delete(id) => Answer::Removed(self.cloud.delete(&id, now)),
            Call::Other => Answer::Done,
        };
        if let Some(turn) = self.turns.get_mut(&id) {
            turn.answer = Some(answer);
            let back = self.rng.i64(5..1_500);
            self.plan(back, Event::Go(id));
        }
        Ok(())
    }

    /// One commit of one row.
    pub(crate) fn save(
        &mut self,
        index: usize,
        before: &Peering,
        way: &[Peering],
    ) -> Result<Written, String> {
        let checks = self.bug != Some(Bug::NoCompareAndSet);
        let group = self.group_of(before);
        let from = before.state;
        let written = self
            .store
            .write(index, group, before, way, checks, self.now)?;
        let row = &self.store.rows[index].peering;
        if written == Written::Yes && row.state != from {
            self.say(|| format!("row {index}: {from} becomes {} {}", row.state, row.reason));
        }
        self.check_row(index)?;
        Ok(written)
    }

    /// The cloud asks to be left alone.
    pub(crate) fn shut(&mut self, key: Key) {
        self.disturb(self.now + GATE);
        let until = self.now + GATE;
        let (reads, writes) = &mut self.store.gates[key.0];
        match key.1 {
            Lane::Work => *writes = until,
            _ => *reads = until,
        }
    }

    /// The lane's row, then the lease.
    fn end(&mut self, turn: &Turn, next: i64) -> Result<(), String> {
        // A turn that has lost its lease leaves what it found to the next.
        if turn.is_lost {
            return Ok(());
        }
        let mut next = next.max(0);
        let away = self.now < self.store.away_until || self.chance(self.chaos.database);
        if away {
            self.disturb(self.now);
            next = RETRY;
        } else {
            next = self.settle(turn, next)?;
        }
        if turn.place == Place::Redis {
            let nonce = turn.nonce.clone();
            self.acknowledge(turn.worker, turn.key, &nonce, next)?;
        }
        Ok(())
    }

    fn settle(&mut self, turn: &Turn, next: i64) -> Result<i64, String> {
        let now = self.now;
        let by_end = self.bug == Some(Bug::CoveredAtEnd);
        let covered = turn
            .covered
            .then_some(if by_end { now } else { turn.began_at });
        self.check_covered(turn.key, &turn.rows, covered)?;
        let lane = self.store.lane(turn.key);
        if turn.place == Place::Table && lane.nonce.as_deref() != Some(&turn.nonce) {
            return Ok(next);
        }
        lane.due_at = match lane.nudged {
            true => now,
            false if lane.due_at == turn.due_at || lane.due_at > now + next => now + next,
            false => lane.due_at,
        };
        lane.nudged = false;
        lane.covered_at = lane.covered_at.max(covered);
        if turn.place == Place::Table {
            lane.nonce = None;
            lane.lease_until = 0;
        }
        Ok((lane.due_at - now).max(0))
    }
}
