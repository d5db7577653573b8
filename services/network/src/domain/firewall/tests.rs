//! What answers and failures make of the firewall, and what is told of it.

use super::*;
use crate::domain::fixture::{self, timing};
use crate::domain::{Ahead, Step, next_step};

const NOW: i64 = 1_000_000;

/// Its firewall was never sent.
fn active() -> Network {
    let mut network = fixture::network(ProviderKind::Gcp, NOW);
    network.reached(State::Active, NOW);
    network.vpc.id = Some("peerway-main".to_owned());
    network.work.ahead = Ahead::Complete;
    network
}

fn ensure(network: &mut Network, complete: bool, token: &str) {
    network.firewall_ensured(
        network.firewall.goal,
        complete,
        token.to_owned(),
        NOW,
        NOW,
        &timing(),
    );
}

fn told(network: &Network) -> (Holds, &str) {
    let ready = network.firewall_ready();
    (ready.holds, ready.reason)
}

fn failure(kind: FailureKind, reason: &str) -> Failure {
    Failure {
        kind,
        reason: reason.to_owned(),
        message: "a sentence".to_owned(),
        refused: true,
        retry_after: None,
    }
}

#[test]
fn nothing_is_known_before_the_cloud_has_confirmed_it() {
    let mut network = active();
    assert_eq!(told(&network), (Holds::Unknown, "NOT_OBSERVED"));
    assert_eq!(next_step(&network, NOW), Step::Firewall);
    ensure(&mut network, true, "");
    assert_eq!(told(&network), (Holds::True, ""));
    network.rest();
    assert_eq!(next_step(&network, NOW), Step::Rest);
    for state in [
        State::Pending,
        State::Deleting,
        State::Deleted,
        State::Failed,
    ] {
        let mut other = network.clone();
        other.state = state;
        assert_eq!(told(&other), (Holds::Unknown, "NOT_OBSERVED"));
    }
}

#[test]
fn a_change_is_pending_until_the_cloud_confirms_it() {
    let mut network = active();
    ensure(&mut network, true, "");
    network.raise_firewall_goal(None, NOW);
    assert_eq!(told(&network), (Holds::False, "FIREWALL_PENDING"));
    ensure(&mut network, false, "operation-1");
    assert_eq!(told(&network), (Holds::False, "FIREWALL_PENDING"));
    assert_eq!(next_step(&network, NOW), Step::Wait(NOW + 1_000));
    // What the operation was about may be another set than the one wanted now.
    ensure(&mut network, false, "");
    assert_eq!(next_step(&network, NOW), Step::Wait(NOW + 250));
    ensure(&mut network, true, "");
    assert_eq!(told(&network), (Holds::True, ""));
}

#[test]
fn a_failure_is_the_condition_s_and_not_the_network_s() {
    for kind in [
        FailureKind::Terminal,
        FailureKind::Quota,
        FailureKind::Throttled,
        FailureKind::Unauthorized,
        FailureKind::Unavailable,
        FailureKind::Unknown,
    ] {
        let mut network = active();
        network.firewall_failed(&failure(kind, "ALLOW_LIST_FULL"), NOW, 1.0);
        assert_eq!(told(&network), (Holds::False, "ALLOW_LIST_FULL"));
        assert_eq!(
            (network.state, network.reason.as_str()),
            (State::Active, "")
        );
        assert_eq!(next_step(&network, NOW), Step::Wait(NOW + 1_000));
        ensure(&mut network, true, "");
        assert_eq!(
            (told(&network), network.firewall.retries),
            ((Holds::True, ""), 0)
        );
    }
    let mut network = active();
    network.firewall_failed(&failure(FailureKind::InProgress, "OPERATION"), NOW, 1.0);
    assert_eq!(told(&network), (Holds::Unknown, "NOT_OBSERVED"));
}

#[test]
fn what_nobody_knows_is_tried_hourly_after_five_times() {
    let mut network = active();
    for _ in 0..5 {
        assert!(network.firewall.step_at < NOW + 3_600_000);
        network.firewall_failed(&failure(FailureKind::Unknown, "CLOUD_ERROR"), NOW, 1.0);
    }
    assert_eq!(next_step(&network, NOW), Step::Wait(NOW + 3_600_000));
    // A change of what is wanted is tried soon.
    network.raise_firewall_goal(None, NOW);
    assert_eq!(next_step(&network, NOW), Step::Wait(NOW + 1_000));
    assert_eq!(next_step(&network, NOW + 1_000), Step::Firewall);
}

#[test]
fn changes_are_gathered_for_a_second() {
    let mut network = active();
    ensure(&mut network, true, "");
    for at in [NOW + 10, NOW + 20, NOW + 900] {
        network.raise_firewall_goal(None, at);
        assert_eq!(next_step(&network, at), Step::Wait(NOW + 1_000));
    }
    assert_eq!(next_step(&network, NOW + 1_000), Step::Firewall);
    // And after a pause the next one goes out at once.
    let later = NOW + 60_000;
    network.firewall_ensured(4, true, String::new(), later, later, &timing());
    network.raise_firewall_goal(None, later + 5_000);
    assert_eq!(next_step(&network, later + 5_000), Step::Firewall);
}

#[test]
fn what_was_asked_for_is_confirmed_and_no_newer_goal() {
    let mut network = active();
    let asked = network.clone();
    network.raise_firewall_goal(None, NOW + 1);
    assert!(network.still_stands_as(&asked));
    network.firewall_ensured(
        asked.firewall.goal,
        true,
        String::new(),
        NOW,
        NOW + 2,
        &timing(),
    );
    assert_eq!((network.firewall.done, network.firewall.goal), (1, 2));
    assert_eq!(told(&network), (Holds::False, "FIREWALL_PENDING"));
    assert_eq!(next_step(&network, NOW + 1_000), Step::Firewall);
    // What a look found meanwhile counts more than the answer.
    let mut lost = asked.clone();
    lost.firewall.done = 1;
    assert!(!lost.still_stands_as(&asked));
    let mut moved = asked.clone();
    moved.vpc.id = None;
    assert!(!moved.still_stands_as(&asked));
}

#[test]
fn a_cloud_that_never_shows_what_it_took_is_asked_ever_less_often_and_told() {
    let mut network = active();
    let mut pauses = Vec::new();
    for round in 1..=9 {
        ensure(&mut network, false, "");
        pauses.push(network.firewall.step_at - NOW);
        let expected = if round < 5 {
            (Holds::Unknown, "NOT_OBSERVED")
        } else {
            (Holds::False, "FIREWALL_PENDING")
        };
        assert_eq!(told(&network), expected);
    }
    assert_eq!(
        pauses,
        [
            250, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000
        ]
    );
    assert!(
        network.firewall.message.contains("9 times"),
        "{}",
        network.firewall.message
    );
    assert!(!network.firewall.is_refused());
    ensure(&mut network, true, "");
    assert_eq!(
        (told(&network), network.firewall.retries),
        ((Holds::True, ""), 0)
    );
}

#[test]
fn the_pauses_of_the_vpc_and_of_the_firewall_are_each_its_own() {
    let refused = failure(FailureKind::Quota, "CLOUD_LIMIT");
    let mut network = active();
    network.work.ahead = Ahead::Unknown;
    network.work.step_at = Some(NOW);
    for _ in 0..3 {
        network.firewall_failed(&refused, NOW, 1.0);
    }
    assert_eq!(next_step(&network, NOW), Step::Look);
    network.failed(&refused, NOW, 1.0);
    assert_eq!(next_step(&network, NOW), Step::Wait(NOW + 1_000));
    assert_eq!(next_step(&network, NOW + 1_000), Step::Look);
    network.failed(&refused, NOW + 1_000, 1.0);
    assert_eq!(next_step(&network, NOW + 2_500), Step::Wait(NOW + 3_000));
    assert_eq!(next_step(&network, NOW + 4_000), Step::Firewall);
    network.firewall_ensured(1, true, String::new(), NOW + 4_000, NOW + 4_000, &timing());
    assert_eq!(next_step(&network, NOW + 4_000), Step::Look);
}

#[test]
fn a_token_is_kept_until_the_operation_has_ended() {
    let mut network = active();
    ensure(&mut network, false, "operation-1");
    let silence = Failure {
        refused: false,
        ..failure(FailureKind::Unavailable, "CLOUD_UNAVAILABLE")
    };
    network.firewall_failed(&silence, NOW, 0.5);
    assert_eq!(network.firewall.operation_token, "operation-1");
    network.firewall_failed(&failure(FailureKind::Unknown, "CLOUD_ERROR"), NOW, 0.5);
    assert_eq!(network.firewall.operation_token, "");
}
