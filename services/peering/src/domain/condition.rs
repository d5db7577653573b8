//! Aspects of a peering that can be good or bad by themselves.

use serde::{Deserialize, Serialize};

use super::peering::Peering;

/// One aspect of a peering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Such as `ROUTES_READY`.
    pub name: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// A stable code; empty when it holds.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
    /// When the status last changed.
    pub since: i64,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody has looked yet.
    Unknown,
}

/// The names of conditions.
pub mod conditions {
    /// The vendor's route tables lead to the peering.
    pub const ROUTES_READY: &str = "ROUTES_READY";
    /// The vendor's firewall carries the allow list.
    pub const FIREWALL_READY: &str = "FIREWALL_READY";
    /// The network's allow list holds the customer's ranges. Advice: it never changes the state.
    pub const ALLOW_LISTED: &str = "ALLOW_LISTED";
    /// What stands in the cloud is what was recorded.
    pub const IN_SYNC: &str = "IN_SYNC";
}

impl Peering {
    /// Records how an aspect is.
    pub(crate) fn set_condition(
        &mut self,
        name: &str,
        status: ConditionStatus,
        reason: &str,
        message: &str,
        now: i64,
    ) {
        let quiet_until = self.quiet_until();
        if !self.state.is_routed() {
            return;
        }
        if self.conditions.iter().all(|known| known.name != name) {
            // It came up before there was this condition.
            let unknown = unknown_conditions(now).into_iter();
            self.conditions
                .extend(unknown.filter(|one| one.name == name));
        }
        let Some(known) = self.conditions.iter_mut().find(|known| known.name == name) else {
            return;
        };
        if known.status != status {
            known.since = now;
        }
        known.status = status;
        known.reason = reason.to_owned();
        known.message = message.to_owned();
        self.judge(quiet_until, now);
    }
}

/// The conditions of a peering that has just come up.
pub(super) fn unknown_conditions(now: i64) -> Vec<Condition> {
    [
        conditions::ROUTES_READY,
        conditions::FIREWALL_READY,
        conditions::ALLOW_LISTED,
        conditions::IN_SYNC,
    ]
    .map(|name| Condition {
        name: name.to_owned(),
        status: ConditionStatus::Unknown,
        reason: "NOT_LOOKED_AT".to_owned(),
        message: "Nobody has looked yet.".to_owned(),
        since: now,
    })
    .into()
}
