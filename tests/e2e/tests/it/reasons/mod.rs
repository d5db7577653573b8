//! Every reason that AWS or GCP can cause, caused from outside, with the advice that the owner gets for it.

mod checks;
mod conditions;
mod gcp;
mod states;

use api::peering::v1::Peering;
use api::peering::v1::next_action::Actor;
use api::peering::v1::peering::State;
use e2e::Suite;

const REGION: &str = "eu-west-1";
const RANGE: &str = "10.1.0.0/16";

/// One reason: the state in which it is told, who is to act and how, and words that the advice has.
struct Row {
    reason: &'static str,
    state: State,
    actor: Actor,
    code: &'static str,
    words: &'static [&'static str],
}

/// The row of a reason that only time or Peerway itself brings on.
fn nobody(reason: &'static str, state: State, words: &'static [&'static str]) -> Row {
    Row {
        reason,
        state,
        actor: Actor::Nobody,
        code: "NONE",
        words,
    }
}

/// The row of a reason that somebody has to act on.
fn row(
    (reason, state): (&'static str, State),
    (actor, code): (Actor, &'static str),
    words: &'static [&'static str],
) -> Row {
    Row {
        reason,
        state,
        actor,
        code,
        words,
    }
}

/// Waits until a peering tells a reason, and its advice is that of the row.
async fn tells(suite: &Suite, peering: &Peering, row: &Row) -> Peering {
    let shown = suite
        .until_shown(peering, row.reason, |seen| {
            seen.reason == row.reason && seen.state() == row.state
        })
        .await;
    assert!(!shown.message.is_empty(), "{} has no message", row.reason);
    advises(&shown, row);
    shown
}

/// The advice of a peering is that of the row.
fn advises(shown: &Peering, row: &Row) {
    let advice = shown.next_action.clone().expect("there is always advice");
    assert_eq!(
        (advice.actor(), advice.code.as_str()),
        (row.actor, row.code)
    );
    for words in row.words {
        let summary = &advice.summary;
        assert!(summary.contains(words), "{}: {summary}", row.reason);
    }
}

/// A network in the region, and a VPC of the customer's with `RANGE`.
async fn sides(suite: &Suite) -> (api::network::v1::Network, String) {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, RANGE).await;
    (network, vpc)
}
