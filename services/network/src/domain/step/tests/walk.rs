//! Walks against a simulated cloud.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::Request;

/// A cloud that makes what it is told, shows it late, loses answers and has moods.
#[derive(Default)]
struct Cloud {
    /// How many of each part there are by account, and from when they show.
    made: BTreeMap<(String, &'static str), Vec<i64>>,
}

const PARTS: [&str; 4] = ["vpc", "subnet/a", "subnet/b", "security-group"];

impl Cloud {
    fn ensure(&mut self, network: &Network, create: Option<&str>, now: i64, lag: i64) -> Answer {
        let account = network.account.clone().unwrap();
        let mut parts = network.vpc.parts.clone();
        for name in PARTS {
            let shows = self.made.get(&(account.clone(), name));
            let shows = shows.is_some_and(|from| from.iter().any(|from| *from <= now));
            if shows && !parts.iter().any(|part| part == name) {
                parts.push(name.to_owned());
            }
        }
        let missing = |parts: &[String]| {
            PARTS
                .into_iter()
                .find(|name| !parts.iter().any(|part| part == name))
        };
        if let Some(next) = missing(&parts).filter(|next| Some(*next) == create) {
            self.made
                .entry((account, next))
                .or_default()
                .push(now + lag);
            parts.push(next.to_owned());
        }
        let ahead = missing(&parts).map_or(Ahead::Complete, part);
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        answer(&parts, ahead)
    }

    fn remove(&mut self, network: &Network, now: i64) -> Removal {
        let account = network.account.clone().unwrap();
        let mine = |key: &(String, &str)| key.0 == account;
        let shows = |from: &Vec<i64>| from.iter().any(|from| *from <= now);
        let known = !network.vpc.is_empty();
        let before = self.made.len();
        self.made.retain(|key, from| {
            let removable = shows(from) || network.vpc.has(key.1);
            !(mine(key) && removable)
        });
        match (before == self.made.len(), known) {
            (false, _) if self.made.keys().any(mine) => Removal::InProgress,
            (false, _) | (true, true) => Removal::Deleted,
            (true, false) => Removal::Absent,
        }
    }

    fn most_of_a_part(&self) -> usize {
        self.made.values().map(Vec::len).max().unwrap_or(0)
    }
}

/// What becomes of one call.
#[derive(Debug, Clone)]
enum Mood {
    /// It works.
    Works,
    /// It works and its answer is lost.
    AnswerLost,
    /// It works, and the worker dies before it can save.
    WorkerDies,
    /// It does nothing, and nobody can tell.
    Silent,
    /// It does nothing and says why.
    Refuses(FailureKind, &'static str),
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        6 => Just(Mood::Works),
        2 => Just(Mood::AnswerLost),
        2 => Just(Mood::WorkerDies),
        1 => Just(Mood::Silent),
        1 => Just(Mood::Refuses(FailureKind::Throttled, "CLOUD_THROTTLED")),
        1 => Just(Mood::Refuses(FailureKind::Quota, "VPC_LIMIT")),
        1 => Just(Mood::Refuses(FailureKind::Unknown, "CLOUD_ERROR")),
        1 => Just(Mood::Refuses(FailureKind::Terminal, "SOME_RULE")),
    ]
}

type Call = Box<dyn FnOnce(&mut Cloud, &mut Network)>;

/// Takes one step as the worker does; false when there is none to take.
fn walk(network: &mut Network, cloud: &mut Cloud, now: &mut i64, mood: &Mood, lag: i64) -> bool {
    let step = next_step(network, *now);
    let was_touched = network.work.touched;
    let begun = *now;
    *now += 40;
    let call: Call = match &step {
        Step::Rest => return false,
        Step::Wait(until) => {
            *now = *until;
            return true;
        }
        Step::Record(state) => {
            network.reached(*state, *now);
            return true;
        }
        Step::Place => {
            let account = format!("account-{}", network.work.refused_accounts.len());
            network.placed(account, *now);
            return true;
        }
        Step::Look | Step::Make { .. } => {
            let create = match &step {
                Step::Make { part, guarded } => {
                    network.requesting(part, *guarded, begun);
                    Some(part.clone())
                }
                _ => None,
            };
            let at = *now;
            Box::new(move |cloud, network| {
                let answer = cloud.ensure(network, create.as_deref(), at, lag);
                network.looked(answer, begun, at, &timing());
            })
        }
        Step::Firewall => {
            let at = *now;
            Box::new(move |_, network| {
                network.firewall_ensured(
                    network.firewall.goal,
                    true,
                    String::new(),
                    begun,
                    at,
                    &timing(),
                );
            })
        }
        Step::Remove => {
            let at = *now;
            Box::new(move |cloud, network| {
                let removal = cloud.remove(network, at);
                network.removed(removal, String::new(), begun, at, &timing());
            })
        }
    };
    let silent = Failure {
        refused: false,
        ..failure(FailureKind::Unavailable, "CLOUD_UNAVAILABLE")
    };
    let failed = match step {
        Step::Firewall => Network::firewall_failed,
        _ => Network::failed,
    };
    match mood {
        Mood::Works => call(cloud, network),
        Mood::AnswerLost => {
            call(cloud, &mut network.clone());
            failed(network, &silent, *now, 0.5);
        }
        Mood::WorkerDies => call(cloud, &mut network.clone()),
        Mood::Silent => failed(network, &silent, *now, 0.5),
        Mood::Refuses(kind, reason) => {
            if matches!(step, Step::Make { .. }) {
                network.request_refused(was_touched);
            }
            failed(network, &failure(*kind, reason), *now, 0.5);
        }
    }
    true
}

proptest! {
    #[test]
    fn any_walk_settles_and_never_makes_two_of_a_part(
        moods in prop::collection::vec((mood(), 0_i64..50_000), 0..60),
        deleted_after in 0_usize..80,
    ) {
        let mut network = network();
        let mut cloud = Cloud::default();
        let mut now = NOW;
        let mut moods = moods.into_iter();
        let mut settled = false;
        for taken in 0..1_000 {
            if taken == deleted_after {
                prop_assert_eq!(network.delete("", Blockers::default(), None, now), Ok(true));
            }
            let (mood, lag) = moods.next().unwrap_or((Mood::Works, 0));
            let moved = walk(&mut network, &mut cloud, &mut now, &mood, lag);
            prop_assert!(cloud.most_of_a_part() <= 1, "two of a part: {:?}", cloud.made);
            if !moved && taken > deleted_after {
                settled = true;
                break;
            }
        }
        prop_assert!(settled, "still at work: {:?}", network);
        prop_assert_eq!(network.state, State::Deleted);
        prop_assert!(cloud.made.is_empty(), "left behind: {:?}", cloud.made);
    }

    #[test]
    fn a_network_becomes_active_once_the_cloud_behaves(
        moods in prop::collection::vec((mood(), 0_i64..50_000), 0..60),
    ) {
        let mut network = network();
        let mut cloud = Cloud::default();
        let mut now = NOW;
        for (mood, lag) in moods.into_iter().chain(std::iter::repeat_n((Mood::Works, 0), 300)) {
            walk(&mut network, &mut cloud, &mut now, &mood, lag);
        }
        prop_assert!(matches!(network.state, State::Active | State::Failed), "{:?}", network);
        if network.state == State::Active {
            prop_assert_eq!(cloud.made.len(), PARTS.len());
            prop_assert_eq!(network.work.clone().requested, None::<Request>);
            prop_assert_eq!(network.firewall.done, network.firewall.goal);
        }
    }
}
