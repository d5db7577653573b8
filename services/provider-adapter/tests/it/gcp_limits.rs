//! The limits of the vendor's projects, and the choice between them.

use api::cloud::CloudErrorKind;
use api::provider::v1::account_limit::Source;
use api::provider::v1::place_network_request::Usage;
use api::provider::v1::{AccountLimit, GetLimitsRequest, PlaceNetworkRequest, Provider};
use cloudsim::gce::config::GcpQuotas;
use cloudsim::{Fault, FaultKind};
use types::NetworkId;

use crate::gcp_support::*;
use crate::support::cloud_error;

async fn limits(suite: &Suite, without_usage: bool) -> Vec<AccountLimit> {
    let request = GetLimitsRequest {
        provider: Provider::Gcp.into(),
        without_usage,
        ..Default::default()
    };
    let answer = suite.client().get_limits(request).await;
    answer.unwrap().into_inner().limits
}

fn figures(limits: &[AccountLimit]) -> Vec<(&str, i32, i32, Source)> {
    let figures = limits.iter();
    figures
        .map(|limit| (limit.name.as_str(), limit.used, limit.limit, limit.source()))
        .collect()
}

fn quotas(networks: usize) -> GcpQuotas {
    GcpQuotas {
        networks,
        ..GcpQuotas::default()
    }
}

#[tokio::test]
async fn the_cloud_tells_its_quota_unless_one_is_configured() {
    let suite = Suite::start().await;
    suite.cloud.gcp_quotas(PROJECT, quotas(15));
    suite.network(NetworkId::generate(), CIDR).await;
    suite.cloud.clear_calls();
    let peerings = ("peerings_per_network", -1, 25, Source::Config);
    let told = limits(&suite, false).await;
    assert_eq!(
        figures(&told),
        [("networks", 1, 15, Source::Cloud), peerings]
    );
    assert_eq!(told[0].group, Some(group()));
    assert_eq!(suite.count("*"), 1);
    suite.cloud.clear_calls();
    let configured = limits(&suite, true).await;
    assert_eq!(
        figures(&configured),
        [("networks", -1, 5, Source::Config), peerings]
    );
    assert_eq!(suite.count("*"), 0);
    // A project that cannot be asked hides nobody's limits.
    suite
        .cloud
        .fault(Fault::once("projects.get", FaultKind::Error500));
    let unknown = limits(&suite, false).await;
    assert_eq!(
        figures(&unknown),
        [("networks", -1, 5, Source::Config), peerings]
    );

    let more = ", network_limit=7, peerings_per_network=30";
    let suite = Suite::with(&["compute.*"], more, &[]).await;
    let mixed = limits(&suite, false).await;
    let peerings = ("peerings_per_network", -1, 30, Source::Config);
    assert_eq!(
        figures(&mixed),
        [("networks", 0, 7, Source::Config), peerings]
    );
}

fn place(networks: i32) -> PlaceNetworkRequest {
    PlaceNetworkRequest {
        provider: Provider::Gcp.into(),
        region: REGION.into(),
        usage: vec![Usage {
            group: Some(group()),
            networks,
        }],
        refused_account_ids: Vec::new(),
    }
}

#[tokio::test]
async fn room_is_what_the_quota_and_the_networks_of_others_leave() {
    let suite = Suite::start().await;
    suite.cloud.gcp_quotas(PROJECT, quotas(8));
    suite.network(NetworkId::generate(), CIDR).await;
    // The one network that stands is another's, as far as the caller knows; then it is its own.
    for (ours, has_room) in [(0, true), (6, true), (7, true), (8, false)] {
        let placed = suite.client().place_network(place(ours)).await;
        assert_eq!(placed.is_ok(), has_room, "{ours}");
    }
    suite.cloud.gcp_quotas(PROJECT, quotas(1));
    let error = cloud_error(suite.client().place_network(place(0)).await.unwrap_err());
    assert!(
        error.message.contains("1 of 1 used, 1 by others"),
        "{error}"
    );
    // A project that does not tell is taken for one that never asked for more.
    suite
        .cloud
        .fault(Fault::always("projects.get", FaultKind::Unauthorized));
    assert!(suite.client().place_network(place(4)).await.is_ok());
    assert!(suite.client().place_network(place(5)).await.is_err());
}

#[tokio::test]
async fn a_project_that_cannot_be_asked_just_now_is_not_said_to_be_full() {
    for (kind, expected) in [
        (FaultKind::Error500, CloudErrorKind::Unavailable),
        (FaultKind::Throttle, CloudErrorKind::Throttled),
    ] {
        let suite = Suite::start().await;
        suite.cloud.fault(Fault::always("projects.get", kind));
        assert!(suite.client().place_network(place(4)).await.is_ok());
        let error = cloud_error(suite.client().place_network(place(5)).await.unwrap_err());
        assert_eq!((error.kind, error.refused), (expected, true), "{error}");
        // The cloud has refused one more there: no answer would change that.
        let mut refused = place(5);
        refused.refused_account_ids = vec![PROJECT.into()];
        let error = cloud_error(suite.client().place_network(refused).await.unwrap_err());
        assert_eq!(error.reason, "NO_ROOM", "{error}");
    }
}

#[tokio::test]
async fn a_project_without_room_says_who_must_raise_what() {
    let suite = Suite::start().await;
    let request = place;
    let placed = suite.client().place_network(request(4)).await.unwrap();
    assert_eq!(placed.into_inner().group, Some(group()));
    let error = cloud_error(suite.client().place_network(request(5)).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason),
        (CloudErrorKind::Quota, "NO_ROOM")
    );
    assert!(
        error.message.contains("gcp.projects.network_limit"),
        "{error}"
    );
    let elsewhere = PlaceNetworkRequest {
        region: "europe-west9".into(),
        ..request(0)
    };
    let error = cloud_error(suite.client().place_network(elsewhere).await.unwrap_err());
    assert!(
        error.message.contains("configured for europe-west9"),
        "{error}"
    );
}

#[tokio::test]
async fn an_exhausted_quota_is_told_apart() {
    let suite = Suite::start().await;
    suite.cloud.gcp_quotas(PROJECT, quotas(1));
    suite.network(NetworkId::generate(), CIDR).await;
    let second = vpc_request(NetworkId::generate(), "10.30.0.0/16");
    let error = cloud_error(suite.ensure_vpc(second).await.unwrap_err());
    assert_eq!(
        (error.kind, &*error.reason, error.refused),
        (CloudErrorKind::Quota, "VPC_LIMIT", true)
    );
}
