//! What the owner of a peering can change of it: its name, its labels, its options, and the customer's ranges.
//!
//! Ranges that the owner gives up stay claimed and routed until those that come instead stand.

use types::{Cidr, DisplayName, Labels};

use super::options::Options;
use super::peering::{Condition, ConditionStatus, Peering, conditions};
use super::reasons;

/// After this long claims that a call has begun to change are made what is recorded, in milliseconds.
const CLAIMS_AFTER: i64 = 60_000;

/// What is wished to be other than it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Another name.
    pub display_name: Option<DisplayName>,
    /// Other labels, all of them.
    pub labels: Option<Labels>,
    /// Other ranges of the customer's side, all of them.
    pub cidrs: Option<Vec<Cidr>>,
    /// Other options, all of them.
    pub options: Option<Options>,
}

impl Peering {
    /// All ranges that the network has to hold for it, and its route tables, while it is up: those that come and those
    /// that go.
    pub fn held_ranges(&self) -> Vec<Cidr> {
        let mut held = self.peer.cidrs().to_vec();
        held.extend(
            self.work
                .leaving
                .iter()
                .filter(|one| !self.peer.cidrs().contains(one)),
        );
        held
    }

    /// Is about to ask the network for other claims. Whatever becomes of the call that does, the claims are made what
    /// is recorded before long.
    pub fn begin_claims(&mut self, now: i64) {
        let later = now.saturating_add(CLAIMS_AFTER);
        self.work.claims_at = Some(later);
        self.due_by(later);
    }

    /// The network is to claim for it what is recorded.
    pub fn claim_as_recorded(&mut self, now: i64) {
        self.work.claims_at = Some(now);
        self.due_by(now);
    }

    /// Becomes as wished. The claims of other ranges were asked for before.
    pub fn update(&mut self, update: &Update, now: i64) {
        if let Some(name) = &update.display_name {
            self.display_name = name.clone();
        }
        if let Some(labels) = &update.labels {
            self.labels = labels.clone();
        }
        if let Some(options) = update.options.filter(|wished| *wished != self.options) {
            self.options = options;
            self.work.options_due = true;
            if self.wants_options() {
                self.due_by(now);
            }
        }
        if let Some(cidrs) = &update.cidrs
            && cidrs != self.peer.cidrs()
        {
            self.replace_ranges(cidrs, now);
        }
    }

    fn replace_ranges(&mut self, cidrs: &[Cidr], now: i64) {
        let mut leaving = self.held_ranges();
        leaving.retain(|one| !cidrs.contains(one));
        self.peer.set_cidrs(cidrs.to_vec());
        self.work.leaving = leaving;
        self.work.routes_due |= self.state.is_routed();
        self.work.network_due |= self.state.is_routed();
        self.claim_as_recorded(now);
        self.let_go(now);
    }

    /// Lets the ranges go that leave, once those that came instead stand: their routes, and the firewall for them.
    pub(crate) fn let_go(&mut self, now: i64) {
        let work = &self.work;
        let stands = |name: &str| {
            let mut conditions = self.conditions.iter();
            conditions.any(|one| one.name == name && one.status == ConditionStatus::True)
        };
        // What leaves may be all that keeps the new out.
        let is_full = |one: &Condition| one.reason == reasons::ROUTE_TABLE_FULL;
        let is_ready = !self.state.is_routed()
            || self.conditions.iter().any(is_full)
            || !work.routes_due
                && !work.network_due
                && stands(conditions::ROUTES_READY)
                && stands(conditions::FIREWALL_READY);
        if work.leaving.is_empty() || !is_ready {
            return;
        }
        self.work.leaving.clear();
        self.work.routes_due |= self.state.is_routed();
        self.claim_as_recorded(now);
    }

    fn due_by(&mut self, now: i64) {
        self.work.step_at = self.work.step_at.min(Some(now)).or(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::NetworkFacts;
    use crate::domain::progress::{self, Refusal, RefusalKind};
    use crate::domain::routes::{Routing, wanted_routes};
    use crate::domain::state::State;
    use crate::domain::step::{Step, next_step};
    use crate::domain::walk::{NOW, admitted};

    fn ranges(given: &[&str]) -> Vec<Cidr> {
        given.iter().map(|range| range.parse().unwrap()).collect()
    }

    fn to(given: &[&str]) -> Update {
        Update {
            cidrs: Some(ranges(given)),
            ..Update::default()
        }
    }

    fn routed() -> Peering {
        let mut peering = admitted(State::PendingAcceptance);
        peering.provider_peering_id = Some("pcx-1".to_owned());
        peering.enter(State::Active, "", None, NOW);
        peering.set_condition(conditions::ROUTES_READY, ConditionStatus::True, "", "", NOW);
        peering
    }

    fn network(firewall: ConditionStatus) -> NetworkFacts {
        NetworkFacts {
            display_name: "main".to_owned(),
            firewall: (firewall, String::new(), String::new()),
            allow_list_version: 1,
            allowed: Vec::new(),
            ports: Vec::new(),
            endpoints: Vec::new(),
        }
    }

    #[test]
    fn old_ranges_go_only_after_the_new_ones_stand() {
        let mut peering = routed();
        peering.begin_claims(NOW);
        assert_eq!(next_step(&peering, NOW + 59_999), Step::Rest);
        assert_eq!(next_step(&peering, NOW + 60_000), Step::Claims);
        peering.update(&to(&["10.2.0.0/16", "10.3.0.0/16"]), NOW);
        let all = ranges(&["10.2.0.0/16", "10.3.0.0/16", "10.1.0.0/16"]);
        assert_eq!(peering.held_ranges(), all);
        assert_eq!(wanted_routes(&[peering.clone()]).len(), 3);
        assert_eq!(next_step(&peering, NOW), Step::Routes);
        peering = progress::routed(&peering, &Routing::Done, NOW);
        assert_eq!(next_step(&peering, NOW), Step::Claims);
        peering = progress::claimed(&peering, NOW);
        assert_eq!(next_step(&peering, NOW), Step::Network);
        // The firewall is on its way: what leaves stays.
        peering.learn(&network(ConditionStatus::Unknown), NOW);
        assert_eq!(peering.held_ranges(), all);
        peering.work.network_due = true;
        peering.learn(&network(ConditionStatus::True), NOW);
        assert_eq!(
            peering.held_ranges(),
            ranges(&["10.2.0.0/16", "10.3.0.0/16"])
        );
        assert_eq!(next_step(&peering, NOW), Step::Routes);
        peering = progress::routed(&peering, &Routing::Done, NOW);
        assert_eq!(next_step(&peering, NOW), Step::Claims);
        peering = progress::rested(&progress::claimed(&peering, NOW));
        assert_eq!(next_step(&peering, NOW), Step::Rest);
    }

    #[test]
    fn what_leaves_makes_room_in_a_full_table() {
        let mut peering = routed();
        peering.update(&to(&["10.2.0.0/16"]), NOW);
        let full = Refusal {
            kind: RefusalKind::Quota,
            reason: "ROUTE_TABLE_FULL".to_owned(),
            message: "There is no room.".to_owned(),
            certain: true,
        };
        peering = progress::refused(&peering, &Step::Routes, &full, NOW);
        assert_eq!(peering.held_ranges(), ranges(&["10.2.0.0/16"]));
        assert_eq!(next_step(&peering, NOW), Step::Routes);
    }

    #[test]
    fn a_range_that_comes_back_leaves_no_more() {
        let mut peering = routed();
        peering.update(&to(&["10.2.0.0/16"]), NOW);
        peering.update(&to(&["10.1.0.0/16"]), NOW);
        assert_eq!(peering.work.leaving, ranges(&["10.2.0.0/16"]));
        // What has ended has nothing left to wait for.
        peering.enter(State::Disconnected, "DELETED_BY_PEER", None, NOW);
        peering = progress::routed(&peering, &Routing::Done, NOW);
        assert!(peering.work.leaving.is_empty());
        assert_eq!(next_step(&peering, NOW), Step::Claims);
    }

    #[test]
    fn where_nothing_is_routed_only_the_claims_change() {
        for state in State::ALL.into_iter().filter(|state| !state.is_routed()) {
            let mut peering = admitted(state);
            peering.update(&to(&["10.2.0.0/16"]), NOW);
            assert_eq!(peering.held_ranges(), ranges(&["10.2.0.0/16"]), "{state}");
            let work = &peering.work;
            assert!(
                work.claims_at == Some(NOW) && !work.routes_due && !work.network_due,
                "{state}"
            );
        }
    }

    #[test]
    fn what_is_as_wished_changes_nothing() {
        let before = routed();
        let mut after = before.clone();
        let same = Update {
            display_name: Some(before.display_name.clone()),
            labels: Some(before.labels.clone()),
            cidrs: Some(before.peer.cidrs().to_vec()),
            options: Some(before.options),
        };
        after.update(&same, NOW + 1);
        assert_eq!(after, before);
    }
}
