//! A cloud that lags, loses answers, refuses and ends things, and a worker that crashes: whatever happens on the way,
//! the walk settles, nothing is made twice, and every change of state is an edge.

use proptest::prelude::*;

use super::{NOW, RULES, admitted, sighting};
use crate::domain::progress::{self, Refusal, RefusalKind, Removal};
use crate::domain::{
    CloudState, Glance, Look, Peering, Routing, Sighting, State, Step, next_step, settled, walk_to,
};

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// Time passes, in seconds.
    Pass(i64),
    /// A complete look at what is there.
    Look,
    /// A complete look at what was there this long ago, in seconds: describe lags.
    StaleLook(i64),
    /// A look that missed everything and says so.
    IncompleteLook,
    /// A look that shows a word nobody knows.
    OddLook,
    /// The next step, as it should go.
    Step,
    /// The next step; the cloud acts, the answer is lost.
    StepLost,
    /// The next step; the cloud refuses and surely did nothing.
    StepRefused(RefusalKind),
    /// The worker dies right before the call.
    CrashBefore,
    /// The customer or the cloud brings the object there.
    Become(CloudState),
    /// The cloud forgets an ended object.
    Forget,
    /// The owner asks for the end.
    Delete,
}

fn happening() -> impl Strategy<Value = Happening> {
    use CloudState::*;
    let kinds = [
        RefusalKind::Terminal,
        RefusalKind::Quota,
        RefusalKind::Passing,
        RefusalKind::InProgress,
        RefusalKind::Unauthorized,
        RefusalKind::Unknown,
    ];
    prop_oneof![
        4 => (1_i64..100).prop_map(Happening::Pass),
        1 => Just(Happening::Pass(25 * 3_600)),
        4 => Just(Happening::Look),
        2 => (0_i64..6).prop_map(Happening::StaleLook),
        1 => Just(Happening::IncompleteLook),
        1 => Just(Happening::OddLook),
        6 => Just(Happening::Step),
        2 => Just(Happening::StepLost),
        2 => prop::sample::select(kinds.to_vec()).prop_map(Happening::StepRefused),
        1 => Just(Happening::CrashBefore),
        3 => prop::sample::select(vec![PendingAcceptance, Active, Rejected, Expired, Failed, Deleted])
            .prop_map(Happening::Become),
        1 => Just(Happening::Forget),
        1 => Just(Happening::Delete),
    ]
}

/// The cloud, with its past, so that reads can be old.
struct Cloud {
    /// What stood from when on.
    past: Vec<(i64, Option<Sighting>)>,
    made: usize,
}

impl Cloud {
    fn at(&self, time: i64) -> Option<Sighting> {
        self.past
            .iter()
            .rev()
            .find(|(since, _)| *since <= time)
            .and_then(|(_, seen)| seen.clone())
    }

    fn now(&self) -> Option<Sighting> {
        self.past.last().and_then(|(_, seen)| seen.clone())
    }

    fn put(&mut self, now: i64, seen: Option<Sighting>) {
        self.past.push((now, seen));
    }

    /// Whether an object of this state may become one of that.
    fn allows(from: CloudState, to: CloudState) -> bool {
        use CloudState::*;
        match from {
            Provisioning => matches!(to, PendingAcceptance | Failed),
            PendingAcceptance => matches!(to, Active | Rejected | Expired | Deleted),
            Active => to == Deleted,
            _ => false,
        }
    }
}

struct World {
    now: i64,
    peering: Peering,
    cloud: Cloud,
    reasons: Vec<(State, String)>,
}

impl World {
    fn new() -> Self {
        let mut peering = admitted(State::Provisioning);
        peering.work.step_at = Some(NOW);
        let cloud = Cloud {
            past: vec![(NOW, None)],
            made: 0,
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
            if from == to && from.has_ended() {
                assert_eq!(self.peering.reason, next.reason, "an end keeps its reason");
            }
            self.reasons.push((to, next.reason.clone()));
            self.peering = next;
        }
    }

    fn look(&mut self, began_at: i64, complete: bool, seen: Option<Sighting>) {
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

    fn create(&mut self) {
        // EC2 answers a repeated request with the object that stands.
        if self.cloud.now().is_none_or(|seen| !seen.state.is_live()) {
            self.cloud.made += 1;
            let id = format!("pcx-{}", self.cloud.made);
            let seen = sighting(&self.peering, &id, CloudState::Provisioning);
            self.cloud.put(self.now, Some(seen));
        }
    }

    fn remove(&mut self) -> Removal {
        match self.cloud.now() {
            None => Removal::Absent,
            Some(mut seen) => {
                if seen.state.is_live() {
                    seen.state = CloudState::Deleted;
                    seen.raw_state = "deleted".to_owned();
                    self.cloud.put(self.now, Some(seen));
                }
                Removal::Deleted
            }
        }
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
        let way = match &step {
            Step::Rest if self.peering.work.step_at.is_some_and(|at| at <= now) => {
                vec![progress::rested(&self.peering)]
            }
            Step::Rest => return,
            Step::AwaitLook => vec![progress::rested(&self.peering)],
            Step::Request => {
                self.become_all(vec![progress::requesting(&self.peering, now)]);
                self.create();
                match self.cloud.now().filter(|_| answered) {
                    Some(seen) => progress::requested(&self.peering, &seen, "", &RULES, now, now),
                    None => vec![progress::refused(&self.peering, &step, &lost, now)],
                }
            }
            Step::Routes if answered => vec![progress::routed(&self.peering, &Routing::Done, now)],
            Step::Delete(_) => {
                let removal = self.remove();
                match answered {
                    true => vec![progress::removed(&self.peering, removal, "", now)],
                    false => vec![progress::refused(&self.peering, &step, &lost, now)],
                }
            }
            Step::Detach if answered => vec![progress::detached(&self.peering, now)],
            Step::Follow | Step::Hint => unreachable!("there are no two halves"),
            Step::Clear(_) | Step::Options | Step::Network | Step::Claims | Step::Degrade => {
                unreachable!("nothing asks for it yet")
            }
            Step::Routes | Step::Detach => {
                vec![progress::refused(&self.peering, &step, &lost, now)]
            }
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
        if !matches!(step, Step::Rest | Step::AwaitLook) {
            self.become_all(vec![progress::refused(
                &self.peering,
                &step,
                &refusal,
                self.now,
            )]);
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Pass(seconds) => self.now += seconds * 1_000,
            Happening::Look => self.look(self.now, true, self.cloud.now()),
            Happening::StaleLook(lag) => {
                self.look(self.now, true, self.cloud.at(self.now - lag * 1_000));
            }
            Happening::IncompleteLook => self.look(self.now, false, None),
            Happening::OddLook => {
                let odd = sighting(&self.peering, "pcx-1", CloudState::Unrecognized);
                let before = self.peering.clone();
                self.look(self.now, true, Some(odd));
                assert_eq!(self.peering, before);
            }
            Happening::Step => self.step(true),
            Happening::StepLost => self.step(false),
            Happening::StepRefused(kind) => self.refuse(kind),
            Happening::CrashBefore => {
                if next_step(&self.peering, self.now) == Step::Request {
                    self.become_all(vec![progress::requesting(&self.peering, self.now)]);
                }
            }
            Happening::Become(state) => {
                if let Some(mut seen) = self.cloud.now()
                    && Cloud::allows(seen.state, state)
                {
                    seen.state = state;
                    seen.raw_state = format!("{state:?}");
                    self.cloud.put(self.now, Some(seen));
                }
            }
            Happening::Forget => {
                if self.cloud.now().is_some_and(|seen| seen.state.has_ended()) {
                    self.cloud.put(self.now, None);
                }
            }
            Happening::Delete => {
                let mut next = self.peering.clone();
                next.delete(None, self.now);
                self.become_all(vec![next]);
            }
        }
        // At most one object of an attempt ever lives, and none is made while one may.
        assert!(
            self.cloud.made <= 1 || self.first_ended(),
            "made {} times",
            self.cloud.made
        );
    }

    /// A second object may only be made when the first is known to be absent, by the rule.
    fn first_ended(&self) -> bool {
        self.cloud.past.iter().any(|(_, seen)| {
            seen.as_ref()
                .is_some_and(|seen| seen.provider_peering_id == "pcx-1" && !seen.state.is_live())
        })
    }

    /// From now on the cloud answers and time goes on.
    fn settle(&mut self) {
        for _ in 0..400 {
            self.now += 61_000;
            self.look(self.now, true, self.cloud.now());
            self.step(true);
            self.step(true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_walk_settles_and_makes_nothing_twice(way in prop::collection::vec(happening(), 0..60)) {
        let mut world = World::new();
        for happening in way {
            world.happen(happening);
        }
        world.settle();
        prop_assert_eq!(next_step(&world.peering, world.now), Step::Rest);
        let state = world.peering.state;
        prop_assert!(state != State::Provisioning || world.cloud.now().is_some());
        if let Some(seen) = world.cloud.now() {
            // What stands in the cloud is known, whatever happened on the way.
            if seen.state.is_live() && state.watch() != crate::domain::Watch::None {
                prop_assert_eq!(world.peering.provider_peering_id.as_ref(), Some(&seen.provider_peering_id));
            }
        }
    }

    #[test]
    fn deleting_ends_in_deleted_and_leaves_nothing(way in prop::collection::vec(happening(), 0..60)) {
        let mut world = World::new();
        for happening in way {
            world.happen(happening);
        }
        world.happen(Happening::Delete);
        world.settle();
        prop_assert_eq!(world.peering.state, State::Deleted);
        prop_assert!(world.cloud.now().is_none_or(|seen| !seen.state.is_live()));
    }
}
