//! Every state with every kind of work, and what answers and failures make of it.

use std::time::Duration;

use types::ProviderKind;

use super::*;
use crate::domain::fixture::{self, timing};
use crate::domain::{Answer, Blockers, Failure, FailureKind, Removal, Vpc};

mod walk;

const NOW: i64 = 1_000_000;
const GRACE: i64 = 60_000;

fn network() -> Network {
    fixture::network(ProviderKind::Aws, NOW)
}

fn in_state(state: State) -> Network {
    Network { state, ..network() }
}

fn placed() -> Network {
    let mut network = network();
    network.placed("111122223333".to_owned(), NOW);
    network
}

/// Complete, and its firewall not yet sent.
fn active() -> Network {
    with(placed(), |it| {
        it.state = State::Active;
        it.vpc.id = Some("vpc-1".to_owned());
        it.vpc.security_group_id = Some("sg-1".to_owned());
        it.work.ahead = Ahead::Complete;
    })
}

/// ACTIVE, its firewall as wanted.
fn at_rest() -> Network {
    with(active(), confirmed)
}

fn confirmed(network: &mut Network) {
    network.firewall.done = network.firewall.goal;
}

fn part(name: &str) -> Ahead {
    Ahead::Part {
        part: name.to_owned(),
        guarded: true,
    }
}

fn with(mut network: Network, change: impl FnOnce(&mut Network)) -> Network {
    change(&mut network);
    network
}

fn requested(network: Network) -> Network {
    with(network, |it| {
        it.requesting("vpc", true, NOW);
    })
}

#[test]
fn each_state_with_each_kind_of_work_has_its_step() {
    let deleting = |it: Network| with(it, |it| it.state = State::Deleting);
    let make = Step::Make {
        part: "vpc".to_owned(),
        guarded: true,
    };
    for (named, network, step) in [
        ("new", network(), Step::Place),
        ("placed", placed(), Step::Look),
        (
            "a part is missing",
            with(placed(), |it| it.work.ahead = part("vpc")),
            make.clone(),
        ),
        ("a part is under way", requested(placed()), Step::Look),
        (
            "all parts stand",
            with(placed(), |it| it.work.ahead = Ahead::Complete),
            Step::Record(State::Active),
        ),
        (
            "not due",
            with(placed(), |it| it.work.step_at = Some(NOW + 1)),
            Step::Wait(NOW + 1),
        ),
        (
            "nothing due",
            with(placed(), |it| it.work.step_at = None),
            Step::Rest,
        ),
        ("active, its firewall never sent", active(), Step::Firewall),
        ("active and at rest", with(active(), confirmed), Step::Rest),
        (
            "active, the allow list changed",
            with(at_rest(), |it| it.firewall.goal += 1),
            Step::Firewall,
        ),
        (
            "active, the cloud works on the firewall",
            with(at_rest(), |it| {
                it.firewall.operation_token = "operation-1".to_owned();
            }),
            Step::Firewall,
        ),
        (
            "active, something vanished",
            with(at_rest(), |it| it.work.ahead = Ahead::Unknown),
            Step::Look,
        ),
        (
            "active, a part is to be put back",
            with(at_rest(), |it| it.work.ahead = part("vpc")),
            make.clone(),
        ),
        (
            "active, a part is to be put back and its firewall to be changed",
            with(active(), |it| it.work.ahead = part("vpc")),
            Step::Firewall,
        ),
        (
            "active, what carries its firewall is to be put back",
            with(active(), |it| {
                it.work.ahead = part("vpc");
                it.vpc.security_group_id = None;
            }),
            make.clone(),
        ),
        (
            "active, a part is under way",
            requested(with(active(), confirmed)),
            Step::Look,
        ),
        (
            "active, the cloud works on a part",
            with(at_rest(), |it| {
                it.work.operation_token = "operation-1".to_owned()
            }),
            Step::Look,
        ),
        ("failed", in_state(State::Failed), Step::Rest),
        ("deleted", in_state(State::Deleted), Step::Rest),
        (
            "deleting, never placed",
            deleting(network()),
            Step::Record(State::Deleted),
        ),
        (
            "deleting, nothing asked for",
            deleting(placed()),
            Step::Record(State::Deleted),
        ),
        (
            "deleting, a part under way",
            deleting(requested(placed())),
            Step::Look,
        ),
        (
            "deleting, something stands",
            deleting(with(placed(), |it| it.work.touched = true)),
            Step::Remove,
        ),
    ] {
        assert_eq!(next_step(&network, NOW), step, "{named}");
    }
}

fn answer(parts: &[&str], ahead: Ahead) -> Answer {
    let parts: Vec<_> = parts.iter().map(|part| (*part).to_owned()).collect();
    let id = parts.first().map(|_| "vpc-1".to_owned());
    Answer {
        vpc: Vpc {
            id,
            parts,
            ..Vpc::default()
        },
        ahead,
        operation_token: String::new(),
    }
}

#[test]
fn absence_counts_when_two_looks_agree_long_after_the_request() {
    let mut network = requested(placed());
    for (after, still_requested) in [
        (1_000, true),
        (59_999, true),
        (60_999, true),
        (61_000, false),
    ] {
        let at = NOW + after;
        network.looked(answer(&[], part("vpc")), at, at, &timing());
        assert_eq!(network.work.requested.is_some(), still_requested, "{after}");
    }
    assert_eq!(
        next_step(&network, NOW + 61_000),
        Step::Make {
            part: "vpc".to_owned(),
            guarded: true
        }
    );
}

#[test]
fn a_sighting_settles_the_request_and_the_work_goes_on() {
    let mut network = requested(placed());
    network.looked(answer(&["vpc"], part("subnet")), NOW, NOW, &timing());
    assert_eq!(network.work.requested, None);
    assert_eq!(
        next_step(&network, NOW),
        Step::Make {
            part: "subnet".to_owned(),
            guarded: true
        }
    );
    network.looked(
        answer(&["vpc", "subnet"], Ahead::Complete),
        NOW,
        NOW,
        &timing(),
    );
    assert_eq!(network.state, State::Active);
    assert_eq!(next_step(&network, NOW), Step::Firewall);
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
fn an_operation_is_looked_at_in_its_own_time_until_it_ends() {
    let token = "operation-1".to_owned();
    let mut network = placed();
    let working = Answer {
        operation_token: token.clone(),
        ..answer(&[], part("vpc"))
    };
    network.looked(working, NOW, NOW, &timing());
    assert_eq!(network.work.step_at, Some(NOW + 1_000));
    assert_eq!(next_step(&network, NOW + 1_000), Step::Look);

    // An operation that could not be read goes on; one that the cloud refused has ended.
    let unread = with(network.clone(), |it| {
        let silence = Failure {
            refused: false,
            ..failure(FailureKind::Unavailable, "CLOUD_UNAVAILABLE")
        };
        it.failed(&silence, NOW, 0.5);
    });
    assert_eq!(unread.work.operation_token, token);
    let refused = with(network.clone(), |it| {
        it.failed(&failure(FailureKind::Unknown, "CLOUD_ERROR"), NOW, 0.5);
    });
    assert_eq!(refused.work.operation_token, "");

    network.looked(answer(&["vpc"], Ahead::Complete), NOW, NOW, &timing());
    assert_eq!(network.state, State::Active);
}

#[test]
fn a_refusal_says_nothing_about_an_earlier_request_whose_answer_was_lost() {
    for (was_touched, left) in [(false, Step::Record(State::Deleted)), (true, Step::Remove)] {
        let mut network = placed();
        network.work.touched = was_touched;
        network.requesting("vpc", false, NOW);
        network.request_refused(was_touched);
        network.state = State::Deleting;
        assert_eq!(next_step(&network, NOW), left);
    }
}

#[test]
fn a_terminal_refusal_fails_a_pending_network_and_no_other() {
    let refused = failure(FailureKind::Terminal, "INVALID_VPC_RANGE");
    let mut pending = placed();
    pending.failed(&refused, NOW, 0.5);
    assert_eq!(
        (pending.state, pending.reason.as_str()),
        (State::Failed, "INVALID_VPC_RANGE")
    );
    assert_eq!(pending.work.step_at, None);
    let mut deleting = with(placed(), |it| it.state = State::Deleting);
    deleting.failed(&refused, NOW, 0.5);
    assert_eq!(
        (deleting.state, deleting.work.failures),
        (State::Deleting, 1)
    );
}

#[test]
fn trouble_changes_no_state_and_is_forgotten_after_a_good_step() {
    for kind in [
        FailureKind::Quota,
        FailureKind::Throttled,
        FailureKind::Unauthorized,
        FailureKind::InProgress,
        FailureKind::Unavailable,
    ] {
        let mut network = placed();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            network.failed(&failure(kind, "SOME_REASON"), NOW, 1.0);
            assert_eq!(
                (network.state, network.reason.as_str()),
                (State::Pending, "SOME_REASON")
            );
            pauses.push(network.work.step_at.unwrap() - NOW);
        }
        assert_eq!(
            pauses[..7],
            [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]
        );
        assert_eq!(
            (network.work.failures, network.work.suspended_at),
            (0, None)
        );
        network.looked(answer(&[], part("vpc")), NOW, NOW, &timing());
        assert_eq!((network.reason.as_str(), network.work.retries), ("", 0));
    }
}

#[test]
fn an_unknown_failure_suspends_at_the_fifth_time() {
    let mut network = placed();
    for _ in 0..4 {
        network.failed(&failure(FailureKind::Unknown, "CLOUD_ERROR"), NOW, 0.0);
        assert_eq!(network.work.suspended_at, None);
    }
    network.failed(&failure(FailureKind::Unknown, "CLOUD_ERROR"), NOW, 0.0);
    assert_eq!(network.work.suspended_at, Some(NOW));
    assert_eq!(network.work.step_at, Some(NOW + 3_600_000));
}

#[test]
fn the_cloud_s_own_delay_is_kept() {
    let mut network = placed();
    let throttled = Failure {
        retry_after: Some(Duration::from_secs(20)),
        ..failure(FailureKind::Throttled, "CLOUD_THROTTLED")
    };
    network.failed(&throttled, NOW, 0.0);
    assert_eq!(network.work.step_at, Some(NOW + 20_000));
}

#[test]
fn a_full_account_is_left_for_another_unless_something_stands_in_it() {
    let full = failure(FailureKind::Quota, "VPC_LIMIT");
    let mut empty = requested(placed());
    empty.request_refused(false);
    empty.failed(&full, NOW, 0.5);
    assert_eq!(next_step(&empty, NOW), Step::Place);
    assert_eq!(empty.work.refused_accounts, ["111122223333"]);
    let mut begun = with(placed(), |it| it.vpc.id = Some("vpc-1".to_owned()));
    begun.failed(&full, NOW, 0.5);
    assert!(begun.account.is_some());
    let mut nowhere = empty;
    nowhere.failed(&failure(FailureKind::Quota, "NO_ROOM"), NOW, 0.5);
    assert!(nowhere.work.refused_accounts.is_empty());
}

#[test]
fn a_removal_that_finds_nothing_needs_two_looks() {
    let mut network = with(placed(), |it| {
        it.state = State::Deleting;
        it.work.touched = true;
    });
    network.removed(Removal::Absent, String::new(), NOW, NOW, &timing());
    assert_eq!(next_step(&network, NOW), Step::Wait(NOW + GRACE));
    let later = NOW + GRACE;
    network.removed(Removal::Absent, String::new(), later, later, &timing());
    assert_eq!(
        (network.state, network.delete_time),
        (State::Deleted, Some(later))
    );
    assert_eq!(network.group(), None);
}
