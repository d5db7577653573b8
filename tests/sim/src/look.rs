//! The lanes pending and drift: one listing, and what it means for each row.

use peering::domain::{Glance, Look, Matching, Unsettled, trusted, walk_to};
use queue::Lane;

use crate::bug::Bug;
use crate::store::Written;
use crate::turn::{Answer, Call, GATE, Phase, RETRY, Turn};
use crate::world::{DRIFT, PENDING, World, rules};

impl World {
    pub(crate) fn glance(&self, index: usize) -> Glance {
        Glance::of(&self.store.rows[index].peering)
    }

    pub(crate) fn ask(&mut self, id: u64, turn: &mut Turn) -> Result<Phase, String> {
        if turn.is_lost {
            return Ok(Phase::End(0));
        }
        turn.asked_at = self.now;
        self.call(id, turn, Call::List(turn.key))?;
        Ok(Phase::Listening)
    }

    /// A listing has come, or has not.
    pub(crate) fn listen(&mut self, turn: &mut Turn) -> Result<Phase, String> {
        let interval = match turn.key.1 {
            Lane::Drift => DRIFT,
            _ => PENDING,
        };
        let (seen, complete) = match turn.answer.take() {
            Some(Answer::Listed(seen, complete)) => (seen, complete),
            Some(Answer::Throttled) => {
                self.shut(turn.key);
                return Ok(Phase::End(GATE));
            }
            _ => return Ok(Phase::End(interval)),
        };
        if self.now < self.store.away_until || self.chance(self.chaos.database) {
            self.disturb(self.now);
            return Ok(Phase::End(RETRY));
        }
        if self.bug == Some(Bug::RowsAfterLook) {
            let watched = self.watched(turn.key);
            turn.rows = watched
                .into_iter()
                .map(|index| (index, self.glance(index)))
                .collect();
        }
        let complete = complete || self.bug == Some(Bug::IncompleteTrusted);
        let mut matching =
            Matching::new(turn.rows.iter().map(|(_, glance)| glance.clone()).collect());
        for mut sighting in seen {
            if self.bug == Some(Bug::StrangerAdopted) && sighting.peering.is_none() {
                let mut rows = turn.rows.iter();
                let pair =
                    rows.find(|(index, _)| trusted(&self.store.rows[*index].peering, &sighting));
                if let Some((_, glance)) = pair {
                    sighting.peering = Some(glance.id);
                    sighting.attempt = glance.attempt;
                }
            }
            matching.take(sighting);
        }
        for finding in matching.findings(complete) {
            self.record(turn, &finding, complete)?;
        }
        turn.covered = complete;
        Ok(Phase::End(interval - (self.now - turn.begun)))
    }

    /// What a look means for one row.
    fn record(&mut self, turn: &Turn, finding: &Unsettled, complete: bool) -> Result<(), String> {
        let mut rows = turn.rows.iter();
        let Some((index, _)) = rows.find(|(_, glance)| glance.id == finding.id) else {
            return Ok(());
        };
        let careless = self.bug == Some(Bug::NoCompareAndSet);
        let row = self.store.rows[*index].clone();
        let mut before = row.peering.clone();
        if before.version != finding.version && !careless {
            return Ok(());
        }
        before.version = finding.version;
        if finding
            .seen
            .as_ref()
            .is_some_and(|seen| !trusted(&before, seen))
        {
            return Ok(());
        }
        let look = Look {
            began_at: turn.began_at,
            complete,
            seen: finding.seen.as_ref(),
        };
        let way = walk_to(&before, &look, &rules(self.bug), self.now);
        if way.is_empty() {
            return Ok(());
        }
        if row.written_at > turn.asked_at {
            return Err(format!(
                "row {index}: a look of {} is recorded, and the row was last written at {}",
                turn.asked_at, row.written_at
            ));
        }
        if self.save(*index, &before, &way)? == Written::Yes {
            let at = self.store.rows[*index].peering.work.step_at;
            if let Some(at) = at {
                self.nudge(turn.worker, (turn.key.0, Lane::Work), at - self.now);
            }
        }
        Ok(())
    }
}
