//! What a look at the cloud means for one peering.
//!
//! A look never says more than it saw: a word nobody knows, a listing that did not complete and a read that is older
//! than what is recorded change nothing, and absence counts only by the rule of [`Rules::absence_grace`].

use super::operation::UNTOLD_FOR;
use super::options::Options;
use super::peering::Peering;
use super::reasons;
use super::sighting::{CloudState, Sighting};
use super::state::{State, Watch};

mod missing;
mod sync;

use missing::missing;
use sync::confirm;

/// A half that was up and is INACTIVE counts as such when a second look this much later agrees, in milliseconds.
pub(super) const INACTIVE_AGREEMENT: i64 = 5_000;

/// How long before a request expires its owner is told so, in milliseconds.
const EXPIRY_WARNING: i64 = 24 * 3_600_000;

/// One look, as far as it concerns one peering.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// The database's time before the rows were read.
    pub began_at: i64,
    /// The listing missed nothing, so that what it does not show was not there.
    pub complete: bool,
    /// What it showed of this peering.
    pub seen: Option<&'a Sighting>,
}

/// How long to wait before believing, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Absence counts in a complete look begun this much after the first miss and after a create that may be under way.
    pub absence_grace: i64,
    /// How long an attempt may stay PROVISIONING when looks show nothing of it.
    pub provision_timeout: i64,
    /// After this long without the other half its owner gets hints.
    pub hint_after: i64,
}

/// The peering after the look, at most one edge further; none when nothing follows from it.
pub fn observe(peering: &Peering, look: &Look<'_>, rules: &Rules, now: i64) -> Option<Peering> {
    if peering.state.watch() == Watch::None {
        return None;
    }
    let mut next = peering.clone();
    match look.seen {
        Some(seen) if seen.state == CloudState::Unrecognized => {
            end_overdue(&mut next, look, rules, now);
        }
        Some(seen) => sighted(&mut next, seen, look, rules, now),
        None if look.complete => missing(&mut next, look.began_at, rules, now),
        None => return None,
    }
    if next == *peering {
        return None;
    }
    next.work.observe_at = next.work.observe_at.max(Some(look.began_at));
    Some(next)
}

/// All peerings on the way to where the look leads, in order; empty when nothing follows from it. A poll may skip
/// states that were short; history shows them nevertheless.
pub fn walk_to(peering: &Peering, look: &Look<'_>, rules: &Rules, now: i64) -> Vec<Peering> {
    let mut way: Vec<Peering> = Vec::new();
    // The longest way is PROVISIONING, PENDING_ACCEPTANCE, an end.
    while way.len() < 3 {
        match observe(way.last().unwrap_or(peering), look, rules, now) {
            Some(next) => way.push(next),
            None => break,
        }
    }
    way
}

fn sighted(peering: &mut Peering, seen: &Sighting, look: &Look<'_>, rules: &Rules, now: i64) {
    if peering.is_former(seen) {
        return sighted_former(peering, seen, look, rules, now);
    }
    let known = peering.provider_peering_id.as_ref();
    // A surplus object of ours: the recorded one stays.
    if known.is_some_and(|known| *known != seen.provider_peering_id) {
        return;
    }
    let is_answer = known.is_none() || peering.work.requested_at.is_some();
    if is_answer {
        peering.provider_peering_id = Some(seen.provider_peering_id.clone());
        answer_request(peering, now);
    }
    end_overdue(peering, look, rules, now);
    peering.work.missed_at = None;
    let first_inactive = peering.work.inactive_at.take();
    if peering.state == State::Deleting {
        return sighted_deleting(peering, seen, now);
    }
    if seen.state.is_live() && !is_final(peering) {
        peering.work.gone = false;
    }
    confirm(peering, seen, look, rules, now);
    if seen.state == CloudState::Inactive && peering.state.is_routed() {
        let agreed = look.complete
            && first_inactive.is_some_and(|at| look.began_at >= at + INACTIVE_AGREEMENT);
        if !agreed {
            peering.work.inactive_at = first_inactive.or(Some(look.began_at));
            return;
        }
    }
    match implied(peering, seen.state) {
        None => {}
        Some(state) if state == peering.state => refresh(peering, seen, rules, now),
        Some(state) => advance(peering, state, seen, rules, now),
    }
    // What has just come up was not there to be confirmed before.
    confirm(peering, seen, look, rules, now);
    // They may have been wished for while the half was still on its way.
    if is_answer && peering.wants_options() {
        peering.work.step_at = Some(now);
    }
}

/// An earlier attempt has left something, which goes first. While a request is open it is known already, or is what the
/// request was answered with; and it is not what was requested.
fn sighted_former(
    peering: &mut Peering,
    seen: &Sighting,
    look: &Look<'_>,
    rules: &Rules,
    now: i64,
) {
    let is_open = peering.work.requested_at.is_some() || peering.work.busy_since.is_some();
    if seen.state.is_live() && !is_open && peering.work.former.is_none() {
        peering.has_left(seen, now);
    } else if look.complete {
        missing(peering, look.began_at, rules, now);
    }
}

/// What was requested is there. Whether the cloud still works on it, its operation tells, or the answer that may still
/// come.
fn answer_request(peering: &mut Peering, now: i64) {
    if peering.awaits_answer() {
        return;
    }
    if peering.has_operation() {
        peering.work.requested_at = None;
        peering.work.step_at = Some(now);
        return;
    }
    peering.end_operation();
    if peering.state == State::Deleting {
        peering.work.step_at = Some(now);
    }
}

/// An operation that takes for ever, or of which nothing was told for too long, holds the networks no longer.
fn end_overdue(peering: &mut Peering, look: &Look<'_>, rules: &Rules, now: i64) {
    let Some(since) = peering.work.busy_since else {
        return;
    };
    let is_overdue = match peering.has_operation() {
        true => now >= since.saturating_add(rules.provision_timeout),
        false => look.began_at >= since.saturating_add(UNTOLD_FOR),
    };
    if is_overdue {
        peering.end_operation();
        if peering.state == State::Deleting {
            peering.work.step_at = Some(now);
        }
    }
}

/// A deletion waits for the cloud to show that nothing is left.
fn sighted_deleting(peering: &mut Peering, seen: &Sighting, now: i64) {
    seen.raw_state.clone_into(&mut peering.raw_state);
    let gone = seen.state.has_ended();
    if gone != peering.work.gone && seen.state != CloudState::Deleting {
        peering.work.gone = gone;
        peering.work.step_at = Some(now);
    }
}

/// Whether the cloud can't bring it back: one object that was deleted stays deleted, whatever an older read shows.
fn is_final(peering: &Peering) -> bool {
    peering.state == State::Disconnected
        && !peering.peer.has_two_halves()
        && peering.reason == reasons::DELETED_BY_PEER
}

/// The state that a sighting speaks for, at most one edge away; none when it is older than what is recorded, or can't
/// be.
fn implied(peering: &Peering, seen: CloudState) -> Option<State> {
    use CloudState as Seen;
    let state = peering.state;
    match (state, seen) {
        (_, Seen::Unrecognized) => None,
        (State::Provisioning, Seen::Provisioning) => Some(State::Provisioning),
        // Whatever was declined or expired has been waiting first.
        (
            State::Provisioning,
            Seen::PendingAcceptance | Seen::Inactive | Seen::Rejected | Seen::Expired,
        ) => Some(State::PendingAcceptance),
        (State::PendingAcceptance, Seen::PendingAcceptance | Seen::Inactive) => {
            Some(State::PendingAcceptance)
        }
        (State::PendingAcceptance, Seen::Provisioning) => None,
        (State::PendingAcceptance, Seen::Rejected) => Some(State::Rejected),
        (State::PendingAcceptance, Seen::Expired) => Some(State::Expired),
        (State::Provisioning | State::PendingAcceptance, Seen::Active) => Some(State::Active),
        (State::Provisioning | State::PendingAcceptance, Seen::Failed) => Some(State::Failed),
        (State::Provisioning | State::PendingAcceptance, Seen::Deleting | Seen::Deleted) => {
            Some(State::Disconnected)
        }
        (State::Active | State::Degraded, Seen::Provisioning | Seen::PendingAcceptance) => None,
        (State::Active | State::Degraded, Seen::Active) => Some(state),
        (
            State::Active | State::Degraded,
            Seen::Inactive
            | Seen::Deleting
            | Seen::Deleted
            | Seen::Rejected
            | Seen::Expired
            | Seen::Failed,
        ) => Some(State::Disconnected),
        (State::Disconnected, Seen::Active) if !is_final(peering) => Some(State::Active),
        (State::Disconnected, _) => None,
        (
            State::Rejected | State::Expired | State::Failed | State::Deleting | State::Deleted,
            _,
        ) => None,
    }
}

/// Nothing but details changed.
fn refresh(peering: &mut Peering, seen: &Sighting, rules: &Rules, now: i64) {
    let reason = match peering.state {
        State::PendingAcceptance => waiting_reason(seen),
        State::Provisioning => String::new(),
        _ => peering.reason.clone(),
    };
    let alike = peering.raw_state == seen.raw_state
        && peering.reason == reason
        && peering.expire_at == expire_at(peering.state, seen);
    if alike {
        return;
    }
    advance(peering, peering.state, seen, rules, now);
}

fn advance(peering: &mut Peering, state: State, seen: &Sighting, rules: &Rules, now: i64) {
    let was_routed = peering.state.is_routed();
    let begins = peering.state != state;
    let (reason, message) = explanation(peering, state, seen);
    peering.enter(state, &reason, message.as_deref(), now);
    peering.expire_at = expire_at(state, seen).or(peering.expire_at);
    // A state that was only passed through has no raw state of its own.
    if !passed_through(state, seen.state) {
        seen.raw_state.clone_into(&mut peering.raw_state);
    }
    match state {
        State::Active if !was_routed => {
            peering.activate_at = peering.activate_at.or(Some(now));
            peering.expire_at = None;
            peering.work.routes_due = true;
            peering.work.network_due = true;
            // One object takes options only now; a half was made with them.
            peering.work.options_due |=
                !peering.peer.has_two_halves() && peering.options != Options::default();
            peering.work.step_at = Some(now);
        }
        State::PendingAcceptance if !peering.peer.has_two_halves() => warn_of_expiry(peering, now),
        State::PendingAcceptance if begins => {
            let hint_at = now.saturating_add(rules.hint_after);
            peering.work.hint_at = Some(hint_at);
            peering.work.step_at = peering.work.step_at.min(Some(hint_at)).or(Some(hint_at));
        }
        _ if state.has_ended() => end(peering, seen.state.is_live(), was_routed, now),
        _ => {}
    }
}

/// Whoever has not accepted a day before the end is reminded of it, unless less than that is given.
fn warn_of_expiry(peering: &mut Peering, now: i64) {
    let accepted = peering.reason == reasons::ACCEPTED_ACTIVATING;
    let at = peering.expire_at.filter(|_| !accepted);
    let at = at.map(|at| at.saturating_sub(EXPIRY_WARNING));
    peering.work.hint_at = at.filter(|&at| at > now);
    if let Some(at) = peering.work.hint_at {
        peering.work.step_at = peering.work.step_at.min(Some(at)).or(Some(at));
    }
}

/// What every end has in common; `remains` is whether the vendor half still stands.
pub(super) fn end(peering: &mut Peering, remains: bool, was_routed: bool, now: i64) {
    peering.work.gone = !remains;
    peering.work.missed_at = None;
    peering.work.waits_for = None;
    peering.work.routes_due = was_routed;
    // What is still watched may have an operation under way that has not been read to its end.
    let is_under_way =
        peering.has_operation() || peering.awaits_answer() || peering.work.sets_options;
    let is_open = peering.state.watch() != Watch::None && is_under_way;
    if !is_open {
        peering.end_operation();
        let work = &peering.work;
        let is_due =
            was_routed || work.former.is_some() || work.network_due || work.claims_at.is_some();
        peering.work.step_at = is_due.then_some(now);
    }
}

fn passed_through(state: State, seen: CloudState) -> bool {
    state == State::PendingAcceptance && seen.has_ended()
}

fn expire_at(state: State, seen: &Sighting) -> Option<i64> {
    seen.expire_at.filter(|_| state == State::PendingAcceptance)
}

pub(super) fn waiting_reason(seen: &Sighting) -> String {
    match seen.state {
        CloudState::Inactive => reasons::AWAITING_RECIPROCAL_PEERING.to_owned(),
        CloudState::PendingAcceptance if !seen.reason.is_empty() => seen.reason.clone(),
        _ => reasons::AWAITING_CUSTOMER_ACCEPTANCE.to_owned(),
    }
}

/// Reason and, where it fits, the cloud's own sentence.
fn explanation(peering: &Peering, state: State, seen: &Sighting) -> (String, Option<String>) {
    let said = Some(seen.message.clone());
    let own = |default: &str| match seen.reason.as_str() {
        "" => default.to_owned(),
        reason => reason.to_owned(),
    };
    match state {
        State::Provisioning => (String::new(), None),
        // It stays as it was told, hints included.
        State::PendingAcceptance
            if peering.state == state && peering.reason == waiting_reason(seen) =>
        {
            (peering.reason.clone(), Some(peering.message.clone()))
        }
        State::PendingAcceptance => (waiting_reason(seen), None),
        State::Rejected => (own(reasons::REJECTED_BY_PEER), said),
        State::Expired => (own(reasons::REQUEST_EXPIRED), said),
        State::Failed => (own(reasons::CLOUD_ERROR), said),
        State::Disconnected => match seen.state {
            CloudState::Deleting | CloudState::Deleted => {
                (reasons::DELETED_BY_PEER.to_owned(), said)
            }
            CloudState::Inactive => (reasons::DELETED_BY_PEER.to_owned(), None),
            _ => (reasons::LOST_OUT_OF_BAND.to_owned(), said),
        },
        _ if state == peering.state => (peering.reason.clone(), Some(peering.message.clone())),
        _ => (String::new(), None),
    }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
