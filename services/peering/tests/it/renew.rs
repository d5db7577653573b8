//! Renewing what has ended: the same peering, another attempt, and nothing left of the one before.

use api::cloud::{CloudError, CloudErrorKind};
use api::peering::v1::peering::State;
use api::peering::v1::*;
use api::provider::v1::PeeringObservation;
use api::provider::v1::peering_observation::State as CloudState;
use tonic::{Code, Status};

use crate::suite::{Kind, Suite, TENANT, fact, is_routed, on_both_databases, reason};
use crate::told::Told;
use crate::two_halves::hasty;

on_both_databases!(
    each_end_is_renewed_and_its_history_keeps_both_attempts,
    a_renewal_goes_all_the_way_and_ends_again,
    what_has_not_ended_is_not_renewed,
    a_renewal_checks_its_network_again,
    the_same_renewal_has_the_same_answer,
    the_same_renewal_many_times_at_once_begins_one_attempt,
    a_stale_etag_is_refused,
    an_old_object_that_still_stands_goes_first,
    an_old_object_that_nobody_knew_of_goes_first,
    lost_answers_on_the_way_make_nothing_twice,
    what_is_not_found_is_gone_after_a_while,
    deleting_during_a_renewal_leaves_nothing,
    a_renewal_survives_a_restart_and_another_replica,
    routes_of_the_old_attempt_are_replaced,
);

fn renewal(id: &str) -> RenewPeeringRequest {
    RenewPeeringRequest {
        tenant_id: TENANT.to_owned(),
        peering_id: id.to_owned(),
        ..Default::default()
    }
}

async fn renew_with(suite: &Suite, request: RenewPeeringRequest) -> Result<Peering, Status> {
    let answer = suite.api.clone().renew_peering(request).await?;
    Ok(answer.into_inner().peering.unwrap())
}

pub(crate) async fn renew(suite: &Suite, id: &str) -> Peering {
    renew_with(suite, renewal(id)).await.unwrap()
}

fn refused(reason: &str) -> Told {
    Told::Refuse(CloudError::refused(CloudErrorKind::Terminal, reason, "no"))
}

/// A peering whose request came to this end.
async fn ended(suite: &Suite, shown: CloudState, raw: &str, state: State) -> Peering {
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    suite.cloud.set_state(&created.id, shown, raw);
    suite.until_state(&created.id, state).await
}

async fn rejected(suite: &Suite) -> Peering {
    ended(suite, CloudState::Rejected, "rejected", State::Rejected).await
}

/// A peering that was lost, and whose object is back since, waiting: the cloud let go of it for a while only.
async fn lost_and_back(suite: &Suite) -> Peering {
    let active = suite.active().await;
    let object = suite.cloud.objects().pop().unwrap();
    suite.cloud.vanish();
    let lost = suite.until_state(&active.id, State::Disconnected).await;
    assert_eq!(lost.reason, "LOST_OUT_OF_BAND");
    suite.cloud.add(PeeringObservation {
        state: CloudState::PendingAcceptance.into(),
        raw_state: "pending-acceptance".to_owned(),
        ..object
    });
    suite.look(&lost.id, 2).await
}

/// Up again in its second attempt, with nothing of the first.
async fn up_again(suite: &Suite, id: &str) -> Peering {
    let waiting = suite
        .until(id, "requested again", |one| {
            one.attempt == 2 && one.state() == State::PendingAcceptance
        })
        .await;
    suite.cloud.accept(id);
    let active = suite.until(id, "routed", is_routed).await;
    assert_eq!(active.provider_peering_id, waiting.provider_peering_id);
    let live: Vec<i32> = (suite.cloud.objects().iter())
        .filter(|one| one.state() == CloudState::Active)
        .map(|one| one.attempt)
        .collect();
    assert_eq!((live, suite.cloud.live()), (vec![2], 1));
    active
}

async fn each_end_is_renewed_and_its_history_keeps_both_attempts(kind: Kind) {
    let suite = Suite::start(kind).await;
    use CloudState as Seen;
    let ends = [
        (Seen::Rejected, "rejected", State::Rejected),
        (Seen::Expired, "expired", State::Expired),
        (Seen::Failed, "failed", State::Failed),
        (Seen::Deleted, "deleted", State::Disconnected),
    ];
    for (shown, raw, state) in ends {
        let end = ended(&suite, shown, raw, state).await;
        let renewed = renew(&suite, &end.id).await;
        assert_eq!((renewed.state(), renewed.attempt), (State::Provisioning, 2));
        assert_eq!(
            (renewed.id.as_str(), &renewed.etag),
            (end.id.as_str(), &end.etag)
        );
        assert!(renewed.provider_peering_id.is_empty() && renewed.raw_state.is_empty());
        assert_eq!((renewed.reason.as_str(), renewed.expire_time), ("", None));
        let again = suite.until_state(&end.id, State::PendingAcceptance).await;
        assert_ne!(again.provider_peering_id, end.provider_peering_id);
        let events = suite.events(&end.id, State::PendingAcceptance).await;
        let at = events.iter().position(|one| one.kind == "RENEWED").unwrap();
        let (before, after) = (&events[at - 1], &events[at]);
        assert_eq!(before.to_state(), state);
        assert_eq!(
            (after.from_state(), after.to_state()),
            (state, State::Provisioning)
        );
    }
    suite
        .cloud
        .tell("EnsurePeering", refused("PEER_IDENTITY_INVALID"));
    let failed = suite.create().await;
    suite.until_state(&failed.id, State::Failed).await;
    renew(&suite, &failed.id).await;
    suite
        .until_state(&failed.id, State::PendingAcceptance)
        .await;
    assert_eq!(suite.cloud.deletions(), 0, "there was nothing to remove");
    assert!(suite.network.detached().is_empty(), "the claims are kept");
}

async fn a_renewal_goes_all_the_way_and_ends_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    let end = rejected(&suite).await;
    renew(&suite, &end.id).await;
    up_again(&suite, &end.id).await;
    suite
        .cloud
        .set_state(&end.id, CloudState::Deleted, "deleted");
    suite.until_state(&end.id, State::Disconnected).await;
    assert_eq!(renew(&suite, &end.id).await.attempt, 3);
    suite.until_state(&end.id, State::PendingAcceptance).await;
    assert_eq!((suite.cloud.made(), suite.cloud.live()), (3, 1));
}

async fn what_has_not_ended_is_not_renewed(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let error = renew_with(&suite, renewal(&active.id)).await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert_eq!(reason(&error), "PEERING_NOT_ENDED");
    assert_eq!(fact(&error, "state"), "ACTIVE");
    suite.delete(&active.id).await.unwrap();
    for _ in 0..2 {
        let error = renew_with(&suite, renewal(&active.id)).await.unwrap_err();
        assert_eq!(error.code(), Code::FailedPrecondition);
        assert_eq!(reason(&error), "PEERING_DELETED");
        suite.until_state(&active.id, State::Deleted).await;
    }
    let strange = "peer_01890000000070008000000000000000";
    let error = renew_with(&suite, renewal(strange)).await.unwrap_err();
    let known = [Code::NotFound, Code::InvalidArgument];
    assert!(known.contains(&error.code()), "{error:?}");
    let error = renew_with(&suite, renewal("pcx-1")).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

async fn a_renewal_checks_its_network_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    let end = rejected(&suite).await;
    suite.network.set_away(true);
    let error = renew_with(&suite, renewal(&end.id)).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::Unavailable, "NETWORK_SERVICE_UNAVAILABLE")
    );
    suite.network.set_away(false);
    let home = end.network_id.clone();
    let state = api::network::v1::network::State::Failed;
    suite
        .network
        .alter(&home, |network| network.set_state(state));
    let error = renew_with(&suite, renewal(&end.id)).await.unwrap_err();
    assert_eq!(reason(&error), "NETWORK_NOT_ACTIVE");
    assert_eq!(suite.get(&end.id).await.unwrap().state(), State::Rejected);
    let state = api::network::v1::network::State::Active;
    suite.network.alter(&home, |network| {
        network.set_state(state);
        network.display_name = "renamed".to_owned();
        network.provider_vpc_id = "vpc-0c0c0c0c0c0c0c0c0".to_owned();
    });
    let renewed = renew(&suite, &end.id).await;
    assert_eq!(renewed.network_display_name, "renamed");
    assert_eq!(renewed.vendor.unwrap().vpc_id, "vpc-0c0c0c0c0c0c0c0c0");
    suite.until_state(&end.id, State::PendingAcceptance).await;
    let made = suite.cloud.objects().pop().unwrap();
    assert_eq!(made.vendor_vpc_id, "vpc-0c0c0c0c0c0c0c0c0");
}

async fn the_same_renewal_has_the_same_answer(kind: Kind) {
    let suite = Suite::start(kind).await;
    let end = rejected(&suite).await;
    let request = RenewPeeringRequest {
        request_id: "once".to_owned(),
        ..renewal(&end.id)
    };
    let first = renew_with(&suite, request.clone()).await.unwrap();
    suite.until_state(&end.id, State::PendingAcceptance).await;
    suite
        .cloud
        .set_state(&end.id, CloudState::Expired, "expired");
    suite.until_state(&end.id, State::Expired).await;
    let again = renew_with(&suite, request.clone()).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(suite.get(&end.id).await.unwrap().attempt, 2);
    let other = RenewPeeringRequest {
        etag: "another".to_owned(),
        ..request
    };
    let error = renew_with(&suite, other).await.unwrap_err();
    assert_eq!(reason(&error), "REQUEST_ID_REUSED");
}

async fn the_same_renewal_many_times_at_once_begins_one_attempt(kind: Kind) {
    let suite = Suite::start(kind).await;
    let end = rejected(&suite).await;
    let request = RenewPeeringRequest {
        request_id: "once".to_owned(),
        ..renewal(&end.id)
    };
    let calls = (0..20).map(|_| renew_with(&suite, request.clone()));
    let answers = futures::future::join_all(calls).await;
    let first = answers[0].as_ref().unwrap();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap(), first);
    }
    let waiting = suite.until_state(&end.id, State::PendingAcceptance).await;
    assert_eq!((waiting.attempt, suite.cloud.made()), (2, 2));
}

async fn a_stale_etag_is_refused(kind: Kind) {
    let suite = Suite::start(kind).await;
    let end = rejected(&suite).await;
    let with = |etag: &str| RenewPeeringRequest {
        etag: etag.to_owned(),
        ..renewal(&end.id)
    };
    let error = renew_with(&suite, with("stale")).await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    let renewed = renew_with(&suite, with(&end.etag)).await.unwrap();
    assert_eq!(renewed.state(), State::Provisioning);
}

async fn an_old_object_that_still_stands_goes_first(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let lost = lost_and_back(&suite).await;
    renew(&suite, &lost.id).await;
    up_again(&suite, &lost.id).await;
    assert_eq!((suite.cloud.made(), suite.cloud.deletions()), (2, 1));
}

async fn an_old_object_that_nobody_knew_of_goes_first(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let active = suite.active().await;
    let object = suite.cloud.objects().pop().unwrap();
    suite.cloud.vanish();
    suite.until_state(&active.id, State::Disconnected).await;
    suite.cloud.looking.shut();
    suite.cloud.add(object);
    renew(&suite, &active.id).await;
    suite.cloud.looking.open();
    up_again(&suite, &active.id).await;
    assert_eq!((suite.cloud.made(), suite.cloud.deletions()), (2, 1));
}

async fn lost_answers_on_the_way_make_nothing_twice(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let lost = lost_and_back(&suite).await;
    suite.cloud.tell("DeletePeering", Told::Silent);
    suite.cloud.tell("DeletePeering", Told::Lost);
    suite.cloud.tell("EnsurePeering", Told::Lost);
    renew(&suite, &lost.id).await;
    up_again(&suite, &lost.id).await;
    assert_eq!(suite.cloud.made(), 2);
}

async fn what_is_not_found_is_gone_after_a_while(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let lost = lost_and_back(&suite).await;
    // Otherwise two looks may find out before the renewal does.
    suite.cloud.looking.shut();
    suite.cloud.vanish();
    renew(&suite, &lost.id).await;
    suite.cloud.looking.open();
    up_again(&suite, &lost.id).await;
    assert_eq!(suite.cloud.deletions(), 2, "once is not enough");
}

async fn deleting_during_a_renewal_leaves_nothing(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let lost = lost_and_back(&suite).await;
    suite.cloud.tell("DeletePeering", Told::InProgress);
    renew(&suite, &lost.id).await;
    suite.delete(&lost.id).await.unwrap();
    suite.until_state(&lost.id, State::Deleted).await;
    assert_eq!((suite.cloud.made(), suite.cloud.live()), (1, 0));
    let other = rejected(&suite).await;
    suite.cloud.requesting.shut();
    renew(&suite, &other.id).await;
    suite.cloud.requesting.until_reached().await;
    suite.delete(&other.id).await.unwrap();
    suite.cloud.requesting.open();
    suite.until_state(&other.id, State::Deleted).await;
    assert_eq!((suite.cloud.made(), suite.cloud.live()), (3, 0));
    assert!(suite.network.attached().is_empty());
}

async fn a_renewal_survives_a_restart_and_another_replica(kind: Kind) {
    let mut suite = Suite::start_with(kind, hasty).await;
    let _replica = match kind {
        Kind::Postgres => Some(suite.replica().await),
        Kind::Sqlite => None,
    };
    let lost = lost_and_back(&suite).await;
    suite.cloud.tell("DeletePeering", Told::InProgress);
    renew(&suite, &lost.id).await;
    suite.restart().await;
    up_again(&suite, &lost.id).await;
    assert_eq!(suite.cloud.made(), 2);
}

async fn routes_of_the_old_attempt_are_replaced(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let vpc = active.vendor.clone().unwrap().vpc_id;
    suite.cloud.routing.shut();
    suite
        .cloud
        .set_state(&active.id, CloudState::Deleted, "deleted");
    suite.until_state(&active.id, State::Disconnected).await;
    suite.cloud.routing.until_reached().await;
    renew(&suite, &active.id).await;
    suite.cloud.routing.open();
    let again = up_again(&suite, &active.id).await;
    let routes = suite.cloud.routes(&vpc);
    assert_eq!(routes.len(), 2);
    let leads = |(_, to): &(String, String)| *to == again.provider_peering_id;
    assert!(routes.iter().all(leads), "{routes:?}");
}
