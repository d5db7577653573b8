//! What a customer is told to do, asked for over gRPC: made of facts that keep their rules, and of no others.

use api::provider::v1::step::{Actor, Status as Done};
use api::provider::v1::{
    DescribeStepsRequest, DescribeStepsResponse, Peer, PeeringFacts, Provider,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::gcp_support;
use crate::support::*;

/// A peering on AWS that waits for its customer.
fn aws() -> PeeringFacts {
    PeeringFacts {
        provider: Provider::Aws.into(),
        state: "PENDING_ACCEPTANCE".into(),
        provider_peering_id: "pcx-0aaaabbbbccccdddd".into(),
        vendor_account_id: VENDOR.into(),
        vendor_vpc_id: "vpc-0123456789abcdef0".into(),
        vendor_region: REGION.into(),
        vendor_cidr: "10.20.0.0/16".into(),
        peer: Some(Peer {
            account_id: CUSTOMER.into(),
            region: REGION.into(),
            vpc_id: "vpc-0fedcba9876543210".into(),
        }),
        peer_cidrs: vec!["10.30.0.0/16".into()],
        ports: vec![6379],
        attempt: 1,
        endpoints: vec!["cache-1.db.example.com".into()],
        ..PeeringFacts::default()
    }
}

/// A peering on GCP that waits for its customer.
fn gcp() -> PeeringFacts {
    PeeringFacts {
        provider: Provider::Gcp.into(),
        provider_peering_id: "peerway-0011".into(),
        vendor_account_id: gcp_support::PROJECT.into(),
        vendor_vpc_id: "peerway-2233".into(),
        vendor_region: "europe-west1".into(),
        peer: Some(Peer {
            account_id: "customer-shop".into(),
            region: String::new(),
            vpc_id: "shop".into(),
        }),
        ..aws()
    }
}

async fn describe(
    mut client: Client,
    facts: PeeringFacts,
) -> Result<DescribeStepsResponse, Status> {
    let request = DescribeStepsRequest { facts: Some(facts) };
    Ok(client.describe_steps(request).await?.into_inner())
}

fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = &details.bad_request().unwrap().field_violations;
    violations.iter().map(|one| one.field.clone()).collect()
}

/// Facts of which one breaks its rule, by the field that is named for it.
fn hostile(facts: &PeeringFacts) -> Vec<(&'static str, PeeringFacts)> {
    let with = |change: &dyn Fn(&mut PeeringFacts)| {
        let mut facts = facts.clone();
        change(&mut facts);
        facts
    };
    let peer = |change: &dyn Fn(&mut Peer)| {
        let mut facts = facts.clone();
        change(facts.peer.as_mut().unwrap());
        facts
    };
    const EVIL: &str = "x; $(reboot)";
    vec![
        ("facts.state", with(&|x| x.state = EVIL.into())),
        ("facts.reason", with(&|x| x.reason = EVIL.into())),
        (
            "facts.provider_peering_id",
            with(&|x| x.provider_peering_id = "pcx-1'`id`'".into()),
        ),
        (
            "facts.former_provider_peering_id",
            with(&|x| x.former_provider_peering_id = "pcx-1\nid".into()),
        ),
        (
            "facts.vendor_account_id",
            with(&|x| x.vendor_account_id = EVIL.into()),
        ),
        (
            "facts.vendor_vpc_id",
            with(&|x| x.vendor_vpc_id = "--help".into()),
        ),
        (
            "facts.vendor_region",
            with(&|x| x.vendor_region = EVIL.into()),
        ),
        (
            "facts.vendor_cidr",
            with(&|x| x.vendor_cidr = "10.0.0.0/16 || true".into()),
        ),
        (
            "facts.peer_cidrs[1]",
            with(&|x| x.peer_cidrs.push(EVIL.into())),
        ),
        ("facts.ports[1]", with(&|x| x.ports.push(65_536))),
        (
            "facts.endpoints[0]",
            with(&|x| x.endpoints = vec!["-oProxyCommand=id".into()]),
        ),
        ("facts.attempt", with(&|x| x.attempt = 0)),
        ("peer.account_id", peer(&|x| x.account_id = EVIL.into())),
        ("peer.region", peer(&|x| x.region = EVIL.into())),
        ("peer.vpc_id", peer(&|x| x.vpc_id = "\"${x}\"".into())),
    ]
}

#[tokio::test]
async fn facts_that_break_a_rule_never_reach_a_command() {
    let suite = Suite::start().await;
    for facts in [aws(), gcp()] {
        for (field, facts) in hostile(&facts) {
            let refused = describe(suite.client(), facts).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{field}");
            assert_eq!(fields(&refused), [field]);
        }
    }
    let nothing = describe(suite.client(), PeeringFacts::default()).await;
    assert_eq!(nothing.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_customer_on_aws_is_told_commands_that_name_the_stand_in() {
    let suite = Suite::start().await;
    let guide = describe(suite.client(), aws()).await.unwrap();
    let accept = guide.steps.iter().find(|one| one.code == "ACCEPT_PEERING");
    let accept = accept.unwrap();
    assert_eq!(
        (accept.actor(), accept.status()),
        (Actor::Customer, Done::Todo)
    );
    let words = [
        "aws",
        "ec2",
        "accept-vpc-peering-connection",
        "--vpc-peering-connection-id",
        "pcx-0aaaabbbbccccdddd",
        "--region",
        REGION,
        "--endpoint-url",
        &suite.cloud.endpoint(),
    ];
    assert_eq!(accept.commands[0].argv, words);
    assert_eq!(accept.commands[0].shell, words.join(" "));
    let table = guide
        .variables
        .iter()
        .find(|one| one.name == "ROUTE_TABLE_ID");
    assert!(!table.unwrap().find.as_ref().unwrap().argv.is_empty());
    assert!(
        guide
            .terraform
            .contains("aws_vpc_peering_connection_accepter")
    );
    assert!(!guide.answers.is_empty());
}

#[tokio::test]
async fn a_customer_on_gcp_is_told_commands_that_name_the_stand_in() {
    let suite = gcp_support::Suite::start().await;
    let guide = describe(suite.adapter.client.clone(), gcp()).await.unwrap();
    let create = guide.steps.iter().find(|one| one.code == "CREATE_PEERING");
    let create = create.unwrap();
    assert_eq!(
        (create.actor(), create.status()),
        (Actor::Customer, Done::Todo)
    );
    let argv = &create.commands[0].argv;
    assert!(argv[1].contains(&suite.cloud.endpoint()), "{argv:?}");
    assert_eq!(argv[2..6], ["gcloud", "compute", "networks", "peerings"]);
    assert!(guide.terraform.contains("google_compute_network_peering"));
    assert!(!guide.answers.is_empty());
}
