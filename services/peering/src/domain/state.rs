//! The states of a peering, the edges between them, and where each is watched.

use std::fmt;
use std::str::FromStr;

use types::Invalid;

/// Where a peering stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The vendor half is being made.
    Provisioning,
    /// The customer half is missing.
    PendingAcceptance,
    /// Both halves match.
    Active,
    /// The cloud says up, but a condition is false.
    Degraded,
    /// Ended from outside.
    Disconnected,
    /// The customer declined.
    Rejected,
    /// Nobody accepted in time.
    Expired,
    /// The cloud refused, or provisioning gave up.
    Failed,
    /// Asked to go; the cloud is being cleared.
    Deleting,
    /// Final.
    Deleted,
}

/// Which lane of the queue looks at a peering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Watch {
    /// It waits for someone.
    Pending,
    /// It stands, and may drift.
    Drift,
    /// Nothing in the cloud matters any more.
    None,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Provisioning,
        Self::PendingAcceptance,
        Self::Active,
        Self::Degraded,
        Self::Disconnected,
        Self::Rejected,
        Self::Expired,
        Self::Failed,
        Self::Deleting,
        Self::Deleted,
    ];

    /// The name in tables, filters and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::PendingAcceptance => "PENDING_ACCEPTANCE",
            Self::Active => "ACTIVE",
            Self::Degraded => "DEGRADED",
            Self::Disconnected => "DISCONNECTED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
        }
    }

    /// What a caller may write in a filter: a name, or one of the words other products use for waiting.
    pub fn from_filter(given: &str) -> Result<Self, Invalid> {
        match given {
            "INACTIVE" | "PENDING" => Ok(Self::PendingAcceptance),
            name => name.parse(),
        }
    }

    /// The lane that looks at peerings in this state.
    pub fn watch(self) -> Watch {
        match self {
            Self::Provisioning | Self::PendingAcceptance | Self::Deleting => Watch::Pending,
            Self::Active | Self::Degraded | Self::Disconnected => Watch::Drift,
            Self::Rejected | Self::Expired | Self::Failed | Self::Deleted => Watch::None,
        }
    }

    /// Whether the peering ended without being deleted: it keeps its claims and can be renewed.
    pub fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Disconnected | Self::Rejected | Self::Expired | Self::Failed
        )
    }

    /// Whether the vendor's route tables lead to it.
    pub fn is_routed(self) -> bool {
        matches!(self, Self::Active | Self::Degraded)
    }

    /// Whether a peering may go from this state to `next`. Renewal, the one way back to PROVISIONING, is not among
    /// the edges: it begins a new attempt.
    pub fn may_become(self, next: Self) -> bool {
        use State::*;
        match (self, next) {
            (Deleted, _) => false,
            (Deleting, next) => next == Deleted,
            (_, Deleting) => true,
            (Provisioning, next) => {
                matches!(next, PendingAcceptance | Active | Failed | Disconnected)
            }
            (PendingAcceptance, next) => {
                matches!(next, Active | Rejected | Expired | Failed | Disconnected)
            }
            (Active, next) => matches!(next, Degraded | Disconnected),
            (Degraded, next) => matches!(next, Active | Disconnected),
            (Disconnected, next) => matches!(next, Active | Degraded),
            (Rejected | Expired | Failed, _) => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == given)
            .ok_or_else(|| {
                Invalid::field("must be the name of a state such as ACTIVE, INACTIVE or PENDING")
            })
    }
}

impl Watch {
    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Drift => "drift",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_are_those_of_the_design_and_no_others() {
        use State::*;
        let edges = [
            (
                Provisioning,
                &[PendingAcceptance, Active, Failed, Disconnected, Deleting][..],
            ),
            (
                PendingAcceptance,
                &[Active, Rejected, Expired, Failed, Disconnected, Deleting],
            ),
            (Active, &[Degraded, Disconnected, Deleting]),
            (Degraded, &[Active, Disconnected, Deleting]),
            (Disconnected, &[Active, Degraded, Deleting]),
            (Rejected, &[Deleting]),
            (Expired, &[Deleting]),
            (Failed, &[Deleting]),
            (Deleting, &[Deleted]),
            (Deleted, &[]),
        ];
        assert_eq!(edges.len(), State::ALL.len());
        for (from, to) in edges {
            for next in State::ALL {
                assert_eq!(
                    from.may_become(next),
                    to.contains(&next),
                    "{from} -> {next}"
                );
            }
        }
    }

    #[test]
    fn a_filter_knows_each_name_and_the_words_of_other_products() {
        for state in State::ALL {
            assert_eq!(State::from_filter(state.as_str()), Ok(state));
        }
        for alias in ["INACTIVE", "PENDING"] {
            assert_eq!(State::from_filter(alias), Ok(State::PendingAcceptance));
        }
        for wrong in ["", "active", "STATE_ACTIVE", "GONE"] {
            assert!(State::from_filter(wrong).is_err(), "{wrong}");
        }
    }
}
