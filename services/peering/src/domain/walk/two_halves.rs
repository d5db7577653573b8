//! Two peerings of one network in a cloud whose operations take a while, fail, hang and vanish: whatever happens on the
//! way, no two operations of ours ever run at once, and the walk settles with nothing held and nothing left of earlier
//! attempts.

use proptest::prelude::*;

use cloud::{Answer, FORGOTTEN_AFTER, Half, Operation, refusal};
use happening::{Fate, Happening, happening};

use super::{NOW, RULES, admitted_half, home, without};
use crate::domain::progress::{self, RefusalKind};
use crate::domain::{
    Glance, Look, Peering, Routing, Sighting, State, Step, next_step, settled, walk_to,
};

mod cloud;
mod happening;

struct World {
    now: i64,
    rows: [Peering; 2],
    operations: Vec<Operation>,
    halves: [Option<Half>; 2],
    others: [bool; 2],
    next: (Fate, i64, bool),
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
            halves: [None; 2],
            others: [false; 2],
            next: (Fate::Good, 2, false),
        }
    }

    /// What the store does: one holder at a time, and whoever waits is woken.
    fn save(&mut self, who: usize, way: Vec<Peering>) {
        for next in way {
            let (from, to) = (self.rows[who].state, next.state);
            assert!(from == to || from.may_become(to), "{from} -> {to}");
            assert_eq!(
                self.rows[who].attempt, next.attempt,
                "only its owner renews it"
            );
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
        let works = removes || work.sets_options || work.former.is_some();
        assert!(
            work.busy_since.is_some() || !is_open,
            "{:#?}",
            self.rows[who]
        );
        assert!(
            work.busy_since.is_none() || is_open || works,
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
            Step::Degrade => progress::degraded(&row, now),
            Step::Network => without(&row, |work| work.network_due = false),
            Step::Claims => without(&row, |work| work.claims_at = None),
            Step::Request | Step::Follow | Step::Delete(_) | Step::Clear(_) | Step::Options => {
                return self.call(who, &step, how);
            }
        };
        self.save(who, vec![next]);
    }

    fn call(&mut self, who: usize, step: &Step, how: Happening) {
        let row = self.rows[who].clone();
        let claimed = match step {
            Step::Request => self.claim(who, progress::requesting(&row, self.now)),
            Step::Delete(_) | Step::Clear(_) if row.removes_anew(self.now) => {
                self.claim(who, progress::removing(&row, self.now))
            }
            Step::Options if row.sets_options_anew(self.now) => {
                self.claim(who, progress::setting_options(&row, self.now))
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
            _ => match step {
                Step::Delete(_) => self.remove(who, asking.attempt),
                Step::Clear(former) => self.remove(who, former.attempt),
                Step::Options => self.set(who),
                _ => self.ensure(who),
            },
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
            Answer::Removed(removal, token) => vec![match step {
                Step::Clear(_) => progress::cleared(&row, *removal, token, &RULES, now),
                _ => progress::removed(&row, *removal, token, now),
            }],
            Answer::Set(complete, token) => {
                vec![progress::options_set(&row, *complete, token, now)]
            }
            Answer::Refused(refusal) => vec![progress::refused(&row, step, refusal, now)],
        };
        self.save(who, way);
    }

    fn look(&mut self, complete: bool) {
        self.go_on();
        for who in 0..2 {
            let row = &self.rows[who];
            // An earlier half is known by its name only as long as nothing is known of the current one.
            let is_named =
                |seen: &Sighting| row.provider_peering_id.is_none() || seen.attempt == row.attempt;
            let seen = self.seen(who).filter(|seen| complete && is_named(seen));
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
            Happening::Lose(who) => self.halves[who] = None,
            Happening::Delete(who) => {
                let mut next = self.rows[who].clone();
                next.delete(None, self.now);
                self.save(who, vec![next]);
            }
            Happening::Renew(who) => {
                if self.rows[who].state.has_ended() {
                    let home = home(&self.rows[who]);
                    let held = self.rows[who].work.busy_since.is_some();
                    let is_untold = self.rows[who].work.operation_token.is_empty();
                    let own = self.operations.iter_mut().filter(|one| one.key.0 == who);
                    own.for_each(|one| one.is_left |= is_untold);
                    self.rows[who].renew(&home, None, self.now);
                    // As the store does.
                    if held && self.rows[who].work.busy_since.is_none() {
                        let waiter = &mut self.rows[1 - who].work;
                        waiter.step_at = waiter.step_at.min(Some(self.now));
                    }
                }
            }
            Happening::Want(who, export_custom_routes) => {
                let row = &mut self.rows[who];
                row.options.export_custom_routes = export_custom_routes;
                row.work.options_due = true;
                row.work.step_at = row.work.step_at.min(Some(self.now)).or(Some(self.now));
            }
            Happening::Set(who, export_custom_routes) => {
                if let Some(half) = &mut self.halves[who] {
                    half.options.export_custom_routes = export_custom_routes;
                }
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
                State::Disconnected => {
                    row.reason == "DELETED_BY_PEER" || self.halves[who].is_some()
                }
                State::Failed => self.halves[who].is_some(),
                State::Deleted => false,
                other => panic!("it does not stay {other}"),
            };
            assert_eq!(row.work.former, None, "{row:#?}");
            let half = self.halves[who];
            assert_eq!(half.is_some(), stands, "{row:#?}");
            if let Some(half) = half.filter(|_| row.state != State::Failed) {
                assert_eq!(half.attempt, row.attempt, "{row:#?}");
                let lost = row.state == State::Disconnected && row.reason != "DELETED_BY_PEER";
                assert!(lost || half.options == row.options, "{row:#?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(super::walks(512))]

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
            prop_assert_eq!(world.halves[who], None);
            prop_assert_eq!(row.work.busy_since, None);
        }
    }
}

/// Walks that ended badly once: an operation of which nothing was told was forgotten before it had ended.
#[test]
fn what_nothing_was_told_of_may_still_run() {
    use Happening::*;
    const DAY: Happening = Pass(25 * 3_600);
    let slow = |seconds| Next(Fate::Good, seconds, false);
    #[rustfmt::skip]
    let walks: [&[Happening]; 4] = [
        &[Step(0), Other(0, true), DAY, Want(0, true), slow(17), Look, Other(0, false), Step(0), Step(0), Look, Pass(5),
            StepLost(0), Look, StepLate(0), Pass(1), Step(0)],
        &[Step(0), Want(0, true), slow(128), DAY, Look, StepLost(0), Pass(30), StepRefused(0, RefusalKind::Terminal), Lose(0)],
        &[Step(0), Other(0, true), DAY, Look, Other(0, false), Look, Pass(5), Look, Step(0), Renew(0), DAY, StepLate(0),
            Pass(1), StepLost(0)],
        &[Step(1), Pass(1), Pass(1), Step(1), StepLost(0), slow(70), Delete(0), DAY, Look, StepLost(0), Lose(0), Look,
            Pass(29)],
    ];
    for walk in walks {
        let mut world = World::new();
        walk.iter().for_each(|&happening| world.happen(happening));
        world.settle();
        world.check_settled();
    }
}
