//! The vendor's accounts: who may not be a peer, and what is known of them while the provider-adapter is away.

use std::time::Duration;

use ::peering::clients::Pool;
use api::peering::v1::*;
use runtime::config::ClientConfig;
use tonic::Code;
use types::GroupId;

use crate::cloud::Cloud;
use crate::network::ACCOUNT;
use crate::suite::{Kind, Suite, TENANT, aws_peer, fact, on_both_databases, reason, request};

on_both_databases!(
    no_account_of_the_vendor_s_can_be_a_peer,
    nothing_is_recorded_until_the_vendor_s_accounts_are_known,
);

const NOW: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;

/// A GCP network of the tenant's in the vendor's project `vendor-prod`.
fn gcp_network(suite: &Suite) -> String {
    suite.network.add_with(TENANT, |network| {
        network.provider = api::network::v1::Provider::Gcp.into();
        network.region = "europe-west1".to_owned();
        network.provider_account_id = "vendor-prod".to_owned();
        network.provider_vpc_id = "peerway-main".to_owned();
    })
}

fn in_aws(network: &str, account: &str) -> CreatePeeringRequest {
    let peer = AwsPeer {
        account_id: account.to_owned(),
        ..aws_peer()
    };
    CreatePeeringRequest {
        peer: Some(create_peering_request::Peer::Aws(peer)),
        ..request(network)
    }
}

fn in_gcp(network: &str, project: &str) -> CreatePeeringRequest {
    let peer = GcpPeer {
        project_id: project.to_owned(),
        network_name: "main".to_owned(),
        cidrs: Vec::new(),
    };
    CreatePeeringRequest {
        peer: Some(create_peering_request::Peer::Gcp(peer)),
        ..request(network)
    }
}

async fn no_account_of_the_vendor_s_can_be_a_peer(kind: Kind) {
    let suite = Suite::start(kind).await;
    let vendor = &suite.cloud.vendor;
    vendor.add(&GroupId::aws("333333333333", "us-east-1"));
    vendor.add(&GroupId::gcp("vendor-spare"));
    let (aws, gcp) = (suite.network.add(TENANT), gcp_network(&suite));
    for (request, account) in [
        (in_aws(&aws, ACCOUNT), ACCOUNT),
        (in_aws(&aws, "333333333333"), "333333333333"),
        // The network's own, though the adapter has it no more.
        (in_gcp(&gcp, "vendor-prod"), "vendor-prod"),
        (in_gcp(&gcp, "vendor-spare"), "vendor-spare"),
    ] {
        let status = suite.create_with(request).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{account}");
        assert_eq!(reason(&status), "PEER_IS_VENDOR");
        assert_eq!(fact(&status, "account_id"), account);
        assert!(status.message().contains(account), "{}", status.message());
    }
    assert!(suite.list().await.is_empty() && suite.network.attached().is_empty());
    suite
        .create_with(in_gcp(&gcp, "customer-prod"))
        .await
        .unwrap();

    let lenient = Suite::start_with(kind, |config| config.allow_vendor_peer = true).await;
    lenient
        .cloud
        .vendor
        .add(&GroupId::aws("333333333333", "us-east-1"));
    let network = lenient.network.add(TENANT);
    let request = in_aws(&network, "333333333333");
    lenient.create_with(request).await.unwrap();
}

async fn nothing_is_recorded_until_the_vendor_s_accounts_are_known(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.cloud.vendor.set_away(true);
    let network = suite.network.add(TENANT);
    let status = suite.create_with(request(&network)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason(&status), "PROVIDER_ADAPTER_UNAVAILABLE");
    assert!(
        status.message().contains("provider-adapter"),
        "{}",
        status.message()
    );
    assert!(suite.list().await.is_empty() && suite.network.attached().is_empty());
    suite.cloud.vendor.set_away(false);
    suite.create_with(request(&network)).await.unwrap();
    // What was told once does for a while.
    suite.cloud.vendor.set_away(true);
    suite
        .create_with(request(&suite.network.add(TENANT)))
        .await
        .unwrap();
}

async fn pool() -> (Pool, Cloud) {
    let (cloud, address) = Cloud::start().await;
    let config = ClientConfig {
        endpoint: format!("http://{address}"),
        timeout: Duration::from_secs(9),
        ..::peering::Config::load(None, Vec::new())
            .unwrap()
            .provider_adapter
    };
    let channel = runtime::client::channel("provider-adapter", &config).unwrap();
    (Pool::new(channel), cloud)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_is_asked_for_once_a_minute() {
    let (pool, cloud) = pool().await;
    let all = (0..20).map(|_| pool.accounts(NOW));
    for answer in futures::future::join_all(all).await {
        answer.unwrap();
    }
    pool.accounts(NOW + MINUTE - 1).await.unwrap();
    assert_eq!(cloud.vendor.asked(), 1);
    pool.accounts(NOW + MINUTE).await.unwrap();
    assert_eq!(cloud.vendor.asked(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_of_the_pool_outlives_an_outage() {
    let (pool, cloud) = pool().await;
    cloud.vendor.set_outstanding(7);
    let group = GroupId::aws(ACCOUNT, "eu-west-1");
    assert_eq!(pool.outstanding(&group, NOW).await, 7);
    cloud.vendor.set_away(true);
    cloud.vendor.set_outstanding(8);
    assert_eq!(pool.outstanding(&group, NOW + MINUTE).await, 7);
    let asked = cloud.vendor.asked();
    pool.accounts(NOW + MINUTE + 1).await.unwrap();
    assert_eq!(cloud.vendor.asked(), asked, "it is not asked at once again");
    cloud.vendor.set_away(false);
    assert_eq!(pool.outstanding(&group, NOW + 2 * MINUTE).await, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_wait_for_an_answer_share_that_there_is_none() {
    let (pool, cloud) = pool().await;
    cloud.vendor.set_away(true);
    assert!(pool.accounts(NOW).await.is_err());
    let once = cloud.vendor.asked();
    let all = (0..5).map(|_| pool.accounts(NOW));
    for answer in futures::future::join_all(all).await {
        assert!(answer.is_err());
    }
    assert!(cloud.vendor.asked() <= 2 * once, "each has asked by itself");
    cloud.vendor.set_away(false);
    pool.accounts(NOW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_without_a_limit_has_the_cloud_s_own() {
    let (pool, cloud) = pool().await;
    cloud.vendor.set_away(true);
    let group = GroupId::aws(ACCOUNT, "eu-west-1");
    assert_eq!(pool.outstanding(&group, NOW).await, 25);
    assert!(pool.accounts(NOW).await.is_err());
    cloud.vendor.set_away(false);
    let elsewhere = GroupId::aws(ACCOUNT, "us-east-1");
    assert_eq!(pool.outstanding(&elsewhere, NOW).await, 25);
}
