//! What a customer reads in every state, and whether it can be run.

mod commands;
mod scripts;
mod states;
mod terraform;

use super::*;
use crate::provider::Peer;
use crate::provider::steps::Options;
use crate::provider::steps::testing::{STATES, answers, commands, page, step};

const ID: &str = "pcx-0aaaabbbbccccdddd";
const FORMER: &str = "pcx-01111222233334444";

/// A peering in its first attempt, as it is in this state.
fn facts(state: State) -> Facts {
    let is_up = matches!(state, State::Active | State::Degraded);
    let was_up = matches!(
        state,
        State::Disconnected | State::Deleting | State::Deleted
    );
    Facts {
        state,
        reason: String::new(),
        message: String::new(),
        provider_peering_id: (state != State::Provisioning).then(|| ID.into()),
        vendor_account_id: "111122223333".into(),
        vendor_vpc_id: Some("vpc-0123456789abcdef0".into()),
        vendor_region: "eu-west-1".parse().unwrap(),
        vendor_cidr: "10.20.0.0/20".parse().unwrap(),
        peer: Peer {
            account_id: "444455556666".into(),
            region: "eu-west-1".into(),
            vpc_id: "vpc-0fedcba9876543210".into(),
        },
        peer_cidrs: vec![
            "10.1.0.0/16".parse().unwrap(),
            "100.64.0.0/16".parse().unwrap(),
        ],
        ports: vec![6379, 6380],
        attempt: 1,
        allow_listed: true,
        expire_at: (state == State::PendingAcceptance).then_some(1_764_000_000_000),
        options: Options::default(),
        endpoints: vec!["cache-1.db.example.com".into()],
        routes_ready: is_up.then_some(true),
        firewall_ready: is_up.then_some(true),
        former_provider_peering_id: None,
        was_active: is_up || was_up,
    }
}

/// Peerings that are not as plain as [`facts`], by a word for each.
fn others() -> Vec<(&'static str, Facts)> {
    let pending = || facts(State::PendingAcceptance);
    let mut activating = pending();
    activating.reason = "ACCEPTED_ACTIVATING".into();
    let mut cross_region = pending();
    cross_region.peer.region = "us-east-1".into();
    let mut nothing_known = pending();
    nothing_known.ports.clear();
    nothing_known.endpoints.clear();
    nothing_known.peer_cidrs.clear();
    nothing_known.allow_listed = false;
    let mut not_admitted = facts(State::Active);
    not_admitted.allow_listed = false;
    let mut no_vendor_routes = facts(State::Degraded);
    no_vendor_routes.reason = "ROUTE_MISSING_VENDOR".into();
    no_vendor_routes.routes_ready = Some(false);
    no_vendor_routes.firewall_ready = None;
    let mut renewed = facts(State::Active);
    renewed.attempt = 2;
    renewed.former_provider_peering_id = Some(FORMER.into());
    let mut dns = facts(State::Active);
    dns.options.resolve_dns = true;
    let mut no_vendor_vpc = facts(State::Provisioning);
    no_vendor_vpc.vendor_vpc_id = None;
    let mut refused = facts(State::Failed);
    refused.provider_peering_id = None;
    refused.reason = "PEER_NOT_FOUND_OR_OVERLAP".into();
    refused.message = "Account, VPC or range do not fit".into();
    let mut deleted_after_renewal = facts(State::Deleted);
    deleted_after_renewal.former_provider_peering_id = Some(FORMER.into());
    let mut never_made = facts(State::Deleted);
    never_made.provider_peering_id = None;
    never_made.was_active = false;
    vec![
        ("activating", activating),
        ("cross_region", cross_region),
        ("nothing_known", nothing_known),
        ("not_admitted", not_admitted),
        ("no_vendor_routes", no_vendor_routes),
        ("renewed", renewed),
        ("dns", dns),
        ("no_vendor_vpc", no_vendor_vpc),
        ("refused", refused),
        ("deleted_after_renewal", deleted_after_renewal),
        ("never_made", never_made),
    ]
}

fn other(name: &str) -> Facts {
    let found = others().into_iter().find(|(known, _)| *known == name);
    found.unwrap().1
}

fn all() -> impl Iterator<Item = Facts> {
    let others = others().into_iter().map(|(_, facts)| facts);
    STATES.into_iter().map(facts).chain(others)
}

#[test]
fn a_customer_reads_what_fits_the_state() {
    for state in STATES {
        let name = format!("state_{state:?}").to_lowercase();
        insta::assert_snapshot!(name, page(&guide(&facts(state), None)));
    }
}

#[test]
fn a_customer_reads_what_fits_the_peering() {
    for (name, facts) in others() {
        insta::assert_snapshot!(format!("other_{name}"), page(&guide(&facts, None)));
    }
}

#[test]
fn engineers_are_answered_with_figures_of_their_peering() {
    for name in ["cross_region", "nothing_known", "renewed", "dns", "refused"] {
        let guide = guide(&other(name), None);
        insta::assert_snapshot!(format!("answers_{name}"), answers(&guide));
    }
}

#[test]
fn a_customer_applies_a_file_of_their_own() {
    let guide = guide(&other("cross_region"), None);
    insta::assert_snapshot!("terraform", guide.terraform);
}

#[test]
fn in_development_a_customer_s_commands_name_the_stand_in() {
    let guide = guide(&facts(State::Active), Some("http://127.0.0.1:4566"));
    insta::assert_snapshot!("development", page(&guide) + &guide.terraform);
}
