//! Which steps there are, and how far they are.

use super::*;
use crate::provider::steps::Actor;

fn status(facts: &Facts, code: &str) -> Status {
    step(&guide(facts, None), code).status
}

fn codes(facts: &Facts) -> Vec<&'static str> {
    guide(facts, None)
        .steps
        .iter()
        .map(|step| step.code)
        .collect()
}

#[test]
fn before_the_request_the_customer_can_check_the_vpc_and_nothing_else() {
    let facts = facts(State::Provisioning);
    let guide = guide(&facts, None);
    assert!(guide.terraform.is_empty());
    assert_eq!(status(&facts, "CHECK_VPC"), Status::Todo);
    for code in [
        "VERIFY_REQUEST",
        "ACCEPT_PEERING",
        "ADD_ROUTES",
        "VENDOR_ROUTES",
        "PROVE",
    ] {
        let step = step(&guide, code);
        assert_eq!(step.status, Status::Blocked, "{code}");
    }
    for code in ["VERIFY_REQUEST", "ACCEPT_PEERING", "ADD_ROUTES"] {
        assert!(step(&guide, code).commands.is_empty(), "{code}");
    }
}

#[test]
fn a_request_is_looked_at_accepted_and_routed_to_by_the_customer() {
    let facts = facts(State::PendingAcceptance);
    for code in ["VERIFY_REQUEST", "ACCEPT_PEERING", "ADD_ROUTES"] {
        let guide = guide(&facts, None);
        let step = step(&guide, code);
        assert_eq!((step.status, step.actor), (Status::Todo, Actor::Customer));
    }
    assert_eq!(status(&facts, "VENDOR_ROUTES"), Status::Blocked);
}

#[test]
fn an_accepted_request_is_not_to_be_accepted_again_nor_rejected() {
    let facts = other("activating");
    assert_eq!(status(&facts, "ACCEPT_PEERING"), Status::Done);
    let guide = guide(&facts, None);
    assert!(step(&guide, "VERIFY_REQUEST").undo.is_empty());
}

#[test]
fn an_active_peering_leaves_open_what_only_the_customer_sees() {
    let facts = facts(State::Active);
    for code in [
        "VERIFY_REQUEST",
        "ACCEPT_PEERING",
        "VENDOR_ROUTES",
        "VENDOR_FIREWALL",
    ] {
        assert_eq!(status(&facts, code), Status::Done, "{code}");
    }
    for code in ["ADD_ROUTES", "OPEN_EGRESS", "CHECK_NETWORK_ACLS"] {
        assert_eq!(status(&facts, code), Status::Unknown, "{code}");
    }
    assert_eq!(status(&facts, "PROVE"), Status::Todo);
}

#[test]
fn the_vendor_s_steps_follow_what_was_seen_of_them() {
    let facts = other("no_vendor_routes");
    assert_eq!(status(&facts, "VENDOR_ROUTES"), Status::Todo);
    assert_eq!(status(&facts, "VENDOR_FIREWALL"), Status::Unknown);
    let facts = other("not_admitted");
    assert_eq!(status(&facts, "ALLOW_LIST"), Status::Todo);
    assert_eq!(status(&facts, "VENDOR_FIREWALL"), Status::Blocked);
}

#[test]
fn an_attempt_that_has_ended_is_renewed_or_cleaned_up() {
    for state in [State::Disconnected, State::Rejected, State::Expired] {
        assert_eq!(codes(&facts(state)), ["RENEW", "CLEAN_UP"]);
    }
    assert_eq!(
        codes(&facts(State::Failed)),
        ["CHECK_VPC", "RENEW", "CLEAN_UP"]
    );
    let guide = guide(&facts(State::Expired), None);
    assert!(guide.terraform.is_empty() && step(&guide, "CLEAN_UP").optional);
}

#[test]
fn what_was_deleted_leaves_only_what_the_customer_cleans_up() {
    for state in [State::Deleting, State::Deleted] {
        assert_eq!(codes(&facts(state)), ["CLEAN_UP"]);
        assert_eq!(status(&facts(state), "CLEAN_UP"), Status::Todo);
    }
    assert_eq!(status(&other("never_made"), "CLEAN_UP"), Status::Done);
}

#[test]
fn a_renewed_attempt_replaces_routes_instead_of_adding_them() {
    let guide = guide(&other("renewed"), None);
    let one = &step(&guide, "ADD_ROUTE_TO_TABLE").commands[0];
    assert_eq!(one.argv[..3], ["aws", "ec2", "replace-route"]);
}

#[test]
fn nothing_beyond_ec2_is_asked_of_a_stand_in() {
    let guide = guide(&facts(State::Active), Some("http://127.0.0.1:4566"));
    assert!(step(&guide, "PROVE").verify.is_empty());
    let names: Vec<_> = guide.variables.iter().map(|one| one.name).collect();
    assert_eq!(names, ["ROUTE_TABLE_ID", "SECURITY_GROUP_ID"]);
}
