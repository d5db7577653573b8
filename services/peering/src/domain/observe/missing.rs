//! What it means that a complete look does not show a peering.

use super::{Rules, end};
use crate::domain::operation::UNTOLD_FOR;
use crate::domain::peering::{ConditionStatus, Peering, conditions};
use crate::domain::progress::{lose_half, resume_at};
use crate::domain::reasons;
use crate::domain::state::State;

/// A complete look did not show it.
pub(super) fn missing(peering: &mut Peering, began_at: i64, rules: &Rules, now: i64) {
    let known = peering.provider_peering_id.is_some();
    let late = peering.state == State::Provisioning
        && now >= peering.attempt_at.saturating_add(rules.provision_timeout);
    peering.work.inactive_at = None;
    if peering.work.gone {
        return;
    }
    if peering.work.sets_options {
        // That the half is missing has nothing to do with its options.
        end_overdue_options(peering, rules, now);
        return;
    }
    if peering.has_operation() {
        // The operation tells what becomes of it, unless it takes for ever.
        let asked = peering.work.busy_since.unwrap_or(peering.attempt_at);
        if now >= asked.saturating_add(rules.provision_timeout) {
            abandon(peering, now);
        }
        return;
    }
    match (known, peering.work.requested_at) {
        (false, None) => {
            if late && !merely_waits(peering) {
                give_up(peering, now);
            }
            return;
        }
        // A removal of which nothing was told is asked for again, and tells itself whether it is gone.
        (_, None) if peering.removes_untold(began_at) => return,
        // What is asked for next has to wait for it.
        _ if peering.work.former.is_some() => return,
        // The create was committed after the look began: the look could not show it.
        (_, Some(requested)) if began_at < requested => return,
        // It is asked for again before anybody looks for it.
        (_, Some(requested))
            if peering.awaits_answer() && began_at < requested.saturating_add(UNTOLD_FOR) =>
        {
            return;
        }
        _ => {}
    }
    let Some(missed) = peering.work.missed_at else {
        peering.work.missed_at = Some(began_at);
        return;
    };
    let since = missed.max(peering.work.requested_at.unwrap_or(missed));
    if began_at < since.saturating_add(rules.absence_grace) {
        return;
    }
    absent(peering, known, late, began_at, now);
}

/// A change of options that takes for ever, or of which nothing is told any more, is waited for no more.
fn end_overdue_options(peering: &mut Peering, rules: &Rules, now: i64) {
    let asked = peering.work.busy_since.unwrap_or(now);
    let patience = match peering.has_operation() {
        true => rules.provision_timeout,
        false => UNTOLD_FOR,
    };
    if now >= asked.saturating_add(patience) {
        peering.end_operation();
    }
}

/// Whether it was never asked for because it is not its turn yet, however long others take.
fn merely_waits(peering: &Peering) -> bool {
    let work = &peering.work;
    work.waits_for.is_some()
        || work.former.is_some()
        || peering.reason == reasons::OUTSTANDING_LIMIT
}

/// An operation that ran for too long and has made nothing is waited for no more.
fn abandon(peering: &mut Peering, now: i64) {
    match peering.state {
        State::Provisioning => give_up(peering, now),
        State::Deleting => {
            peering.end_operation();
            peering.work.gone = true;
            peering.work.step_at = Some(now);
        }
        _ => {
            let message = unfinished(peering);
            peering.end_operation();
            lose_half(peering, message.as_deref(), now);
        }
    }
}

/// What is known of an operation that made no progress.
fn unfinished(peering: &Peering) -> Option<String> {
    let token = peering
        .has_operation()
        .then_some(&peering.work.operation_token)?;
    let raw = match peering.raw_state.as_str() {
        "" => "nothing",
        raw => raw,
    };
    Some(format!(
        "The cloud's operation {token} made no progress for too long; of the peering the cloud showed {raw} last."
    ))
}

/// It is not there, by the rule.
fn absent(peering: &mut Peering, known: bool, late: bool, began_at: i64, now: i64) {
    peering.end_operation();
    peering.work.missed_at = None;
    let was_routed = peering.state.is_routed();
    let comes_back = peering.peer.has_two_halves();
    match peering.state {
        State::Deleting => {
            peering.work.gone = true;
            peering.work.step_at = Some(now);
        }
        State::Provisioning if late => give_up(peering, now),
        State::Provisioning if !known => {
            let suspended = peering.work.suspended_at.is_some();
            peering.work.step_at = Some(resume_at(suspended, now));
        }
        State::PendingAcceptance if peering.expire_at.is_some_and(|at| began_at >= at) => {
            peering.enter(State::Expired, reasons::REQUEST_EXPIRED, None, now);
            end(peering, false, was_routed, now);
        }
        State::Provisioning | State::PendingAcceptance | State::Active | State::Degraded
            if comes_back =>
        {
            miss_half(peering, now);
        }
        State::Provisioning | State::PendingAcceptance | State::Active | State::Degraded => {
            peering.enter(State::Disconnected, reasons::LOST_OUT_OF_BAND, None, now);
            end(peering, false, was_routed, now);
        }
        State::Disconnected if comes_back => miss_half(peering, now),
        State::Disconnected => peering.work.gone = true,
        State::Rejected | State::Expired | State::Failed | State::Deleted => {}
    }
}

/// Only we can remove our own half, and we have not: it is put back.
fn miss_half(peering: &mut Peering, now: i64) {
    peering.work.gone = true;
    peering.set_condition(
        conditions::IN_SYNC,
        ConditionStatus::False,
        reasons::VENDOR_HALF_MISSING,
        "The vendor's half of the peering has vanished from the cloud and is being put back.",
        now,
    );
    if peering.wants_half_back() || peering.state == State::Provisioning {
        let suspended = peering.work.suspended_at.is_some();
        peering.work.step_at = Some(resume_at(suspended, now));
    }
}

fn give_up(peering: &mut Peering, now: i64) {
    let message = unfinished(peering);
    peering.enter(
        State::Failed,
        reasons::PROVISION_TIMEOUT,
        message.as_deref(),
        now,
    );
    end(peering, false, false, now);
}
