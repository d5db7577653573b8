//! The edge: malformed requests, placement, and what this release does not serve.

use api::cloud::CloudErrorKind;
use api::provider::v1::place_network_request::Usage;
use api::provider::v1::{
    EnsureRoutesRequest, EnsureVpcRequest, ObservePeeringsRequest, PlaceNetworkRequest, Provider,
    Route, Vpc,
};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use types::{NetworkId, PeeringId};

use crate::support::*;

fn fields(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    violations
        .into_iter()
        .map(|violation| violation.field)
        .collect()
}

#[tokio::test]
async fn all_that_is_wrong_with_a_request_is_said_at_once() {
    let suite = Suite::start().await;
    let status = suite
        .ensure_vpc(EnsureVpcRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&status), ["ref", "cidr"]);

    let mut request = vpc_request(NetworkId::generate(), "10.20.0.1/16", &Vpc::default(), "");
    let reference = request.r#ref.as_mut().unwrap();
    reference.deployment = "Not a name".into();
    reference.network_id = "net_1".into();
    reference.region = "eu-west-2".into();
    let status = suite.ensure_vpc(request).await.unwrap_err();
    assert_eq!(
        fields(&status),
        ["ref.deployment", "ref.network_id", "ref.region", "cidr"]
    );

    let mut request = peering_request(PeeringId::generate(), 0, "", "vpc-x");
    request.peer.as_mut().unwrap().account_id = "1".into();
    let status = suite.ensure_peering(request).await.unwrap_err();
    assert_eq!(
        fields(&status),
        [
            "ref.attempt",
            "vendor_vpc_id",
            "peer.account_id",
            "peer.vpc_id"
        ]
    );

    let known = Vpc {
        vpc_id: "a/b".into(),
        security_group_id: "../../x".into(),
        ..Vpc::default()
    };
    let request = vpc_request(NetworkId::generate(), "10.20.0.0/16", &known, "");
    let status = suite.ensure_vpc(request).await.unwrap_err();
    assert_eq!(fields(&status), ["known.vpc_id", "known.security_group_id"]);

    let route = Route {
        cidr: "10.1.0.0/16".into(),
        ..Route::default()
    };
    let request = EnsureRoutesRequest {
        r#ref: Some(vpc_ref(NetworkId::generate())),
        vpc_id: String::new(),
        wanted: vec![route.clone(), route],
    };
    let status = suite.client().ensure_routes(request).await.unwrap_err();
    assert_eq!(
        fields(&status),
        [
            "vpc_id",
            "wanted[0].provider_peering_id",
            "wanted[1].provider_peering_id",
        ]
    );
    let status = suite
        .client()
        .observe_peerings(ObservePeeringsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&status), ["group", "deployment"]);
    assert!(suite.cloud.calls().is_empty());
}

#[tokio::test]
async fn ranges_that_cannot_be_divided_are_refused() {
    let suite = Suite::start().await;
    for cidr in ["10.0.0.0/15", "10.0.0.0/27"] {
        let request = vpc_request(NetworkId::generate(), cidr, &Vpc::default(), "vpc");
        let status = suite.ensure_vpc(request).await.unwrap_err();
        assert_eq!(fields(&status), ["cidr"]);
        assert_eq!(cloud_error(status).reason, "CIDR_SIZE");
    }
    let request = vpc_request(NetworkId::generate(), "10.0.0.0/26", &Vpc::default(), "vpc");
    assert!(suite.ensure_vpc(request).await.is_ok());
    let request = vpc_request(
        NetworkId::generate(),
        "10.0.0.0/26",
        &Vpc::default(),
        "moat",
    );
    assert_eq!(
        suite.ensure_vpc(request).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn a_network_is_placed_until_there_is_no_room() {
    let suite = Suite::start().await;
    let mut request = PlaceNetworkRequest {
        provider: Provider::Aws.into(),
        region: REGION.into(),
        ..PlaceNetworkRequest::default()
    };
    let answer = suite
        .client()
        .place_network(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.group, Some(group()));
    request.usage = vec![Usage {
        group: Some(group()),
        networks: 5,
    }];
    let error = cloud_error(
        suite
            .client()
            .place_network(request.clone())
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (error.kind, error.reason.as_str()),
        (CloudErrorKind::Quota, "NO_ROOM")
    );
    request.region = "eu-west-2".into();
    let status = suite.client().place_network(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let error = cloud_error(status);
    assert_eq!(
        (error.kind, error.reason.as_str(), error.refused),
        (CloudErrorKind::Quota, "NO_ROOM", true)
    );
    assert!(
        error.message.contains("configured for eu-west-2") && error.message.contains("the vendor"),
        "{error}"
    );
}
