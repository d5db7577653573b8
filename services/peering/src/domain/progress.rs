//! What became of a step: the peering after each answer, or after none.

use types::Cidr;

use super::observe::{Look, Rules, walk_to};
use super::peering::{ConditionStatus, PURGE_AFTER, Peering, conditions};
use super::reasons;
use super::routes::Routing;
use super::sighting::Sighting;
use super::state::State;
use super::step::Step;

const SECOND: i64 = 1_000;
/// Steps that fail this often in a row are tried hourly only.
const FAILURES_TO_SUSPEND: i32 = 5;
const SUSPENDED_RETRY: i64 = 3_600 * SECOND;
/// When something that passes by itself is in the way.
const SOON: i64 = 2 * SECOND;
/// The longest such pause.
const LONGEST_PATIENCE: i64 = 30 * SECOND;
/// Between tries for a place among the cloud's outstanding requests.
const WAITER_RETRY: i64 = 5 * SECOND;
/// Between looks at routes of which some cannot be put in place yet.
const ROUTES_RETRY: i64 = 5 * SECOND;
/// Between tries when the cloud refuses routes for good: somebody has to make room first.
const REFUSED_ROUTES_RETRY: i64 = 60 * SECOND;
/// Unknown errors in a row after which an end goes on without its routes.
const FAILURES_TO_LEAVE_ROUTES: i32 = 3;
/// Between deletions of something that the cloud no longer shows; meanwhile looks decide.
const ABSENT_RETRY: i64 = 10 * SECOND;
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
    /// Something is in the way that passes by itself: throttling, an outage, another operation.
    Passing,
    /// The vendor's credentials do not suffice.
    Unauthorized,
    /// Nobody knows this error yet.
    Unknown,
}

/// How far a removal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The cloud confirmed that it is gone.
    Deleted,
    /// Nothing was found; looks decide whether that counts.
    Absent,
    /// There is more to do.
    InProgress,
}

/// The pause before the next try while something is in the way: longer the longer it has been there, so that an outage
/// does not make a nuisance of us, and ends within a quarter of its length more.
fn patience(peering: &Peering, now: i64) -> i64 {
    (now.saturating_sub(peering.update_at) / 4).clamp(SOON, LONGEST_PATIENCE)
}

/// When a step runs that may run again.
pub(crate) fn resume_at(suspended: bool, now: i64) -> i64 {
    if suspended {
        now.saturating_add(SUSPENDED_RETRY)
    } else {
        now
    }
}

/// There is nothing to do until something is seen or asked for.
pub fn rested(peering: &Peering) -> Peering {
    let mut next = peering.clone();
    next.work.step_at = None;
    next
}

/// A create is about to go out. This is committed before the call; `step_at` stays, so that a crash is noticed.
pub fn requesting(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    next.work.requested_at = Some(now);
    next.work.missed_at = None;
    next
}

/// Whether what `asking` asked for is still open in `now_recorded`, so that an answer to it still counts. A look that
/// does not show it yet, or its owner's wish for its end, changes the row and not the question.
pub fn is_open(asking: &Peering, now_recorded: &Peering) -> bool {
    matches!(now_recorded.state, State::Provisioning | State::Deleting)
        && now_recorded.attempt == asking.attempt
        && now_recorded.work.requested_at == asking.work.requested_at
        && now_recorded.provider_peering_id.is_none()
}

/// The create that was about to go out did not.
pub fn not_requested(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    next.work.requested_at = None;
    next.work.step_at = Some(now);
    next
}

/// The cloud answered a create with what it shows of it: all peerings on the way, at least one.
pub fn requested(peering: &Peering, seen: &Sighting, rules: &Rules, now: i64) -> Vec<Peering> {
    let mut ready = good(peering);
    forget_wait(&mut ready);
    ready.work.step_at = None;
    let began_at = peering.work.requested_at.unwrap_or(now);
    let look = Look {
        began_at,
        complete: false,
        seen: Some(seen),
    };
    let mut way = walk_to(&ready, &look, rules, now);
    if way.is_empty() {
        way.push(ready);
    }
    way
}

/// The cloud has a peering between the two VPCs that is somebody else's.
pub fn duplicate(peering: &Peering, seen: &Sighting, now: i64) -> Peering {
    let message = format!(
        "{} is a peering between these two VPCs that does not belong to this one.",
        seen.provider_peering_id
    );
    failed_for_good(peering, reasons::DUPLICATE_PEERING, &message, now)
}

/// The route tables were worked on, and are this far.
pub fn routed(peering: &Peering, routing: &Routing, now: i64) -> Peering {
    let mut next = good(peering);
    match routing {
        Routing::More => next.work.step_at = Some(now.saturating_add(ROUTES_RETRY)),
        Routing::Overtaken => next.work.step_at = Some(now),
        Routing::Stuck(missing) if next.state.is_routed() && !missing.is_empty() => {
            lack_routes(&mut next, missing, now);
        }
        // Routes that are missing now are those of others, who ask for them themselves.
        Routing::Done | Routing::Stuck(_) => {
            next.work.routes_due = false;
            next.set_condition(conditions::ROUTES_READY, ConditionStatus::True, "", "", now);
            // What else there is to do, the next step finds; it rests by itself when that is nothing.
            next.work.step_at = Some(now);
        }
    }
    next
}

/// Somebody has to make room first. What only takes a moment to show in the cloud is tried once more before long.
fn lack_routes(peering: &mut Peering, missing: &[Cidr], now: i64) {
    let is_known = peering
        .conditions
        .iter()
        .any(|one| one.reason == reasons::ROUTE_MISSING_VENDOR);
    let wait = if is_known {
        REFUSED_ROUTES_RETRY
    } else {
        ROUTES_RETRY
    };
    let ranges: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let message = format!(
        "The vendor's route tables do not take the route to {}; something else may be in its place.",
        ranges.join(", ")
    );
    refuse_routes(peering, reasons::ROUTE_MISSING_VENDOR, &message, now);
    peering.work.step_at = Some(now.saturating_add(wait));
}

fn refuse_routes(peering: &mut Peering, reason: &str, message: &str, now: i64) {
    let name = conditions::ROUTES_READY;
    peering.set_condition(name, ConditionStatus::False, reason, message, now);
}

/// The vendor half is this far gone.
pub fn removed(peering: &Peering, removal: Removal, operation_token: &str, now: i64) -> Peering {
    let mut next = good(peering);
    operation_token.clone_into(&mut next.work.operation_token);
    next.work.step_at = Some(match removal {
        Removal::Deleted => now,
        Removal::InProgress => now.saturating_add(SOON),
        Removal::Absent => now.saturating_add(ABSENT_RETRY),
    });
    if removal == Removal::Deleted {
        next.work.gone = true;
    }
    next
}

/// The network has its claims back: it is DELETED.
pub fn detached(peering: &Peering, now: i64) -> Peering {
    let mut next = good(peering);
    next.enter(State::Deleted, "", None, now);
    next.delete_at = Some(now);
    next.purge_at = Some(now.saturating_add(PURGE_AFTER));
    next.work.step_at = None;
    next.work.missed_at = None;
    next
}

/// The step did not succeed.
pub fn refused(peering: &Peering, step: &Step, refusal: &Refusal, now: i64) -> Peering {
    let mut next = peering.clone();
    let requesting = *step == Step::Request;
    let routing = *step == Step::Routes;
    if requesting && refusal.certain {
        next.work.requested_at = None;
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
        RefusalKind::Terminal | RefusalKind::Quota if routing => {
            refuse_routes(&mut next, &refusal.reason, &refusal.message, now);
            next.work.step_at = Some(now.saturating_add(REFUSED_ROUTES_RETRY));
        }
        RefusalKind::Quota => {
            explain_wait(&mut next, refusal);
            next.work.step_at = Some(now.saturating_add(WAITER_RETRY));
        }
        RefusalKind::Unauthorized => {
            explain_wait(&mut next, refusal);
            next.work.step_at = Some(now.saturating_add(SOON));
        }
        RefusalKind::Passing => {
            forget_wait(&mut next);
            next.work.step_at = Some(now.saturating_add(patience(peering, now)));
        }
        RefusalKind::Terminal | RefusalKind::Unknown => {
            explain_wait(&mut next, refusal);
            if routing {
                refuse_routes(&mut next, reasons::CLOUD_ERROR, &refusal.message, now);
            }
            count_failure(&mut next, now);
        }
    }
    if next.work.requested_at.is_some() && next.provider_peering_id.is_none() {
        // It may have happened: the next step is to look, and whoever sees says when to go on.
        next.work.step_at = None;
    }
    next
}

/// Whether asking for routes again leads nowhere. An error that nobody knows gets a few tries.
fn is_hopeless(kind: RefusalKind, peering: &Peering) -> bool {
    match kind {
        RefusalKind::Terminal | RefusalKind::Quota => true,
        RefusalKind::Unknown => peering.work.failures.saturating_add(1) >= FAILURES_TO_LEAVE_ROUTES,
        RefusalKind::Passing | RefusalKind::Unauthorized => false,
    }
}

/// Tells the owner of a PROVISIONING peering what it waits for; other states keep their reason.
fn explain_wait(peering: &mut Peering, refusal: &Refusal) {
    if peering.state != State::Provisioning {
        return;
    }
    let said = Some(refusal.message.as_str());
    let (reason, message) = match refusal.kind {
        // The adapter's sentence on credentials is for the vendor, not for the owner.
        RefusalKind::Unauthorized => (reasons::CLOUD_UNAUTHORIZED, None),
        RefusalKind::Unknown => (reasons::CLOUD_ERROR, said),
        RefusalKind::Terminal | RefusalKind::Quota | RefusalKind::Passing => {
            (refusal.reason.as_str(), said)
        }
    };
    peering.explain(reason, message);
}

/// What a PROVISIONING peering was said to wait for is in its way no more.
fn forget_wait(peering: &mut Peering) {
    if peering.state == State::Provisioning && !peering.reason.is_empty() {
        peering.explain("", None);
    }
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

fn failed_for_good(peering: &Peering, reason: &str, message: &str, now: i64) -> Peering {
    let mut next = good(peering);
    next.work.requested_at = None;
    next.work.missed_at = None;
    if next.is_unwanted() {
        // Its end was asked for meanwhile, and there is nothing to end.
        next.work.step_at = Some(now);
    } else {
        next.enter(State::Failed, reason, Some(message), now);
        next.work.step_at = None;
    }
    next
}

/// A good step clears what earlier ones counted.
fn good(peering: &Peering) -> Peering {
    let mut next = peering.clone();
    next.work.failures = 0;
    next.work.suspended_at = None;
    next
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
