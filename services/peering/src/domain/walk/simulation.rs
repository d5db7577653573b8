//! A cloud that lags, loses answers, refuses and ends things, and a worker that crashes: whatever happens on the way,
//! the walk settles, no attempt makes anything twice or leaves anything behind, and every change of state is an edge.

use proptest::prelude::*;

use cloud::Cloud;
use happening::{Happening, happening};

use super::{NOW, RULES, admitted, home, sighting, without};
use crate::domain::progress::{self, Refusal, RefusalKind, Removal};
use crate::domain::{
    CloudState, Glance, Look, Options, Peering, Routing, Sighting, State, Step, next_step, settled,
    walk_to,
};

mod cloud;
mod happening;

struct World {
    now: i64,
    peering: Peering,
    cloud: Cloud,
    reasons: Vec<(State, String)>,
}

impl World {
    fn new(adopts: bool) -> Self {
        let mut peering = admitted(State::Provisioning);
        peering.work.step_at = Some(NOW);
        let cloud = Cloud {
            past: vec![(NOW, Vec::new())],
            made: 0,
            made_for: Vec::new(),
            adopts,
        };
        Self {
            now: NOW,
            peering,
            cloud,
            reasons: Vec::new(),
        }
    }

    fn become_all(&mut self, way: Vec<Peering>) {
        for next in way {
            let (from, to) = (self.peering.state, next.state);
            assert!(from == to || from.may_become(to), "{from} -> {to}");
            assert_eq!(
                self.peering.attempt, next.attempt,
                "only its owner renews it"
            );
            if from == to && from.has_ended() {
                assert_eq!(self.peering.reason, next.reason, "an end keeps its reason");
            }
            self.reasons.push((to, next.reason.clone()));
            self.peering = next;
        }
    }

    /// What of all there is a look shows of the peering: by its id, else by its tags.
    fn of_peering(&self, all: &[Sighting]) -> Option<Sighting> {
        let mut shown: Vec<&Sighting> = all.iter().collect();
        match &self.peering.provider_peering_id {
            Some(id) => shown.retain(|one| one.provider_peering_id == *id),
            None => shown.retain(|one| one.attempt == self.peering.attempt || one.state.is_live()),
        }
        shown.sort_by_key(|one| (-one.attempt, !one.state.is_live()));
        shown.first().copied().cloned()
    }

    fn look(&mut self, began_at: i64, complete: bool, all: &[Sighting]) {
        let seen = self.of_peering(all);
        let look = Look {
            began_at,
            complete,
            seen: seen.as_ref(),
        };
        let way = walk_to(&self.peering, &look, &RULES, self.now);
        if settled(&Glance::of(&self.peering), seen.as_ref()) {
            assert!(
                way.is_empty(),
                "settled, and yet something changed: {way:?}"
            );
        }
        assert!(way.len() < 3 || way[1].state != way[2].state);
        self.become_all(way);
    }

    /// EC2 answers a repeated request with the object that stands.
    fn create(&mut self) -> Sighting {
        let now = self.now;
        if let Some(mut standing) = self.cloud.live() {
            if standing.attempt < self.peering.attempt && self.cloud.adopts {
                standing.attempt = self.peering.attempt;
                let attempt = standing.attempt;
                let id = standing.provider_peering_id.clone();
                self.cloud.change(now, &id, |one| one.attempt = attempt);
            }
            return standing;
        }
        self.cloud.made += 1;
        self.cloud.made_for.push(self.peering.attempt);
        let id = format!("pcx-{}", self.cloud.made);
        let made = sighting(&self.peering, &id, CloudState::Provisioning);
        let mut all = self.cloud.now();
        all.push(made.clone());
        self.cloud.put(now, all);
        made
    }

    fn remove(&mut self, id: &str) -> Removal {
        let all = self.cloud.now();
        let Some(found) = all.iter().find(|one| one.provider_peering_id == id) else {
            return Removal::Absent;
        };
        if found.state.is_live() {
            self.cloud.change(self.now, id, |one| {
                one.state = CloudState::Deleted;
                one.raw_state = "deleted".to_owned();
            });
        }
        Removal::Deleted
    }

    /// The options that the cloud has and that the owner wants; none while there is nothing that takes any.
    fn options(&self) -> Option<(Option<Options>, Options)> {
        let id = self.peering.provider_peering_id.as_ref();
        let all = self.cloud.now();
        let found = all
            .iter()
            .find(|one| Some(&one.provider_peering_id) == id)?;
        let is_up = found.state == CloudState::Active && self.peering.state.is_routed();
        is_up.then_some((found.options, self.peering.options))
    }

    fn step(&mut self, answered: bool) {
        let lost = Refusal {
            kind: RefusalKind::Passing,
            reason: "CLOUD_UNAVAILABLE".to_owned(),
            message: String::new(),
            certain: false,
        };
        let step = next_step(&self.peering, self.now);
        let now = self.now;
        let row = self.peering.clone();
        let refused = |row: &Peering| vec![progress::refused(row, &step, &lost, now)];
        let way = match &step {
            Step::Rest if row.work.step_at.is_some_and(|at| at <= now) => {
                vec![progress::rested(&row)]
            }
            Step::Rest => return,
            Step::AwaitLook => vec![progress::rested(&row)],
            Step::Hint => vec![progress::hinted(&row)],
            Step::Degrade => vec![progress::degraded(&row, now)],
            Step::Network => vec![without(&row, |work| work.network_due = false)],
            Step::Claims => vec![without(&row, |work| work.claims_at = None)],
            Step::Request => {
                self.become_all(vec![progress::requesting(&row, now)]);
                let seen = self.create();
                let row = &self.peering;
                match answered {
                    true if row.is_former(&seen) => vec![progress::preceded(row, &seen, now)],
                    true => progress::requested(row, &seen, "", &RULES, now, now),
                    false => refused(row),
                }
            }
            Step::Routes if answered => vec![progress::routed(&row, &Routing::Done, now)],
            Step::Delete(id) => match (self.remove(id), answered) {
                (removal, true) => vec![progress::removed(&row, removal, "", now)],
                (_, false) => refused(&row),
            },
            Step::Clear(former) => match (self.remove(&former.provider_peering_id), answered) {
                (removal, true) => vec![progress::cleared(&row, removal, "", &RULES, now)],
                (_, false) => refused(&row),
            },
            Step::Options => {
                let (id, wanted) = (row.provider_peering_id.as_ref().unwrap(), row.options);
                self.cloud.change(now, id, |one| one.options = Some(wanted));
                match answered {
                    true => vec![progress::options_set(&row, true, "", now)],
                    false => refused(&row),
                }
            }
            Step::Detach if answered => vec![progress::detached(&row, now)],
            Step::Follow => unreachable!("there are no two halves"),
            Step::Routes | Step::Detach => refused(&row),
        };
        self.become_all(way);
    }

    fn refuse(&mut self, kind: RefusalKind) {
        let refusal = Refusal {
            kind,
            reason: "SOME_REASON".to_owned(),
            message: "No.".to_owned(),
            certain: true,
        };
        let step = next_step(&self.peering, self.now);
        if step == Step::Request {
            self.become_all(vec![progress::requesting(&self.peering, self.now)]);
        }
        let is_call = matches!(
            step,
            Step::Request
                | Step::Routes
                | Step::Delete(_)
                | Step::Clear(_)
                | Step::Options
                | Step::Detach
        );
        if is_call {
            self.become_all(vec![progress::refused(
                &self.peering,
                &step,
                &refusal,
                self.now,
            )]);
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.now;
        match happening {
            Happening::Pass(seconds) => self.now += seconds * 1_000,
            Happening::Look => self.look(now, true, &self.cloud.now()),
            Happening::StaleLook(lag) => self.look(now, true, &self.cloud.at(now - lag * 1_000)),
            Happening::IncompleteLook => self.look(now, false, &[]),
            Happening::OddLook => {
                let id = self.peering.provider_peering_id.clone();
                let id = id.unwrap_or_else(|| "pcx-1".to_owned());
                let odd = sighting(&self.peering, &id, CloudState::Unrecognized);
                let before = self.peering.clone();
                self.look(now, true, &[odd]);
                assert_eq!(self.peering, before);
            }
            Happening::Step => self.step(true),
            Happening::StepLost => self.step(false),
            Happening::StepRefused(kind) => self.refuse(kind),
            Happening::CrashBefore => {
                if next_step(&self.peering, now) == Step::Request {
                    self.become_all(vec![progress::requesting(&self.peering, now)]);
                }
            }
            Happening::Become(state) => {
                if let Some(seen) = self.cloud.live()
                    && Cloud::allows(seen.state, state)
                {
                    self.cloud.change(now, &seen.provider_peering_id, |one| {
                        one.state = state;
                        one.raw_state = format!("{state:?}");
                        let off = Some(Options::default());
                        one.options = off.filter(|_| state == CloudState::Active);
                    });
                }
            }
            Happening::Forget => {
                let mut all = self.cloud.now();
                all.retain(|one| one.state.is_live());
                self.cloud.put(now, all);
            }
            Happening::Delete => {
                let mut next = self.peering.clone();
                next.delete(None, now);
                self.become_all(vec![next]);
            }
            Happening::Renew => {
                if self.peering.state.has_ended() {
                    let home = home(&self.peering);
                    self.peering.renew(&home, None, now);
                }
            }
            Happening::Want(resolve_dns) => {
                self.peering.options.resolve_dns = resolve_dns;
                self.peering.work.options_due = true;
                self.peering.work.step_at = self.peering.work.step_at.min(Some(now)).or(Some(now));
            }
            Happening::Set(resolve_dns) => {
                if let Some(seen) = self.cloud.live().filter(|one| one.options.is_some()) {
                    self.cloud.change(now, &seen.provider_peering_id, |one| {
                        one.options = Some(Options {
                            resolve_dns,
                            ..Options::default()
                        });
                    });
                }
            }
        }
        self.check();
    }

    /// No attempt makes a second object while the first one may live.
    fn check(&self) {
        let mut attempts = self.cloud.made_for.clone();
        attempts.dedup();
        let is_once = attempts.len() == self.cloud.made;
        assert!(
            is_once || self.one_ended(),
            "made {:?}",
            self.cloud.made_for
        );
        let live = self
            .cloud
            .now()
            .into_iter()
            .filter(|one| one.state.is_live());
        assert!(live.count() <= 1, "the cloud would not have made it");
    }

    /// A second object of an attempt may only be made when the first is known to be absent, by the rule.
    fn one_ended(&self) -> bool {
        self.cloud
            .past
            .iter()
            .any(|(_, all)| all.iter().any(|one| !one.state.is_live()))
    }

    /// From now on the cloud answers and time goes on.
    fn settle(&mut self) {
        for _ in 0..400 {
            self.now += 61_000;
            self.look(self.now, true, &self.cloud.now());
            self.step(true);
            self.step(true);
        }
    }
}

proptest! {
    #![proptest_config(super::walks(512))]

    #[test]
    fn any_walk_settles_and_makes_nothing_twice(
        way in prop::collection::vec(happening(), 0..80), adopts in any::<bool>(),
    ) {
        let mut world = World::new(adopts);
        for happening in way {
            world.happen(happening);
        }
        world.settle();
        prop_assert_eq!(next_step(&world.peering, world.now), Step::Rest);
        let state = world.peering.state;
        let live = world.cloud.live();
        prop_assert!(state != State::Provisioning || live.is_some());
        prop_assert_eq!(&world.peering.work.former, &None);
        if let Some(live) = live {
            // What stands in the cloud is known, whatever happened on the way, and nothing of an earlier attempt does.
            prop_assert_eq!(live.attempt, world.peering.attempt);
            if state.watch() != crate::domain::Watch::None {
                prop_assert_eq!(world.peering.provider_peering_id.as_ref(), Some(&live.provider_peering_id));
            }
        }
        if let Some((shown, wanted)) = world.options() {
            prop_assert_eq!(shown, Some(wanted));
            prop_assert!(!world.peering.work.options_due);
        }
    }

    #[test]
    fn deleting_ends_in_deleted_and_leaves_nothing(
        way in prop::collection::vec(happening(), 0..80), adopts in any::<bool>(),
    ) {
        let mut world = World::new(adopts);
        for happening in way {
            world.happen(happening);
        }
        world.happen(Happening::Delete);
        world.settle();
        prop_assert_eq!(world.peering.state, State::Deleted);
        prop_assert!(world.cloud.live().is_none());
    }

    #[test]
    fn an_end_is_left_by_its_owner_alone(way in prop::collection::vec(happening(), 0..80)) {
        let mut world = World::new(true);
        for happening in way {
            let before = world.peering.state;
            world.happen(happening);
            let after = world.peering.state;
            let asked = matches!(happening, Happening::Renew | Happening::Delete);
            let is_ended = matches!(before, State::Rejected | State::Expired | State::Failed);
            prop_assert!(asked || !is_ended || before == after, "{} -> {}", before, after);
        }
    }
}

/// The pause after refused routes is as long as it takes to become DEGRADED, and was taken for rest.
#[test]
fn a_pause_before_another_try_is_no_rest() {
    use Happening::*;
    let mut world = World::new(false);
    for happening in [
        Step,
        Become(CloudState::PendingAcceptance),
        Become(CloudState::Active),
        Want(false),
        Look,
        StepRefused(RefusalKind::Terminal),
        Look,
    ] {
        world.happen(happening);
    }
}
