//! Renewing peerings of two halves: the customer's half stays, ours is made anew.

use std::time::Duration;

use api::cloud::CloudErrorKind;
use api::peering::v1::peering::State;
use api::peering::v1::*;

use crate::renew::renew;
use crate::suite::{Kind, Suite, is_routed, on_both_databases};
use crate::told::Told;
use crate::two_halves::{self, hasty, nothing_is_held};

on_both_databases!(
    a_half_is_renewed_and_comes_up_by_itself,
    an_operation_under_way_is_handed_over,
    an_old_half_that_nobody_knew_of_goes_first,
);

/// A half of ours whose other half is gone.
async fn half_alone(suite: &Suite) -> Peering {
    let active = two_halves::active(suite).await;
    suite.cloud.halves.set_reciprocal(&active.id, false);
    suite.until_state(&active.id, State::Disconnected).await
}

async fn a_half_is_renewed_and_comes_up_by_itself(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let alone = half_alone(&suite).await;
    suite.cloud.halves.set_delay(Duration::from_millis(200));
    let renewed = renew(&suite, &alone.id).await;
    assert_eq!(renewed.attempt, 2);
    // The customer's half stands all the while.
    suite.cloud.halves.set_reciprocal(&alone.id, true);
    let active = suite.until(&alone.id, "routed", is_routed).await;
    assert_ne!(active.provider_peering_id, alone.provider_peering_id);
    let halves = &suite.cloud.halves;
    assert_eq!(halves.names(), [active.provider_peering_id]);
    assert_eq!((halves.begun(), halves.refused()), (3, 0));
    nothing_is_held(&suite).await;
    let failure = two_halves::error(CloudErrorKind::Terminal, "CIDR_OVERLAP_PEER");
    suite.cloud.tell("EnsurePeering", Told::Refuse(failure));
    let failed = two_halves::create(&suite).await;
    suite.until_state(&failed.id, State::Failed).await;
    renew(&suite, &failed.id).await;
    suite
        .until_state(&failed.id, State::PendingAcceptance)
        .await;
    nothing_is_held(&suite).await;
}

async fn an_operation_under_way_is_handed_over(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let halves = &suite.cloud.halves;
    let alone = half_alone(&suite).await;
    // Our own half vanishes as well, and is being put back.
    halves.set_delay(Duration::from_millis(600));
    halves.vanish();
    suite
        .until(&alone.id, "begun", |_| halves.begun() == 2)
        .await;
    renew(&suite, &alone.id).await;
    let waiting = suite
        .until(&alone.id, "requested again", |one| {
            one.attempt == 2 && one.state() == State::PendingAcceptance
        })
        .await;
    assert_eq!(halves.names(), [waiting.provider_peering_id]);
    assert_eq!((halves.begun(), halves.refused()), (4, 0));
    nothing_is_held(&suite).await;
}

async fn an_old_half_that_nobody_knew_of_goes_first(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let halves = &suite.cloud.halves;
    let failure = two_halves::error(CloudErrorKind::Terminal, "CIDR_OVERLAP_PEER");
    suite.cloud.tell("EnsurePeering", Told::Refuse(failure));
    let failed = two_halves::create(&suite).await;
    suite.until_state(&failed.id, State::Failed).await;
    halves.put(&failed, 1);
    renew(&suite, &failed.id).await;
    let waiting = suite
        .until_state(&failed.id, State::PendingAcceptance)
        .await;
    assert_eq!(halves.names(), [waiting.provider_peering_id]);
    nothing_is_held(&suite).await;
}
