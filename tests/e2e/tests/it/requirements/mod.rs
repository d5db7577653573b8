//! What managed databases with peerings do, sentence by sentence of two vendors' documentation: each a test.

mod dragonfly;
mod yugabyte;

use api::network::v1::{Attachment, ListAttachmentsRequest, Network};
use api::peering::v1::create_peering_request::Peer;
use api::peering::v1::peering::State;
use api::peering::v1::{
    AwsPeer, Command, CreatePeeringRequest, CreatePeeringResponse, GcpPeer, ListPeeringsRequest,
    Peering, Step,
};
use e2e::{CUSTOMER, CUSTOMER_PROJECT, Suite, TENANT, fields, reason, wish};
use tonic::{Code, Status};

const AWS: &str = "eu-west-1";
const GCP: &str = "europe-west1";
const NETWORK: &str = "10.20.0.0/16";
const RANGE: &str = "10.1.0.0/16";
const PORT: i32 = 6379;

/// A suite with a network at AWS, and a VPC of the customer's.
async fn at_aws() -> (Suite, Network, String) {
    let suite = Suite::standalone().await;
    let network = suite.network(AWS, NETWORK).await;
    let vpc = suite.customer.vpc(AWS, RANGE).await;
    (suite, network, vpc)
}

/// A suite with a network at GCP, and a network of the customer's.
async fn at_gcp() -> (Suite, Network, String) {
    let suite = Suite::standalone_with(e2e::Options::gcp()).await;
    let network = suite.network(GCP, NETWORK).await;
    let theirs = suite.google().network("app", RANGE).await;
    (suite, network, theirs)
}

/// Wishes a peering and waits until it waits for the customer.
async fn waiting(suite: &Suite, network: &Network, theirs: &str) -> Peering {
    let peering = suite.peer(network, theirs, RANGE).await;
    suite.until(&peering, State::PendingAcceptance).await
}

/// Wishes a peering, or has the wish checked.
async fn try_create(
    suite: &Suite,
    request: CreatePeeringRequest,
) -> Result<CreatePeeringResponse, Status> {
    let answer = suite.peerings().create_peering(request).await?;
    Ok(answer.into_inner())
}

/// The wish for a peering with the form of AWS filled in, of which a part is different.
fn aws_wish(network: &Network, change: impl FnOnce(&mut AwsPeer)) -> CreatePeeringRequest {
    let mut peer = AwsPeer {
        account_id: CUSTOMER.to_owned(),
        region: AWS.to_owned(),
        vpc_id: "vpc-0123456789abcdef0".to_owned(),
        cidrs: vec![RANGE.to_owned()],
    };
    change(&mut peer);
    CreatePeeringRequest {
        peer: Some(Peer::Aws(peer)),
        ..wish(network, AWS, "app", RANGE)
    }
}

/// The wish for a peering with the form of GCP filled in, of which a part is different.
fn gcp_wish(network: &Network, change: impl FnOnce(&mut GcpPeer)) -> CreatePeeringRequest {
    let mut peer = GcpPeer {
        project_id: CUSTOMER_PROJECT.to_owned(),
        network_name: "app".to_owned(),
        cidrs: vec![RANGE.to_owned()],
    };
    change(&mut peer);
    CreatePeeringRequest {
        peer: Some(Peer::Gcp(peer)),
        ..wish(network, GCP, "app", RANGE)
    }
}

/// Sees that a wish is refused, and for which reason.
async fn is_refused(suite: &Suite, request: CreatePeeringRequest, code: Code, why: &str) -> Status {
    let refused = try_create(suite, request).await.expect_err(why);
    assert_eq!((refused.code(), reason(&refused).as_str()), (code, why));
    refused
}

/// Sees that a wish is refused because of one of its fields.
async fn is_refused_for(suite: &Suite, request: CreatePeeringRequest, why: &str, field: &str) {
    let refused = is_refused(suite, request, Code::InvalidArgument, why).await;
    assert_eq!(fields(&refused), [field], "{refused:?}");
}

/// Sees that a peering has to be on a network that exists, is the tenant's and is ACTIVE.
async fn needs_an_active_network(suite: &Suite, network: &Network) {
    let missing = Network {
        id: format!("net_{}", "0".repeat(32)),
        ..network.clone()
    };
    let foreign = Network {
        tenant_id: "other".to_owned(),
        ..network.clone()
    };
    for network in [missing, foreign] {
        let request = aws_wish(&network, |_| {});
        is_refused(suite, request, Code::NotFound, "NETWORK_NOT_FOUND").await;
    }
    let leaving = suite.create_network(AWS, "10.40.0.0/16").await;
    suite.delete_network(&leaving.id).await;
    let request = aws_wish(&leaving, |_| {});
    let not_active = "NETWORK_NOT_ACTIVE";
    is_refused(suite, request, Code::FailedPrecondition, not_active).await;
    assert_eq!(suite.list_peerings().await, [], "nothing is recorded");
}

/// The peerings that a listing shows.
async fn listed(suite: &Suite, request: ListPeeringsRequest) -> Vec<Peering> {
    let request = ListPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        ..request
    };
    let listed = suite.peerings().list_peerings(request).await;
    listed.expect("a list").into_inner().peerings
}

/// What is attached to a network.
async fn attached(suite: &Suite, network: &Network) -> Vec<Attachment> {
    let request = ListAttachmentsRequest {
        tenant_id: TENANT.to_owned(),
        network_id: network.id.clone(),
        ..Default::default()
    };
    let listed = suite.networks().list_attachments(request).await;
    listed.expect("a list").into_inner().attachments
}

/// Sees that a datastore gets a private place in a network, which knows it and stays while it is there.
async fn a_datastore_holds_the_network(suite: &Suite, network: &Network) {
    let placed = suite
        .attach_datastore(network, "db-1", "10.20.1.0/28", &[PORT])
        .await;
    let placement = placed.placement.expect("a place for private endpoints");
    assert!(!placement.subnets.is_empty());
    assert_eq!(placed.datastore_count, 1);
    let known = attached(suite, network).await;
    let known = known
        .iter()
        .map(|one| (one.id.as_str(), one.ports.as_slice()));
    assert_eq!(Vec::from_iter(known), [("db-1", [PORT].as_slice())]);

    let refused = suite.try_delete_network(&network.id).await;
    let refused = refused.expect_err("a datastore is on it");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "NETWORK_IN_USE");
    suite.detach_datastore(network, "db-1").await;
    suite.delete_network(&network.id).await;
    suite.until_network_gone(&network.id).await;
}

/// One step of a peering's instructions.
async fn step(suite: &Suite, peering: &Peering, code: &str) -> Step {
    let steps = suite.instructions(peering).await.steps;
    let step = steps.iter().find(|step| step.code == code);
    step.unwrap_or_else(|| panic!("there is no {code} in {steps:#?}"))
        .clone()
}

/// Where a command has these words in this order, and nothing between them.
fn place_of(command: &Command, words: &[&str]) -> Option<usize> {
    let mut windows = command.argv.windows(words.len());
    windows.position(|window| window == words)
}

/// The command of a step that has these words.
fn command_of<'a>(step: &'a Step, words: &[&str]) -> &'a Command {
    let has = |command: &&Command| place_of(command, words).is_some();
    let found = step.commands.iter().find(has);
    found.unwrap_or_else(|| panic!("there is no {words:?} in {step:#?}"))
}

/// What stands behind words of a command.
fn behind<'a>(command: &'a Command, words: &[&str]) -> &'a str {
    let place = place_of(command, words);
    let next = place.and_then(|place| command.argv.get(place + words.len()));
    next.unwrap_or_else(|| panic!("nothing is behind {words:?} in {command:?}"))
}
