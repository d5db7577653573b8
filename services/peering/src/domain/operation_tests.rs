//! How long an operation holds its networks, and what becomes of a request of which nothing was told.

use super::*;
use crate::domain::observe::{Look, observe};
use crate::domain::progress::{self, RefusalKind, Removal};
use crate::domain::two_halves_tests::{
    GRACE, asking, half, is_idle, lost, missed, refusal, seen, underway,
};
use crate::domain::walk::{NOW, RULES, admitted, admitted_half};
use crate::domain::{CloudState, Glance, State, Step, next_step, settled};

const DAY: i64 = RULES.provision_timeout;
const MINUTE: i64 = 60_000;

/// A request whose answer was lost.
fn untold() -> Peering {
    let passing = refusal(RefusalKind::Passing, false);
    progress::refused(&asking(), &Step::Request, &passing, NOW)
}

/// A half that stands, and nothing is under way.
fn standing(state: CloudState) -> Peering {
    seen(&progress::rested(&asking()), state, NOW)
}

fn deleting() -> Peering {
    let mut deleting = standing(CloudState::Inactive);
    deleting.delete(None, NOW);
    deleting
}

#[test]
fn an_operation_that_hangs_holds_the_networks_for_a_day_though_its_half_shows() {
    let waiting = seen(&underway(), CloudState::Inactive, NOW + 1);
    let shown = half(&waiting, CloudState::Inactive);
    assert!(!settled(&Glance::of(&waiting), Some(&shown)));
    let removing = progress::removing(&deleting(), NOW);
    let removing = progress::removed(&removing, Removal::InProgress, "operation-2", NOW);
    let mut unwanted = waiting.clone();
    unwanted.delete(None, NOW + 2);
    for peering in [waiting, removing, unwanted] {
        let before = seen(&peering, CloudState::Inactive, NOW + DAY - 1);
        assert_eq!(before.work.busy_since, Some(NOW));
        let after = seen(&peering, CloudState::Inactive, NOW + DAY);
        assert!(is_idle(&after), "{after:#?}");
        let step = match after.state {
            State::Deleting => Step::Delete("half-1".to_owned()),
            _ => Step::Hint,
        };
        assert_eq!(next_step(&after, NOW + DAY), step);
    }
}

#[test]
fn a_removal_of_which_nothing_is_told_does_not_hold_the_networks_for_ever() {
    let mut asked = progress::removing(&deleting(), NOW);
    let step = Step::Delete("half-1".to_owned());
    for _ in 0..5 {
        asked = progress::refused(&asked, &step, &refusal(RefusalKind::Unknown, false), NOW);
    }
    assert!(asked.work.suspended_at.is_some());
    let early = seen(&asked, CloudState::Inactive, NOW + UNTOLD_FOR - 1);
    assert_eq!(early.work.busy_since, Some(NOW));
    assert!(is_idle(&seen(
        &asked,
        CloudState::Inactive,
        NOW + UNTOLD_FOR
    )));
    // The cloud knows a repeated removal for a while only.
    assert!(!asked.removes_anew(NOW + ASKED_AGAIN_FOR - 1));
    assert!(asked.removes_anew(NOW + ASKED_AGAIN_FOR));
}

#[test]
fn an_hour_of_operations_that_fail_costs_few_requests_and_few_events() {
    for kind in [RefusalKind::Quota, RefusalKind::InProgress] {
        let mut row = admitted_half(State::Provisioning, 1);
        row.work.step_at = Some(NOW);
        let (mut now, mut requests, mut events) = (NOW, 0, 0);
        while now < NOW + 60 * MINUTE {
            let mut next = match next_step(&row, now) {
                Step::Request => {
                    requests += 1;
                    let asked = progress::requesting(&row, now);
                    progress::underway(&asked, "operation-1", now)
                }
                step => progress::refused(&row, &step, &refusal(kind, true), now),
            };
            if row.differs_visibly(&next) {
                events += 1;
                next.update_at = now;
            }
            row = next;
            now = row.work.step_at.unwrap();
        }
        assert!(requests <= 130, "{kind:?}: {requests} requests");
        assert!(events <= 4, "{kind:?}: {events} events");
    }
}

#[test]
fn what_its_own_rows_said_is_forgotten_once_it_is_its_turn() {
    let mut row = admitted_half(State::Provisioning, 1);
    row.work.step_at = Some(NOW);
    let network = Some("gcp/vendor-prod/net-main".to_owned());
    let waiting = progress::put_off(&row, network, NOW);
    assert_eq!(waiting.reason, "CLOUD_OPERATION_IN_PROGRESS");
    let asked = progress::requesting(&waiting, NOW);
    assert_eq!(progress::underway(&asked, "operation-1", NOW).reason, "");
}

#[test]
fn a_request_whose_answer_was_lost_is_asked_again_at_growing_pauses() {
    let mut peering = untold();
    let mut pauses = vec![2];
    for _ in 0..6 {
        let at = peering.work.step_at.unwrap();
        assert_eq!(next_step(&peering, at), Step::Follow);
        let passing = refusal(RefusalKind::Passing, false);
        peering = progress::refused(&peering, &Step::Follow, &passing, at);
        pauses.push((peering.work.step_at.unwrap() - at) / 1_000);
    }
    assert_eq!(pauses, [2, 2, 4, 8, 16, 30, 30]);
    assert_eq!(peering.work.requested_at, Some(NOW), "the same request");
    assert_eq!(
        next_step(&peering, NOW + ASKED_AGAIN_FOR),
        Step::AwaitLook,
        "the cloud may know it no more"
    );
    let told = progress::underway(&peering, "operation-1", NOW + MINUTE);
    assert_eq!(told.work.operation_token, "operation-1");
    assert_eq!(told.work.busy_since, Some(NOW));
}

#[test]
fn refusing_the_repeated_request_does_not_say_that_the_first_one_did_nothing() {
    use RefusalKind::*;
    for kind in [Quota, Passing, InProgress, Unauthorized, Unknown] {
        let no = refusal(kind, true);
        let after = progress::refused(&untold(), &Step::Follow, &no, NOW + MINUTE);
        assert_eq!(after.work.requested_at, Some(NOW), "{kind:?}");
        assert_eq!(after.work.busy_since, Some(NOW), "{kind:?}");
        assert!(after.work.step_at > Some(NOW + MINUTE), "{kind:?}");
    }
    let no = refusal(Terminal, true);
    let after = progress::refused(&untold(), &Step::Follow, &no, NOW + MINUTE);
    assert_eq!(after.state, State::Failed);
    assert!(is_idle(&after));
}

#[test]
fn absence_says_nothing_of_a_request_that_is_asked_for_again() {
    let peering = untold();
    let still = missed(&missed(&peering, NOW + 2 * GRACE), NOW + 4 * GRACE);
    assert_eq!(still, peering);
    let late = NOW + UNTOLD_FOR;
    let free = missed(&missed(&peering, late), late + GRACE);
    assert!(is_idle(&free));
    assert_eq!(next_step(&free, late + GRACE), Step::Request);
    // An operation that was read to its end is another thing.
    let ended = progress::underway(&peering, "", NOW + 1);
    let free = missed(&missed(&ended, NOW + 2), NOW + 2 + GRACE);
    assert!(is_idle(&free));
}

#[test]
fn a_deletion_asks_again_then_reads_and_then_removes() {
    let mut deleting = untold();
    deleting.delete(None, NOW + 1);
    assert_eq!(next_step(&deleting, NOW + 1), Step::Follow);
    let told = progress::underway(&deleting, "operation-1", NOW + 1);
    let at = told.work.step_at.unwrap();
    assert_eq!(next_step(&told, at), Step::Follow);
    let shown = half(&told, CloudState::Inactive);
    let way = progress::requested(&told, &shown, "", &RULES, at, at);
    let delete = Step::Delete("half-1".to_owned());
    assert_eq!(next_step(way.last().unwrap(), at), delete);
}

#[test]
fn looks_during_a_call_leave_its_answer_open() {
    for state in [CloudState::Active, CloudState::Inactive] {
        let asking = asking();
        let once = seen(&asking, state, NOW + 1);
        let twice = seen(&once, state, NOW + 2);
        assert!(progress::is_open(&asking, &twice), "{state:?}");
        assert_eq!(twice.work.busy_since, Some(NOW));
        let told = progress::underway(&twice, "operation-1", NOW + 3);
        assert!(told.has_operation());
    }
}

#[test]
fn who_was_never_asked_for_is_not_given_up() {
    let late = NOW + DAY;
    let mut busy = admitted_half(State::Provisioning, 1);
    busy.work.waits_for = Some("gcp/vendor-prod/net-main".to_owned());
    assert_eq!(missed(&busy, late), busy);
    let mut in_line = admitted(State::Provisioning);
    in_line.reason = "OUTSTANDING_LIMIT".to_owned();
    assert_eq!(missed(&in_line, late), in_line);
    in_line.reason.clear();
    assert_eq!(missed(&in_line, late).state, State::Failed);
}

#[test]
fn an_answer_is_a_first_look_and_only_a_complete_one_agrees() {
    let mut gone = lost(CloudState::Active);
    gone.work.routes_due = false;
    let asked = progress::underway(&progress::requesting(&gone, NOW), "operation-2", NOW);
    let at = NOW + MINUTE;
    let shown = half(&asked, CloudState::Inactive);
    let way = progress::requested(&asked, &shown, "", &RULES, at, at);
    let back = way.last().unwrap();
    assert_eq!(back.state, State::Active);
    let soon = seen(back, CloudState::Inactive, at + 4_999);
    assert_eq!(soon.state, State::Active);
    let partial = Look {
        began_at: at + 6_000,
        complete: false,
        seen: Some(&shown),
    };
    let partly = observe(&soon, &partial, &RULES, at + 6_000).unwrap_or(soon);
    assert_eq!(partly.state, State::Active);
    let agreed = seen(&partly, CloudState::Inactive, at + 7_000);
    assert_eq!(agreed.state, State::Disconnected);
}

#[test]
fn absence_and_inactivity_are_not_added_up() {
    let active = standing(CloudState::Active);
    let inactive = seen(&active, CloudState::Inactive, NOW + 1);
    let absent = missed(&inactive, NOW + 1 + GRACE);
    assert!(!absent.work.gone);
    assert!(missed(&absent, NOW + 1 + 2 * GRACE).work.gone);
    let absent = missed(&active, NOW + 1);
    let inactive = seen(&absent, CloudState::Inactive, NOW + 1 + GRACE);
    assert_eq!(inactive.state, State::Active);
    let absent = missed(&inactive, NOW + 2 + GRACE);
    let again = seen(&absent, CloudState::Inactive, NOW + 2 + 2 * GRACE);
    assert_eq!(again.state, State::Active);
}

#[test]
fn who_waits_for_a_network_tries_less_and_less_often() {
    let mut row = admitted_half(State::Provisioning, 1);
    row.work.step_at = Some(NOW);
    let (mut now, mut tries) = (NOW, 0);
    let network = || Some("gcp/vendor-prod/net-main".to_owned());
    while now < NOW + 60 * MINUTE {
        tries += 1;
        let mut next = progress::put_off(&row, network(), now);
        if row.differs_visibly(&next) {
            next.update_at = now;
        }
        row = next;
        let pause = row.work.step_at.unwrap() - now;
        let most = if tries == 1 { 1_500 } else { 15_500 };
        assert!((1_000..most).contains(&pause), "{pause}");
        now += pause;
    }
    assert!(tries < 260, "{tries} tries in an hour");
}

#[test]
fn a_word_that_nobody_knows_ends_no_operation() {
    let shown = half(&underway(), CloudState::Unrecognized);
    let at = NOW + 1;
    let way = progress::requested(&underway(), &shown, "operation-1", &RULES, at, at);
    let [after] = &way[..] else {
        panic!("{way:#?}");
    };
    assert_eq!(after.work.operation_token, "operation-1");
    assert_eq!(after.work.busy_since, Some(NOW));
    let due = after.work.step_at.unwrap();
    assert_eq!(next_step(after, due), Step::Follow);
    // Should it stay like that, the networks become free in the end.
    let after = seen(after, CloudState::Unrecognized, NOW + DAY);
    assert!(is_idle(&after));
    let way = progress::requested(&asking(), &shown, "", &RULES, at, at);
    assert_eq!(way[0].work.requested_at, Some(NOW), "a look may know it");
}

#[test]
fn an_operation_that_follows_another_is_read_at_pauses_of_its_own() {
    let asked = progress::removing(&deleting(), NOW);
    let going = progress::removed(&asked, Removal::InProgress, "operation-2", NOW);
    let at = NOW + MINUTE;
    let other = progress::removed(&going, Removal::InProgress, "operation-3", at);
    assert_eq!(other.work.busy_since, Some(at));
    assert_eq!(other.work.step_at, Some(at + 1_000));
}

#[test]
fn a_half_that_was_put_back_and_then_refused_is_lost_seen_or_not() {
    let no = refusal(RefusalKind::Terminal, true);
    let gone = lost(CloudState::Inactive);
    let asked = progress::underway(&progress::requesting(&gone, NOW), "operation-2", NOW);
    let shown = seen(&asked, CloudState::Inactive, NOW + 1);
    for back in [asked, shown] {
        let away = progress::refused(&back, &Step::Follow, &no, NOW + 2);
        assert_eq!(
            (away.state, away.reason.as_str()),
            (State::Disconnected, "LOST_OUT_OF_BAND")
        );
        assert!(is_idle(&away));
    }
    let first = seen(&underway(), CloudState::Inactive, NOW + 1);
    let during_the_call = seen(&asking(), CloudState::Inactive, NOW + 1);
    let told = progress::underway(&during_the_call, "operation-1", NOW + 1);
    for first in [first, told] {
        let failed = progress::refused(&first, &Step::Follow, &no, NOW + 2);
        assert_eq!(failed.state, State::Failed);
    }
}
