//! Two peerings of one network in a cloud whose operations take a while, fail, hang and vanish: whatever happens on the
//! way, no two operations of ours ever run at once, and the walk settles with nothing held.

use proptest::prelude::*;

use happening::{Fate, Happening, happening};

use super::{NOW, RULES, admitted_half, sighting};
use crate::domain::progress::{self, Refusal, RefusalKind, Removal};
use crate::domain::{
    CloudState, Glance, Look, Peering, Routing, Sighting, State, Step, next_step, settled, walk_to,
};

mod happening;

/// How long an operation that hangs keeps others out.
const FORGOTTEN_AFTER: i64 = 24 * 3_600_000;

/// One operation, known by what was asked for and when.
struct Operation {
    key: (usize, bool, i64),
    began_at: i64,
    ends_at: i64,
    fate: Fate,
    has_ended: bool,
}

struct World {
    now: i64,
    rows: [Peering; 2],
    operations: Vec<Operation>,
    halves: [bool; 2],
    others: [bool; 2],
    next: (Fate, i64, bool),
}

/// What a call answers.
enum Answer {
    Ensured(Option<Sighting>, String),
    Removed(Removal, String),
    Refused(Refusal),
}

fn refusal(kind: RefusalKind, certain: bool) -> Refusal {
    Refusal {
        kind,
        reason: "SOME_REASON".to_owned(),
        message: "No.".to_owned(),
        certain,
    }
}

impl Operation {
    /// Whether it hangs for so long that it keeps nobody out any more. Whoever reads it is told that it runs.
    fn is_forgotten(&self, now: i64) -> bool {
        self.fate == Fate::Hang && now >= self.began_at + FORGOTTEN_AFTER
    }
}

impl World {
    fn new() -> Self {
        let rows = [0, 1].map(|n| {
            let mut row = admitted_half(State::Provisioning, n);
            row.work.step_at = Some(NOW);
            row
        });
        Self {
            now: NOW,
            rows,
            operations: Vec::new(),
            halves: [false; 2],
            others: [false; 2],
            next: (Fate::Good, 2, false),
        }
    }

    /// What the store does: one holder at a time, and whoever waits is woken.
    fn save(&mut self, who: usize, way: Vec<Peering>) {
        for next in way {
            let (from, to) = (self.rows[who].state, next.state);
            assert!(from == to || from.may_become(to), "{from} -> {to}");
            let held = self.rows[who].work.busy_since.is_some();
            self.rows[who] = next;
            let holds = self.rows[who].work.busy_since.is_some();
            assert!(!holds || self.rows[1 - who].work.busy_since.is_none());
            let waiter = &mut self.rows[1 - who].work;
            if held && !holds && waiter.waits_for.is_some() && waiter.step_at > Some(self.now) {
                waiter.step_at = Some(self.now);
            }
        }
        let work = &self.rows[who].work;
        let is_open = work.requested_at.is_some() || !work.operation_token.is_empty();
        let removes = self.rows[who].state == State::Deleting && !work.gone;
        assert!(
            work.busy_since.is_some() || !is_open,
            "{:#?}",
            self.rows[who]
        );
        assert!(
            work.busy_since.is_none() || is_open || removes,
            "{:#?}",
            self.rows[who]
        );
    }

    /// The change before a call; false when another holds the network.
    fn claim(&mut self, who: usize, next: Peering) -> bool {
        if self.rows[1 - who].work.busy_since.is_some() && self.rows[who].work.busy_since.is_none()
        {
            let network = Some("gcp/vendor-prod/net-main".to_owned());
            let later = progress::put_off(&self.rows[who], network, self.now);
            self.save(who, vec![later]);
            return false;
        }
        self.save(who, vec![next]);
        true
    }

    fn go_on(&mut self) {
        for operation in &mut self.operations {
            let ends = operation.ends_at <= self.now && operation.fate != Fate::Hang;
            if ends && !operation.has_ended {
                operation.has_ended = true;
                if operation.fate == Fate::Good {
                    let (who, adds, _) = operation.key;
                    self.halves[who] = adds;
                }
            }
        }
    }

    fn begin(&mut self, key: (usize, bool, i64)) -> Result<String, Refusal> {
        if let Some(n) = self.operations.iter().position(|one| one.key == key) {
            return Ok(n.to_string());
        }
        let is_open = |one: &&Operation| !one.has_ended && !one.is_forgotten(self.now);
        if let Some(open) = self.operations.iter().find(is_open) {
            // After a day whoever holds the networks loses them, also right after having begun another operation.
            let held_for = open.began_at - open.key.2;
            let hangs = open.fate == Fate::Hang || held_for >= FORGOTTEN_AFTER;
            assert!(hangs, "two operations at once");
            return Err(refusal(RefusalKind::InProgress, true));
        }
        let (fate, time, early) = std::mem::replace(&mut self.next, (Fate::Good, 2, false));
        self.operations.push(Operation {
            key,
            began_at: self.now,
            ends_at: self.now + time * 1_000,
            fate,
            has_ended: false,
        });
        if let (Fate::Good | Fate::Hang, (who, true, _), true) = (fate, key, early) {
            self.halves[who] = true;
        }
        Ok((self.operations.len() - 1).to_string())
    }

    fn seen(&self, who: usize) -> Option<Sighting> {
        let state = match self.others[who] {
            true => CloudState::Active,
            false => CloudState::Inactive,
        };
        let id = format!("half-{who}");
        self.halves[who].then(|| sighting(&self.rows[who], &id, state))
    }

    /// The token while the operation runs.
    fn read(&self, token: &str) -> Result<String, Refusal> {
        let operation = &self.operations[token.parse::<usize>().unwrap()];
        match operation.fate {
            _ if !operation.has_ended => Ok(token.to_owned()),
            Fate::Fail(kind) => Err(refusal(kind, true)),
            Fate::Good | Fate::Hang | Fate::Vanish => Ok(String::new()),
        }
    }

    fn ensure(&mut self, who: usize) -> Result<Answer, Refusal> {
        let work = self.rows[who].work.clone();
        let token = match work.operation_token.as_str() {
            "" => {
                let key = (who, true, work.requested_at.unwrap());
                // A repeated request is answered as the first one, whatever stands.
                if self.halves[who] && self.operations.iter().all(|one| one.key != key) {
                    return Ok(Answer::Ensured(self.seen(who), String::new()));
                }
                self.begin(key)?
            }
            token => token.to_owned(),
        };
        let going = self.read(&token)?;
        let seen = self.seen(who).filter(|_| going.is_empty());
        Ok(Answer::Ensured(seen, going))
    }

    fn remove(&mut self, who: usize) -> Result<Answer, Refusal> {
        let work = self.rows[who].work.clone();
        if !work.operation_token.is_empty() {
            let going = self.read(&work.operation_token);
            let removes = !self.operations[work.operation_token.parse::<usize>().unwrap()]
                .key
                .1;
            match going {
                Ok(going) if !going.is_empty() => {
                    return Ok(Answer::Removed(Removal::InProgress, going));
                }
                Err(refusal) if removes => return Err(refusal),
                Ok(_) if removes && self.halves[who] => {
                    return Ok(Answer::Removed(Removal::InProgress, String::new()));
                }
                Ok(_) if removes => return Ok(Answer::Removed(Removal::Deleted, String::new())),
                _ => {}
            }
        }
        let key = (who, false, work.busy_since.unwrap());
        // A repeated request is answered as the first one, whatever stands.
        if !self.halves[who] && self.operations.iter().all(|one| one.key != key) {
            return Ok(Answer::Removed(Removal::Absent, String::new()));
        }
        let token = self.begin(key)?;
        // Should it have ended, then what stands now was made since, or never went.
        Ok(Answer::Removed(Removal::InProgress, self.read(&token)?))
    }

    fn step(&mut self, who: usize, how: Happening) {
        self.go_on();
        let now = self.now;
        let row = self.rows[who].clone();
        let step = next_step(&row, now);
        let next = match &step {
            Step::Rest if row.work.step_at.is_none_or(|at| at > now) => return,
            Step::Rest | Step::AwaitLook => progress::rested(&row),
            Step::Hint => progress::hinted(&row),
            Step::Routes => progress::routed(&row, &Routing::Done, now),
            Step::Detach => progress::detached(&row, now),
            Step::Request | Step::Follow | Step::Delete(_) => return self.call(who, &step, how),
            Step::Clear(_) | Step::Options | Step::Network | Step::Claims | Step::Degrade => {
                unreachable!("nothing asks for it yet")
            }
        };
        self.save(who, vec![next]);
    }

    fn call(&mut self, who: usize, step: &Step, how: Happening) {
        let row = self.rows[who].clone();
        let claimed = match step {
            Step::Request => self.claim(who, progress::requesting(&row, self.now)),
            Step::Delete(_) if row.removes_anew(self.now) => {
                self.claim(who, progress::removing(&row, self.now))
            }
            _ => true,
        };
        if !claimed || matches!(how, Happening::Crash(_)) {
            return;
        }
        let asking = self.rows[who].clone();
        let answer = match how {
            Happening::StepRefused(_, kind) => {
                let repeats = *step == Step::Follow && !asking.has_operation();
                let certain = repeats && kind != RefusalKind::Terminal;
                Err(refusal(kind, *step == Step::Request || certain))
            }
            _ if matches!(step, Step::Delete(_)) => self.remove(who),
            _ => self.ensure(who),
        };
        let answer = match (answer, how) {
            (_, Happening::StepLost(_)) => Answer::Refused(refusal(RefusalKind::Passing, false)),
            (answer, _) => answer.unwrap_or_else(Answer::Refused),
        };
        if matches!(how, Happening::StepLate(_)) {
            self.look(true);
        }
        self.answered(who, &asking, step, answer);
    }

    fn answered(&mut self, who: usize, asking: &Peering, step: &Step, answer: Answer) {
        let (row, now) = (self.rows[who].clone(), self.now);
        let unchanged = row == *asking;
        let ensures = matches!(step, Step::Request | Step::Follow);
        let counts = unchanged || ensures && progress::is_open(asking, &row);
        if !counts {
            return;
        }
        let way = match &answer {
            Answer::Ensured(Some(seen), token) => {
                progress::requested(&row, seen, token, &RULES, now, now)
            }
            Answer::Ensured(None, token) => vec![progress::underway(&row, token, now)],
            Answer::Removed(removal, token) => vec![progress::removed(&row, *removal, token, now)],
            Answer::Refused(refusal) => vec![progress::refused(&row, step, refusal, now)],
        };
        self.save(who, way);
    }

    fn look(&mut self, complete: bool) {
        self.go_on();
        for who in 0..2 {
            let seen = self.seen(who).filter(|_| complete);
            let look = Look {
                began_at: self.now,
                complete,
                seen: seen.as_ref(),
            };
            let way = walk_to(&self.rows[who], &look, &RULES, self.now);
            assert!(
                way.is_empty() || !settled(&Glance::of(&self.rows[who]), seen.as_ref()),
                "settled, and yet something changed"
            );
            self.save(who, way);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Pass(seconds) => self.now += seconds * 1_000,
            Happening::Look => self.look(true),
            Happening::IncompleteLook => self.look(false),
            Happening::Step(who)
            | Happening::StepLost(who)
            | Happening::StepLate(who)
            | Happening::StepRefused(who, _)
            | Happening::Crash(who) => self.step(who, happening),
            Happening::Other(who, there) => self.others[who] = there,
            Happening::Lose(who) => self.halves[who] = false,
            Happening::Delete(who) => {
                let mut next = self.rows[who].clone();
                next.delete(None, self.now);
                self.save(who, vec![next]);
            }
            Happening::Next(fate, time, early) => self.next = (fate, time, early),
        }
    }

    /// From now on the cloud answers and time goes on.
    fn settle(&mut self) {
        self.next = (Fate::Good, 2, false);
        let hangs = |one: &Operation| one.fate == Fate::Hang;
        if self.operations.iter().any(hangs) {
            self.now += FORGOTTEN_AFTER;
        }
        for _ in 0..600 {
            self.now += 31_000;
            self.look(true);
            for _ in 0..3 {
                self.step(0, Happening::Step(0));
                self.step(1, Happening::Step(1));
            }
        }
    }

    fn check_settled(&self) {
        for (who, row) in self.rows.iter().enumerate() {
            assert_eq!(next_step(row, self.now), Step::Rest, "{row:#?}");
            assert_eq!(row.work.busy_since, None, "{row:#?}");
            let stands = match row.state {
                State::PendingAcceptance | State::Active => true,
                State::Disconnected => row.reason == "DELETED_BY_PEER" || self.halves[who],
                State::Failed => self.halves[who],
                State::Deleted => false,
                other => panic!("it does not stay {other}"),
            };
            assert_eq!(self.halves[who], stands, "{row:#?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_walk_settles_and_no_two_operations_run_at_once(way in prop::collection::vec(happening(), 0..80)) {
        let mut world = World::new();
        for happening in way {
            world.happen(happening);
        }
        world.settle();
        world.check_settled();
    }

    #[test]
    fn deleting_two_halves_ends_in_deleted_and_leaves_none(way in prop::collection::vec(happening(), 0..80)) {
        let mut world = World::new();
        for happening in way {
            world.happen(happening);
        }
        world.happen(Happening::Delete(0));
        world.happen(Happening::Delete(1));
        world.settle();
        for (who, row) in world.rows.iter().enumerate() {
            prop_assert_eq!(row.state, State::Deleted, "{:#?}", row);
            prop_assert!(!world.halves[who]);
            prop_assert_eq!(row.work.busy_since, None);
        }
    }
}
