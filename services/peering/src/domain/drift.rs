//! What a look at the vendor's route tables means: routes that others took away or led elsewhere are put back, three
//! times within an hour.

use std::collections::HashMap;

use types::{Cidr, NetworkId, PeeringId};

use super::diagnosis::{RouteState, SeenRoute};
use super::facts::list;
use super::peering::{ConditionStatus, Peering, conditions};
use super::reasons;

/// So many repairs within [`FIGHT_WITHIN`] are a fight.
const REPAIRS: usize = 3;
/// See [`REPAIRS`]; in milliseconds.
const FIGHT_WITHIN: i64 = 3_600_000;

/// One look at the route tables of a group.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// The database's time before it began.
    pub began_at: i64,
    /// The routes to peerings, by network and VPC.
    pub routes: HashMap<(NetworkId, String), Vec<SeenRoute>>,
}

/// As much of a peering's row as a look at the route tables is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Wiring {
    /// The peering.
    pub id: PeeringId,
    /// Its version when it was read.
    pub version: i64,
    /// Its network.
    pub network: NetworkId,
    /// The VPC whose tables lead to it.
    pub vpc: String,
    /// The cloud's id of it.
    pub provider_peering_id: String,
    /// Where the tables shall lead to it.
    pub ranges: Vec<Cidr>,
    /// The tables are to be brought in line anyway.
    pub routes_due: bool,
    /// When the cloud last took routes of it.
    pub told_at: Option<i64>,
    /// ROUTES_READY does not hold.
    pub in_doubt: bool,
}

/// What is not as it should be of the routes to a peering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// Ranges without a route in every table.
    pub missing: Vec<Cidr>,
    /// Ranges whose route has lost its target.
    pub dead: Vec<Cidr>,
    /// Ranges that lead to it, and should not.
    pub foreign: Vec<Cidr>,
}

impl Wiring {
    /// What the look says of the routes; none when it says nothing: the tables are worked on, or may not yet show what
    /// was done to them within `grace` milliseconds.
    pub fn compare(&self, tables: &Tables, grace: i64) -> Option<Fault> {
        let is_early = self
            .told_at
            .is_some_and(|at| at.saturating_add(grace) > tables.began_at);
        if self.routes_due || is_early {
            return None;
        }
        // A VPC none of whose tables was listed may have lost its tags; whether it stands is another look's to tell.
        let own: Vec<&SeenRoute> = tables
            .routes
            .get(&(self.network, self.vpc.clone()))?
            .iter()
            .filter(|route| route.provider_peering_id == self.provider_peering_id)
            .collect();
        let state_of = |range: &Cidr| {
            let mut found = own.iter().filter(|route| route.cidr == *range);
            found
                .next()
                .map_or(RouteState::Missing, |route| route.state)
        };
        let with = |state: RouteState| {
            let ranges = self.ranges.iter().copied();
            ranges.filter(|range| state_of(range) == state).collect()
        };
        Some(Fault {
            missing: with(RouteState::Missing),
            dead: with(RouteState::Blackhole),
            foreign: own
                .iter()
                .map(|route| route.cidr)
                .filter(|cidr| !self.ranges.contains(cidr))
                .collect(),
        })
    }
}

impl Fault {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn words(&self) -> String {
        let part = |what: &str, ranges: &[Cidr]| match ranges {
            [] => None,
            ranges => Some(format!("{what} {}", list(ranges))),
        };
        let parts = [
            part("the route removed to", &self.missing),
            part("the route without its target to", &self.dead),
            part("a route nobody asked for to", &self.foreign),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join("; ")
    }
}

impl Peering {
    /// Whether what others changed may be put right now, and is no fight yet.
    pub(super) fn may_repair(&mut self, now: i64) -> bool {
        let repairs = &mut self.work.repairs;
        repairs.retain(|&at| at > now.saturating_sub(FIGHT_WITHIN));
        repairs.len() < REPAIRS
    }

    /// Takes in what a look at the route tables says.
    pub fn routes_seen(&mut self, fault: &Fault, now: i64) {
        if !self.state.is_routed() {
            return;
        }
        let name = conditions::ROUTES_READY;
        if fault.is_none() {
            self.set_condition(name, ConditionStatus::True, "", "", now);
            return;
        }
        let words = fault.words();
        if !self.may_repair(now) {
            let message = format!(
                "Others changed the vendor's route tables again after they were put right three times within an hour \
                 ({words}): somebody has to stop that. They are put right an hour after the first time."
            );
            let status = ConditionStatus::False;
            self.set_condition(name, status, reasons::DRIFT_FIGHT, &message, now);
            return;
        }
        let message = format!(
            "The vendor's route tables were changed behind our back ({words}) and are being put right."
        );
        let status = ConditionStatus::False;
        self.set_condition(name, status, reasons::ROUTE_MISSING_VENDOR, &message, now);
        self.work.repairs.push(now);
        self.work.routes_due = true;
        self.work.step_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::progress;
    use crate::domain::routes::Routing;
    use crate::domain::state::State;
    use crate::domain::step::{Step, next_step};
    use crate::domain::walk::{NOW, admitted};

    const GRACE: i64 = 60_000;

    fn range(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn wiring(peering: &Peering) -> Wiring {
        Wiring {
            id: peering.id,
            version: peering.version,
            network: peering.network,
            vpc: peering.vendor.vpc_id.clone(),
            provider_peering_id: "pcx-1".to_owned(),
            ranges: peering.held_ranges(),
            routes_due: peering.work.routes_due,
            told_at: peering.work.routes_told_at,
            in_doubt: false,
        }
    }

    fn tables(peering: &Peering, routes: &[(&str, &str, RouteState)], began_at: i64) -> Tables {
        let seen = |&(cidr, id, state): &(&str, &str, RouteState)| SeenRoute {
            cidr: range(cidr),
            provider_peering_id: id.to_owned(),
            state,
        };
        let place = (peering.network, peering.vendor.vpc_id.clone());
        let routes = routes.iter().map(seen).collect();
        Tables {
            began_at,
            routes: [(place, routes)].into(),
        }
    }

    fn routed() -> Peering {
        let mut peering = admitted(State::PendingAcceptance);
        peering.provider_peering_id = Some("pcx-1".to_owned());
        peering.enter(State::Active, "", None, NOW);
        progress::routed(&peering, &Routing::Done, NOW)
    }

    fn status(peering: &Peering) -> (ConditionStatus, &str) {
        let mut all = peering.conditions.iter();
        let ready = all
            .find(|one| one.name == conditions::ROUTES_READY)
            .unwrap();
        (ready.status, ready.reason.as_str())
    }

    #[test]
    fn what_is_gone_dead_or_foreign_is_a_fault() {
        use RouteState::{Active, Blackhole, Missing};
        let peering = routed();
        let later = NOW + GRACE;
        let judge = |routes: &[(&str, &str, RouteState)]| {
            wiring(&peering).compare(&tables(&peering, routes, later), GRACE)
        };
        let own = range("10.1.0.0/16");
        let missing = Fault {
            missing: vec![own],
            ..Fault::default()
        };
        let good = ("10.1.0.0/16", "pcx-1", Active);
        assert_eq!(judge(&[good]), Some(Fault::default()));
        assert_eq!(
            judge(&[good, ("10.9.0.0/16", "pcx-2", Active)]),
            Some(Fault::default())
        );
        assert_eq!(judge(&[]), Some(missing.clone()));
        assert_eq!(
            judge(&[("10.1.0.0/16", "pcx-1", Missing)]),
            Some(missing.clone())
        );
        assert_eq!(
            judge(&[("10.1.0.0/16", "pcx-2", Active)]),
            Some(missing.clone())
        );
        let dead = Fault {
            dead: vec![own],
            ..Fault::default()
        };
        assert_eq!(judge(&[("10.1.0.0/16", "pcx-1", Blackhole)]), Some(dead));
        let foreign = Fault {
            foreign: vec![range("10.9.0.0/16")],
            ..Fault::default()
        };
        assert_eq!(
            judge(&[good, ("10.9.0.0/16", "pcx-1", Active)]),
            Some(foreign)
        );
        // A VPC of another name is another VPC.
        let mut elsewhere = tables(&peering, &[good], later);
        let routes = elsewhere
            .routes
            .drain()
            .map(|(_, routes)| routes)
            .next()
            .unwrap();
        elsewhere
            .routes
            .insert((peering.network, "vpc-other".to_owned()), routes);
        assert_eq!(wiring(&peering).compare(&elsewhere, GRACE), None);
    }

    #[test]
    fn a_look_soon_after_our_own_write_says_nothing() {
        let mut peering = routed();
        let early = tables(&peering, &[], NOW + GRACE - 1);
        assert_eq!(wiring(&peering).compare(&early, GRACE), None);
        peering.work.routes_due = true;
        let later = tables(&peering, &[], NOW + GRACE);
        assert_eq!(wiring(&peering).compare(&later, GRACE), None);
    }

    #[test]
    fn the_fourth_time_within_an_hour_is_a_fight_that_ends_with_the_hour() {
        let fault = Fault {
            missing: vec![range("10.1.0.0/16")],
            ..Fault::default()
        };
        let mut peering = routed();
        for time in 0..3 {
            let now = NOW + time * 300_000;
            peering.routes_seen(&fault, now);
            assert_eq!(
                status(&peering),
                (ConditionStatus::False, "ROUTE_MISSING_VENDOR")
            );
            assert_eq!(next_step(&peering, now), Step::Routes);
            peering = progress::routed(&peering, &Routing::Done, now);
            assert_eq!(status(&peering).0, ConditionStatus::True);
        }
        peering.work.step_at = None;
        let now = NOW + 900_000;
        peering.routes_seen(&fault, now);
        assert_eq!(status(&peering), (ConditionStatus::False, "DRIFT_FIGHT"));
        assert!(!peering.work.routes_due);
        // Nothing is done about it but to tell, a minute later.
        assert_eq!(next_step(&peering, now + 60_000), Step::Degrade);
        peering = progress::degraded(&peering, now + 60_000);
        assert_eq!(
            (peering.state, peering.reason.as_str()),
            (State::Degraded, "DRIFT_FIGHT")
        );
        peering.routes_seen(&fault, NOW + FIGHT_WITHIN);
        assert_eq!(status(&peering).1, "ROUTE_MISSING_VENDOR");
        assert!(peering.work.routes_due);
        peering = progress::routed(&peering, &Routing::Done, NOW + FIGHT_WITHIN);
        assert_eq!(
            (peering.state, peering.reason.as_str()),
            (State::Active, "")
        );
    }

    #[test]
    fn whoever_stops_by_itself_ends_the_fight() {
        let mut peering = routed();
        peering.work.repairs = vec![NOW; REPAIRS];
        let fault = Fault {
            dead: vec![range("10.1.0.0/16")],
            ..Fault::default()
        };
        peering.routes_seen(&fault, NOW + 1);
        assert_eq!(status(&peering).1, "DRIFT_FIGHT");
        peering.routes_seen(&Fault::default(), NOW + 2);
        assert_eq!(status(&peering).0, ConditionStatus::True);
    }
}
