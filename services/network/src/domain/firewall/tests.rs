//! What answers and failures make of the firewall, and what is told of it.

use types::{Labels, ProviderKind};

use super::*;
use crate::domain::{Ahead, NewNetwork, Step, next_step};

const NOW: i64 = 1_000_000;

fn timing() -> Timing {
    Timing {
        absence_grace: Duration::from_secs(60),
        look_soon: Duration::from_secs(1),
        look_later: Duration::from_secs(5),
        soon_for: Duration::from_secs(60),
        removal: Duration::from_millis(250),
        operation: Duration::from_secs(1),
    }
}

/// Its firewall was never sent.
fn active() -> Network {
    let wish = NewNetwork {
        tenant: "acme".parse().unwrap(),
        display_name: "main".parse().unwrap(),
        provider: ProviderKind::Gcp,
        region: "europe-west1".parse().unwrap(),
        cidr: "10.20.0.0/16".parse().unwrap(),
        labels: Labels::default(),
        multi_region_group: String::new(),
    };
    let mut network = Network::new(wish, None, NOW);
    network.reached(State::Active, NOW);
    network.work.ahead = Ahead::Complete;
    network
}

fn ensure(network: &mut Network, complete: bool, token: &str) {
    network.firewall_ensured(complete, token.to_owned(), NOW, NOW, &timing());
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
            (told(&network), network.work.retries),
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
        assert_eq!(network.work.suspended_at, None);
        network.firewall_failed(&failure(FailureKind::Unknown, "CLOUD_ERROR"), NOW, 1.0);
    }
    assert_eq!(network.work.suspended_at, Some(NOW));
    assert_eq!(network.work.step_at, Some(NOW + 3_600_000));
    // A change of what is wanted is tried at once.
    network.raise_firewall_goal(None, NOW);
    assert_eq!(next_step(&network, NOW), Step::Firewall);
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
