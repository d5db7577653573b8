//! Every kind of drift, and what becomes of it.

use proptest::prelude::*;
use types::ProviderKind;

use super::*;
use crate::domain::fixture::{self, timing};
use crate::domain::{Holds, Step, Subnet, next_step};

mod firewall;
mod shape;

const NOW: i64 = 10_000_000;
const GRACE: i64 = 60_000;
const HOUR: i64 = 3_600_000;

fn subnet(id: &str) -> Subnet {
    Subnet {
        id: id.to_owned(),
        zone: "eu-west-1a".to_owned(),
        zone_id: "euw1-az1".to_owned(),
        cidr: "10.20.0.0/18".to_owned(),
    }
}

fn vpc() -> Vpc {
    Vpc {
        id: Some("vpc-1".to_owned()),
        subnets: vec![subnet("subnet-a"), subnet("subnet-b")],
        security_group_id: Some("sg-1".to_owned()),
        parts: [
            "vpc",
            "dns",
            "subnet-1",
            "subnet-2",
            "security-group",
            "default-group",
        ]
        .map(str::to_owned)
        .into(),
    }
}

/// ACTIVE since long ago, with its firewall as wanted.
fn active() -> Network {
    let mut network = fixture::network(ProviderKind::Aws, 0);
    network.state = State::Active;
    network.account = Some("111122223333".to_owned());
    network.vpc = vpc();
    network.work.touched = true;
    network.work.ahead = Ahead::Complete;
    network.work.step_at = None;
    network.firewall.done = network.firewall.goal;
    network.firewall.done_at = Some(0);
    network
}

fn glance(network: &Network) -> Glance {
    let work = &network.work;
    Glance {
        id: network.id,
        version: network.version,
        vpc: network.vpc.clone(),
        is_busy: work.requested.is_some() || !work.operation_token.is_empty(),
        missed_at: work.missed_at,
        missed: work.missed.clone(),
        reshaped: work.reshaped.clone(),
        is_firewall_done: !network.firewall.is_due(),
        told_at: network
            .firewall
            .done_at
            .max(work.repairs.last().map(|(_, at)| *at)),
    }
}

fn wanted() -> FirewallWanted {
    FirewallWanted {
        cidrs: vec!["10.1.0.0/16".parse().unwrap()],
        ports: vec![5432],
    }
}

/// All as it should be.
fn seen() -> Sighting {
    Sighting {
        vpc: vpc(),
        cidrs: ["10.1.0.0/16".to_owned()].into(),
        ports: [5432].into(),
        drift: Vec::new(),
    }
}

/// Nothing but the VPC's id, as a look without wiring shows it.
fn bare() -> Sighting {
    let id = vpc().id;
    Sighting {
        vpc: Vpc {
            id,
            ..Vpc::default()
        },
        ..Sighting::default()
    }
}

fn without_a_subnet() -> Sighting {
    let mut seen = seen();
    seen.vpc.subnets.remove(1);
    seen.vpc.parts.retain(|code| code != "subnet-2");
    seen
}

fn look(began_at: i64) -> Look {
    Look {
        began_at,
        complete: true,
        wired: true,
        grace: Duration::from_secs(60),
    }
}

fn observe_with(network: &mut Network, look: &Look, seen: &[Sighting]) -> Drift {
    let verdict = judge(&glance(network), look, seen, &wanted());
    let drift = verdict.drift.clone();
    network.observed(verdict, look.began_at);
    drift
}

fn observe(network: &mut Network, at: i64, seen: &[Sighting]) -> Drift {
    observe_with(network, &look(at), seen)
}

#[test]
fn what_stands_as_it_should_changes_nothing() {
    let mut network = active();
    let before = network.clone();
    for look in [
        look(NOW),
        Look {
            wired: false,
            ..look(NOW)
        },
    ] {
        let shown = if look.wired { seen() } else { bare() };
        let verdict = judge(&glance(&network), &look, &[shown], &wanted());
        assert!(verdict.is_settled(&glance(&network)));
        network.observed(verdict, NOW);
        assert_eq!(network, before);
    }
}

#[test]
fn a_vpc_is_lost_when_two_complete_looks_a_while_apart_miss_it() {
    let mut network = active();
    assert_eq!(observe(&mut network, NOW, &[]), Drift::Nothing);
    assert_eq!(observe(&mut network, NOW + GRACE - 1, &[]), Drift::Nothing);
    assert_eq!(network.state, State::Active);
    assert_eq!(observe(&mut network, NOW + GRACE, &[]), Drift::Lost);
    assert_eq!(
        (network.state, network.reason.as_str()),
        (State::Failed, "VPC_MISSING")
    );
    assert!(network.message.contains("vpc-1") && network.message.contains("1970-01-01T02:46:40Z"));
    assert_eq!(next_step(&network, NOW + HOUR), Step::Rest);
    assert_eq!(network.firewall_ready().holds, Holds::Unknown);
    // Nothing of the drift's looks counts for the removal's.
    assert_eq!(
        (network.work.missed_at, network.work.missed.len()),
        (None, 0)
    );
}

#[test]
fn any_sighting_of_a_vpc_clears_the_doubt() {
    let mut network = active();
    observe(&mut network, NOW, &[]);
    let status = Look {
        wired: false,
        ..look(NOW + 1)
    };
    observe_with(&mut network, &status, &[bare()]);
    assert_eq!(network.work.missed_at, None);
    // Also one of a listing that broke off.
    observe(&mut network, NOW + 2, &[]);
    let broken = Look {
        complete: false,
        ..look(NOW + 3)
    };
    observe_with(&mut network, &broken, &[bare()]);
    assert_eq!(observe(&mut network, NOW + 2 + GRACE, &[]), Drift::Nothing);
    assert_eq!(network.state, State::Active);
}

#[test]
fn a_listing_that_did_not_complete_misses_nothing() {
    let mut network = active();
    let before = network.clone();
    for at in [NOW, NOW + GRACE, NOW + 2 * GRACE] {
        let broken = Look {
            complete: false,
            ..look(at)
        };
        assert_eq!(observe_with(&mut network, &broken, &[]), Drift::Nothing);
        let partly = Sighting {
            cidrs: BTreeSet::new(),
            ..without_a_subnet()
        };
        assert_eq!(
            observe_with(&mut network, &broken, &[partly]),
            Drift::Nothing
        );
    }
    assert_eq!(network, before);
}

#[test]
fn a_part_that_two_looks_miss_is_made_again() {
    let mut network = active();
    assert_eq!(
        observe(&mut network, NOW, &[without_a_subnet()]),
        Drift::Nothing
    );
    // A look at the VPCs alone says nothing about parts.
    let status = Look {
        wired: false,
        ..look(NOW + 30_000)
    };
    assert_eq!(
        observe_with(&mut network, &status, &[bare()]),
        Drift::Nothing
    );
    assert_eq!(network.work.missed_at, Some(NOW));
    let gone = vec!["subnet-2".to_owned(), "subnet-b".to_owned()];
    let drift = observe(&mut network, NOW + GRACE, &[without_a_subnet()]);
    assert_eq!(drift, Drift::Parts(gone));
    assert_eq!(network.vpc.subnets, [subnet("subnet-a")]);
    assert!(!network.vpc.has("subnet-2") && network.vpc.has("subnet-1"));
    assert_eq!(
        (network.state, network.reason.as_str()),
        (State::Active, "VPC_DRIFT")
    );
    assert_eq!(next_step(&network, NOW + GRACE), Step::Look);
    assert_eq!(network.work.repairs, [(Repaired::Parts, NOW + GRACE)]);
    // Its firewall is another matter.
    assert_eq!(network.firewall_ready().holds, Holds::True);
}

#[test]
fn a_part_that_comes_back_by_itself_is_not_touched() {
    let mut network = active();
    let before = network.clone();
    observe(&mut network, NOW, &[without_a_subnet()]);
    observe(&mut network, NOW + GRACE, &[seen()]);
    assert_eq!(network, before);
}

#[test]
fn parts_that_vanish_one_after_the_other_have_their_own_time_each() {
    let mut network = active();
    observe(&mut network, NOW, &[without_a_subnet()]);
    let mut other = seen();
    other.vpc.parts.retain(|code| code != "dns");
    observe(&mut network, NOW + GRACE, &[other.clone()]);
    assert_eq!(network.work.missed_at, Some(NOW + GRACE));
    let drift = observe(&mut network, NOW + 2 * GRACE, &[other]);
    assert_eq!(drift, Drift::Parts(vec!["dns".to_owned()]));
}

#[test]
fn a_vpc_that_vanishes_after_a_part_has_its_own_time() {
    let mut network = active();
    observe(&mut network, NOW, &[without_a_subnet()]);
    assert_eq!(observe(&mut network, NOW + GRACE, &[]), Drift::Nothing);
    assert_eq!(observe(&mut network, NOW + 2 * GRACE, &[]), Drift::Lost);
}

#[test]
fn what_stands_otherwise_than_it_was_made_is_made_again() {
    let mut network = active();
    let mut changed = seen();
    changed.drift = vec!["default-group".to_owned()];
    observe(&mut network, NOW, &[changed.clone()]);
    let drift = observe(&mut network, NOW + GRACE, &[changed]);
    assert_eq!(drift, Drift::Parts(vec!["default-group".to_owned()]));
    assert!(!network.vpc.has("default-group"));
}

#[test]
fn a_subnet_in_the_place_of_a_recorded_one_is_adopted_by_a_look() {
    let mut network = active();
    let mut replaced = seen();
    replaced.vpc.subnets[1] = subnet("subnet-z");
    observe(&mut network, NOW, &[replaced.clone()]);
    let drift = observe(&mut network, NOW + GRACE, &[replaced]);
    assert_eq!(drift, Drift::Parts(vec!["subnet-b".to_owned()]));
    assert_eq!(network.vpc.subnets, [subnet("subnet-a")]);
    assert_eq!(next_step(&network, NOW + GRACE), Step::Look);
}

#[test]
fn a_new_security_group_gets_the_firewall_again() {
    let mut network = active();
    let mut gone = seen();
    gone.vpc.security_group_id = None;
    gone.vpc.parts.retain(|code| code != "security-group");
    (gone.cidrs, gone.ports) = (BTreeSet::new(), BTreeSet::new());
    assert_eq!(observe(&mut network, NOW, &[gone.clone()]), Drift::Nothing);
    observe(&mut network, NOW + GRACE, &[gone]);
    assert_eq!(network.vpc.security_group_id, None);
    assert_eq!(network.firewall.done, 0);
    let ready = network.firewall_ready();
    assert_eq!(
        (ready.holds, ready.reason),
        (Holds::False, "FIREWALL_DRIFT")
    );
    assert_eq!(next_step(&network, NOW + GRACE), Step::Look);
    network.vpc.security_group_id = Some("sg-2".to_owned());
    assert_eq!(next_step(&network, NOW + GRACE), Step::Firewall);
}

#[test]
fn of_two_vpcs_the_recorded_one_stays_and_the_other_is_looked_at() {
    let mut surplus = seen();
    surplus.vpc.id = Some("vpc-0".to_owned());
    let mut network = active();
    let drift = observe(&mut network, NOW, &[surplus.clone(), seen()]);
    assert_eq!((drift, network.vpc.clone()), (Drift::Surplus, vpc()));
    assert_eq!(next_step(&network, NOW), Step::Look);
    // Another VPC with our tags is not the one that peerings stand on.
    let mut network = active();
    observe(&mut network, NOW, &[surplus.clone()]);
    assert_eq!(observe(&mut network, NOW + GRACE, &[surplus]), Drift::Lost);
}

#[test]
fn while_a_part_may_come_into_being_the_looks_of_the_work_decide() {
    let mut network = active();
    network.requesting("subnet-2", true, NOW);
    let before = network.clone();
    for at in [NOW, NOW + GRACE] {
        observe(&mut network, at, &[]);
        observe(&mut network, at, &[without_a_subnet()]);
    }
    assert_eq!(network, before);
}

#[test]
fn leaving_forgets_what_was_in_doubt() {
    let mut network = active();
    observe(&mut network, NOW, &[]);
    network.reached(State::Deleting, NOW + 1);
    assert_eq!(
        (network.work.missed_at, network.work.missed.len()),
        (None, 0)
    );
}

fn shown() -> impl Strategy<Value = (bool, bool, Vec<Sighting>)> {
    let sightings = prop_oneof![
        3 => Just(vec![seen()]),
        1 => Just(vec![bare()]),
        1 => Just(Vec::new()),
        1 => Just(vec![without_a_subnet()]),
        1 => Just(vec![Sighting { cidrs: BTreeSet::new(), ..seen() }]),
    ];
    (prop::bool::weighted(0.7), any::<bool>(), sightings)
}

proptest! {
    /// Whatever was seen in the time before: one complete sighting of all, and nothing is in doubt any more; and nothing
    /// is lost, nor made again, by looks that lie closer together than the grace.
    #[test]
    fn no_look_alone_takes_anything_away(looks in prop::collection::vec(shown(), 0..20)) {
        let mut network = active();
        for (n, (complete, wired, sightings)) in looks.into_iter().enumerate() {
            let at = NOW + i64::try_from(n).unwrap() * 3_000;
            let look = Look { complete, wired, ..look(at) };
            observe_with(&mut network, &look, &sightings);
            prop_assert_eq!(network.state, State::Active);
            prop_assert_eq!(&network.vpc, &vpc());
            prop_assert_eq!(network.work.missed.is_empty(), network.work.missed_at.is_none());
        }
        observe(&mut network, NOW + GRACE, &[seen()]);
        prop_assert!(network.work.missed.is_empty());
    }
}
