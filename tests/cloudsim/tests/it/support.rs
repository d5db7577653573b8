//! A cloud per test, clients for both sides, and short words for long calls.

use std::time::Duration;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::types::{
    Filter, ResourceType, Tag, TagSpecification, VpcPeeringConnection,
    VpcPeeringConnectionStateReason,
};
use cloudsim::{Cloudsim, Config, Options};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const VENDOR: &str = "111122223333";
pub(crate) const CUSTOMER: &str = "222233334444";
pub(crate) const HERE: &str = "eu-west-1";
pub(crate) const THERE: &str = "us-east-1";
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) async fn start() -> Cloudsim {
    start_with(|_| {}).await
}

pub(crate) async fn start_with(how: impl FnOnce(&mut Config)) -> Cloudsim {
    let mut options = Options {
        seed: Some(7),
        ..Options::default()
    };
    how(&mut options.config);
    Cloudsim::start(options).await.unwrap()
}

pub(crate) fn client(sim: &Cloudsim, account: &str, region: &str) -> Client {
    client_with(
        sim,
        region,
        Credentials::new(format!("AKIA{account}SIM0"), "any", None, None, "test"),
    )
}

pub(crate) fn client_with(sim: &Cloudsim, region: &str, credentials: Credentials) -> Client {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(Duration::from_secs(5))
        .build();
    let config = aws_sdk_ec2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .endpoint_url(sim.endpoint())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .build();
    Client::from_conf(config)
}

/// The vendor's and the customer's clients in the same region.
pub(crate) fn both(sim: &Cloudsim) -> (Client, Client) {
    (client(sim, VENDOR, HERE), client(sim, CUSTOMER, HERE))
}

/// The code of a refusal; with the message for those who look closer.
pub(crate) fn refused<T: std::fmt::Debug, E>(result: Result<T, SdkError<E>>) -> (String, String)
where
    SdkError<E>: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = result.unwrap_err();
    let code = error
        .code()
        .unwrap_or_else(|| panic!("not a refusal: {error:?}"));
    (
        code.to_owned(),
        error.message().unwrap_or_default().to_owned(),
    )
}

pub(crate) fn code<T: std::fmt::Debug, E>(result: Result<T, SdkError<E>>) -> String
where
    SdkError<E>: ProvideErrorMetadata + std::fmt::Debug,
{
    refused(result).0
}

pub(crate) async fn vpc(client: &Client, cidr: &str) -> String {
    let created = client.create_vpc().cidr_block(cidr).send().await.unwrap();
    created.vpc.unwrap().vpc_id.unwrap()
}

/// A request from `vpc_id` to the customer's VPC in the same region.
pub(crate) async fn request(client: &Client, vpc_id: &str, peer_vpc_id: &str) -> String {
    let call = client
        .create_vpc_peering_connection()
        .vpc_id(vpc_id)
        .peer_vpc_id(peer_vpc_id);
    let created = call.peer_owner_id(CUSTOMER).send().await.unwrap();
    created
        .vpc_peering_connection
        .unwrap()
        .vpc_peering_connection_id
        .unwrap()
}

/// Two VPCs and a request between them that waits for the customer.
pub(crate) async fn pending(sim: &Cloudsim) -> (String, String, String) {
    let (vendor, customer) = both(sim);
    let ours = vpc(&vendor, "10.0.0.0/16").await;
    let theirs = vpc(&customer, "10.1.0.0/16").await;
    let pcx = request(&vendor, &ours, &theirs).await;
    (pcx, ours, theirs)
}

pub(crate) async fn accept(client: &Client, id: &str) {
    client
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(id)
        .send()
        .await
        .unwrap();
}

pub(crate) async fn seen(client: &Client, id: &str) -> Option<VpcPeeringConnection> {
    let filter = filter("vpc-peering-connection-id", &[id]);
    let found = client
        .describe_vpc_peering_connections()
        .filters(filter)
        .send()
        .await
        .unwrap();
    found.vpc_peering_connections.unwrap_or_default().pop()
}

/// The status somebody sees, or `-` for none.
pub(crate) async fn status(client: &Client, id: &str) -> String {
    let status = seen(client, id).await.and_then(|peering| peering.status);
    status
        .and_then(|status| status.code)
        .map_or("-".to_owned(), |code| code.as_str().to_owned())
}

pub(crate) fn message(peering: &VpcPeeringConnection) -> &str {
    peering
        .status()
        .and_then(VpcPeeringConnectionStateReason::message)
        .unwrap_or_default()
}

pub(crate) fn filter(name: &str, values: &[&str]) -> Filter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

pub(crate) fn tagged(kind: ResourceType, key: &str, value: &str) -> TagSpecification {
    let tag = Tag::builder().key(key).value(value).build();
    TagSpecification::builder()
        .resource_type(kind)
        .tags(tag)
        .build()
}

pub(crate) fn tags(tags: &[Tag]) -> Vec<(&str, &str)> {
    tags.iter()
        .map(|tag| (tag.key().unwrap(), tag.value().unwrap()))
        .collect()
}

/// A plain HTTP request; answers status and body.
pub(crate) async fn http(
    sim: &Cloudsim,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let address = sim.endpoint().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

/// A call of the admin API; answers status and JSON.
pub(crate) async fn sim_call(
    sim: &Cloudsim,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let headers = "content-type: application/json\r\n";
    let (status, body) = http(sim, method, &format!("/_sim{path}"), headers, &body).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// A signed form, as far as signatures matter here.
pub(crate) async fn aws_call(
    sim: &Cloudsim,
    key: &str,
    token: Option<&str>,
    service: &str,
    form: &str,
) -> (u16, String) {
    let token = token
        .map(|token| format!("x-amz-security-token: {token}\r\n"))
        .unwrap_or_default();
    let headers = format!(
        "content-type: application/x-www-form-urlencoded\r\n{token}authorization: AWS4-HMAC-SHA256 \
         Credential={key}/20260101/{HERE}/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
    );
    http(sim, "POST", "/", &headers, form).await
}

/// The text of an element.
pub(crate) fn element<'a>(body: &'a str, name: &str) -> &'a str {
    let (_, rest) = body
        .split_once(&format!("<{name}>"))
        .unwrap_or_else(|| panic!("no {name} in {body}"));
    rest.split_once(&format!("</{name}>")).unwrap().0
}
