//! The one thing that moves a peering on, and who must do it.

use types::ProviderKind;

use super::peering::{ConditionStatus, Peering, conditions};
use super::reasons;
use super::state::State;

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The owner of the other VPC.
    Customer,
    /// The operator of the suite.
    Vendor,
    /// It moves by itself, or nothing is left to do.
    Nobody,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextAction {
    /// By whom.
    pub actor: Actor,
    /// A stable code.
    pub code: &'static str,
    /// One sentence for a person.
    pub summary: String,
    /// Until when.
    pub deadline: Option<i64>,
}

/// What moves the peering on from where it stands.
pub fn next_action(peering: &Peering) -> NextAction {
    let (actor, code, summary) = advice(peering);
    let deadline = peering.expire_at.filter(|_| code == "ACCEPT_PEERING");
    NextAction {
        actor,
        code,
        summary: summary.to_owned(),
        deadline,
    }
}

fn advice(peering: &Peering) -> (Actor, &'static str, &'static str) {
    let provider = peering.peer.provider();
    match peering.state {
        State::Provisioning => provisioning(&peering.reason),
        State::PendingAcceptance => pending(provider, &peering.reason),
        State::Active | State::Degraded => standing(peering, provider),
        State::Disconnected => (
            Actor::Customer,
            "RENEW_PEERING",
            "Renew the peering to request it again, or delete it.",
        ),
        State::Rejected => (
            Actor::Customer,
            "RENEW_PEERING",
            "Talk to the owner of the other VPC, then renew the peering, or delete it.",
        ),
        State::Expired => (
            Actor::Customer,
            "RENEW_PEERING",
            "Renew the peering and accept the new request in time, or delete it.",
        ),
        State::Failed => (
            Actor::Customer,
            "FIX_AND_RENEW",
            "Correct what the reason names, then renew the peering, or delete it.",
        ),
        State::Deleting => (Actor::Nobody, "NONE", "The cloud is being cleared."),
        State::Deleted => (Actor::Nobody, "NONE", "Nothing is left to do."),
    }
}

fn provisioning(reason: &str) -> (Actor, &'static str, &'static str) {
    match reason {
        reasons::CLOUD_UNAUTHORIZED => (
            Actor::Vendor,
            "RESTORE_ACCESS",
            "The vendor has to restore its access to the cloud.",
        ),
        "OUTSTANDING_LIMIT" => (
            Actor::Nobody,
            "WAIT_FOR_PLACE",
            "The request waits for a place among the vendor's unaccepted requests.",
        ),
        _ => (
            Actor::Nobody,
            "NONE",
            "The request to the cloud is on its way.",
        ),
    }
}

fn pending(provider: ProviderKind, reason: &str) -> (Actor, &'static str, &'static str) {
    match (provider, reason) {
        (_, reasons::ACCEPTED_ACTIVATING) => (
            Actor::Nobody,
            "NONE",
            "The cloud is bringing the peering up.",
        ),
        (ProviderKind::Aws, _) => (
            Actor::Customer,
            "ACCEPT_PEERING",
            "Accept the peering request in the account and region of the customer's VPC.",
        ),
        (ProviderKind::Gcp, _) => (
            Actor::Customer,
            "CREATE_PEERING",
            "Create the peering from the customer's network to the vendor's.",
        ),
    }
}

fn standing(peering: &Peering, provider: ProviderKind) -> (Actor, &'static str, &'static str) {
    let refused = peering.conditions.iter().any(|condition| {
        condition.name == conditions::ROUTES_READY && condition.status == ConditionStatus::False
    });
    match provider {
        _ if refused => (
            Actor::Vendor,
            "MAKE_ROOM_FOR_ROUTES",
            "The vendor's route tables do not take the routes; the vendor has to act.",
        ),
        // Only the customer can tell whether their tables have it, so the advice stands as long as the peering does.
        ProviderKind::Aws => (
            Actor::Customer,
            "ADD_ROUTES",
            "Route the network's range to the peering in every route table of the customer's subnets.",
        ),
        // GCP exchanges subnet routes by itself.
        ProviderKind::Gcp => (Actor::Nobody, "NONE", "Nothing is left to do."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::walk::{NOW, admitted};

    #[test]
    fn every_state_says_who_acts() {
        use Actor::*;
        let expected = |state| match state {
            State::Provisioning | State::Deleting | State::Deleted => (Nobody, "NONE"),
            State::PendingAcceptance => (Customer, "ACCEPT_PEERING"),
            State::Active | State::Degraded => (Customer, "ADD_ROUTES"),
            State::Disconnected | State::Rejected | State::Expired => (Customer, "RENEW_PEERING"),
            State::Failed => (Customer, "FIX_AND_RENEW"),
        };
        for state in State::ALL {
            let action = next_action(&admitted(state));
            assert_eq!((action.actor, action.code), expected(state), "{state}");
            assert!(action.summary.ends_with('.'), "{state}");
        }
    }

    #[test]
    fn accepting_has_a_deadline_and_nobody_acts_once_it_is_accepted() {
        let mut peering = admitted(State::PendingAcceptance);
        peering.expire_at = Some(NOW + 1);
        assert_eq!(next_action(&peering).deadline, Some(NOW + 1));
        peering.explain(reasons::ACCEPTED_ACTIVATING, None);
        let action = next_action(&peering);
        assert_eq!((action.actor, action.deadline), (Actor::Nobody, None));
    }

    #[test]
    fn refused_routes_are_the_vendor_s_business() {
        let mut peering = admitted(State::PendingAcceptance);
        peering.enter(State::Active, "", None, NOW);
        peering.set_condition(
            conditions::ROUTES_READY,
            ConditionStatus::False,
            "ROUTE_TABLE_FULL",
            "",
            NOW,
        );
        assert_eq!(next_action(&peering).actor, Actor::Vendor);
    }
}
