//! The lane work: one step of one row after another, each saved before the next.

use peering::domain::progress::{self, Refusal, RefusalKind, Removal};
use peering::domain::{Peering, Routing, Step, Watch, next_step};
use queue::Lane;

use crate::bug::Bug;
use crate::store::{IDLE, Written};
use crate::turn::{Answer, Call, Phase, RETRY, STEPS, Turn};
use crate::world::{PENDING, World, rules};

/// A create goes out within this time of its record.
const WINDOW: i64 = 10_000;

impl World {
    /// Takes the next step of the next row.
    pub(crate) fn act(&mut self, id: u64, turn: &mut Turn) -> Result<Phase, String> {
        let now = self.now;
        let Some(&index) = turn.due.last() else {
            let least = self.least_step(turn.key.0);
            return Ok(Phase::End(least.map_or(IDLE, |at| (at - now).max(0))));
        };
        if now < self.store.away_until || self.chance(self.chaos.database) {
            self.disturb(now);
            return Ok(Phase::End(RETRY));
        }
        if turn.is_lost || turn.gated {
            return Ok(Phase::End(0));
        }
        let row = self.store.rows[index].peering.clone();
        let step = next_step(&row, now);
        let is_due = row.work.step_at.is_some_and(|at| at <= now);
        if turn.steps == 0 || (step == Step::Rest && !is_due) {
            turn.due.pop();
            turn.steps = STEPS;
            return Ok(Phase::Act);
        }
        turn.steps -= 1;
        self.say(|| format!("row {index}: step {}", step.as_str()));
        let saved = match &step {
            Step::Request if self.bug != Some(Bug::CreateUnrecorded) => {
                let asking = progress::requesting(&row, now);
                return Ok(match self.save(index, &row, &[asking])? {
                    Written::Yes => {
                        let asking = self.store.rows[index].peering.clone();
                        Phase::Recorded(Box::new(asking), step, now)
                    }
                    Written::Stale => Phase::Act,
                });
            }
            Step::Request | Step::Routes | Step::Delete(_) | Step::Clear(_) | Step::Detach => {
                return self.send(id, turn, Box::new(row), step, now);
            }
            Step::Rest | Step::AwaitLook => progress::rested(&row),
            Step::Hint => progress::hinted(&row),
            Step::Degrade => progress::degraded(&row, now),
            Step::Network | Step::Claims | Step::Options | Step::Follow => {
                let mut next = row.clone();
                next.work.network_due = false;
                next.work.options_due = false;
                next.work.claims_at = None;
                progress::rested(&next)
            }
        };
        if self.save(index, &row, &[saved])? == Written::Yes && step == Step::AwaitLook {
            self.nudge_watch(turn, &row);
        }
        Ok(Phase::Act)
    }

    /// What was just done shows soon, and the lane that looks may be asleep.
    fn nudge_watch(&mut self, turn: &Turn, row: &Peering) {
        let lane = match row.state.watch() {
            Watch::Drift => Lane::Drift,
            Watch::Pending | Watch::None => Lane::Pending,
        };
        self.nudge(turn.worker, (turn.key.0, lane), PENDING);
    }

    /// The call goes out, unless it is too late for it.
    pub(crate) fn send(
        &mut self,
        id: u64,
        turn: &mut Turn,
        row: Box<Peering>,
        step: Step,
        at: i64,
    ) -> Result<Phase, String> {
        let too_late = self.now - at >= WINDOW && self.bug != Some(Bug::CreateLate);
        if step == Step::Request && (too_late || turn.is_lost) {
            let index = *turn.due.last().expect("a row is under way");
            let not_sent = progress::not_requested(&row, self.now);
            self.save(index, &row, &[not_sent])?;
            return Ok(Phase::Act);
        }
        let call = match &step {
            Step::Request => Call::Ensure(row.clone()),
            Step::Delete(id) => Call::Delete(id.clone()),
            Step::Clear(former) => Call::Delete(former.provider_peering_id.clone()),
            _ => Call::Other,
        };
        self.call(id, turn, call)?;
        Ok(Phase::Awaiting(row, step, at))
    }

    /// What the answer, or its lack, means for the row.
    pub(crate) fn hear(
        &mut self,
        turn: &mut Turn,
        asked: &Peering,
        step: &Step,
        at: i64,
    ) -> Result<Phase, String> {
        let now = self.now;
        let index = *turn.due.last().expect("a row is under way");
        let answer = turn.answer.take().unwrap_or(Answer::Lost);
        if now < self.store.away_until || self.chance(self.chaos.database) {
            self.disturb(now);
            return Ok(Phase::End(RETRY));
        }
        if matches!(answer, Answer::Throttled) {
            self.shut(turn.key);
            turn.gated = true;
        }
        let mut row = asked.clone();
        for _ in 0..3 {
            let way = self.meaning(&row, step, &answer, at);
            if self.save(index, &row, &way)? == Written::Yes {
                break;
            }
            let recorded = self.store.rows[index].peering.clone();
            if *step != Step::Request || !progress::is_open(asked, &recorded) {
                break;
            }
            row = recorded;
        }
        if matches!(step, Step::Request | Step::Delete(_)) {
            self.nudge_watch(turn, asked);
        }
        Ok(Phase::Act)
    }

    fn meaning(&self, row: &Peering, step: &Step, answer: &Answer, at: i64) -> Vec<Peering> {
        let (now, rules) = (self.now, rules(self.bug));
        let assumed = self.bug == Some(Bug::DeletionAssumed);
        let removal = |was_there: bool| match was_there {
            true => Removal::Deleted,
            false => Removal::Absent,
        };
        match (step, answer) {
            (Step::Request, Answer::Seen(seen)) if row.is_former(seen) => {
                vec![progress::preceded(row, seen, now)]
            }
            (Step::Request, Answer::Seen(seen)) => {
                let mut seen = (**seen).clone();
                if self.bug == Some(Bug::StrangerAdopted) {
                    seen.peering = Some(row.id);
                    seen.attempt = row.attempt;
                }
                progress::requested(row, &seen, "", &rules, at, now)
            }
            (Step::Routes, Answer::Done) => vec![progress::routed(row, &Routing::Done, now)],
            (Step::Detach, Answer::Done) => vec![progress::detached(row, now)],
            (Step::Delete(_), Answer::Removed(there)) => {
                vec![progress::removed(row, removal(*there), "", now)]
            }
            (Step::Delete(_), Answer::Lost) if assumed => {
                vec![progress::removed(row, Removal::Deleted, "", now)]
            }
            (Step::Clear(_), Answer::Removed(there)) => {
                vec![progress::cleared(row, removal(*there), "", &rules, now)]
            }
            (Step::Request, Answer::Lost) if self.bug == Some(Bug::CreateRepeated) => {
                vec![progress::not_requested(row, now)]
            }
            (step, answer) => {
                let refusal = Refusal {
                    kind: RefusalKind::Passing,
                    reason: "CLOUD_UNAVAILABLE".to_owned(),
                    message: String::new(),
                    certain: matches!(answer, Answer::Throttled),
                };
                vec![progress::refused(row, step, &refusal, now)]
            }
        }
    }
}
