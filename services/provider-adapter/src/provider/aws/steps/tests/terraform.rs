//! Whether Terraform can read the file, and what it would make.

use hcl::{Block, Body, Expression};

use super::*;

fn file(facts: &Facts) -> Body {
    hcl::from_str(&guide(facts, None).terraform).unwrap()
}

fn resource<'a>(body: &'a Body, labels: &[&str]) -> &'a Block {
    let of = |block: &&Block| {
        let own = block.labels().iter().map(|label| label.as_str());
        own.eq(labels.iter().copied())
    };
    let found = body.blocks().find(of);
    found.unwrap_or_else(|| panic!("no {labels:?}"))
}

fn attribute(block: &Block, key: &str) -> Expression {
    let mut all = block.body().attributes();
    let found = all.find(|attribute| attribute.key() == key);
    found.unwrap_or_else(|| panic!("no {key}")).expr().clone()
}

#[test]
fn the_file_accepts_and_routes_in_the_customer_s_region() {
    let body = file(&other("cross_region"));
    let provider = resource(&body, &["aws"]);
    assert_eq!(attribute(provider, "region"), "us-east-1".into());
    let accounts = Expression::from(vec!["444455556666"]);
    assert_eq!(attribute(provider, "allowed_account_ids"), accounts);
    let accepter = resource(&body, &["aws_vpc_peering_connection_accepter", "peerway"]);
    assert_eq!(attribute(accepter, "vpc_peering_connection_id"), ID.into());
    assert_eq!(attribute(accepter, "auto_accept"), true.into());
    let route = resource(&body, &["aws_route", "peerway"]);
    assert_eq!(
        attribute(route, "destination_cidr_block"),
        "10.20.0.0/20".into()
    );
    let target = attribute(route, "vpc_peering_connection_id").to_string();
    assert_eq!(target, "aws_vpc_peering_connection_accepter.peerway.id");
    for name in ["main", "of_subnets"] {
        let tables = resource(&body, &["aws_route_tables", name]);
        assert_eq!(attribute(tables, "vpc_id"), "vpc-0fedcba9876543210".into());
        assert!(attribute(route, "for_each").to_string().contains(name));
    }
}

#[test]
fn the_file_lets_out_to_each_port_or_to_all_while_none_is_known() {
    let ports = |facts: &Facts, name: &str| {
        let body = file(facts);
        let rule = resource(&body, &["aws_vpc_security_group_egress_rule", name]);
        assert_eq!(attribute(rule, "cidr_ipv4"), "10.20.0.0/20".into());
        ["from_port", "to_port"].map(|key| attribute(rule, key).to_string())
    };
    let known = facts(State::Active);
    assert_eq!(ports(&known, "peerway_6379"), ["6379", "6379"]);
    assert_eq!(ports(&known, "peerway_6380"), ["6380", "6380"]);
    assert_eq!(
        ports(&other("nothing_known"), "peerway_all"),
        ["0", "65535"]
    );
}

#[test]
fn there_is_a_file_as_long_as_there_is_something_to_accept() {
    for state in STATES {
        let is_live = matches!(
            state,
            State::PendingAcceptance | State::Active | State::Degraded
        );
        let file = guide(&facts(state), None).terraform;
        assert_eq!(!file.is_empty(), is_live, "{state:?}");
    }
}
