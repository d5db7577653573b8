//! What is different where each side makes a half of its own.

use super::observe::{Look, observe, walk_to};
use super::peering::{ConditionStatus, Peering};
use super::progress::{self, Refusal, RefusalKind, Removal};
use super::sighting::{CloudState, Sighting};
use super::state::State;
use super::step::{Step, next_step};
use super::walk::{NOW, RULES, admitted_half, sighting};
use super::{Actor, next_action};

pub(super) const GRACE: i64 = 60_000;

pub(super) fn asking() -> Peering {
    let mut peering = admitted_half(State::Provisioning, 1);
    peering.work.step_at = Some(NOW);
    progress::requesting(&peering, NOW)
}

/// A request that the cloud works on.
pub(super) fn underway() -> Peering {
    progress::underway(&asking(), "operation-1", NOW)
}

pub(super) fn half(peering: &Peering, state: CloudState) -> Sighting {
    sighting(peering, "half-1", state)
}

/// The peering after a complete look.
pub(super) fn seen(peering: &Peering, state: CloudState, at: i64) -> Peering {
    let half = half(peering, state);
    let look = Look {
        began_at: at,
        complete: true,
        seen: Some(&half),
    };
    let way = walk_to(peering, &look, &RULES, at);
    way.last().unwrap_or(peering).clone()
}

pub(super) fn missed(peering: &Peering, at: i64) -> Peering {
    let look = Look {
        began_at: at,
        complete: true,
        seen: None,
    };
    observe(peering, &look, &RULES, at).unwrap_or_else(|| peering.clone())
}

/// A half of ours that was there and is absent by the rule.
pub(super) fn lost(state: CloudState) -> Peering {
    let standing = seen(&progress::rested(&asking()), state, NOW);
    missed(&missed(&standing, NOW + 1), NOW + 1 + GRACE)
}

pub(super) fn refusal(kind: RefusalKind, certain: bool) -> Refusal {
    Refusal {
        kind,
        reason: "SOME_REASON".to_owned(),
        message: "No.".to_owned(),
        certain,
    }
}

fn in_sync(peering: &Peering) -> Option<ConditionStatus> {
    let mut conditions = peering.conditions.iter();
    conditions
        .find(|one| one.name == "IN_SYNC")
        .map(|one| one.status)
}

pub(super) fn is_idle(peering: &Peering) -> bool {
    let work = &peering.work;
    work.busy_since.is_none() && work.requested_at.is_none() && work.operation_token.is_empty()
}

#[test]
fn both_networks_are_guarded_whichever_comes_first() {
    let peering = admitted_half(State::Provisioning, 1);
    let both = ["gcp/customer-prod/apps-1", "gcp/vendor-prod/net-main"];
    assert_eq!(peering.guarded_networks(), Some(both.map(str::to_owned)));
    assert_eq!(
        super::walk::admitted(State::Provisioning).guarded_networks(),
        None
    );
}

#[test]
fn an_operation_is_read_again_at_growing_pauses() {
    let mut peering = underway();
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let at = peering.work.step_at.unwrap();
        assert_eq!(next_step(&peering, at), Step::Follow);
        peering = progress::underway(&peering, "operation-1", at);
        pauses.push((peering.work.step_at.unwrap() - at) / 1_000);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn while_an_operation_runs_absence_says_nothing_until_it_takes_too_long() {
    let peering = underway();
    let still = missed(&missed(&peering, NOW + GRACE), NOW + 5 * GRACE);
    assert_eq!(still, peering);
    let failed = missed(&peering, NOW + RULES.provision_timeout);
    assert_eq!(
        (failed.state, failed.reason.as_str()),
        (State::Failed, "PROVISION_TIMEOUT")
    );
    assert!(failed.message.contains("operation-1"), "{}", failed.message);
    assert!(is_idle(&failed));
}

#[test]
fn a_half_that_shows_while_its_operation_runs_moves_the_state_and_frees_nothing() {
    let waiting = seen(&underway(), CloudState::Inactive, NOW + 1);
    assert_eq!(waiting.state, State::PendingAcceptance);
    assert_eq!(waiting.work.busy_since, Some(NOW));
    assert_eq!(next_step(&waiting, NOW + 1), Step::Follow);
    let half = half(&waiting, CloudState::Inactive);
    let way = progress::requested(&waiting, &half, "", &RULES, NOW + 2, NOW + 2);
    assert!(is_idle(way.last().unwrap()));
    assert_eq!(next_step(way.last().unwrap(), NOW + 2), Step::Rest);
}

#[test]
fn an_answer_on_its_way_keeps_the_networks_though_the_half_shows() {
    let asking = asking();
    let waiting = seen(&asking, CloudState::Inactive, NOW + 1);
    assert_eq!(waiting.state, State::PendingAcceptance);
    assert_eq!(waiting.work.busy_since, Some(NOW));
    assert!(progress::is_open(&asking, &waiting));
    // Once nobody waits for the answer any more, what shows counts.
    let looked_for = progress::rested(&waiting);
    assert!(is_idle(&seen(&looked_for, CloudState::Inactive, NOW + 2)));
}

#[test]
fn every_certain_refusal_ends_the_operation_and_no_other_does() {
    use RefusalKind::*;
    for kind in [Terminal, Quota, Passing, InProgress, Unauthorized, Unknown] {
        for (peering, step) in [(asking(), Step::Request), (underway(), Step::Follow)] {
            let after = progress::refused(&peering, &step, &refusal(kind, true), NOW);
            assert!(is_idle(&after), "{step:?} {kind:?}");
            assert_eq!(after.state == State::Failed, kind == Terminal);
            let after = progress::refused(&peering, &step, &refusal(kind, false), NOW);
            assert_eq!(after.work.busy_since, Some(NOW), "{step:?} {kind:?}");
            // Whoever has not been told asks again.
            let at = after.work.step_at.unwrap();
            assert_eq!(next_step(&after, at), Step::Follow);
        }
    }
}

#[test]
fn an_operation_of_others_is_shown_and_never_counts() {
    let mut peering = asking();
    for _ in 0..20 {
        let busy = refusal(RefusalKind::InProgress, true);
        peering = progress::refused(&peering, &Step::Request, &busy, NOW);
        assert_eq!(peering.reason, "CLOUD_OPERATION_IN_PROGRESS");
        assert_eq!(
            (peering.message.as_str(), peering.work.failures),
            ("No.", 0)
        );
        assert!(peering.work.step_at > Some(NOW));
    }
    // Our own rows say the same, and keep the cloud's sentence.
    let network = "gcp/vendor-prod/net-main".to_owned();
    let put_off = progress::put_off(&peering, Some(network.clone()), NOW);
    assert!(!peering.differs_visibly(&put_off));
    assert_eq!(put_off.work.waits_for, Some(network));
    assert_eq!(
        progress::put_off(&peering, None, NOW).work.step_at,
        Some(NOW)
    );
    assert_eq!(progress::requesting(&put_off, NOW).work.waits_for, None);
}

#[test]
fn a_half_of_ours_that_vanished_is_put_back_under_its_name() {
    for (shown, state) in [
        (CloudState::Inactive, State::PendingAcceptance),
        (CloudState::Active, State::Active),
    ] {
        let gone = lost(shown);
        assert_eq!((gone.state, gone.attempt), (state, 1));
        assert!(gone.work.gone);
        let mut due = gone.clone();
        due.work.routes_due = false;
        assert_eq!(next_step(&due, NOW + 2 * GRACE), Step::Request);
        let routed = state == State::Active;
        assert_eq!(in_sync(&gone), routed.then_some(ConditionStatus::False));
        let asked = progress::underway(&progress::requesting(&due, NOW), "operation-2", NOW);
        let back = seen(&asked, shown, NOW);
        assert_eq!(in_sync(&back), routed.then_some(ConditionStatus::True));
        assert!(!back.work.gone && back.work.requested_at.is_none());
        let no = refusal(RefusalKind::Terminal, true);
        let away = progress::refused(&asked, &Step::Follow, &no, NOW);
        assert_eq!(
            (away.state, away.reason.as_str(), away.message.as_str()),
            (State::Disconnected, "LOST_OUT_OF_BAND", "No.")
        );
        assert!(is_idle(&away) && !away.wants_half_back());
        let unknown = refusal(RefusalKind::Unknown, true);
        let later = progress::refused(&asked, &Step::Follow, &unknown, NOW);
        assert!(later.wants_half_back() && later.work.failures == 1);
    }
}

#[test]
fn inactive_after_active_ends_it_and_active_brings_it_back() {
    let active = seen(&progress::rested(&asking()), CloudState::Active, NOW);
    assert_eq!(in_sync(&active), Some(ConditionStatus::True));
    let doubted = seen(&active, CloudState::Inactive, NOW + 1);
    assert_eq!(doubted.state, State::Active);
    let ended = seen(&doubted, CloudState::Inactive, NOW + 5_001);
    assert_eq!(
        (ended.state, ended.reason.as_str(), ended.work.gone),
        (State::Disconnected, "DELETED_BY_PEER", false)
    );
    let action = next_action(&ended);
    assert_eq!(
        (action.actor, action.code),
        (Actor::Customer, "CREATE_PEERING")
    );
    let back = seen(&ended, CloudState::Active, NOW + 5_002);
    assert_eq!(back.state, State::Active);
    assert_eq!(in_sync(&back), Some(ConditionStatus::True));
    assert!(back.work.routes_due);
}

#[test]
fn whoever_waits_for_long_gets_hints_that_looks_keep() {
    let waiting = seen(&progress::rested(&asking()), CloudState::Inactive, NOW);
    let due = NOW + RULES.hint_after;
    assert_eq!(waiting.work.step_at, Some(due));
    assert_eq!(next_step(&waiting, due - 1), Step::Rest);
    assert_eq!(next_step(&waiting, due), Step::Hint);
    let hinted = progress::hinted(&waiting);
    for word in [
        "restrictVpcPeering",
        "compute.networks.addPeering",
        "overlaps",
    ] {
        assert!(hinted.message.contains(word), "{word}");
        assert!(next_action(&hinted).summary.contains(word), "{word}");
        assert!(!next_action(&waiting).summary.contains(word), "{word}");
    }
    assert_eq!(next_step(&hinted, due), Step::Rest);
    assert_eq!(progress::rested(&hinted).work.step_at, None);
    let later = seen(&hinted, CloudState::Inactive, due + 1);
    assert!(!hinted.differs_visibly(&later));
}

#[test]
fn a_deletion_reads_what_runs_before_it_begins_anything() {
    let mut deleting = underway();
    deleting.delete(None, NOW);
    assert_eq!(next_step(&deleting, NOW), Step::Follow);
    let adopted = seen(&deleting, CloudState::Inactive, NOW);
    assert_eq!(next_step(&adopted, NOW), Step::Delete("half-1".to_owned()));
    assert_eq!(
        adopted.work.operation_token, "operation-1",
        "the deletion hands it over"
    );
    let mut unanswered = asking();
    unanswered.delete(None, NOW + 1);
    assert_eq!(next_step(&unanswered, NOW + 1), Step::Follow);
}

#[test]
fn a_removal_holds_the_networks_until_it_has_ended() {
    let mut deleting = seen(&progress::rested(&asking()), CloudState::Inactive, NOW);
    deleting.delete(None, NOW);
    let asked = progress::removing(&deleting, NOW);
    let going = progress::removed(&asked, Removal::InProgress, "operation-2", NOW);
    assert_eq!(going.work.step_at, Some(NOW + 1_000));
    assert!(going.work.busy_since.is_some());
    for (removal, gone) in [
        (Removal::Deleted, true),
        (Removal::Absent, false),
        (Removal::InProgress, false),
    ] {
        let after = progress::removed(&going, removal, "", NOW);
        assert!(is_idle(&after), "{removal:?}");
        assert_eq!(after.work.gone, gone, "{removal:?}");
    }
    let step = Step::Delete("half-1".to_owned());
    let lost = progress::refused(&asked, &step, &refusal(RefusalKind::Passing, false), NOW);
    assert_eq!(
        lost.work.busy_since,
        Some(NOW),
        "the same request is repeated"
    );
    let no = progress::refused(&asked, &step, &refusal(RefusalKind::InProgress, true), NOW);
    assert!(is_idle(&no) && no.state == State::Deleting);
}

#[test]
fn the_cloud_s_sentence_on_permissions_is_shown() {
    let no = refusal(RefusalKind::Unauthorized, true);
    let after = progress::refused(&asking(), &Step::Request, &no, NOW);
    assert_eq!(
        (after.state, after.reason.as_str(), after.message.as_str()),
        (State::Provisioning, "CLOUD_UNAUTHORIZED", "No.")
    );
}
