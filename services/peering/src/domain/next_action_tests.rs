//! Tests of what people are told to do.

use super::*;
use crate::domain::walk::{NOW, admitted, admitted_half};

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

/// State and reason; who acts, by which code, and words that the advice must have.
type Row = (
    State,
    &'static str,
    (Actor, &'static str, &'static [&'static str]),
);

#[rustfmt::skip]
const AWS: &[Row] = {
    use Actor::*;
    use State::*;
    &[
        (Provisioning, "OUTSTANDING_LIMIT", (Nobody, "WAIT_FOR_PLACE", &["place", "makes room"])),
        (Provisioning, "ACTIVE_LIMIT", (Vendor, "RAISE_LIMIT", &["vendor", "customer"])),
        (Provisioning, "CLOUD_LIMIT", (Vendor, "RAISE_LIMIT", &["quota"])),
        (Provisioning, "CLOUD_UNAUTHORIZED", (Vendor, "RESTORE_ACCESS", &["access"])),
        (Provisioning, "CLOUD_ERROR", (Nobody, "NONE", &["again by itself"])),
        (PendingAcceptance, "AWAITING_CUSTOMER_ACCEPTANCE", (Customer, "ACCEPT_PEERING", &["222222222222", "eu-west-1"])),
        (PendingAcceptance, "ACCEPTED_ACTIVATING", (Nobody, "NONE", &["seconds"])),
        (Rejected, "REJECTED_BY_PEER", (Customer, "RENEW_PEERING", &["owner", "declined", "RenewPeering"])),
        (Expired, "REQUEST_EXPIRED", (Customer, "RENEW_PEERING", &["RenewPeering", "one call", "in time"])),
        (Disconnected, "DELETED_BY_PEER", (Customer, "RENEW_PEERING", &["RenewPeering", "replace the routes"])),
        (Disconnected, "LOST_OUT_OF_BAND", (Customer, "RENEW_PEERING", &["RenewPeering"])),
        (Failed, "PEER_IDENTITY_INVALID", (Customer, "FIX_AND_RENEW", &["222222222222", "vpc-0a0a0a0a", "eu-west-1", "overlaps"])),
        (Failed, "CIDR_OVERLAP_PEER", (Customer, "FIX_AND_RENEW", &["10.20.0.0/16", "CheckCidr"])),
        (Failed, "CIDR_OVERLAP_SIBLING", (Customer, "FIX_AND_RENEW", &["Another VPC", "message names"])),
        (Failed, "DUPLICATE_PEERING", (Customer, "FIX_AND_RENEW", &["other peering"])),
        (Failed, "PROVISION_TIMEOUT", (Customer, "RENEW_PEERING", &["safe to repeat"])),
        (Failed, "CLOUD_REFUSED", (Customer, "FIX_AND_RENEW", &["message names"])),
        (Failed, "CLOUD_ERROR", (Customer, "RENEW_PEERING", &["again"])),
        (Failed, "VPC_MISSING", (Vendor, "STOP_DRIFT", &["removed"])),
        (Deleting, "DELETE_REQUESTED", (Nobody, "NONE", &["cleared"])),
        (Deleting, "NETWORK_DELETED", (Nobody, "NONE", &["cleared"])),
        (Deleting, "CLOUD_UNAUTHORIZED", (Vendor, "RESTORE_ACCESS", &["access"])),
    ]
};

#[rustfmt::skip]
const GCP: &[Row] = {
    use Actor::*;
    use State::*;
    &[
        (Provisioning, "CLOUD_OPERATION_IN_PROGRESS", (Nobody, "NONE", &["another operation", "customer's project"])),
        (Provisioning, "CLOUD_LIMIT", (Vendor, "RAISE_LIMIT", &["quota"])),
        (PendingAcceptance, "AWAITING_RECIPROCAL_PEERING", (Customer, "CREATE_PEERING", &["apps-0", "customer-prod", "net-main", "vendor-prod", "Check the names"])),
        (Disconnected, "DELETED_BY_PEER", (Customer, "CREATE_PEERING", &["again"])),
        (Disconnected, "LOST_OUT_OF_BAND", (Customer, "RENEW_PEERING", &["RenewPeering"])),
        (Failed, "CIDR_OVERLAP_PEER", (Customer, "FIX_AND_RENEW", &["10.20.0.0/16"])),
        (Failed, "CIDR_OVERLAP_SIBLING", (Customer, "FIX_AND_RENEW", &["Another VPC"])),
        (Failed, "DUPLICATE_PEERING", (Customer, "FIX_AND_RENEW", &["other peering"])),
        (Active, "", (Nobody, "NONE", &["Nothing"])),
    ]
};

#[test]
fn every_reason_yields_the_advice_of_its_row() {
    let check = |mut peering: Peering, row: &Row| {
        let (_, reason, (actor, code, words)) = *row;
        peering.work.hint_at = Some(NOW);
        peering.explain(reason, None);
        let action = next_action(&peering);
        assert_eq!((action.actor, action.code), (actor, code), "{row:?}");
        for word in words {
            assert!(action.summary.contains(word), "{row:?}: {}", action.summary);
        }
    };
    for row in AWS {
        check(admitted(row.0), row);
    }
    for row in GCP {
        check(admitted_half(row.0, 0), row);
    }
}

/// Condition and reason; who acts, by which code.
#[rustfmt::skip]
const FAULTS: &[(&str, &str, Actor, &str)] = &[
    (conditions::ROUTES_READY, "ROUTE_MISSING_VENDOR", Actor::Vendor, "MAKE_ROOM_FOR_ROUTES"),
    (conditions::ROUTES_READY, "ROUTE_TABLE_FULL", Actor::Vendor, "MAKE_ROOM_FOR_ROUTES"),
    (conditions::ROUTES_READY, "DRIFT_FIGHT", Actor::Vendor, "STOP_DRIFT"),
    (conditions::ROUTES_READY, "CLOUD_UNAUTHORIZED", Actor::Vendor, "RESTORE_ACCESS"),
    (conditions::FIREWALL_READY, "ALLOW_LIST_FULL", Actor::Customer, "SHORTEN_ALLOW_LIST"),
    (conditions::FIREWALL_READY, "DRIFT_FIGHT", Actor::Vendor, "STOP_DRIFT"),
    (conditions::FIREWALL_READY, "CLOUD_UNAVAILABLE", Actor::Nobody, "NONE"),
    (conditions::IN_SYNC, "VENDOR_HALF_MISSING", Actor::Nobody, "NONE"),
    (conditions::IN_SYNC, "OPTIONS_DIFFER", Actor::Nobody, "NONE"),
    (conditions::IN_SYNC, "CIDR_OVERLAP_PEER", Actor::Customer, "REMOVE_OVERLAP"),
    (conditions::IN_SYNC, "DNS_PRIVATE_RESOLUTION_OFF", Actor::Vendor, "STOP_DRIFT"),
    (conditions::IN_SYNC, "DRIFT_FIGHT", Actor::Vendor, "STOP_DRIFT"),
    (conditions::ALLOW_LISTED, "ALLOW_LIST_MISSING", Actor::Customer, "ADD_TO_ALLOW_LIST"),
];

fn standing_with(name: &str, reason: &str) -> Peering {
    let mut peering = admitted(State::PendingAcceptance);
    peering.enter(State::Active, "", None, NOW);
    peering.set_condition(name, ConditionStatus::False, reason, "It is so.", NOW);
    peering
}

#[test]
fn every_false_condition_yields_its_advice() {
    for (name, reason, actor, code) in FAULTS {
        let action = next_action(&standing_with(name, reason));
        assert_eq!(
            (action.actor, action.code),
            (*actor, *code),
            "{name} {reason}"
        );
        assert!(action.summary.ends_with('.'), "{name} {reason}");
    }
}

#[test]
fn the_vendor_s_faults_come_before_what_the_customer_can_do() {
    let mut peering = standing_with(conditions::ALLOW_LISTED, "ALLOW_LIST_MISSING");
    let name = conditions::ROUTES_READY;
    peering.set_condition(name, ConditionStatus::False, "ROUTE_TABLE_FULL", "", NOW);
    assert_eq!(next_action(&peering).actor, Actor::Vendor);
    peering.set_condition(name, ConditionStatus::True, "", "", NOW);
    assert_eq!(next_action(&peering).code, "ADD_TO_ALLOW_LIST");
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
fn an_identity_that_is_wrong_says_what_was_ruled_out() {
    let mut peering = admitted(State::Failed);
    let said = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range";
    peering.explain(reasons::PEER_IDENTITY_INVALID, Some(said));
    for words in [
        said,
        "10.1.0.0/16",
        "do not overlap",
        "222222222222",
        "vpc-0a0a0a0a",
        "eu-west-1",
    ] {
        assert!(peering.message.contains(words), "{}", peering.message);
    }
    let once = peering.message.clone();
    peering.explain(reasons::PEER_IDENTITY_INVALID, Some(&once));
    assert_eq!(peering.message, once);
}
