//! The pure core, without a socket.

use cloudsim::Config;
use cloudsim::cloud::{Answer, Call, Caller, Error, Service, State, cloud};
use cloudsim::ec2::query::Query;
use cloudsim::ec2::xml::Node;

use crate::support::*;

fn call(
    state: &mut State,
    account: &str,
    action: &str,
    params: &[(&str, &str)],
) -> Result<Answer, Error> {
    let params = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let call = Call {
        service: Service::Ec2,
        action: action.to_owned(),
        query: Query::new(params),
        principal: String::new(),
    };
    cloud(state, &Caller::new(account, HERE), &call, 1000)
}

/// The first text with this name, however deep.
fn text<'a>(nodes: &'a [Node], wanted: &str) -> Option<&'a str> {
    nodes.iter().find_map(|node| match node {
        Node::Text(name, value) if *name == wanted => Some(value.as_str()),
        Node::Text(..) => None,
        Node::Tree(_, children) => text(children, wanted),
    })
}

fn vpc_of(state: &mut State, account: &str, cidr: &str) -> String {
    let answer = call(state, account, "CreateVpc", &[("CidrBlock", cidr)]).unwrap();
    text(&answer.0, "vpcId").unwrap().to_owned()
}

#[test]
fn the_same_seed_gives_the_same_cloud() {
    let make = || {
        let mut state = State::new(Config::default(), 42);
        vpc_of(&mut state, VENDOR, "10.0.0.0/16");
        serde_json::to_string(&state).unwrap()
    };
    assert_eq!(make(), make());
}

#[test]
fn a_refused_call_changes_nothing() {
    let mut state = State::new(Config::default(), 42);
    let ours = vpc_of(&mut state, VENDOR, "10.0.0.0/16");
    let theirs = vpc_of(&mut state, CUSTOMER, "10.1.0.0/16");
    let before = serde_json::to_string(&state).unwrap();
    let rule = [
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "1"),
    ];
    let refused: &[(&str, &[(&str, &str)])] = &[
        ("CreateVpc", &[("CidrBlock", "10.0.0.0/8")]),
        (
            "CreateVpc",
            &[
                ("CidrBlock", "10.9.0.0/16"),
                ("TagSpecification.1.ResourceType", "subnet"),
            ],
        ),
        (
            "CreateVpc",
            &[("CidrBlock", "10.9.0.0/16"), ("DryRun", "true")],
        ),
        (
            "CreateSubnet",
            &[("VpcId", &ours), ("CidrBlock", "10.9.0.0/24")],
        ),
        (
            "CreateSubnet",
            &[("VpcId", &theirs), ("CidrBlock", "10.1.0.0/24")],
        ),
        (
            "CreateVpcPeeringConnection",
            &[("VpcId", &theirs), ("PeerVpcId", &ours)],
        ),
        (
            "CreateTags",
            &[
                ("ResourceId.1", &ours),
                ("ResourceId.2", &theirs),
                ("Tag.1.Key", "a"),
            ],
        ),
        ("DeleteVpc", &[("VpcId", &theirs)]),
        ("AuthorizeSecurityGroupIngress", &rule),
    ];
    for (action, params) in refused {
        call(&mut state, VENDOR, action, params).unwrap_err();
        assert_eq!(serde_json::to_string(&state).unwrap(), before, "{action}");
    }
}

#[test]
fn a_saved_cloud_is_the_same_when_loaded() {
    let mut state = State::new(Config::default(), 42);
    let ours = vpc_of(&mut state, VENDOR, "10.0.0.0/16");
    let theirs = vpc_of(&mut state, CUSTOMER, "10.1.0.0/16");
    let params = [
        ("VpcId", ours.as_str()),
        ("PeerVpcId", &theirs),
        ("PeerOwnerId", CUSTOMER),
    ];
    call(&mut state, VENDOR, "CreateVpcPeeringConnection", &params).unwrap();
    let saved = serde_json::to_string(&state).unwrap();
    let mut loaded: State = serde_json::from_str(&saved).unwrap();
    let look =
        |state: &mut State| call(state, CUSTOMER, "DescribeVpcPeeringConnections", &[]).unwrap();
    assert_eq!(look(&mut state), look(&mut loaded));
}
