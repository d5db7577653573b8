//! The vendor's half of a peering, from request to end, with a customer who uses tools of their own.

use std::time::Duration;

use api::cloud::CloudErrorKind;
use api::provider::v1::Removal;
use api::provider::v1::peering_observation::State;
use types::PeeringId;

use crate::pair::Pair;
use crate::support::*;

#[tokio::test]
async fn a_peering_goes_from_request_to_its_end() {
    let pair = Pair::start().await;
    let made = pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    assert_eq!(
        (made.peering_id.as_str(), made.attempt),
        (pair.peering.to_string().as_str(), 1)
    );
    let id = made.provider_peering_id;

    let pending = pair.suite.observe(&[]).await.remove(0);
    assert_eq!(pending.state(), State::PendingAcceptance);
    assert_eq!(pending.reason, "AWAITING_CUSTOMER_ACCEPTANCE");
    assert_eq!(pending.deployment, DEPLOYMENT);
    assert_eq!(pending.vendor_vpc_id, pair.vendor_vpc);
    assert_eq!(pending.peer.unwrap().vpc_id, pair.peer_vpc);
    let left = api::millis(&pending.expire_time.unwrap()) - pair.suite.cloud.now_ms();
    assert!(
        (167 * 3_600_000..=168 * 3_600_000).contains(&left),
        "{left}"
    );

    let customer = pair.suite.customer();
    customer
        .accept_vpc_peering_connection()
        .vpc_peering_connection_id(&id)
        .send()
        .await
        .unwrap();
    let active = pair.suite.observe(&[&id]).await.remove(0);
    assert_eq!(active.state(), State::Active);
    assert_eq!(active.peer_cidrs, ["10.30.0.0/16"]);

    customer
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(&id)
        .send()
        .await
        .unwrap();
    let ended = pair.suite.observe(&[]).await.remove(0);
    assert_eq!(
        (ended.state(), ended.reason.as_str()),
        (State::Deleted, "DELETED_BY_PEER")
    );
    assert!(ended.message.contains(CUSTOMER), "{}", ended.message);
}

#[tokio::test]
async fn every_raw_status_is_shown_in_common_words() {
    let pair = Pair::start().await;
    let id = pair
        .suite
        .ensure_peering(pair.request(1))
        .await
        .unwrap()
        .provider_peering_id;
    for (raw, state, reason) in [
        ("initiating-request", State::Provisioning, ""),
        (
            "pending-acceptance",
            State::PendingAcceptance,
            "AWAITING_CUSTOMER_ACCEPTANCE",
        ),
        (
            "provisioning",
            State::PendingAcceptance,
            "ACCEPTED_ACTIVATING",
        ),
        ("active", State::Active, ""),
        ("rejected", State::Rejected, "REJECTED_BY_PEER"),
        ("expired", State::Expired, "REQUEST_EXPIRED"),
        ("failed", State::Failed, "PEER_IDENTITY_INVALID"),
        ("deleting", State::Deleting, "DELETED_BY_PEER"),
        ("deleted", State::Deleted, "DELETED_BY_PEER"),
        ("hibernating", State::Unrecognized, ""),
    ] {
        assert!(
            pair.suite
                .cloud
                .force_peering(&id, raw, "as the cloud says")
        );
        let seen = pair.suite.observe(&[]).await.remove(0);
        assert_eq!(
            (seen.state(), seen.reason.as_str()),
            (state, reason),
            "{raw}"
        );
        assert_eq!(seen.raw_state, raw);
        assert!(seen.message.contains("as the cloud says"), "{raw}");
    }
}

#[tokio::test]
async fn a_request_expires() {
    let pair = Pair::start().await;
    pair.suite.ensure_peering(pair.request(1)).await.unwrap();
    pair.suite
        .cloud
        .clock_advance(Duration::from_secs(169 * 3600));
    let seen = pair.suite.observe(&[]).await.remove(0);
    assert_eq!(
        (seen.state(), seen.reason.as_str()),
        (State::Expired, "REQUEST_EXPIRED")
    );
}

#[tokio::test]
async fn overlapping_ranges_fail_with_all_that_aws_may_mean() {
    let suite = Suite::start().await;
    let vendor_vpc = suite.vendor_vpc("10.20.0.0/16").await;
    let peer_vpc = suite.customer_vpc("10.20.0.0/16").await;
    let request = peering_request(PeeringId::generate(), 1, &vendor_vpc, &peer_vpc);
    suite.ensure_peering(request).await.unwrap();
    let seen = suite.observe(&[]).await.remove(0);
    assert_eq!(
        (seen.state(), seen.reason.as_str()),
        (State::Failed, "PEER_IDENTITY_INVALID")
    );
    assert!(seen.message.contains("overlap") && seen.message.contains("account"));
}

/// The look before the request shows nothing yet, so it is EC2's answer that tells.
#[tokio::test]
async fn quotas_and_a_wrong_peer_are_told_apart() {
    let pair = Pair::start().await;
    pair.suite
        .cloud
        .configure(|config| config.limits.outstanding_peerings = 0);
    let error = cloud_error(
        pair.suite
            .ensure_peering(pair.request(1))
            .await
            .unwrap_err(),
    );
    assert_eq!(
        (error.reason.as_str(), error.refused),
        ("OUTSTANDING_LIMIT", true)
    );
    pair.suite
        .cloud
        .configure(|config| config.limits.outstanding_peerings = 25);
    let nowhere = peering_request(pair.peering, 1, "vpc-00000000000000000", &pair.peer_vpc);
    let error = cloud_error(pair.suite.ensure_peering(nowhere).await.unwrap_err());
    assert_eq!(
        (error.kind, error.refused),
        (CloudErrorKind::Unavailable, true),
        "{error}"
    );
}

#[tokio::test]
async fn a_peering_is_deleted_once_and_for_all() {
    let pair = Pair::start().await;
    let id = pair
        .suite
        .ensure_peering(pair.request(1))
        .await
        .unwrap()
        .provider_peering_id;
    assert_eq!(pair.delete(&id).await.unwrap(), Removal::Deleted);
    assert_eq!(pair.delete(&id).await.unwrap(), Removal::Deleted);
    assert!(pair.suite.cloud.vanish(&id));
    assert_eq!(pair.delete(&id).await.unwrap(), Removal::Absent);
}

#[tokio::test]
async fn a_peering_that_ended_by_itself_counts_as_deleted() {
    for raw in ["failed", "expired", "rejected", "deleted"] {
        let pair = Pair::start().await;
        let id = pair
            .suite
            .ensure_peering(pair.request(1))
            .await
            .unwrap()
            .provider_peering_id;
        pair.suite.cloud.force_peering(&id, raw, "");
        assert_eq!(pair.delete(&id).await.unwrap(), Removal::Deleted, "{raw}");
    }
}

#[tokio::test]
async fn an_inter_region_peering_is_deleted_in_its_own_time() {
    let pair = Pair::start().await;
    let id = pair
        .suite
        .ensure_peering(pair.request(1))
        .await
        .unwrap()
        .provider_peering_id;
    pair.suite.cloud.force_peering(&id, "deleting", "");
    assert_eq!(pair.delete(&id).await.unwrap(), Removal::InProgress);
}
