//! Listings: all pages, only our own, and never shorter than the truth without an error.

use api::cloud::CloudErrorKind;
use api::provider::v1::PeeringObservation;
use cloudsim::{Fault, FaultKind};
use types::PeeringId;

use crate::support::*;

/// Peerings of the vendor's, all alike but for their ids.
async fn many(suite: &Suite, count: usize) {
    let vendor_vpc = suite.vendor_vpc("10.20.0.0/16").await;
    let peer_vpc = suite.customer_vpc("10.30.0.0/16").await;
    let request = peering_request(PeeringId::generate(), 1, &vendor_vpc, &peer_vpc);
    suite.ensure_peering(request).await.unwrap();
    suite.cloud.state(|state| {
        let one = state.peerings.values().next().unwrap().clone();
        for n in 1..count {
            let mut copy = one.clone();
            copy.id = format!("pcx-{n:017x}");
            state.peerings.insert(copy.id.clone(), copy);
        }
    });
}

fn ids(seen: &[PeeringObservation]) -> std::collections::BTreeSet<&str> {
    seen.iter()
        .map(|one| one.provider_peering_id.as_str())
        .collect()
}

#[tokio::test]
async fn more_than_a_page_of_peerings_is_listed_whole() {
    let suite = Suite::start().await;
    many(&suite, 2_300).await;
    suite.cloud.clear_calls();
    let seen = suite.observe(&[]).await;
    assert_eq!(ids(&seen).len(), 2_300);
    assert_eq!(suite.cloud.calls().len(), 3);
}

#[tokio::test]
async fn ten_thousand_peerings_take_ten_calls_and_one_thousand_take_one() {
    for (count, calls) in [(10_000, 10), (1_000, 1)] {
        let suite = Suite::start().await;
        many(&suite, count).await;
        suite.cloud.clear_calls();
        let seen = suite.observe(&[]).await;
        assert_eq!(ids(&seen).len(), count);
        assert_eq!(suite.cloud.calls().len(), calls);
    }
}

#[tokio::test]
async fn small_pages_show_all_and_a_cut_one_says_that_something_is_missing() {
    let suite = Suite::with(&[("AWS__PAGES__PEERINGS", "7")]).await;
    many(&suite, 60).await;
    assert_eq!(ids(&suite.observe(&[]).await).len(), 60);
    for kind in [FaultKind::Cut, FaultKind::LostAnswer] {
        let fault = Fault {
            after: 4,
            ..Fault::once("DescribeVpcPeeringConnections", kind)
        };
        suite.cloud.fault(fault);
        let (pages, error) = suite.observe_pages(&[]).await;
        assert_eq!(pages.len(), 4, "{kind:?}");
        assert!(pages.iter().all(|page| !page.1), "{kind:?}");
        assert_eq!(error.unwrap().kind, CloudErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn an_empty_group_is_a_complete_listing() {
    let suite = Suite::start().await;
    assert!(suite.observe(&[]).await.is_empty());
}

#[tokio::test]
async fn requests_of_strangers_are_not_shown() {
    let suite = Suite::start().await;
    let vendor_vpc = suite.vendor_vpc("10.20.0.0/16").await;
    let peer_vpc = suite.customer_vpc("10.30.0.0/16").await;
    let call = suite
        .customer()
        .create_vpc_peering_connection()
        .vpc_id(peer_vpc);
    call.peer_vpc_id(vendor_vpc)
        .peer_owner_id(VENDOR)
        .send()
        .await
        .unwrap();
    assert!(suite.observe(&[]).await.is_empty());
}

#[tokio::test]
async fn asked_ids_are_read_in_one_call_and_a_gone_one_does_no_harm() {
    let suite = Suite::start().await;
    many(&suite, 1_500).await;
    suite.cloud.clear_calls();
    let asked = [
        "pcx-00000000000000001",
        "pcx-00000000000000002",
        "pcx-0ffffffffffffffff",
    ];
    let seen = suite.observe(&asked).await;
    assert_eq!(ids(&seen), asked[..2].iter().copied().collect());
    assert_eq!(suite.cloud.calls().len(), 1);
}

#[tokio::test]
async fn a_page_that_fails_ends_the_listing_with_an_error() {
    for kind in [
        FaultKind::Throttle,
        FaultKind::Error500,
        FaultKind::Unavailable503,
        FaultKind::LostAnswer,
        FaultKind::Cut,
        FaultKind::Garbage,
        FaultKind::Html200,
    ] {
        let suite = Suite::with(&[("AWS__PAGES__PEERINGS", "5")]).await;
        many(&suite, 12).await;
        let fault = Fault {
            after: 1,
            ..Fault::once("DescribeVpcPeeringConnections", kind)
        };
        suite.cloud.fault(fault);
        let (pages, error) = suite.observe_pages(&[]).await;
        assert_eq!(pages.len(), 1, "{kind:?}");
        assert!(!pages[0].1, "{kind:?}");
        let expected = match kind {
            FaultKind::Throttle => CloudErrorKind::Throttled,
            _ => CloudErrorKind::Unavailable,
        };
        assert_eq!(error.unwrap().kind, expected, "{kind:?}");
        assert_eq!(suite.observe(&[]).await.len(), 12);
    }
}
