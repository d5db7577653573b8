//! Each way in which a peering ends can be renewed in one call: a new object in the old one's place, one history.

use std::time::Duration;

use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use e2e::{CUSTOMER_PROJECT, Options, Suite, VENDOR_PROJECT, reason};
use tonic::Code;

const REGION: &str = "eu-west-1";
const RANGE: &str = "10.1.0.0/16";

/// A suite with one peering that waits for the customer.
async fn waiting() -> (Suite, Peering) {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, RANGE).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    (suite, waiting)
}

/// The changes of state in a peering's history with the renewals between them, oldest first.
async fn kinds(suite: &Suite, peering: &Peering) -> Vec<(String, State)> {
    let events = suite.peering_events(peering).await.into_iter();
    events
        .filter(|event| event.kind == "RENEWED" || event.kind == "STATE_CHANGED")
        .map(|event| (event.kind.clone(), event.to_state()))
        .collect()
}

/// Waits until the second attempt waits for the customer.
async fn asked_again(suite: &Suite, ended: &Peering) -> Peering {
    suite
        .until_shown(ended, "a second request", |seen| {
            seen.attempt == 2 && seen.state() == State::PendingAcceptance
        })
        .await
}

/// Renews what has ended at AWS; the customer accepts, and only the new object is left, with the route.
async fn comes_back(suite: &Suite, ended: &Peering) {
    let renewed = suite.renew(ended).await;
    assert_eq!(renewed.state(), State::Provisioning);
    assert_eq!((renewed.attempt, &renewed.id), (2, &ended.id));
    let waiting = asked_again(suite, ended).await;
    let pcx = waiting.provider_peering_id.clone();
    assert_ne!(pcx, ended.provider_peering_id);
    assert!(waiting.expire_time.is_some(), "it has a deadline again");

    let active = suite.accepted(&waiting).await;
    assert_eq!((active.attempt, active.reason.as_str()), (2, ""));
    suite.until_met(&active, "ROUTES_READY").await;
    let vendor = active.vendor.clone().expect("the vendor's side").vpc_id;
    suite.until_routed(&vendor, &[(RANGE, &pcx)]).await;
    let Some(api::peering::v1::peering::Peer::Aws(peer)) = active.peer else {
        panic!("a peering at AWS");
    };
    let standing = suite.cloudsim().standing_between(&vendor, &peer.vpc_id);
    assert_eq!(standing, [pcx]);

    // One history, which has both attempts.
    let history = kinds(suite, ended).await;
    let renewal = ("RENEWED".to_owned(), State::Provisioning);
    let at = history.iter().position(|one| *one == renewal);
    let at = at.expect("the renewal is told");
    let changed = |state| ("STATE_CHANGED".to_owned(), state);
    assert_eq!(history[at - 1], changed(ended.state()));
    assert!(history[..at].contains(&changed(State::PendingAcceptance)));
    let later = [State::PendingAcceptance, State::Active].map(changed);
    assert_eq!(history[at + 1..], later);
}

#[tokio::test]
async fn a_rejected_peering_is_asked_for_again() {
    let (suite, peering) = waiting().await;
    suite
        .customer
        .reject(REGION, &peering.provider_peering_id)
        .await;
    let ended = suite.until(&peering, State::Rejected).await;
    comes_back(&suite, &ended).await;
}

#[tokio::test]
async fn an_expired_peering_is_asked_for_again() {
    let (suite, peering) = waiting().await;
    suite
        .cloudsim()
        .advance(Duration::from_secs(168 * 3_600 + 1));
    let ended = suite.until(&peering, State::Expired).await;
    comes_back(&suite, &ended).await;
}

#[tokio::test]
async fn a_peering_that_the_customer_deleted_is_asked_for_again() {
    let (suite, peering) = waiting().await;
    let active = suite.accepted(&peering).await;
    let vendor = active.vendor.clone().expect("the vendor's side").vpc_id;
    let pcx = peering.provider_peering_id.as_str();
    suite.until_routed(&vendor, &[(RANGE, pcx)]).await;
    suite.customer.delete(REGION, pcx).await;
    let ended = suite.until_refreshed(&peering, State::Disconnected).await;
    comes_back(&suite, &ended).await;
}

#[tokio::test]
async fn a_peering_that_vanished_is_asked_for_again() {
    let (suite, peering) = waiting().await;
    let active = suite.accepted(&peering).await;
    suite.cloudsim().vanish(&active.provider_peering_id);
    let ended = suite.until_refreshed(&peering, State::Disconnected).await;
    comes_back(&suite, &ended).await;
}

#[tokio::test]
async fn a_failed_peering_is_asked_for_again_once_its_cause_is_gone() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, RANGE).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite
        .cloudsim()
        .force(&waiting.provider_peering_id, "failed");
    let ended = suite.until(&peering, State::Failed).await;
    comes_back(&suite, &ended).await;
}

#[tokio::test]
async fn what_stands_is_not_renewed() {
    let (suite, waiting) = waiting().await;
    let refused = suite
        .try_renew(&waiting)
        .await
        .expect_err("it has not ended");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "PEERING_NOT_ENDED");
    let active = suite.accepted(&waiting).await;
    let refused = suite
        .try_renew(&active)
        .await
        .expect_err("it has not ended");
    assert_eq!(reason(&refused), "PEERING_NOT_ENDED");
    assert_eq!(suite.get(&active).await.attempt, 1);
}

#[tokio::test]
async fn a_peering_whose_half_the_customer_removed_at_gcp_is_made_again() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, theirs) = tokio::join!(
        suite.network("europe-west1", "10.20.0.0/16"),
        suite.google().network("app", RANGE)
    );
    let peering = suite.peer(&network, &theirs, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    suite.google().unpeer(&theirs).await;
    let ended = suite.until_refreshed(&peering, State::Disconnected).await;
    assert_eq!(ended.reason, "DELETED_BY_PEER");

    suite.renew(&ended).await;
    let again = asked_again(&suite, &ended).await;
    let halves = suite.cloudsim().halves(VENDOR_PROJECT);
    assert_eq!(halves.len(), 1, "{halves:?}");
    assert_eq!(halves[0]["name"], again.provider_peering_id.as_str());
    let active = suite.accepted(&again).await;
    assert_eq!(active.attempt, 2);
    let theirs = suite.cloudsim().halves(CUSTOMER_PROJECT);
    assert_eq!(theirs.len(), 1, "one half on each side");
    let kinds = kinds(&suite, &ended).await;
    let renewed = kinds.iter().filter(|(kind, _)| kind == "RENEWED");
    assert_eq!(renewed.count(), 1);
    assert_eq!(
        suite.history(&ended).await,
        [
            State::Provisioning,
            State::PendingAcceptance,
            State::Active,
            State::Disconnected,
            State::Provisioning,
            State::PendingAcceptance,
            State::Active
        ]
    );
}
