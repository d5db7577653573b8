//! One wish makes one peering, and nobody else's is taken.

use std::time::Duration;

use api::cloud::CloudErrorKind;
use cloudsim::{Fault, FaultKind};
use types::PeeringId;

use crate::pair::Pair;
use crate::support::*;

#[tokio::test]
async fn the_same_attempt_again_is_the_same_peering() {
    let pair = Pair::start().await;
    let first = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    let again = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    assert_eq!(first.provider_peering_id, again.provider_peering_id);
    assert_eq!(pair.count(), 1);
    assert!(pair.suite.cloud.calls_of("CreateTags").is_empty());
}

#[tokio::test]
async fn a_lost_answer_leaves_one_peering_with_its_tags() {
    for kind in [FaultKind::LostAnswer, FaultKind::Cut] {
        let pair = Pair::start().await;
        pair.suite
            .cloud
            .fault(Fault::once("CreateVpcPeeringConnection", kind));
        let error = cloud_error(
            pair.suite
                .ensure_peering(pair.request(1))
                .await
                .unwrap_err(),
        );
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, false)
        );
        let seen = pair.suite.observe(&[]).await;
        assert_eq!(seen.len(), 1);
        assert_eq!(
            (seen[0].peering_id.clone(), seen[0].attempt),
            (pair.peering.to_string(), 1)
        );
        assert_eq!(pair.count(), 1);
    }
}

#[tokio::test]
async fn an_earlier_attempt_that_still_stands_is_adopted() {
    let pair = Pair::start().await;
    let first = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    let second = pair.suite.ensure_peering(pair.request(2)).await.unwrap();
    assert_eq!(first.provider_peering_id, second.provider_peering_id);
    assert_eq!(second.attempt, 2);
    assert_eq!(pair.suite.observe(&[]).await[0].attempt, 2);
}

#[tokio::test]
async fn a_peering_without_tags_is_adopted() {
    let pair = Pair::start().await;
    let id = pair.request_by_hand(&[]).await;
    let seen = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    assert_eq!(seen.provider_peering_id, id);
    assert_eq!(seen.peering_id, pair.peering.to_string());
    assert_eq!(
        pair.suite.observe(&[]).await[0].peering_id,
        pair.peering.to_string()
    );
}

#[tokio::test]
async fn somebody_else_s_peering_is_left_alone_and_named() {
    let other = PeeringId::generate().to_string();
    let foreign = vec![
        ("peerway:deployment", "other"),
        ("peerway:peering", other.as_str()),
    ];
    let by_hand = vec![("Name", "by hand")];
    for (tags, applied) in [
        (by_hand.clone(), false),
        (foreign.clone(), false),
        (by_hand, true),
        (foreign, true),
    ] {
        let pair = Pair::start().await;
        pair.suite
            .cloud
            .configure(|config| config.tags_applied_to_existing = applied);
        let id = pair.request_by_hand(&tags).await;
        pair.suite.cloud.clear_calls();
        let error = cloud_error(
            pair.suite
                .ensure_peering(pair.request(1))
                .await
                .unwrap_err(),
        );
        assert_eq!(
            (error.kind, error.reason.as_str()),
            (CloudErrorKind::Terminal, "DUPLICATE_PEERING")
        );
        assert!(error.message.contains(&id), "{error}");
        assert!(pair.suite.cloud.calls_of("CreateTags").is_empty());
    }
}

#[tokio::test]
async fn what_a_request_hands_back_is_looked_at_too() {
    for (tags, attempt, adopted) in [
        (vec![("Name", "by hand")], 0, false),
        (vec![("peerway:deployment", "other")], 0, false),
        (vec![], 2, true),
        (vec![], 1, true),
    ] {
        let pair = Pair::start().await;
        pair.suite.cloud.clock_freeze(true);
        pair.suite
            .cloud
            .configure(|config| config.describe_lag_ms = 5_000);
        let id = match attempt {
            0 => pair.request_by_hand(&tags).await,
            _ => {
                pair.suite
                    .ensure_peering(pair.request(1))
                    .await
                    .unwrap()
                    .provider_peering_id
            }
        };
        let answer = pair
            .suite
            .ensure_peering(pair.request(attempt.max(1)))
            .await;
        match answer {
            Ok(seen) => {
                assert!(adopted && seen.provider_peering_id == id && seen.attempt == attempt)
            }
            Err(status) => {
                assert!(!adopted);
                assert_eq!(cloud_error(status).reason, "DUPLICATE_PEERING");
            }
        }
        assert_eq!(pair.count(), 1);
    }
}

#[tokio::test]
async fn a_peering_without_tags_that_is_not_shown_yet_is_not_adopted_blindly() {
    let pair = Pair::start().await;
    pair.suite.cloud.clock_freeze(true);
    pair.suite
        .cloud
        .configure(|config| config.describe_lag_ms = 5_000);
    pair.request_by_hand(&[]).await;
    let error = cloud_error(
        pair.suite
            .ensure_peering(pair.request(1))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unavailable, false)
    );
    pair.suite.cloud.clock_advance(Duration::from_secs(6));
    assert_eq!(
        pair.suite
            .ensure_peering(pair.request(1))
            .await
            .unwrap()
            .attempt,
        1
    );
    assert_eq!(pair.count(), 1);
}

#[tokio::test]
async fn an_ended_peering_of_the_pair_is_not_in_the_way() {
    for raw in ["failed", "expired", "rejected", "deleted"] {
        let pair = Pair::start().await;
        let first = pair
            .suite
            .ensure_peering(pair.request(1))
            .await
            .unwrap()
            .provider_peering_id;
        pair.suite.cloud.force_peering(&first, raw, "");
        let second = pair.suite.ensure_peering(pair.request(2)).await.unwrap();
        assert_ne!(second.provider_peering_id, first, "{raw}");
        assert_eq!((second.attempt, pair.count()), (2, 2));
    }
}

#[tokio::test]
async fn a_failed_adoption_leaves_the_outcome_open() {
    let pair = Pair::start().await;
    pair.request_by_hand(&[]).await;
    pair.suite
        .cloud
        .fault(Fault::once("CreateTags", FaultKind::Throttle));
    let error = cloud_error(
        pair.suite
            .ensure_peering(pair.request(1))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Throttled, false)
    );
    pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    assert_eq!(pair.count(), 1);
}

#[tokio::test]
async fn an_earlier_peering_of_ours_that_is_still_shown_is_waited_for() {
    for shown in [true, false] {
        let pair = Pair::start().await;
        if !shown {
            pair.suite.cloud.clock_freeze(true);
            pair.suite
                .cloud
                .configure(|config| config.describe_lag_ms = 5_000);
        }
        let earlier = PeeringId::generate().to_string();
        let ours = [
            ("peerway:deployment", DEPLOYMENT),
            ("peerway:peering", earlier.as_str()),
            ("peerway:attempt", "1"),
        ];
        let id = pair.request_by_hand(&ours).await;
        pair.suite.cloud.clear_calls();
        let answer = pair.suite.ensure_peering(pair.request(1)).await;
        let error = cloud_error(answer.unwrap_err());
        assert_eq!(
            (error.kind, error.reason.as_str(), error.refused),
            (
                CloudErrorKind::InProgress,
                "CLOUD_OPERATION_IN_PROGRESS",
                shown
            )
        );
        assert!(error.message.contains(&id) && error.message.contains(&earlier));
        let requests = pair.suite.cloud.calls_of("CreateVpcPeeringConnection");
        assert_eq!(requests.is_empty(), shown);
        assert!(pair.suite.cloud.calls_of("CreateTags").is_empty());

        pair.suite.cloud.force_peering(&id, "deleted", "");
        let made = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
        assert_ne!(made.provider_peering_id, id);
        assert_eq!(made.peering_id, pair.peering.to_string());
    }
}
