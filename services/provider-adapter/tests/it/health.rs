//! What the adapter says of itself and of the clouds.

use api::provider::v1::Vpc;
use cloudsim::{Cloudsim, Fault, FaultKind, Options};
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use types::NetworkId;

use crate::support::*;

/// Follows the health of what is called `name` until it is `status`.
async fn becomes(suite: &Suite, name: &str, status: ServingStatus) {
    let channel = Endpoint::from_shared(suite.adapter.url.clone())
        .unwrap()
        .connect_lazy();
    let mut health = HealthClient::new(channel);
    let request = HealthCheckRequest {
        service: name.to_owned(),
    };
    let mut told = health.watch(request).await.unwrap().into_inner();
    let seen = async {
        while told
            .message()
            .await
            .unwrap()
            .is_some_and(|told| told.status() != status)
        {}
    };
    tokio::time::timeout(PATIENCE, seen)
        .await
        .unwrap_or_else(|_| panic!("{name} is not {status:?}"));
}

#[tokio::test]
async fn a_cloud_that_does_not_answer_is_not_healthy_until_it_does() {
    let suite = Suite::start().await;
    let look = vpc_request(NetworkId::generate(), "10.20.0.0/16", &Vpc::default(), "");
    becomes(&suite, "aws", ServingStatus::Serving).await;
    suite
        .cloud
        .fault(Fault::once("DescribeVpcs", FaultKind::Error500));
    suite.ensure_vpc(look.clone()).await.unwrap_err();
    becomes(&suite, "aws", ServingStatus::NotServing).await;
    // The adapter itself works all the same.
    becomes(&suite, "", ServingStatus::Serving).await;
    suite.ensure_vpc(look).await.unwrap();
    becomes(&suite, "aws", ServingStatus::Serving).await;
}

#[tokio::test]
async fn credentials_of_another_account_are_not_healthy() {
    let cloud = Cloudsim::start(Options::default()).await.unwrap();
    let adapter = Adapter::start_as("777788889999", &cloud.endpoint(), "", &[]).await;
    let suite = Suite { cloud, adapter };
    let look = vpc_request(NetworkId::generate(), "10.20.0.0/16", &Vpc::default(), "");
    suite.ensure_vpc(look).await.unwrap_err();
    becomes(&suite, "aws", ServingStatus::NotServing).await;
}
