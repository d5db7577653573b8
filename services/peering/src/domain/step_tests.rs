//! Every intent with everything that may be known of the cloud, and every flag.

use super::*;
use crate::domain::options::Options;
use crate::domain::peering::{ConditionStatus, conditions};
use crate::domain::reasons;
use crate::domain::walk::{NOW, admitted, admitted_half};

/// What is known of the vendor half of this attempt, and of an earlier one.
const KNOWN: [&str; 6] = ["nothing", "requested", "token", "id", "gone", "former"];

fn former() -> Former {
    Former {
        provider_peering_id: "pcx-0".to_owned(),
        attempt: 1,
    }
}

/// A peering of which this is known, its step due.
fn knowing(mut peering: Peering, known: &str) -> Peering {
    peering.provider_peering_id = matches!(known, "id" | "gone").then(|| "pcx-1".to_owned());
    peering.work.requested_at = matches!(known, "requested" | "token").then_some(NOW);
    if known == "token" {
        peering.work.operation_token = "operation-1".to_owned();
        peering.work.busy_since = Some(NOW);
    }
    peering.work.gone = known == "gone";
    peering.work.former = (known == "former").then(former);
    peering.work.step_at = Some(NOW);
    peering
}

/// With one object that one side requests and the other accepts.
fn expected(state: State, known: &str) -> Step {
    match (state, known) {
        (State::Deleted, _) => Step::Rest,
        (_, "former") => Step::Clear(former()),
        (State::Provisioning, "nothing" | "gone") => Step::Request,
        (State::Provisioning | State::Deleting, "requested" | "token") => Step::AwaitLook,
        (State::Deleting, "id") => Step::Delete("pcx-1".to_owned()),
        (State::Deleting, _) => Step::Detach,
        _ => Step::Rest,
    }
}

/// Where each side makes a half of its own.
fn expected_half(state: State, known: &str) -> Step {
    use State::*;
    match (state, known) {
        (Deleted, _) => Step::Rest,
        (_, "requested" | "token") => Step::Follow,
        (PendingAcceptance | Active | Degraded, "gone") => Step::Request,
        _ => expected(state, known),
    }
}

#[test]
fn every_intent_with_everything_known_has_its_step() {
    for state in State::ALL {
        for known in KNOWN {
            let one = knowing(admitted(state), known);
            assert_eq!(
                next_step(&one, NOW),
                expected(state, known),
                "{state} {known}"
            );
            let half = knowing(admitted_half(state, 0), known);
            let expected = expected_half(state, known);
            assert_eq!(
                next_step(&half, NOW),
                expected,
                "{state} {known}, two halves"
            );
        }
    }
}

/// One more thing to do, and what it is.
fn with(mut peering: Peering, flag: &str) -> (Peering, Step) {
    let work = &mut peering.work;
    let step = match flag {
        "hint" => {
            work.hint_at = Some(NOW);
            Step::Hint
        }
        "degrade" => {
            let at = NOW - 60_000;
            let hint = peering.work.hint_at;
            peering.state = State::PendingAcceptance;
            peering.enter(State::Active, "", None, at);
            peering.work.hint_at = hint;
            let (name, status) = (conditions::IN_SYNC, ConditionStatus::False);
            peering.set_condition(name, status, "SOME_REASON", "It is not.", at);
            Step::Degrade
        }
        "routes" => {
            work.routes_due = true;
            Step::Routes
        }
        "former" => {
            work.former = Some(former());
            Step::Clear(former())
        }
        "claims" => {
            work.claims_at = Some(NOW);
            Step::Claims
        }
        "network" => {
            work.network_due = true;
            Step::Network
        }
        _ => {
            peering.options = Options::default();
            work.options_due = true;
            Step::Options
        }
    };
    (peering, step)
}

#[test]
fn of_several_things_to_do_one_comes_first() {
    let all = [
        "hint", "degrade", "routes", "former", "claims", "network", "options",
    ];
    for (at, first) in all.into_iter().enumerate() {
        let mut peering = knowing(admitted(State::Active), "id");
        let (_, step) = with(peering.clone(), first);
        for flag in &all[at..] {
            (peering, _) = with(peering, flag);
        }
        assert_eq!(next_step(&peering, NOW), step, "{first}");
    }
}

#[test]
fn each_thing_to_do_waits_for_a_state_that_has_it() {
    for state in State::ALL {
        let deleted = state == State::Deleted;
        for flag in ["hint", "routes", "former"] {
            let (peering, step) = with(knowing(admitted(state), "id"), flag);
            let expected = if deleted { Step::Rest } else { step };
            assert_eq!(next_step(&peering, NOW), expected, "{state} {flag}");
        }
        for flag in ["claims", "network"] {
            let (peering, step) = with(knowing(admitted(state), "id"), flag);
            let is_taken = next_step(&peering, NOW) == step;
            assert_eq!(is_taken, !peering.is_unwanted(), "{state} {flag}");
        }
        let (peering, step) = with(knowing(admitted(state), "id"), "options");
        let is_taken = next_step(&peering, NOW) == step;
        assert_eq!(is_taken, state.is_routed(), "{state}");
        let (half, step) = with(knowing(admitted_half(state, 0), "id"), "options");
        let stands =
            state.is_routed() || matches!(state, State::PendingAcceptance | State::Disconnected);
        assert_eq!(next_step(&half, NOW) == step, stands, "{state}, two halves");
    }
}

#[test]
fn a_change_of_options_is_read_to_its_end_by_whoever_needs_the_networks() {
    for state in State::ALL {
        let mut half = knowing(admitted_half(state, 0), "id");
        half.work.operation_token = "operation-1".to_owned();
        half.work.busy_since = Some(NOW);
        half.work.sets_options = true;
        let expected = match state {
            State::Deleting => Step::Delete("pcx-1".to_owned()),
            State::Deleted => Step::Rest,
            _ => Step::Options,
        };
        assert_eq!(next_step(&half, NOW), expected, "{state}");
    }
}

#[test]
fn an_end_that_comes_back_by_itself_is_put_back_and_another_one_is_not() {
    let mut half = knowing(admitted_half(State::Disconnected, 0), "gone");
    half.reason = reasons::DELETED_BY_PEER.to_owned();
    assert_eq!(next_step(&half, NOW), Step::Request);
    half.reason = reasons::LOST_OUT_OF_BAND.to_owned();
    assert_eq!(next_step(&half, NOW), Step::Rest);
}

#[test]
fn nothing_happens_before_its_time_or_its_admission() {
    for state in State::ALL {
        let mut peering = admitted(state);
        peering.work.former = Some(former());
        peering.work.step_at = Some(NOW + 1);
        assert_eq!(next_step(&peering, NOW), Step::Rest, "{state}");
        peering.work.step_at = None;
        assert_eq!(next_step(&peering, NOW), Step::Rest, "{state}");
        for admission in [Admission::Unadmitted, Admission::Withdrawn] {
            peering.work.admission = admission;
            peering.work.step_at = Some(NOW);
            assert_eq!(next_step(&peering, NOW), Step::Rest, "{state}");
        }
    }
}
