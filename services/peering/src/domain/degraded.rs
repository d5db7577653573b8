//! When a peering that the cloud shows as up is DEGRADED, and when it is not any more.

use super::peering::{Condition, ConditionStatus, Peering, conditions};
use super::state::State;

/// A condition that is false for this long makes a peering DEGRADED, in milliseconds.
const DEGRADES_AFTER: i64 = 60_000;

impl Condition {
    /// Whether it is bad enough to make a peering DEGRADED in time. What the allow list lacks is advice.
    fn degrades(&self) -> bool {
        self.status == ConditionStatus::False && self.name != conditions::ALLOW_LISTED
    }
}

impl Peering {
    /// The condition that has been bad for longest.
    pub(crate) fn worst_condition(&self) -> Option<&Condition> {
        let bad = self.conditions.iter().filter(|one| one.degrades());
        bad.min_by_key(|one| one.since)
    }

    /// When it is DEGRADED, should the conditions stay as they are.
    pub(crate) fn degrades_at(&self) -> Option<i64> {
        let worst = self.worst_condition()?;
        (self.state == State::Active).then_some(worst.since.saturating_add(DEGRADES_AFTER))
    }

    /// A condition has changed: what is good again comes back at once, what is bad gets its time. The work rested until
    /// `quiet_until` before, unless it had something to do.
    pub(super) fn judge(&mut self, quiet_until: Option<i64>, now: i64) {
        if self.state == State::Degraded {
            match self.worst_condition().cloned() {
                None => self.enter(State::Active, "", None, now),
                Some(bad) => self.explain(&bad.reason, Some(&bad.message)),
            }
        }
        let quiet = self.quiet_until();
        self.work.step_at = match self.work.step_at {
            rested if rested == quiet_until => quiet,
            due => due.min(quiet.or(due)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::progress::{self, Refusal, RefusalKind};
    use crate::domain::step::{Step, next_step};
    use crate::domain::walk::{NOW, admitted};

    fn active() -> Peering {
        let mut peering = admitted(State::PendingAcceptance);
        peering.enter(State::Active, "", None, NOW);
        peering
    }

    fn set(peering: &mut Peering, name: &str, status: ConditionStatus, now: i64) {
        let reason = match status {
            ConditionStatus::False => "SOME_REASON",
            _ => "",
        };
        peering.set_condition(name, status, reason, "It is so.", now);
    }

    #[test]
    fn what_is_bad_for_a_minute_degrades_and_comes_back_at_once() {
        use ConditionStatus::{False, True};
        for name in [
            conditions::ROUTES_READY,
            conditions::FIREWALL_READY,
            conditions::IN_SYNC,
        ] {
            let mut peering = active();
            set(&mut peering, name, False, NOW);
            // That it is told again does not make it younger.
            set(&mut peering, name, False, NOW + 30_000);
            assert_eq!(peering.work.step_at, Some(NOW + 60_000));
            assert_eq!(next_step(&peering, NOW + 59_999), Step::Rest);
            assert_eq!(next_step(&peering, NOW + 60_000), Step::Degrade);
            let mut degraded = progress::degraded(&peering, NOW + 60_000);
            assert_eq!(
                (
                    degraded.state,
                    degraded.reason.as_str(),
                    degraded.message.as_str()
                ),
                (State::Degraded, "SOME_REASON", "It is so.")
            );
            assert_eq!(degraded.conditions, peering.conditions);
            set(&mut degraded, name, True, NOW + 70_000);
            assert_eq!(
                (degraded.state, degraded.reason.as_str()),
                (State::Active, "")
            );
        }
    }

    #[test]
    fn a_long_pause_before_another_try_puts_nothing_off() {
        let failing = |kind, step: Step| {
            let refusal = Refusal {
                kind,
                reason: "SOME_REASON".to_owned(),
                message: "No.".to_owned(),
                certain: true,
            };
            let mut peering = active();
            // The next failure is one too many, and the pause an hour.
            peering.work.failures = 4;
            let refused = progress::refused(&peering, &step, &refusal, NOW);
            assert_eq!(next_step(&refused, NOW + 60_000), Step::Degrade, "{step:?}");
            progress::degraded(&refused, NOW + 60_000).reason
        };
        let unknown = failing(RefusalKind::Unknown, Step::Routes);
        assert_eq!(unknown, "CLOUD_ERROR");
        let options = failing(RefusalKind::Terminal, Step::Options);
        assert_eq!(options, "SOME_REASON");
        for step in [Step::Routes, Step::Options] {
            let refused = failing(RefusalKind::Unauthorized, step);
            assert_eq!(refused, "CLOUD_UNAUTHORIZED");
        }
    }

    #[test]
    fn the_reason_is_that_of_what_is_bad_now() {
        use ConditionStatus::{False, True};
        let mut peering = active();
        set(&mut peering, conditions::ROUTES_READY, False, NOW);
        let mut degraded = progress::degraded(&peering, NOW + 60_000);
        let later = NOW + 70_000;
        let name = conditions::FIREWALL_READY;
        degraded.set_condition(name, False, "SG_RULE_LIMIT", "It is full.", later);
        assert_eq!(degraded.reason, "SOME_REASON", "it has been bad for longer");
        set(&mut degraded, conditions::ROUTES_READY, True, later);
        assert_eq!(
            (degraded.state, degraded.reason.as_str()),
            (State::Degraded, "SG_RULE_LIMIT")
        );
    }

    #[test]
    fn a_condition_that_came_later_is_told_of_older_peerings_too() {
        let mut peering = active();
        let name = conditions::ALLOW_LISTED;
        peering.conditions.retain(|one| one.name != name);
        set(&mut peering, name, ConditionStatus::True, NOW);
        assert!(peering.conditions.iter().any(|one| one.name == name));
    }

    #[test]
    fn all_has_to_be_good_again_and_advice_does_not_count() {
        use ConditionStatus::{False, True, Unknown};
        let mut peering = active();
        set(&mut peering, conditions::ALLOW_LISTED, False, NOW);
        assert_eq!(peering.degrades_at(), None);
        set(&mut peering, conditions::ROUTES_READY, False, NOW + 1);
        set(&mut peering, conditions::IN_SYNC, False, NOW + 2);
        let mut degraded = progress::degraded(&peering, NOW + 60_001);
        set(&mut degraded, conditions::ROUTES_READY, True, NOW + 60_002);
        assert_eq!(degraded.state, State::Degraded);
        set(&mut degraded, conditions::IN_SYNC, Unknown, NOW + 60_003);
        assert_eq!(degraded.state, State::Active);
    }
}
