//! What must hold at all times, and what must have come about when everything is calm.

use peering::domain::{CloudState, Glance, State};
use queue::Lane;

use crate::store::{IDLE, Key};
use crate::turn::{Call, Turn};
use crate::world::{DRIFT, LEASE, PENDING, SWEEP, World};

/// Two calls that take their time, a poll, and what a worker needs to see that Redis is away.
const SLACK: i64 = 12_000;

impl World {
    /// A call may go out: by one turn of a lane only, with a lease, through an open gate.
    pub(crate) fn check_call(&self, turn: &Turn, call: &Call) -> Result<(), String> {
        if matches!(call, Call::Other) {
            return Ok(());
        }
        if turn.is_refused {
            return Err(format!(
                "a call goes out for {:?} though its lease is another's",
                turn.key
            ));
        }
        let (reads, writes) = self.store.gates[turn.key.0];
        let (gate, length) = match turn.key.1 {
            Lane::Work => (writes, 5_000),
            _ => (reads, 5_000),
        };
        if gate > self.now && gate - length < turn.begun {
            return Err(format!(
                "a call goes out for {:?} though its gate is shut",
                turn.key
            ));
        }
        let others = self
            .turns
            .values()
            .filter(|one| one.key == turn.key && one.place == turn.place);
        let mut held = others.filter(|one| {
            one.worker != turn.worker && self.workers[one.worker].frozen_until <= self.now
        });
        // Who has slept through its lease does not know it yet, and nothing that it asks for does harm.
        let is_awake = turn.held_since + LEASE > self.now;
        let is_sure = is_awake && self.unsure_until <= self.now;
        if is_sure && held.any(|one| one.begun + LEASE > self.now) {
            return Err(format!("two workers ask for {:?} at once", turn.key));
        }
        Ok(())
    }

    /// At most one object lives of an attempt.
    pub(crate) fn check_made(&self, row: &peering::domain::Peering) -> Result<(), String> {
        match self.cloud.live((row.id, row.attempt), self.now) {
            0 | 1 => Ok(()),
            many => Err(format!(
                "{many} objects live of attempt {} at one peering",
                row.attempt
            )),
        }
    }

    /// A row says nothing of the cloud that is not so.
    pub(crate) fn check_row(&self, index: usize) -> Result<(), String> {
        let row = &self.store.rows[index].peering;
        let id = row.provider_peering_id.as_deref().unwrap_or_default();
        let shown = self.cloud.state_of(id, self.now);
        let wrong = |what: &str| {
            Err(format!(
                "row {index} is {} {}, and {what}",
                row.state, row.reason
            ))
        };
        if row.work.failures > 0 {
            return wrong("a step counts as failed that did not");
        }
        match row.state {
            State::Disconnected
                if row.reason == "LOST_OUT_OF_BAND" && shown.is_some_and(CloudState::is_live) =>
            {
                wrong("its object lives")
            }
            State::Deleted if self.cloud.lives(row.id, self.now) => wrong("an object of it lives"),
            State::Active if shown == Some(CloudState::PendingAcceptance) => {
                wrong("nobody has accepted it")
            }
            _ if !id.is_empty() && !self.is_own(row.id, id) => wrong("its object is a stranger's"),
            _ => Ok(()),
        }
    }

    fn is_own(&self, peering: types::PeeringId, id: &str) -> bool {
        let mut objects = self.cloud.objects.iter();
        objects.any(|one| one.id == id && one.owner.is_some_and(|(owner, _)| owner == peering))
    }

    /// A lane says that it has looked at what its turn has read, and at nothing that came later.
    pub(crate) fn check_covered(
        &self,
        key: Key,
        looked_at: &[(usize, Glance)],
        covered: Option<i64>,
    ) -> Result<(), String> {
        let Some(covered) = covered.filter(|_| key.1 != Lane::Work) else {
            return Ok(());
        };
        for index in self.watched(key) {
            let is_later = self.store.rows[index].watched_since >= covered;
            if !is_later && !looked_at.iter().any(|(one, _)| *one == index) {
                return Err(format!("row {index} counts as looked at, and was not"));
            }
        }
        Ok(())
    }

    /// Every row is looked at within a lease, an interval and a sweep of the last thing that went wrong.
    pub(crate) fn check_promise(&self) -> Result<(), String> {
        let able =
            |worker: &crate::world::Worker| !worker.is_down && worker.frozen_until <= self.now;
        if !self.workers.iter().any(able) {
            return Ok(());
        }
        for (key, lane) in &self.store.lanes {
            let interval = match key.1 {
                Lane::Work => continue,
                Lane::Pending => PENDING,
                Lane::Drift => DRIFT,
            };
            for index in self.watched(*key) {
                let since = self.store.rows[index].watched_since;
                let looked = lane
                    .covered_at
                    .unwrap_or(0)
                    .max(since)
                    .max(self.disturbed_at);
                // A lane that was empty sleeps for a minute; what comes into it wakes the lane pending only.
                let is_new = lane.covered_at.unwrap_or(0) <= since && key.1 == Lane::Drift;
                let wait = if is_new { IDLE } else { interval };
                if self.now - looked > LEASE + wait + SWEEP + SLACK {
                    return Err(format!(
                        "row {index} was not looked at for {} ms",
                        self.now - looked
                    ));
                }
            }
        }
        Ok(())
    }

    /// After a long calm rows and cloud agree, and nothing is left.
    pub(crate) fn check_end(&self) -> Result<(), String> {
        for (index, row) in self.store.rows.iter().enumerate() {
            self.check_row(index)?;
            let peering = &row.peering;
            let id = peering.provider_peering_id.as_deref().unwrap_or_default();
            let shown = self.cloud.state_of(id, self.now);
            let agrees = match peering.state {
                State::Provisioning | State::Deleting => false,
                State::PendingAcceptance => shown == Some(CloudState::PendingAcceptance),
                State::Active => shown == Some(CloudState::Active),
                State::Rejected => shown == Some(CloudState::Rejected),
                _ => true,
            };
            if !agrees {
                let state = peering.state;
                return Err(format!(
                    "row {index} is {state} in the end, and the cloud shows {shown:?}"
                ));
            }
            if peering.work.requested_at.is_some() || peering.work.former.is_some() {
                return Err(format!(
                    "row {index} still waits for what was asked in the end"
                ));
            }
        }
        for object in &self.cloud.objects {
            let Some((owner, _)) = object.owner else {
                continue;
            };
            let lives = object.state_at(self.now).is_some_and(CloudState::is_live);
            let mut rows = self.store.rows.iter();
            let is_known = rows.any(|row| {
                row.peering.id == owner
                    && row.peering.provider_peering_id.as_ref() == Some(&object.id)
            });
            if lives && !is_known {
                return Err(format!(
                    "{} lives in the end, and nobody knows of it",
                    object.id
                ));
            }
        }
        match self.store.at_rest() {
            true => Ok(()),
            false => Err("something is still under way in the end".to_owned()),
        }
    }
}
