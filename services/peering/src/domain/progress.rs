//! What became of a step: the peering after each answer, or after none.

use std::hash::{DefaultHasher, Hash, Hasher};

use types::Cidr;

use super::facts::NetworkFacts;
use super::observe::{Look, Rules, walk_to};
use super::peering::{ConditionStatus, PURGE_AFTER, Peering, conditions};
use super::reasons;
use super::routes::Routing;
use super::sighting::{CloudState, Sighting};
use super::state::State;

mod former;
mod options;
mod refusal;

pub use former::{cleared, preceded};
pub use options::{options_set, setting_options};
pub use refusal::{Refusal, RefusalKind, refused};
use refusal::{failed_for_good, patience};
pub(super) use refusal::{lose_half, resume_at};

const SECOND: i64 = 1_000;
/// When something that passes by itself is in the way.
const SOON: i64 = 2 * SECOND;
/// Between tries for a place among the cloud's outstanding requests.
pub(super) const WAITER_RETRY: i64 = 5 * SECOND;
/// Between looks at routes of which some cannot be put in place yet.
const ROUTES_RETRY: i64 = 5 * SECOND;
/// Between tries when the cloud refuses routes for good: somebody has to make room first.
const REFUSED_ROUTES_RETRY: i64 = 60 * SECOND;
/// Between deletions of something that the cloud no longer shows; meanwhile looks decide.
const ABSENT_RETRY: i64 = 10 * SECOND;
/// Between tries for networks on which another operation runs: half as long as it has waited so far, within these, and
/// spread so that not all come at once. Whoever frees the networks says so; the first is short, as that may be just now.
const BUSY_PAUSES: (i64, i64) = (SECOND, 15 * SECOND);
/// Pauses between two readings of an operation: as long as it has run so far, within these.
const OPERATION_PAUSES: (i64, i64) = (SECOND, 30 * SECOND);

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

/// The pause before the networks are tried again, a little different for everybody and every time.
fn busy_pause(peering: &Peering, now: i64) -> i64 {
    let mut hasher = DefaultHasher::new();
    (peering.id.to_string(), now).hash(&mut hasher);
    let waited = match peering.work.waits_for {
        Some(_) => now.saturating_sub(peering.update_at) / 2,
        None => 0,
    };
    let spread = i64::try_from(hasher.finish() % 500).unwrap_or(0);
    waited.clamp(BUSY_PAUSES.0, BUSY_PAUSES.1) + spread
}

/// When an operation that began at `since` is read again.
fn read_again_at(since: Option<i64>, now: i64) -> i64 {
    let age = now.saturating_sub(since.unwrap_or(now));
    now.saturating_add(age.clamp(OPERATION_PAUSES.0, OPERATION_PAUSES.1))
}

/// When a request of which nothing was told is sent again: as late as it is old, within the same pauses.
fn ask_again_at(since: Option<i64>, now: i64) -> i64 {
    let age = now.saturating_sub(since.unwrap_or(now));
    now.saturating_add(age.clamp(SOON, OPERATION_PAUSES.1))
}

/// There is nothing to do until something is seen or asked for, or its owner has waited for long.
pub fn rested(peering: &Peering) -> Peering {
    let mut next = peering.clone();
    next.work.step_at = next.quiet_until();
    next
}

/// A create is about to go out. This is committed before the call; `step_at` stays, so that a crash is noticed.
pub fn requesting(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    next.work.requested_at = Some(now);
    next.work.missed_at = None;
    if peering.peer.has_two_halves() {
        next.work.gone = false;
        next.work.puts_back = peering.state != State::Provisioning;
        claim(&mut next, now);
    }
    next
}

/// A removal is about to go out. Where operations exclude each other this is committed before the call.
pub fn removing(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    claim(&mut next, now);
    next
}

/// From now on the networks are ours, and nothing is waited for.
fn claim(peering: &mut Peering, now: i64) {
    peering.work.busy_since = Some(now);
    peering.work.waits_for = None;
    peering.work.sets_options = false;
}

/// Another peering's operation runs on one of the networks: `network`, unless it has ended in the meantime.
pub fn put_off(peering: &Peering, network: Option<String>, now: i64) -> Peering {
    let mut next = peering.clone();
    let pause = network.as_ref().map_or(0, |_| busy_pause(peering, now));
    next.work.step_at = Some(now.saturating_add(pause));
    if network.is_some() && next.reason != reasons::CLOUD_OPERATION_IN_PROGRESS {
        say_what_it_waits_for(&mut next, reasons::CLOUD_OPERATION_IN_PROGRESS, None);
    }
    next.work.waits_for = network;
    next
}

/// Whether what `asking` asked for is still open in `now_recorded`, so that an answer to it still counts. A look that
/// does not show it yet, or its owner's wish for its end, changes the row and not the question. With two halves a look
/// that shows the half leaves it open too, as the operation may go on.
pub fn is_open(asking: &Peering, now_recorded: &Peering) -> bool {
    let (asked, now) = (&asking.work, &now_recorded.work);
    let same =
        now_recorded.attempt == asking.attempt && now.operation_token == asked.operation_token;
    let awaited = match asking.has_operation() {
        true => same,
        false => same && now.requested_at.is_some() && now.requested_at == asked.requested_at,
    };
    awaited && (asking.peer.has_two_halves() || now_recorded.provider_peering_id.is_none())
}

/// The create that was about to go out did not.
pub fn not_requested(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    unask(&mut next);
    next.work.step_at = Some(now);
    next
}

/// A create surely did nothing: what was known before it is true again, unless something was seen since.
fn unask(peering: &mut Peering) {
    peering.work.gone |=
        peering.work.requested_at.is_some() && peering.provider_peering_id.is_some();
    peering.end_operation();
}

/// The cloud answered a create with what it shows of it, and a token if it still works on it: all peerings on the way,
/// at least one. The question was put at `asked_at`.
pub fn requested(
    peering: &Peering,
    seen: &Sighting,
    operation_token: &str,
    rules: &Rules,
    asked_at: i64,
    now: i64,
) -> Vec<Peering> {
    if seen.state == CloudState::Unrecognized {
        return vec![underway(peering, operation_token, now)];
    }
    let mut ready = good(peering);
    forget_wait(&mut ready);
    operation_token.clone_into(&mut ready.work.operation_token);
    if ready.has_operation() {
        ready.work.step_at = Some(read_again_at(peering.work.busy_since, now));
    } else {
        if ready.peer.has_two_halves() {
            // Seen, and what is still open is what there is to do about it.
            ready.end_operation();
            ready.rest(now);
        } else {
            ready.rest(now);
        }
        if ready.state == State::Deleting {
            ready.work.step_at = Some(now);
        }
    }
    let look = Look {
        began_at: asked_at,
        complete: false,
        seen: Some(seen),
    };
    let mut way = walk_to(&ready, &look, rules, now);
    for one in way.iter_mut().filter(|one| one.has_operation()) {
        one.work.step_at = ready.work.step_at;
    }
    if way.is_empty() {
        way.push(ready);
    }
    way
}

/// The cloud works on a create and does not show its half yet, or not any more. Without a token the operation cannot be
/// read any further: looks decide what became of it.
pub fn underway(peering: &Peering, operation_token: &str, now: i64) -> Peering {
    let mut next = peering.clone();
    // Whether it goes better this time than the cloud has said before, nobody knows yet.
    let own = reasons::message(next.state, reasons::CLOUD_OPERATION_IN_PROGRESS);
    if next.reason == reasons::CLOUD_OPERATION_IN_PROGRESS && next.message == own {
        forget_wait(&mut next);
    }
    operation_token.clone_into(&mut next.work.operation_token);
    if next.has_operation() {
        next.work.step_at = Some(read_again_at(peering.work.busy_since, now));
    } else if next.work.requested_at.is_some() {
        next.rest(now);
    } else {
        next.end_operation();
        if next.state == State::Deleting {
            next.work.step_at = Some(now);
        } else {
            next.rest(now);
        }
    }
    next
}

/// The owner of a waiting peering is told what may be in the way, or until when it can still be accepted.
pub fn hinted(peering: &Peering) -> Peering {
    let mut next = peering.clone();
    next.work.hint_at = None;
    if next.peer.has_two_halves() {
        next.message = reasons::HINTS.to_owned();
    } else if let Some(at) = next.expire_at {
        next.message = reasons::expires(at);
    }
    next
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
            next.work.routes_told_at = Some(now);
            forget_wait(&mut next);
            next.set_condition(conditions::ROUTES_READY, ConditionStatus::True, "", "", now);
            // What else there is to do, the next step finds; it rests by itself when that is nothing.
            next.work.step_at = Some(now);
            next.let_go(now);
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
    let mut next = handed_over(peering, removal, operation_token, now);
    if removal == Removal::Deleted {
        next.work.gone = true;
    }
    next
}

/// What a removal answered is kept for the next one, and the networks are given back with its operation.
fn handed_over(peering: &Peering, removal: Removal, operation_token: &str, now: i64) -> Peering {
    let mut next = good(peering);
    forget_wait(&mut next);
    operation_token.clone_into(&mut next.work.operation_token);
    let goes_on = removal == Removal::InProgress && next.has_operation();
    if goes_on && operation_token != peering.work.operation_token {
        // A new operation, right after the one that was read.
        next.work.busy_since = Some(now);
    }
    if next.peer.has_two_halves() && !goes_on {
        next.end_operation();
    }
    next.work.step_at = Some(match removal {
        Removal::Deleted => now,
        Removal::InProgress if goes_on => read_again_at(next.work.busy_since, now),
        Removal::InProgress => now.saturating_add(SOON),
        Removal::Absent => now.saturating_add(ABSENT_RETRY),
    });
    next
}

/// A condition has been false for too long.
pub fn degraded(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    if let Some(bad) = peering.worst_condition() {
        next.enter(State::Degraded, &bad.reason, Some(&bad.message), now);
    }
    // What else there is to do, the next step finds.
    next.work.step_at = Some(now);
    next
}

/// The network claims for it what is recorded.
pub fn claimed(peering: &Peering, now: i64) -> Peering {
    let mut next = good(peering);
    next.work.claims_at = None;
    next.work.step_at = Some(now);
    next
}

/// The network has been asked, and says so.
pub fn told_of_network(peering: &Peering, facts: &NetworkFacts, now: i64) -> Peering {
    let mut next = good(peering);
    next.learn(facts, now);
    next
}

/// The network does not answer: it is asked again later.
pub fn network_silent(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    next.work.step_at = Some(now.saturating_add(patience(peering, now)));
    next
}

/// There is no such network to ask any more.
pub fn network_unknown(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    next.work.network_due = false;
    next.work.step_at = Some(now);
    next
}

/// The network has its claims back: it is DELETED.
pub fn detached(peering: &Peering, now: i64) -> Peering {
    let mut next = good(peering);
    next.enter(State::Deleted, "", None, now);
    next.end_operation();
    next.delete_at = Some(now);
    next.purge_at = Some(now.saturating_add(PURGE_AFTER));
    next.work.step_at = None;
    next.work.missed_at = None;
    next
}

fn say_what_it_waits_for(peering: &mut Peering, reason: &str, message: Option<&str>) {
    if matches!(peering.state, State::Provisioning | State::Deleting) {
        peering.explain(reason, message);
    }
}

/// What a PROVISIONING or DELETING peering was said to wait for is in its way no more.
fn forget_wait(peering: &mut Peering) {
    let reason = match peering.state {
        State::Provisioning => String::new(),
        State::Deleting => peering.work.end_reason.clone(),
        _ => return,
    };
    if peering.reason != reason {
        peering.explain(&reason, None);
    }
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
