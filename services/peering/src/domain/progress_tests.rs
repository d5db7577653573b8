//! Every answer to every step.

use super::*;
use crate::domain::sighting::CloudState;
use crate::domain::step::{Step, next_step};
use crate::domain::walk::{NOW, RULES, admitted, sighting};

fn asking() -> Peering {
    let mut peering = admitted(State::Provisioning);
    peering.work.step_at = Some(NOW);
    requesting(&peering, NOW)
}

fn refusal(kind: RefusalKind, certain: bool) -> Refusal {
    Refusal {
        kind,
        reason: "SOME_REASON".to_owned(),
        message: "No.".to_owned(),
        certain,
    }
}

const KINDS: [RefusalKind; 6] = [
    RefusalKind::Terminal,
    RefusalKind::Quota,
    RefusalKind::Passing,
    RefusalKind::InProgress,
    RefusalKind::Unauthorized,
    RefusalKind::Unknown,
];

#[test]
fn a_create_without_a_certain_answer_is_looked_for_and_never_repeated() {
    for kind in KINDS {
        let after = refused(&asking(), &Step::Request, &refusal(kind, false), NOW);
        assert_eq!(after.state, State::Provisioning, "{kind:?}");
        assert_eq!(after.work.requested_at, Some(NOW), "{kind:?}");
        assert_eq!(after.work.step_at, None, "{kind:?}");
    }
}

#[test]
fn a_create_that_was_surely_refused_is_free_to_be_repeated() {
    for kind in KINDS {
        let after = refused(&asking(), &Step::Request, &refusal(kind, true), NOW);
        assert_eq!(after.work.requested_at, None, "{kind:?}");
        let failed = kind == RefusalKind::Terminal;
        assert_eq!(after.state == State::Failed, failed, "{kind:?}");
        assert_eq!(after.work.step_at.is_none(), failed, "{kind:?}");
    }
}

#[test]
fn a_refusal_for_good_fails_with_its_reason() {
    let after = refused(
        &asking(),
        &Step::Request,
        &refusal(RefusalKind::Terminal, true),
        NOW,
    );
    assert_eq!(
        (after.reason.as_str(), after.message.as_str()),
        ("SOME_REASON", "No.")
    );
    assert_eq!(next_step(&after, i64::MAX), Step::Rest);
}

#[test]
fn a_waiter_says_what_it_waits_for_and_forgets_it_once_it_is_served() {
    let after = refused(
        &asking(),
        &Step::Request,
        &refusal(RefusalKind::Quota, true),
        NOW,
    );
    assert_eq!(after.reason, "SOME_REASON");
    let asking = requesting(&after, NOW);
    let seen = sighting(&asking, "pcx-1", CloudState::Provisioning);
    let way = requested(&asking, &seen, "", &RULES, NOW, NOW);
    assert_eq!(way[0].reason, "");
    assert_eq!(way[0].provider_peering_id.as_deref(), Some("pcx-1"));
    assert_eq!(
        (way[0].work.step_at, way[0].work.requested_at),
        (None, None)
    );
}

#[test]
fn only_unknown_errors_count_and_five_suspend() {
    let mut peering = admitted(State::Deleting);
    for kind in [
        RefusalKind::Passing,
        RefusalKind::Quota,
        RefusalKind::Unauthorized,
    ] {
        let after = refused(&peering, &Step::Detach, &refusal(kind, true), NOW);
        assert_eq!(after.work.failures, 0, "{kind:?}");
    }
    let mut waits = Vec::new();
    for _ in 0..5 {
        peering = refused(
            &peering,
            &Step::Detach,
            &refusal(RefusalKind::Unknown, true),
            NOW,
        );
        waits.push(peering.work.step_at.unwrap_or_default() - NOW);
    }
    assert_eq!(waits, [2_000, 4_000, 8_000, 16_000, 3_600_000]);
    assert_eq!(peering.work.suspended_at, Some(NOW));
    assert_eq!(peering.state, State::Deleting);
    let good = routed(&peering, &Routing::Done, NOW);
    assert_eq!((good.work.failures, good.work.suspended_at), (0, None));
}

#[test]
fn an_answer_counts_while_its_question_is_open() {
    let asking = asking();
    let mut deleting = asking.clone();
    deleting.delete(None, NOW);
    let missed = Peering {
        version: 9,
        ..asking.clone()
    };
    assert!(is_open(&asking, &missed) && is_open(&asking, &deleting));
    let again = requesting(&asking, NOW + 1);
    let failed = duplicate(
        &asking,
        &sighting(&asking, "pcx-7", CloudState::Active),
        NOW,
    );
    let known = Peering {
        provider_peering_id: Some("pcx-1".to_owned()),
        ..asking.clone()
    };
    let renewed = Peering {
        attempt: 2,
        ..asking.clone()
    };
    for other in [again, failed, known, renewed] {
        assert!(!is_open(&asking, &other), "{other:?}");
    }
}

#[test]
fn an_answer_that_comes_after_the_owner_s_wish_for_its_end_still_helps() {
    let mut deleting = asking();
    deleting.delete(None, NOW);
    let seen = sighting(&deleting, "pcx-1", CloudState::PendingAcceptance);
    let way = requested(&deleting, &seen, "", &RULES, NOW, NOW);
    let last = way.last().unwrap();
    assert_eq!(next_step(last, NOW), Step::Delete("pcx-1".to_owned()));
    for kind in KINDS {
        let after = refused(&deleting, &Step::Request, &refusal(kind, true), NOW);
        assert_eq!(after.state, State::Deleting, "{kind:?}");
        assert_eq!(next_step(&after, i64::MAX), Step::Detach, "{kind:?}");
        let after = refused(&deleting, &Step::Request, &refusal(kind, false), NOW);
        assert_eq!(after.work.requested_at, Some(NOW), "{kind:?}");
        assert_eq!(next_step(&after, i64::MAX), Step::Rest, "{kind:?}");
    }
    let foreign = duplicate(&deleting, &seen, NOW);
    assert_eq!(next_step(&foreign, NOW), Step::Detach);
}

#[test]
fn an_outage_changes_no_state_of_any_step() {
    for step in [
        Step::Request,
        Step::Routes,
        Step::Delete("pcx-1".to_owned()),
        Step::Detach,
    ] {
        for state in [State::Provisioning, State::Active, State::Deleting] {
            let before = admitted(state);
            let after = refused(&before, &step, &refusal(RefusalKind::Passing, true), NOW);
            assert_eq!(after.state, state, "{step:?}");
            // Only who waits for an end is told what is in its way.
            let is_told = state == State::Deleting;
            assert_eq!(before.differs_visibly(&after), is_told, "{step:?} {state}");
        }
    }
}

#[test]
fn routes_in_place_are_a_condition_and_refused_ones_too() {
    let mut active = admitted(State::PendingAcceptance);
    active.enter(State::Active, "", None, NOW);
    active.work.routes_due = true;
    let status = |peering: &Peering| {
        peering
            .conditions
            .iter()
            .find(|one| one.name == "ROUTES_READY")
            .map(|one| one.status)
    };
    assert_eq!(status(&active), Some(ConditionStatus::Unknown));
    let partly = routed(&active, &Routing::More, NOW);
    assert_eq!(
        (status(&partly), partly.work.routes_due),
        (Some(ConditionStatus::Unknown), true)
    );
    let done = routed(&active, &Routing::Done, NOW);
    assert_eq!(
        (status(&done), done.work.routes_due),
        (Some(ConditionStatus::True), false)
    );
    for kind in [RefusalKind::Terminal, RefusalKind::Quota] {
        let full = refused(&active, &Step::Routes, &refusal(kind, true), NOW);
        assert_eq!(status(&full), Some(ConditionStatus::False));
        assert!(full.work.routes_due && full.work.step_at > Some(NOW));
        assert_eq!(full.state, State::Active);
    }
}

#[test]
fn an_end_does_not_wait_for_the_routes_of_others() {
    for state in [State::Deleting, State::Disconnected] {
        let mut ending = admitted(state);
        ending.work.routes_due = true;
        for kind in KINDS {
            let (mut after, mut tries) = (ending.clone(), 0);
            while after.work.routes_due && tries < 10 {
                after = refused(&after, &Step::Routes, &refusal(kind, true), NOW);
                tries += 1;
            }
            let expected = match kind {
                RefusalKind::Terminal | RefusalKind::Quota => 1,
                RefusalKind::Unknown => 3,
                RefusalKind::Passing | RefusalKind::InProgress | RefusalKind::Unauthorized => 10,
            };
            assert_eq!(tries, expected, "{state} {kind:?}");
            assert_eq!(after.work.routes_due, tries == 10, "{state} {kind:?}");
            assert_eq!((after.state, after.work.failures), (state, 0));
        }
        for missing in [Vec::new(), vec!["10.1.0.0/16".parse().unwrap()]] {
            let after = routed(&ending, &Routing::Stuck(missing), NOW);
            assert_eq!(
                (after.work.routes_due, after.work.step_at),
                (false, Some(NOW)),
                "{state}"
            );
        }
        for routing in [Routing::More, Routing::Overtaken] {
            assert!(routed(&ending, &routing, NOW).work.routes_due, "{state}");
        }
    }
}

#[test]
fn a_route_that_finds_no_place_is_named_and_heals() {
    let mut active = admitted(State::PendingAcceptance);
    active.enter(State::Active, "", None, NOW);
    active.work.routes_due = true;
    let ready = |peering: &Peering| peering.conditions[0].clone();
    let stuck = Routing::Stuck(vec!["10.1.0.0/16".parse().unwrap()]);
    let first = routed(&active, &stuck, NOW);
    let again = routed(&first, &stuck, NOW);
    for (after, wait) in [(&first, 5_000), (&again, 60_000)] {
        assert_eq!(ready(after).status, ConditionStatus::False);
        assert_eq!(ready(after).reason, "ROUTE_MISSING_VENDOR");
        assert!(ready(after).message.contains("10.1.0.0/16"));
        assert!(after.work.routes_due);
        assert_eq!(after.work.step_at, Some(NOW + wait));
    }
    let healed = routed(&again, &Routing::Done, NOW);
    assert_eq!(
        (ready(&healed).status, ready(&healed).reason.as_str()),
        (ConditionStatus::True, "")
    );
    // The routes of others are the business of others.
    let placed = routed(&active, &Routing::Stuck(Vec::new()), NOW);
    assert_eq!(ready(&placed).status, ConditionStatus::True);
    assert!(!placed.work.routes_due);
    let overtaken = routed(&active, &Routing::Overtaken, NOW);
    assert_eq!(
        (overtaken.work.routes_due, overtaken.work.step_at),
        (true, Some(NOW))
    );
}

#[test]
fn an_error_that_nobody_knows_is_shown() {
    let unknown = refusal(RefusalKind::Unknown, true);
    let after = refused(&asking(), &Step::Request, &unknown, NOW);
    assert_eq!(
        (after.reason.as_str(), after.message.as_str()),
        ("CLOUD_ERROR", "No.")
    );
    let mut active = admitted(State::PendingAcceptance);
    active.enter(State::Active, "", None, NOW);
    active.work.routes_due = true;
    let after = refused(&active, &Step::Routes, &unknown, NOW);
    let ready = &after.conditions[0];
    assert_eq!(
        (ready.status, ready.reason.as_str(), ready.message.as_str()),
        (ConditionStatus::False, "CLOUD_ERROR", "No.")
    );
    assert_eq!((after.reason.as_str(), after.work.failures), ("", 1));
}

#[test]
fn what_is_no_longer_in_the_way_is_not_shown_any_more() {
    for kind in [
        RefusalKind::Quota,
        RefusalKind::Unauthorized,
        RefusalKind::Unknown,
    ] {
        let told = refused(&asking(), &Step::Request, &refusal(kind, true), NOW);
        assert_ne!(told.reason, "", "{kind:?}");
        let asking = requesting(&told, NOW);
        let passing = refusal(RefusalKind::Passing, true);
        let after = refused(&asking, &Step::Request, &passing, NOW);
        assert_eq!(after.reason, "", "{kind:?}");
        assert_eq!(after.message, "The vendor half is being made.");
        let seen = sighting(&asking, "pcx-1", CloudState::Provisioning);
        let way = requested(&asking, &seen, "", &RULES, NOW, NOW);
        assert_eq!(way[0].reason, "", "{kind:?}");
    }
}

#[test]
fn only_a_confirmed_removal_counts() {
    let mut deleting = admitted(State::Deleting);
    deleting.provider_peering_id = Some("pcx-1".to_owned());
    for (removal, gone) in [
        (Removal::Deleted, true),
        (Removal::Absent, false),
        (Removal::InProgress, false),
    ] {
        let after = removed(&deleting, removal, "token", NOW);
        assert_eq!(after.work.gone, gone, "{removal:?}");
        assert_eq!(after.work.operation_token, "token");
        assert_eq!(after.work.step_at == Some(NOW), gone);
    }
}

#[test]
fn deleted_is_final_and_frees_its_keys() {
    let after = detached(&admitted(State::Deleting), NOW);
    assert_eq!(after.state, State::Deleted);
    assert_eq!(
        (after.claim_key(), after.name_key(), after.needs_group()),
        (None, None, false)
    );
    assert_eq!(
        (after.delete_at, after.purge_at),
        (Some(NOW), Some(NOW + PURGE_AFTER))
    );
}

#[test]
fn somebody_else_s_peering_is_not_adopted() {
    let asking = asking();
    let seen = sighting(&asking, "pcx-7", CloudState::Active);
    let after = duplicate(&asking, &seen, NOW);
    assert_eq!(
        (after.state, after.reason.as_str()),
        (State::Failed, "DUPLICATE_PEERING")
    );
    assert_eq!(after.provider_peering_id, None);
}

#[test]
fn deleting_works_from_every_state_and_twice_changes_nothing() {
    for state in State::ALL {
        let mut peering = admitted(state);
        let before = peering.clone();
        peering.delete(Some(NOW + 1), NOW + 2);
        if matches!(state, State::Deleting | State::Deleted) {
            assert_eq!(peering, before, "{state}");
            continue;
        }
        assert_eq!(peering.state, State::Deleting, "{state}");
        assert_eq!(peering.work.step_at, Some(NOW + 2));
        let once = peering.clone();
        peering.delete(None, NOW + 3);
        assert_eq!(peering, once, "{state}");
    }
}
