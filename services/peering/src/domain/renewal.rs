//! A new attempt in the place of an ended one: the same peering, and nothing of what the earlier attempt came to.

use super::admission::Network;
use super::peering::{Former, Peering};
use super::state::State;

impl Peering {
    /// Begins a new attempt between the network, as it is now, and the customer's VPC. What the earlier one may have
    /// left in the cloud goes first. `covered_at` is the last complete look of the lane that watched it so far.
    pub fn renew(&mut self, network: &Network, covered_at: Option<i64>, now: i64) {
        self.work.observe_at = self.observed_at(covered_at);
        self.leave_attempt(self.vendor == network.vendor());
        self.network_display_name.clone_from(&network.display_name);
        self.vendor = network.vendor();
        self.attempt = self.attempt.saturating_add(1);
        self.attempt_at = now;
        self.raw_state.clear();
        self.expire_at = None;
        self.activate_at = None;
        self.enter(State::Provisioning, "", None, now);
        self.conditions.clear();
        let work = &mut self.work;
        work.step_at = Some(now);
        work.missed_at = None;
        work.waits_for = None;
        work.failures = 0;
        work.suspended_at = None;
        work.gone = false;
        work.options_due = false;
        work.options_told_at = None;
        work.repairs.clear();
        work.routes_told_at = None;
        work.observed_cidrs.clear();
    }

    /// What the attempt may have left. `stands` is whether the network's VPC is still the one it was made in: with
    /// another one all of it is gone.
    fn leave_attempt(&mut self, stands: bool) {
        let id = self.provider_peering_id.take();
        let left = id.filter(|_| stands && !self.work.gone).map(|id| Former {
            provider_peering_id: id,
            attempt: self.attempt,
        });
        let earlier = self.work.former.take().filter(|_| stands);
        self.work.former = left.or(earlier);
        self.work.routes_due &= stands;
        if self.work.former.is_none() {
            self.end_operation();
        }
        // An operation that is still under way goes to whoever removes the old half.
        self.work.requested_at = None;
        self.work.puts_back = false;
        self.work.sets_options = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::peering::conditions;
    use crate::domain::step::{Step, next_step};
    use crate::domain::walk::{NOW, admitted, admitted_half, home};

    fn former() -> Former {
        Former {
            provider_peering_id: "pcx-1".to_owned(),
            attempt: 1,
        }
    }

    #[test]
    fn a_new_attempt_knows_nothing_of_the_earlier_one_but_what_it_left() {
        for state in State::ALL.into_iter().filter(|state| state.has_ended()) {
            for gone in [false, true] {
                let mut peering = admitted(state);
                peering.provider_peering_id = Some("pcx-1".to_owned());
                peering.raw_state = "deleted".to_owned();
                peering.activate_at = Some(NOW);
                peering.expire_at = Some(NOW);
                peering.work.gone = gone;
                peering.work.failures = 3;
                let renamed = Network {
                    display_name: "renamed".to_owned(),
                    ..home(&peering)
                };
                peering.renew(&renamed, None, NOW + 1);
                assert_eq!((peering.state, peering.attempt), (State::Provisioning, 2));
                assert_eq!((peering.attempt_at, peering.work.failures), (NOW + 1, 0));
                assert_eq!((peering.activate_at, peering.expire_at), (None, None));
                assert_eq!(peering.provider_peering_id, None);
                assert_eq!(peering.network_display_name, "renamed");
                assert!(peering.raw_state.is_empty() && peering.conditions.is_empty());
                let step = match gone {
                    true => Step::Request,
                    false => Step::Clear(former()),
                };
                assert_eq!(next_step(&peering, NOW + 1), step, "{state}");
            }
        }
    }

    #[test]
    fn an_operation_under_way_goes_to_whoever_removes_the_old_half() {
        let mut peering = admitted_half(State::Disconnected, 0);
        peering.provider_peering_id = Some("pcx-1".to_owned());
        peering.work.requested_at = Some(NOW);
        peering.work.busy_since = Some(NOW);
        peering.work.operation_token = "operation-1".to_owned();
        let mut home = home(&peering);
        let mut renewed = peering.clone();
        renewed.renew(&home, None, NOW);
        assert_eq!(renewed.work.operation_token, "operation-1");
        assert_eq!(
            (renewed.work.busy_since, renewed.work.requested_at),
            (Some(NOW), None)
        );
        assert_eq!(next_step(&renewed, NOW), Step::Clear(former()));
        // In another VPC there is neither a half nor an operation.
        home.vpc_id = "net-other".to_owned();
        peering.renew(&home, None, NOW);
        assert_eq!(peering.work.busy_since, None);
        assert_eq!(next_step(&peering, NOW), Step::Request);
    }

    #[test]
    fn routes_that_are_left_go_before_the_old_half_does() {
        let mut peering = admitted(State::PendingAcceptance);
        peering.enter(State::Active, "", None, NOW);
        assert!(!peering.conditions.is_empty());
        peering.state = State::Disconnected;
        peering.provider_peering_id = Some("pcx-1".to_owned());
        peering.work.routes_due = true;
        peering.renew(&home(&peering), None, NOW);
        assert_eq!(next_step(&peering, NOW), Step::Routes);
        peering.work.routes_due = false;
        assert_eq!(next_step(&peering, NOW), Step::Clear(former()));
        let mut deleted = peering.clone();
        deleted.work.routes_due = true;
        deleted.delete(None, NOW);
        assert_eq!(
            next_step(&deleted, NOW),
            Step::Routes,
            "they are not forgotten"
        );
        let name = conditions::ROUTES_READY;
        assert!(peering.conditions.iter().all(|one| one.name != name));
    }
}
