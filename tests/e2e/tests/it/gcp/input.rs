//! Bad input is refused with a reason, and one network in several spellings is one peer.

use api::network::v1 as network;
use api::peering::v1 as peering;
use api::peering::v1::create_peering_request::Peer;
use e2e::{CUSTOMER, CUSTOMER_PROJECT, FAR_PROJECT, Options, Suite, TENANT, fields, reason, wish};
use tonic::{Code, Status};

use super::REGION;

async fn refused(suite: &Suite, request: peering::CreatePeeringRequest) -> Status {
    let answer = suite.peerings().create_peering(request.clone()).await;
    answer.expect_err(&format!("{request:?}"))
}

/// A good request for a peering, with another peer.
fn to(network: &network::Network, project_id: &str, name: &str) -> peering::CreatePeeringRequest {
    let gcp = peering::GcpPeer {
        project_id: project_id.to_owned(),
        network_name: name.to_owned(),
        cidrs: vec!["10.1.0.0/16".to_owned()],
    };
    peering::CreatePeeringRequest {
        peer: Some(Peer::Gcp(gcp)),
        display_name: "in another spelling".to_owned(),
        ..wish(network, REGION, "app", "10.1.0.0/16")
    }
}

#[tokio::test]
async fn what_gcp_knows_and_aws_does_not_is_checked() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let elsewhere = network::CreateNetworkRequest {
        tenant_id: TENANT.to_owned(),
        display_name: "production".to_owned(),
        provider: network::Provider::Gcp.into(),
        region: "eu-west-1".to_owned(),
        cidr: "10.20.0.0/16".to_owned(),
        ..Default::default()
    };
    let auto = network::CreateNetworkRequest {
        region: REGION.to_owned(),
        cidr: "10.130.0.0/16".to_owned(),
        ..elsewhere.clone()
    };
    for (request, field, expected) in [
        (elsewhere, "region", "REGION_NOT_OFFERED"),
        (auto, "cidr", "CIDR_RESERVED"),
    ] {
        let answer = suite.networks().create_network(request).await;
        let refused = answer.expect_err(expected);
        assert_eq!(
            (reason(&refused).as_str(), fields(&refused)),
            (expected, vec![field.to_owned()])
        );
    }

    let network = suite.network(REGION, "10.20.0.0/16").await;
    for (project_id, name, field) in [
        ("Acme", "app", "gcp.project_id"),
        ("", "app", "gcp.project_id"),
        (CUSTOMER_PROJECT, "", "gcp.network_name"),
        (CUSTOMER_PROJECT, "App", "gcp.network_name"),
        (CUSTOMER_PROJECT, "app/", "gcp.network_name"),
    ] {
        let refused = refused(&suite, to(&network, project_id, name)).await;
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert_eq!(
            fields(&refused),
            [field],
            "{project_id}/{name}: {refused:?}"
        );
    }
    let aws = peering::AwsPeer {
        account_id: CUSTOMER.to_owned(),
        region: "eu-west-1".to_owned(),
        vpc_id: "vpc-0123456789abcdef0".to_owned(),
        cidrs: vec!["10.1.0.0/16".to_owned()],
    };
    let aws = peering::CreatePeeringRequest {
        peer: Some(Peer::Aws(aws)),
        ..to(&network, CUSTOMER_PROJECT, "app")
    };
    assert_eq!(reason(&refused(&suite, aws).await), "WRONG_PROVIDER");
    // Any project of the vendor's, not only the network's.
    let vendor = refused(&suite, to(&network, FAR_PROJECT, "app")).await;
    assert_eq!(reason(&vendor), "PEER_IS_VENDOR");
    assert_eq!(suite.list_peerings().await.len(), 0, "nothing is recorded");
}

#[tokio::test]
async fn one_network_in_other_spellings_is_the_same_peer() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let path = format!("projects/{CUSTOMER_PROJECT}/global/networks/app");
    let url = format!("https://www.googleapis.com/compute/v1/{path}");
    let first = suite
        .peerings()
        .create_peering(to(&network, "", &url))
        .await
        .expect("a full URL will do")
        .into_inner();
    let Some(peering::peering::Peer::Gcp(shown)) = first.peering.expect("a peering").peer else {
        panic!("no peer at GCP");
    };
    assert_eq!(
        (shown.project_id.as_str(), shown.network_name.as_str()),
        (CUSTOMER_PROJECT, "app")
    );
    for (project_id, name) in [
        (CUSTOMER_PROJECT, "app"),
        ("", path.as_str()),
        (CUSTOMER_PROJECT, "global/networks/app"),
        (CUSTOMER_PROJECT, url.as_str()),
    ] {
        let refused = refused(&suite, to(&network, project_id, name)).await;
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "PEERING_EXISTS"),
            "{name}"
        );
    }
    let compute = format!("//compute.googleapis.com/compute/beta/{path}");
    let other_host = refused(&suite, to(&network, "", &compute)).await;
    assert_eq!(reason(&other_host), "PEERING_EXISTS");
    assert_eq!(suite.list_peerings().await.len(), 1);
}
