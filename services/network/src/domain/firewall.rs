//! What of the firewall is wanted, how far it is, and what is told about it.

use std::time::Duration;

use super::change::after;
use types::ProviderKind;

use super::{Ahead, Failure, FailureKind, Firewall, Network, Repaired, State, Timing};

/// So many repairs in this time are made; what changes even so is a fight, and waits.
const REPAIRS: usize = 3;
const REPAIRS_WITHIN: Duration = Duration::from_secs(3_600);

/// Others change what is put back, again and again.
pub(super) const DRIFT_FIGHT: &str = "DRIFT_FIGHT";
/// Others changed the firewall, and it is being put back.
pub(super) const FIREWALL_DRIFT: &str = "FIREWALL_DRIFT";

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

    /// What the cloud showed last is not what is wanted: it has to be asked again.
    pub(super) fn lost(&mut self, reason: &str, message: String) {
        self.done = 0;
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
                "FIREWALL_PENDING",
                "a change of the allow list or of the ports is on its way to the cloud",
            ),
        }
    }

    /// Records what the cloud said about the firewall of `goal`, asked for at `begun`.
    pub fn firewall_ensured(
        &mut self,
        complete: bool,
        operation_token: String,
        begun: i64,
        now: i64,
        timing: &Timing,
    ) {
        self.steps_went_well();
        self.firewall.operation_token = operation_token;
        let pause = match (complete, self.firewall.operation_token.is_empty()) {
            (true, true) => {
                if self.firewall.reason == DRIFT_FIGHT {
                    self.repaired(Repaired::Firewall, now);
                }
                self.firewall.done = self.firewall.goal;
                self.firewall.done_at = Some(begun);
                self.firewall.reason.clear();
                self.firewall.message.clear();
                self.work.step_at = self.is_vpc_unfinished().then_some(now);
                return;
            }
            (false, true) => timing.removal,
            (_, false) => timing.operation,
        };
        self.work.step_at = Some(after(now, pause));
    }

    /// Records that the firewall could not be asked for: a matter of the condition, not of the network's state.
    /// `jitter` is 0.0-1.0.
    pub fn firewall_failed(&mut self, failure: &Failure, now: i64, jitter: f64) {
        if failure.refused {
            self.firewall.operation_token.clear();
        }
        // Another operation in the way is no more than a change on its way.
        if failure.kind != FailureKind::InProgress {
            self.firewall.reason.clone_from(&failure.reason);
            self.firewall.message.clone_from(&failure.message);
        }
        self.try_later(failure, now, jitter);
    }

    /// Whether the next step is the firewall's: what carries it stands, and where parts of the VPC are put back as well
    /// and one of the two fails, they take turns.
    pub(super) fn is_firewall_next(&self) -> bool {
        let carried = match self.provider {
            ProviderKind::Aws => self.vpc.security_group_id.is_some(),
            ProviderKind::Gcp => self.vpc.id.is_some(),
        };
        let turn = !self.is_vpc_unfinished() || self.work.retries % 2 == 0;
        self.firewall.is_due() && carried && turn
    }

    /// Whether parts of the VPC are being made.
    pub(super) fn is_vpc_unfinished(&self) -> bool {
        let work = &self.work;
        let under_way = work.requested.is_some() || !work.operation_token.is_empty();
        under_way || work.ahead != Ahead::Complete
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
