//! Steps that did not succeed: what their owner is told, and when they are tried again.

use super::options::refuse_options;
use super::{
    REFUSED_ROUTES_RETRY, SECOND, SOON, WAITER_RETRY, ask_again_at, busy_pause, forget_wait, good,
    refuse_routes, say_what_it_waits_for, unask,
};
use crate::domain::observe::end;
use crate::domain::peering::Peering;
use crate::domain::reasons;
use crate::domain::state::State;
use crate::domain::step::Step;

/// Steps that fail this often in a row are tried hourly only.
const FAILURES_TO_SUSPEND: i32 = 5;
const SUSPENDED_RETRY: i64 = 3_600 * SECOND;
/// The longest such pause.
const LONGEST_PATIENCE: i64 = 30 * SECOND;
/// Unknown errors in a row after which an end goes on without its routes.
const FAILURES_TO_LEAVE_ROUTES: i32 = 3;
const LONGEST_BACKOFF: i64 = 60 * SECOND;

/// Why a step did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What to make of it.
    pub kind: RefusalKind,
    /// A stable code.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
    /// The other side surely did nothing.
    pub certain: bool,
}

/// What to make of a step that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The same step will never do.
    Terminal,
    /// A quota is used up.
    Quota,
    /// Something is in the way that passes by itself: throttling, an outage.
    Passing,
    /// Another operation is in the way.
    InProgress,
    /// The vendor's credentials do not suffice.
    Unauthorized,
    /// Nobody knows this error yet.
    Unknown,
}

/// The pause before the next try while something is in the way: longer the longer it has been there, so that an outage
/// does not make a nuisance of us, and ends within a quarter of its length more.
pub(super) fn patience(peering: &Peering, now: i64) -> i64 {
    // What is told of a first request on the way changes the row, and says nothing about how long it takes.
    let since = match peering.state {
        State::Provisioning => peering.attempt_at,
        _ => peering.update_at,
    };
    (now.saturating_sub(since) / 4).clamp(SOON, LONGEST_PATIENCE)
}

/// When a step runs that may run again.
pub(in crate::domain) fn resume_at(suspended: bool, now: i64) -> i64 {
    if suspended {
        now.saturating_add(SUSPENDED_RETRY)
    } else {
        now
    }
}

/// The step did not succeed.
pub fn refused(peering: &Peering, step: &Step, refusal: &Refusal, now: i64) -> Peering {
    let mut next = peering.clone();
    let requesting = matches!(step, Step::Request | Step::Follow);
    let routing = *step == Step::Routes;
    // That a request is refused when it is sent again does not say that the first one was, unless it will never do.
    let is_repeated = *step == Step::Follow && !peering.has_operation();
    if refusal.certain && !is_repeated {
        // Also of an operation that was read: it has ended, and did nothing.
        match step {
            Step::Request | Step::Follow => unask(&mut next),
            Step::Delete(_) | Step::Clear(_) | Step::Options if peering.peer.has_two_halves() => {
                next.end_operation();
            }
            _ => {}
        }
    }
    match refusal.kind {
        RefusalKind::Terminal if requesting && refusal.certain => {
            return failed_for_good(peering, &refusal.reason, &refusal.message, now);
        }
        // What is refused are the routes of others, and these ask again until there is room: an end waits for nobody.
        kind if routing && !next.state.is_routed() && is_hopeless(kind, &next) => {
            next = good(&next);
            next.work.routes_due = false;
            next.work.step_at = Some(now);
        }
        RefusalKind::Terminal | RefusalKind::Quota if *step == Step::Options => {
            refuse_options(&mut next, refusal, now);
        }
        RefusalKind::Terminal | RefusalKind::Quota if routing => {
            refuse_routes(&mut next, &refusal.reason, &refusal.message, now);
            next.work.step_at = Some(now.saturating_add(REFUSED_ROUTES_RETRY));
            next.let_go(now);
        }
        RefusalKind::Quota => {
            explain_wait(&mut next, refusal);
            let pause = match peering.peer.has_two_halves() {
                true => patience(peering, now),
                // Places become free one by one.
                false => WAITER_RETRY,
            };
            next.work.step_at = Some(now.saturating_add(pause));
        }
        RefusalKind::Unauthorized => {
            explain_wait(&mut next, refusal);
            if routing {
                refuse_routes(
                    &mut next,
                    reasons::CLOUD_UNAUTHORIZED,
                    &refusal.message,
                    now,
                );
            }
            if *step == Step::Options {
                refuse_options(&mut next, refusal, now);
            }
            next.work.step_at = Some(now.saturating_add(SOON));
        }
        RefusalKind::Passing => {
            match next.state {
                // In our own words: the cloud's differ from try to try.
                State::Deleting => say_what_it_waits_for(&mut next, &refusal.reason, None),
                _ => forget_wait(&mut next),
            }
            next.work.step_at = Some(now.saturating_add(patience(peering, now)));
        }
        RefusalKind::InProgress => {
            explain_wait(&mut next, refusal);
            let pause = busy_pause(peering, now).max(patience(peering, now));
            next.work.step_at = Some(now.saturating_add(pause));
        }
        RefusalKind::Terminal | RefusalKind::Unknown => {
            explain_wait(&mut next, refusal);
            if routing {
                refuse_routes(&mut next, reasons::CLOUD_ERROR, &refusal.message, now);
            }
            if *step == Step::Options {
                refuse_options(&mut next, refusal, now);
            }
            count_failure(&mut next, now);
        }
    }
    if requesting && next.work.requested_at.is_some() && !next.has_operation() {
        // It may have happened. A cloud that knows a repeated request tells when it is asked again; of others a look
        // tells, and whoever sees says when to go on.
        if next.peer.has_two_halves() {
            let again = ask_again_at(next.work.requested_at, now);
            next.work.step_at = next.work.step_at.max(Some(again));
        } else {
            next.rest(now);
        }
    }
    if let Some(at) = next.degrades_at() {
        next.work.step_at = next.work.step_at.min(Some(at)).or(Some(at));
    }
    next
}

/// Whether asking for routes again leads nowhere. An error that nobody knows gets a few tries.
fn is_hopeless(kind: RefusalKind, peering: &Peering) -> bool {
    match kind {
        RefusalKind::Terminal | RefusalKind::Quota => true,
        RefusalKind::Unknown => peering.work.failures.saturating_add(1) >= FAILURES_TO_LEAVE_ROUTES,
        RefusalKind::Passing | RefusalKind::InProgress | RefusalKind::Unauthorized => false,
    }
}

/// Tells the owner of a PROVISIONING peering what it waits for; other states keep their reason.
fn explain_wait(peering: &mut Peering, refusal: &Refusal) {
    let reason = match refusal.kind {
        RefusalKind::Unauthorized => reasons::CLOUD_UNAUTHORIZED,
        RefusalKind::Unknown => reasons::CLOUD_ERROR,
        RefusalKind::InProgress => reasons::CLOUD_OPERATION_IN_PROGRESS,
        RefusalKind::Terminal | RefusalKind::Quota | RefusalKind::Passing => &refusal.reason,
    };
    say_what_it_waits_for(peering, reason, Some(&refusal.message));
}

fn count_failure(peering: &mut Peering, now: i64) {
    let work = &mut peering.work;
    work.failures = work.failures.saturating_add(1);
    if work.failures >= FAILURES_TO_SUSPEND {
        work.suspended_at = work.suspended_at.or(Some(now));
        work.step_at = Some(now.saturating_add(SUSPENDED_RETRY));
    } else {
        let wait = (SECOND << work.failures.clamp(0, 6)).min(LONGEST_BACKOFF);
        work.step_at = Some(now.saturating_add(wait));
    }
}

/// The cloud will never make it.
pub(super) fn failed_for_good(peering: &Peering, reason: &str, message: &str, now: i64) -> Peering {
    let mut next = good(peering);
    // What was seen of a first request and then refused has failed; only a half that was put back can be lost.
    let first = peering.state == State::Provisioning
        || peering.state == State::PendingAcceptance && !peering.work.puts_back;
    unask(&mut next);
    next.work.missed_at = None;
    if next.is_unwanted() {
        // Its end was asked for meanwhile, and there is nothing to end.
        next.work.step_at = Some(now);
    } else if first {
        next.enter(State::Failed, reason, Some(message), now);
        next.rest(now);
    } else {
        lose_half(&mut next, Some(message), now);
    }
    next
}

/// Our own half is gone and does not come back.
pub(in crate::domain) fn lose_half(peering: &mut Peering, message: Option<&str>, now: i64) {
    let was_routed = peering.state.is_routed();
    peering.enter(State::Disconnected, reasons::LOST_OUT_OF_BAND, message, now);
    end(peering, false, was_routed, now);
}
