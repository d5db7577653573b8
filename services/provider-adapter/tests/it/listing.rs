//! Listings: all pages, only our own, and never shorter than the truth without an error.

use api::cloud::CloudErrorKind;
use api::provider::v1::{ObservePeeringsRequest, PeeringObservation};
use cloudsim::{Fault, FaultKind};
use tonic_types::StatusExt;
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
async fn many_asked_ids_are_read_in_calls_of_at_most_two_hundred_values() {
    let suite = Suite::start().await;
    many(&suite, 1_500).await;
    suite.cloud.clear_calls();
    let asked: Vec<String> = (1..=450).map(|n| format!("pcx-{n:017x}")).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let seen = suite.observe(&asked).await;
    assert_eq!(ids(&seen), asked.iter().copied().collect());
    let calls = suite.cloud.calls();
    assert_eq!(calls.len(), 3);
    for call in calls {
        let values = call.params.keys().filter(|key| key.contains(".Value."));
        assert!(values.count() <= 200);
    }
}

/// Says which peerings are shown in how many calls, when this is asked for.
async fn shown(suite: &Suite, ask: ObservePeeringsRequest) -> (Vec<PeeringObservation>, usize) {
    suite.cloud.clear_calls();
    let mut stream = suite
        .client()
        .observe_peerings(ask)
        .await
        .unwrap()
        .into_inner();
    let (mut seen, mut complete) = (Vec::new(), false);
    while let Some(page) = stream.message().await.unwrap() {
        assert!(!complete, "a page follows the complete one");
        seen.extend(page.observations);
        complete = page.complete;
    }
    assert!(complete);
    (seen, suite.cloud.calls().len())
}

fn listing() -> ObservePeeringsRequest {
    ObservePeeringsRequest {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn what_waits_is_read_in_one_call_among_thousands() {
    let suite = Suite::start().await;
    many(&suite, 3_000).await;
    for n in 0..2_500 {
        let id = format!("pcx-{n:017x}");
        suite.cloud.force_peering(&id, "active", "Active");
    }
    suite
        .cloud
        .force_peering("pcx-00000000000000001", "provisioning", "");
    let ask = ObservePeeringsRequest {
        outstanding_only: true,
        ..listing()
    };
    let (seen, calls) = shown(&suite, ask).await;
    // One of those with made-up ids does not exist, the first is one that was requested.
    assert_eq!((ids(&seen).len(), calls), (502, 1));
}

#[tokio::test]
async fn peerings_are_found_by_the_ids_in_their_tags_whatever_the_attempt() {
    let suite = Suite::start().await;
    let vendor_vpc = suite.vendor_vpc("10.20.0.0/16").await;
    let mut peerings = Vec::new();
    for n in 0..3 {
        let peer = suite.customer_vpc(&format!("10.3{n}.0.0/16")).await;
        let peering = PeeringId::generate();
        let request = peering_request(peering, n + 1, &vendor_vpc, &peer);
        suite.ensure_peering(request).await.unwrap();
        peerings.push(peering.to_string());
    }
    let mut asked = peerings[..2].to_vec();
    asked.extend((0..250).map(|_| PeeringId::generate().to_string()));
    let ask = ObservePeeringsRequest {
        peering_ids: asked,
        ..listing()
    };
    let (mut seen, calls) = shown(&suite, ask).await;
    seen.sort_by_key(|one| one.attempt);
    let seen: Vec<_> = seen
        .iter()
        .map(|one| (&one.peering_id, one.attempt))
        .collect();
    assert_eq!(seen, [(&peerings[0], 1), (&peerings[1], 2)]);
    assert_eq!(calls, 2);
}

#[tokio::test]
async fn a_look_each_second_is_not_throttled_though_others_eat_nine_tenths_of_the_bucket() {
    const API: &str = "DescribeVpcPeeringConnections";
    let suite = Suite::start().await;
    many(&suite, 1_000).await;
    suite.cloud.configure(|config| {
        config.rates.enabled = true;
        config.rates.foreign.insert(API.to_owned(), 18.0);
    });
    suite.cloud.clock_freeze(true);
    suite.cloud.clear_calls();
    for _ in 0..120 {
        suite.observe(&["pcx-00000000000000001"]).await;
        suite.cloud.clock_advance(std::time::Duration::from_secs(1));
    }
    assert_eq!(suite.cloud.call_counts()[API]["ok"], 120);
    // More than the refill leaves nothing, and each call that the cloud refuses is sent once.
    suite.cloud.configure(|config| {
        config.rates.foreign.insert(API.to_owned(), 40.0);
    });
    suite
        .cloud
        .clock_advance(std::time::Duration::from_secs(10));
    suite.cloud.clear_calls();
    let (pages, error) = suite.observe_pages(&[]).await;
    assert!(pages.is_empty());
    assert_eq!(error.unwrap().kind, CloudErrorKind::Throttled);
    let counts = suite.cloud.call_counts();
    assert_eq!(counts[API]["RequestLimitExceeded"], 1);
}

#[tokio::test]
async fn one_kind_of_what_is_asked_for_excludes_the_others() {
    let suite = Suite::start().await;
    let ids = || vec!["pcx-00000000000000001".to_owned()];
    let peerings = || vec![PeeringId::generate().to_string()];
    for (ask, field) in [
        (
            ObservePeeringsRequest {
                provider_peering_ids: ids(),
                outstanding_only: true,
                ..listing()
            },
            "outstanding_only",
        ),
        (
            ObservePeeringsRequest {
                peering_ids: peerings(),
                outstanding_only: true,
                ..listing()
            },
            "outstanding_only",
        ),
        (
            ObservePeeringsRequest {
                peering_ids: peerings(),
                provider_peering_ids: ids(),
                ..listing()
            },
            "peering_ids",
        ),
        (
            ObservePeeringsRequest {
                peering_ids: vec!["x".into()],
                ..listing()
            },
            "peering_ids[0]",
        ),
    ] {
        let refused = suite.client().observe_peerings(ask).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        let details = refused.get_error_details();
        let wrong = &details.bad_request().unwrap().field_violations;
        let fields: Vec<_> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, [field]);
    }
}

#[tokio::test]
async fn pages_that_are_too_large_to_be_read_are_asked_for_in_smaller_ones() {
    let suite = Suite::start().await;
    many(&suite, 600).await;
    let oversize = |above| {
        let kind = FaultKind::Oversize { above };
        suite.cloud.clear_faults();
        suite
            .cloud
            .fault(Fault::always("DescribeVpcPeeringConnections", kind));
        suite.cloud.clear_calls();
    };
    oversize(300);
    assert_eq!(ids(&suite.observe(&[]).await).len(), 600);
    let sizes: Vec<_> = suite
        .cloud
        .calls()
        .iter()
        .map(|call| call.params["MaxResults"].clone())
        .collect();
    assert_eq!(sizes, ["1000", "500", "250", "250", "250"]);
    // When not even the smallest can be read, nothing is concluded.
    oversize(4);
    let (pages, error) = suite.observe_pages(&[]).await;
    assert!(pages.is_empty());
    assert_eq!(error.unwrap().kind, CloudErrorKind::Unavailable);
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
