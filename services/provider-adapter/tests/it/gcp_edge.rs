//! Requests that are not as the contract wants them for GCP.

use api::provider::v1::EnsureFirewallRequest;
use tonic::Code;
use types::{NetworkId, PeeringId};

use crate::gcp_support::*;

const NOWHERE: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn fields_that_do_not_fit_gcp_are_named() {
    let adapter = adapter(NOWHERE, ", anonymous=true", &[]).await;
    let mut client = adapter.client.clone();
    let good = || peering_request(PeeringId::generate(), "n", "main");
    let mut cases = Vec::new();
    for (account, region, network, field) in [
        ("acme", "", "main", "peer.account_id"),
        ("customer-prod", "europe-west1", "main", "peer.region"),
        ("customer-prod", "", "projects/x/main", "peer.vpc_id"),
    ] {
        let mut request = good();
        let peer = request.peer.as_mut().unwrap();
        peer.account_id = account.into();
        peer.region = region.into();
        peer.vpc_id = network.into();
        cases.push((request, field));
    }
    let mut without_time = good();
    without_time.request_time = None;
    cases.push((without_time, "request_time"));
    let mut with_region = good();
    let group = with_region.r#ref.as_mut().unwrap().group.as_mut().unwrap();
    group.region = REGION.into();
    cases.push((with_region, "ref.group"));
    for (request, field) in cases {
        let status = client.ensure_peering(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(field), "{field}: {status}");
    }
}

#[tokio::test]
async fn a_removal_says_when_it_was_wanted_whatever_it_waits_for() {
    let adapter = adapter(NOWHERE, ", anonymous=true", &[]).await;
    for token in ["", "add-peering/global/operation-1"] {
        let mut request = removal_request(PeeringId::generate(), "peerway-p", "n");
        request.request_time = None;
        request.operation_token = token.into();
        let answer = adapter.client.clone().delete_peering(request).await;
        let status = answer.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains("request_time"), "{status}");
    }
}

#[tokio::test]
async fn a_firewall_s_ranges_and_ports_are_checked() {
    let adapter = adapter(NOWHERE, ", anonymous=true", &[]).await;
    let request = EnsureFirewallRequest {
        r#ref: Some(vpc_ref(NetworkId::generate())),
        known: None,
        cidrs: vec!["10.0.0.1/24".into(), "0.0.0.0/0".into(), "0.0.0.0/1".into()],
        ports: vec![0, 65_536],
        operation_token: String::new(),
    };
    let status = adapter
        .client
        .clone()
        .ensure_firewall(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    for field in [
        "cidrs[0]", "cidrs[1]", "cidrs[2]", "/8", "ports[0]", "ports[1]",
    ] {
        assert!(status.message().contains(field), "{status}");
    }
}
