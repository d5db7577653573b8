//! What of the firewall is wanted, how far it is, and what is told about it.

use std::time::Duration;

use types::ProviderKind;

use super::change::{PATIENCE, after, doubled, pause_after};
use super::{Failure, FailureKind, Firewall, Network, Repaired, State, Timing};

/// So many repairs in this time are made; what changes even so is a fight, and waits.
const REPAIRS: usize = 3;
const REPAIRS_WITHIN: Duration = Duration::from_secs(3_600);

/// Changes that come so soon after a call go out together.
const GATHERED: Duration = Duration::from_secs(1);

/// Others change what is put back, again and again.
pub(super) const DRIFT_FIGHT: &str = "DRIFT_FIGHT";
/// Others changed the firewall, and it is being put back.
pub(super) const FIREWALL_DRIFT: &str = "FIREWALL_DRIFT";
/// The cloud does not show yet what it was asked for.
const FIREWALL_PENDING: &str = "FIREWALL_PENDING";

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Nobody can tell.
    Unknown,
    /// It does not.
    False,
    /// It does.
    True,
}

/// The condition FIREWALL_READY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirewallReady<'a> {
    /// Whether the cloud admits what the allow list says, and nothing else.
    pub holds: Holds,
    /// A stable code; empty while it holds.
    pub reason: &'a str,
    /// The same for people.
    pub message: &'a str,
}

impl Firewall {
    /// Whether the cloud has to be asked.
    pub fn is_due(&self) -> bool {
        self.goal > self.done || !self.operation_token.is_empty()
    }

    /// Whether the cloud will not have what is wanted, as far as is known.
    pub(super) fn is_refused(&self) -> bool {
        !["", FIREWALL_PENDING, FIREWALL_DRIFT].contains(&self.reason.as_str())
    }

    /// What the cloud showed last is not what is wanted: it has to be asked again, not before `at`.
    pub(super) fn lost(&mut self, reason: &str, message: String, at: i64) {
        self.done = 0;
        self.step_at = at;
        (self.retries, self.failures) = (0, 0);
        self.operation_token.clear();
        self.reason = reason.to_owned();
        self.message = message;
    }
}

impl Network {
    /// What is known of the firewall. While the network is not ACTIVE nobody looks at it.
    pub fn firewall_ready(&self) -> FirewallReady<'_> {
        let told = |holds, reason, message| FirewallReady {
            holds,
            reason,
            message,
        };
        let firewall = &self.firewall;
        match self.state {
            State::Pending | State::Deleting | State::Deleted | State::Failed => told(
                Holds::Unknown,
                "NOT_OBSERVED",
                "the firewall is looked at while the network is ACTIVE",
            ),
            State::Active if !firewall.reason.is_empty() => {
                told(Holds::False, &firewall.reason, &firewall.message)
            }
            State::Active if firewall.goal <= firewall.done => told(Holds::True, "", ""),
            State::Active if firewall.done_at.is_none() => told(
                Holds::Unknown,
                "NOT_OBSERVED",
                "the cloud has not confirmed the firewall yet",
            ),
            State::Active => told(
                Holds::False,
                FIREWALL_PENDING,
                "a change of the allow list or of the ports is on its way to the cloud",
            ),
        }
    }

    /// When the cloud may be asked for the firewall; none: there is no need, or it has nothing to stand on yet.
    pub(super) fn firewall_at(&self) -> Option<i64> {
        let stands = match self.provider {
            ProviderKind::Aws => self.vpc.security_group_id.is_some(),
            ProviderKind::Gcp => self.vpc.id.is_some(),
        };
        // Where no step makes it stand, the cloud says what is wrong.
        let can_be_asked = stands || self.work.step_at.is_none();
        let is_due = self.state == State::Active && self.firewall.is_due() && can_be_asked;
        (is_due && !self.is_vpc_in_doubt()).then_some(self.firewall.step_at)
    }

    /// What is wanted is about to change: no pause is longer than what gathers such changes.
    pub(super) fn hasten_firewall(&mut self, now: i64) {
        let firewall = &mut self.firewall;
        if !firewall.is_due() {
            firewall.step_at = firewall.step_at.max(now);
        }
        firewall.step_at = firewall.step_at.min(after(now, GATHERED));
    }

    /// Records what the cloud said about the firewall of `goal`, asked for at `begun`.
    pub fn firewall_ensured(
        &mut self,
        goal: i64,
        complete: bool,
        operation_token: String,
        begun: i64,
        now: i64,
        timing: &Timing,
    ) {
        self.firewall.failures = 0;
        self.firewall.operation_token = operation_token;
        if !self.firewall.operation_token.is_empty() {
            self.firewall.step_at = after(now, timing.operation);
            return;
        }
        if !complete {
            self.firewall_not_shown(now, timing);
            return;
        }
        if self.firewall.reason == DRIFT_FIGHT {
            self.repaired(Repaired::Firewall, now);
        }
        let firewall = &mut self.firewall;
        firewall.done = goal;
        firewall.done_at = Some(begun);
        firewall.step_at = after(begun, GATHERED);
        firewall.retries = 0;
        firewall.reason.clear();
        firewall.message.clear();
    }

    /// The cloud took what is wanted and does not show it: often it is late, and sometimes somebody else is at work.
    fn firewall_not_shown(&mut self, now: i64, timing: &Timing) {
        let firewall = &mut self.firewall;
        let pause = match firewall.retries {
            0 => timing.removal,
            rounds => doubled(rounds - 1),
        };
        firewall.step_at = after(now, pause);
        firewall.retries = firewall.retries.saturating_add(1);
        let is_told = [FIREWALL_DRIFT, DRIFT_FIGHT].contains(&firewall.reason.as_str());
        if firewall.retries >= PATIENCE && !is_told {
            FIREWALL_PENDING.clone_into(&mut firewall.reason);
            firewall.message = format!(
                "the cloud was asked {} times and does not show the firewall as it is wanted: it is late, or somebody \
                 else changes the firewall; it is asked again within a minute",
                firewall.retries
            );
        }
    }

    /// Records that the firewall could not be asked for: a matter of the condition, not of the network's state.
    /// `jitter` is 0.0-1.0.
    pub fn firewall_failed(&mut self, failure: &Failure, now: i64, jitter: f64) {
        let firewall = &mut self.firewall;
        if failure.refused {
            firewall.operation_token.clear();
        }
        // Another operation in the way is no more than a change on its way.
        if failure.kind != FailureKind::InProgress {
            firewall.reason.clone_from(&failure.reason);
            firewall.message.clone_from(&failure.message);
        }
        let pause = pause_after(
            failure,
            &mut firewall.retries,
            &mut firewall.failures,
            jitter,
        );
        firewall.step_at = after(now, pause);
    }

    /// Whether something that others changed may be put back now.
    pub(super) fn may_repair(&self, what: Repaired, now: i64) -> bool {
        let since = |at: &i64| after(*at, REPAIRS_WITHIN) > now;
        self.repairs(what).filter(since).count() < REPAIRS
    }

    /// When the oldest of the repairs that count is forgotten.
    pub(super) fn may_repair_at(&self, what: Repaired, now: i64) -> i64 {
        let oldest = self.repairs(what).nth_back(REPAIRS - 1);
        oldest.map_or(now, |at| after(at, REPAIRS_WITHIN).max(now))
    }

    /// Notes that something is put back.
    pub(super) fn repaired(&mut self, what: Repaired, now: i64) {
        self.work
            .repairs
            .retain(|(_, at)| after(*at, REPAIRS_WITHIN) > now);
        self.work.repairs.push((what, now));
    }

    fn repairs(&self, what: Repaired) -> impl DoubleEndedIterator<Item = i64> {
        let repairs = self.work.repairs.iter();
        repairs
            .filter(move |(one, _)| *one == what)
            .map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests;
