//! The one thing that moves a peering on, and who must do it.

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
        summary,
        deadline,
    }
}

fn advice(peering: &Peering) -> (Actor, &'static str, String) {
    let two_halves = peering.peer.has_two_halves();
    let (actor, code, summary) = match peering.state {
        State::Provisioning => provisioning(&peering.reason),
        State::PendingAcceptance => pending(two_halves, &peering.reason),
        State::Active | State::Degraded => standing(peering, two_halves),
        State::Disconnected if two_halves && peering.reason == reasons::DELETED_BY_PEER => (
            Actor::Customer,
            "CREATE_PEERING",
            "Create the peering from the customer's network to the vendor's again, or renew or delete this one.",
        ),
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
    };
    match peering.is_hinted() {
        true => (actor, code, format!("{summary} {}", reasons::HINTS)),
        false => (actor, code, summary.to_owned()),
    }
}

fn provisioning(reason: &str) -> (Actor, &'static str, &'static str) {
    match reason {
        reasons::CLOUD_UNAUTHORIZED => (
            Actor::Vendor,
            "RESTORE_ACCESS",
            "The vendor has to restore its access to the cloud.",
        ),
        reasons::CLOUD_OPERATION_IN_PROGRESS => (
            Actor::Nobody,
            "NONE",
            "The request waits until another operation on one of the two networks has ended.",
        ),
        "OUTSTANDING_LIMIT" => (
            Actor::Nobody,
            "WAIT_FOR_PLACE",
            "The request waits for a place among the vendor's unaccepted requests.",
        ),
        "ACTIVE_LIMIT" | "CLOUD_LIMIT" => (
            Actor::Vendor,
            "RAISE_LIMIT",
            "The vendor has to ask the cloud for more of the quota that the message names.",
        ),
        _ => (
            Actor::Nobody,
            "NONE",
            "The request to the cloud is on its way.",
        ),
    }
}

fn pending(two_halves: bool, reason: &str) -> (Actor, &'static str, &'static str) {
    match reason {
        reasons::ACCEPTED_ACTIVATING => (
            Actor::Nobody,
            "NONE",
            "The cloud is bringing the peering up.",
        ),
        _ if two_halves => (
            Actor::Customer,
            "CREATE_PEERING",
            "Create the peering from the customer's network to the vendor's.",
        ),
        _ => (
            Actor::Customer,
            "ACCEPT_PEERING",
            "Accept the peering request in the account and region of the customer's VPC.",
        ),
    }
}

fn standing(peering: &Peering, two_halves: bool) -> (Actor, &'static str, &'static str) {
    let refused = peering.conditions.iter().any(|condition| {
        condition.name == conditions::ROUTES_READY && condition.status == ConditionStatus::False
    });
    if refused {
        (
            Actor::Vendor,
            "MAKE_ROOM_FOR_ROUTES",
            "The vendor's route tables do not take the routes; the vendor has to act.",
        )
    } else if two_halves {
        // The cloud exchanges the routes of both halves by itself.
        (Actor::Nobody, "NONE", "Nothing is left to do.")
    } else {
        // Only the customer can tell whether their tables have it, so the advice stands as long as the peering does.
        (
            Actor::Customer,
            "ADD_ROUTES",
            "Route the network's range to the peering in every route table of the customer's subnets.",
        )
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
