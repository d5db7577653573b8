//! What a customer on GCP is told, through the contract.

use api::provider::v1::{
    DescribeStepsRequest, Peer, PeeringFacts, PeeringOptions, Provider,
    step::{Actor, Status},
};
use tonic::Code;

use crate::gcp_support::*;

const NOWHERE: &str = "http://127.0.0.1:1";

fn facts() -> PeeringFacts {
    PeeringFacts {
        provider: Provider::Gcp.into(),
        state: "PENDING_ACCEPTANCE".into(),
        provider_peering_id: "peerway-p".into(),
        vendor_account_id: PROJECT.into(),
        vendor_vpc_id: "peerway-n".into(),
        vendor_region: REGION.into(),
        vendor_cidr: "10.20.0.0/20".into(),
        peer: Some(Peer {
            account_id: "customer-prod".into(),
            region: String::new(),
            vpc_id: "main".into(),
        }),
        ports: vec![6379],
        attempt: 1,
        options: Some(PeeringOptions {
            import_custom_routes: true,
            ..PeeringOptions::default()
        }),
        endpoints: vec!["cache.example.com".into()],
        ..PeeringFacts::default()
    }
}

fn request(facts: PeeringFacts) -> DescribeStepsRequest {
    DescribeStepsRequest { facts: Some(facts) }
}

#[tokio::test]
async fn a_customer_gets_the_command_for_the_other_half() {
    let adapter = adapter(NOWHERE, ", anonymous=true", &[]).await;
    let mut client = adapter.client.clone();
    let guide = client.describe_steps(request(facts())).await.unwrap();
    let guide = guide.into_inner();
    let create = guide.steps.iter().find(|one| one.code == "CREATE_PEERING");
    let create = create.unwrap();
    assert_eq!(create.actor(), Actor::Customer);
    assert_eq!(create.status(), Status::Todo);
    let argv = &create.commands[0].argv;
    let half = argv[7].clone();
    let expected = [
        "env",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=http://127.0.0.1:1/compute/v1/",
        "gcloud",
        "compute",
        "networks",
        "peerings",
        "create",
        &half,
        "--network",
        "main",
        "--peer-project",
        PROJECT,
        "--peer-network",
        "peerway-n",
        "--export-custom-routes",
        "--project",
        "customer-prod",
    ];
    assert_eq!(*argv, expected);
    assert_eq!(create.commands[0].shell, expected.join(" "));
    assert!(guide.terraform.contains(&half));
    assert!(!guide.answers.is_empty());
}

#[tokio::test]
async fn what_could_not_stand_in_a_command_is_refused_by_its_field() {
    let adapter = adapter(NOWHERE, ", anonymous=true", &[]).await;
    let mut cases: Vec<(&str, PeeringFacts)> = Vec::new();
    let hostile = || "x; reboot".to_owned();
    for field in ["account_id", "vpc_id"] {
        let mut facts = facts();
        let peer = facts.peer.as_mut().unwrap();
        match field {
            "account_id" => peer.account_id = hostile(),
            _ => peer.vpc_id = hostile(),
        }
        cases.push((field, facts));
    }
    for (field, change) in [
        (
            "facts.provider_peering_id",
            set(|facts| facts.provider_peering_id = "$(id)".into()),
        ),
        (
            "facts.vendor_vpc_id",
            set(|facts| facts.vendor_vpc_id = "--quiet".into()),
        ),
        (
            "facts.vendor_account_id",
            set(|facts| facts.vendor_account_id = "a b".into()),
        ),
        (
            "facts.vendor_region",
            set(|facts| facts.vendor_region = "`id`".into()),
        ),
        (
            "facts.vendor_cidr",
            set(|facts| facts.vendor_cidr = "10.0.0.0/8'".into()),
        ),
        (
            "facts.endpoints[0]",
            set(|facts| facts.endpoints = vec!["-e sh".into()]),
        ),
        ("facts.ports[0]", set(|facts| facts.ports = vec![65_536])),
        ("facts.state", set(|facts| facts.state = "BROKEN".into())),
    ] {
        let mut facts = facts();
        change(&mut facts);
        cases.push((field, facts));
    }
    for (field, facts) in cases {
        let answer = adapter.client.clone().describe_steps(request(facts)).await;
        let status = answer.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(field), "{field}: {status}");
    }
}

/// One wrong value of a kind.
fn set(change: fn(&mut PeeringFacts)) -> fn(&mut PeeringFacts) {
    change
}
