//! Writes keep to a part of what the clouds allow.

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::DeletePeeringRequest;
use types::PeeringId;

use crate::gcp_support as gcp;
use crate::support::*;

/// So slow that no second write is sent while a test runs.
const SLOW: &[(&str, &str)] = &[
    ("AWS__WRITES__BURST", "2"),
    ("AWS__WRITES__PER_SECOND", "0.002"),
    ("AWS__WRITES__SHARE", "0.5"),
];

fn delete(id: &str) -> DeletePeeringRequest {
    DeletePeeringRequest {
        r#ref: Some(peering_ref(PeeringId::generate(), 1)),
        provider_peering_id: id.into(),
        vendor_vpc_id: "vpc-00000001".into(),
        request_time: Some(api::timestamp(REQUEST_AT)),
        ..Default::default()
    }
}

fn assert_held_back(error: &CloudError) {
    assert_eq!(
        (error.kind, error.reason.as_str(), error.refused),
        (CloudErrorKind::Throttled, api::cloud::PACED, true)
    );
    let later = error.retry_after.unwrap();
    assert!(later > std::time::Duration::from_secs(60), "{later:?}");
}

#[tokio::test]
async fn a_write_beyond_the_share_is_refused_without_being_sent_and_reads_go_on() {
    let suite = Suite::with(SLOW).await;
    let id = "pcx-00000000000000001";
    suite.client().delete_peering(delete(id)).await.unwrap();
    suite.cloud.clear_calls();
    let refused = suite.client().delete_peering(delete(id)).await;
    assert_held_back(&cloud_error(refused.unwrap_err()));
    assert!(suite.cloud.calls().is_empty());
    // Neither reads nor another API's writes have to wait.
    assert!(suite.observe(&[]).await.is_empty());
    let vendor_vpc = suite.vendor_vpc("10.20.0.0/16").await;
    let peer_vpc = suite.customer_vpc("10.30.0.0/16").await;
    let request = peering_request(PeeringId::generate(), 1, &vendor_vpc, &peer_vpc);
    suite.ensure_peering(request).await.unwrap();
}

#[tokio::test]
async fn a_burst_of_deletes_never_meets_the_throttling_of_the_cloud() {
    let suite = Suite::with(&[("AWS__WRITES__BURST", "50")]).await;
    suite.cloud.configure(|config| config.rates.enabled = true);
    suite.cloud.clock_freeze(true);
    let deletes = (0..80).map(|n| {
        let mut client = suite.client();
        async move {
            client
                .delete_peering(delete(&format!("pcx-{n:017x}")))
                .await
        }
    });
    let answers = futures::future::join_all(deletes).await;
    let (sent, held): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(sent.len() >= 25 && !held.is_empty(), "{}", sent.len());
    for refused in held {
        let error = cloud_error(refused.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Throttled, true)
        );
    }
    let counts = suite.cloud.call_counts();
    let outcomes = &counts["DeleteVpcPeeringConnection"];
    assert!(
        !outcomes.contains_key("RequestLimitExceeded"),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn gcp_s_writes_of_all_kinds_share_one_pace() {
    let settings = [("GCP__WRITES__PER_MINUTE", "12")];
    let suite = gcp::Suite::with(&["compute.*"], "", &settings).await;
    let peering = || gcp::peering_request(PeeringId::generate(), "n", "main");
    // The first is sent, and refused by the cloud, which has no such network.
    let first = suite.ensure_peering(peering()).await;
    assert!(first.is_err());
    let sent = suite.cloud.calls_of("networks.addPeering").len();
    let second = cloud_error(suite.ensure_peering(peering()).await.unwrap_err());
    assert_eq!(
        (second.kind, second.refused),
        (CloudErrorKind::Throttled, true)
    );
    assert!(second.retry_after.is_some());
    assert_eq!(suite.cloud.calls_of("networks.addPeering").len(), sent);
    assert!(suite.seen().await.is_empty());
}
