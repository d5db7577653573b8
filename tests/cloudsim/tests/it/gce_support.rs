//! Projects, keys and clients of Google's, and short words for long calls.

use cloudsim::Cloudsim;
use google_cloud_auth::credentials::{Credentials, service_account};
use google_cloud_compute_v1::client::{GlobalOperations, Networks};
use google_cloud_compute_v1::model::{
    Network, NetworkPeering, NetworksAddPeeringRequest, Operation, operation,
};
use serde_json::Value;
use std::time::Duration;

use crate::support::{http, sim_call};

pub(crate) const OURS: &str = "vendor-prod";
pub(crate) const THEIRS: &str = "customer-app";

/// Long enough for any operation.
pub(crate) const WHILE: Duration = Duration::from_secs(5);

/// The key of an account that may do everything in its project.
pub(crate) fn key(sim: &Cloudsim, project: &str) -> Value {
    sim.gcp_service_account(project, "peerway", &["compute.*"])
}

pub(crate) fn email(key: &Value) -> &str {
    key["client_email"].as_str().unwrap()
}

pub(crate) fn credentials(key: &Value) -> Credentials {
    service_account::Builder::new(key.clone()).build().unwrap()
}

pub(crate) async fn networks(sim: &Cloudsim, credentials: Credentials) -> Networks {
    let builder = Networks::builder().with_endpoint(sim.endpoint());
    builder.with_credentials(credentials).build().await.unwrap()
}

pub(crate) async fn operations(sim: &Cloudsim, credentials: Credentials) -> GlobalOperations {
    let builder = GlobalOperations::builder().with_endpoint(sim.endpoint());
    builder.with_credentials(credentials).build().await.unwrap()
}

/// Adds a network and lets the operation end.
pub(crate) async fn network(sim: &Cloudsim, client: &Networks, project: &str, name: &str) {
    let wanted = Network::new()
        .set_name(name)
        .set_auto_create_subnetworks(false);
    let insert = client.insert().set_project(project).set_body(wanted);
    insert.send().await.unwrap();
    sim.clock_advance(WHILE);
}

/// One half of a peering, whose operation goes on.
pub(crate) async fn half(
    client: &Networks,
    (project, network): (&str, &str),
    (peer_project, peer_network): (&str, &str),
) -> Operation {
    let peering = NetworkPeering::new()
        .set_name("half")
        .set_network(format!(
            "projects/{peer_project}/global/networks/{peer_network}"
        ))
        .set_exchange_subnet_routes(true);
    let body = NetworksAddPeeringRequest::new().set_network_peering(peering);
    let call = client.add_peering().set_project(project);
    let call = call.set_network(network).set_body(body);
    call.send().await.unwrap()
}

pub(crate) async fn peering(client: &Networks, project: &str, network: &str) -> NetworkPeering {
    let call = client.get().set_project(project).set_network(network);
    call.send().await.unwrap().peerings.pop().unwrap()
}

pub(crate) fn is_done(operation: &Operation) -> bool {
    operation.status == Some(operation::Status::Done)
}

/// A plain call of Compute Engine's; answers status and JSON.
pub(crate) async fn compute(
    sim: &Cloudsim,
    token: Option<&str>,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let token = token.map_or_else(String::new, |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    let headers = format!("content-type: application/json\r\n{token}");
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let path = format!("/compute/v1/projects/{path}");
    let (status, body) = http(sim, method, &path, &headers, &body).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// Status and reason of a refusal.
pub(crate) fn reason((status, answer): &(u16, Value)) -> (u16, &str) {
    let reason = answer["error"]["errors"][0]["reason"].as_str();
    (
        *status,
        reason.unwrap_or_else(|| panic!("not a refusal: {answer}")),
    )
}

/// A JWT with these claims, signed with the key of a key file.
pub(crate) fn signed(key: &Value, claims: &Value) -> String {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let mut header = Header::new(Algorithm::RS256);
    header.kid = key["private_key_id"].as_str().map(str::to_owned);
    let pem = key["private_key"].as_str().unwrap();
    encode(
        &header,
        claims,
        &EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
    )
    .unwrap()
}

pub(crate) async fn gcp_call(
    sim: &Cloudsim,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    sim_call(sim, method, &format!("/gcp{path}"), body).await
}
