//! What to do next for a peering, from its row and the time alone.

use super::peering::{Admission, Former, Peering};
use super::state::State;

/// One idempotent step towards what is intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing is to be done now.
    Rest,
    /// A create may be under way: only a look tells what became of it.
    AwaitLook,
    /// Ask the cloud for the vendor half.
    Request,
    /// Read how far the operation is that a request began, or ask again what became of the request.
    Follow,
    /// Tell the owner of a waiting peering what may be in the way.
    Hint,
    /// Bring the vendor's route tables in line.
    Routes,
    /// Remove the vendor half of this cloud id.
    Delete(String),
    /// Remove what an earlier attempt may have left in the cloud.
    Clear(Former),
    /// Make the options of our half as wanted.
    Options,
    /// Ask the network what has changed of it.
    Network,
    /// Have the network claim exactly what is recorded.
    Claims,
    /// A condition has been false for so long that the peering is DEGRADED.
    Degrade,
    /// Give the network's claims back; then it is deleted.
    Detach,
}

impl Step {
    /// The name in logs and spans.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::AwaitLook => "await_look",
            Self::Request => "request",
            Self::Follow => "follow",
            Self::Hint => "hint",
            Self::Routes => "routes",
            Self::Delete(_) => "delete",
            Self::Clear(_) => "clear",
            Self::Options => "options",
            Self::Network => "network",
            Self::Claims => "claims",
            Self::Degrade => "degrade",
            Self::Detach => "detach",
        }
    }
}

/// The one next step.
pub fn next_step(peering: &Peering, now: i64) -> Step {
    let work = &peering.work;
    let is_due = work.step_at.is_some_and(|at| at <= now);
    if work.admission != Admission::Admitted || peering.state == State::Deleted || !is_due {
        return Step::Rest;
    }
    if work.hint_at.is_some_and(|at| at <= now) {
        return Step::Hint;
    }
    if peering.degrades_at().is_some_and(|at| at <= now) {
        return Step::Degrade;
    }
    if follows(peering) {
        return Step::Follow;
    }
    if work.routes_due {
        return Step::Routes;
    }
    if let Some(former) = &work.former {
        return Step::Clear(former.clone());
    }
    let is_wanted = !peering.is_unwanted();
    if work.sets_options && (is_wanted || peering.sets_options_untold(now)) {
        return Step::Options;
    }
    if peering.asks_again(now) && !work.gone {
        return Step::Follow;
    }
    let claims = work.claims_at.is_some_and(|at| at <= now);
    match of_half(peering) {
        Step::Rest | Step::AwaitLook if claims && is_wanted => Step::Claims,
        Step::Rest | Step::AwaitLook if work.network_due && is_wanted => Step::Network,
        Step::Rest if peering.wants_options() => Step::Options,
        step => step,
    }
}

/// Whether the operation of a request is read first. A removal hands the token over itself, once the half is known, and
/// so does a change of options.
fn follows(peering: &Peering) -> bool {
    let work = &peering.work;
    let removes = peering.state == State::Deleting && (work.requested_at.is_none() || work.gone);
    peering.has_operation() && !work.sets_options && work.former.is_none() && !removes
}

/// What is to be done about the vendor half of this attempt.
fn of_half(peering: &Peering) -> Step {
    let work = &peering.work;
    let id = peering.provider_peering_id.as_ref();
    match peering.state {
        State::Provisioning if id.is_some() && !work.gone => Step::Rest,
        State::Provisioning if work.requested_at.is_some() => Step::AwaitLook,
        State::Provisioning => Step::Request,
        State::Deleting if work.gone => Step::Detach,
        State::Deleting if work.requested_at.is_some() => Step::AwaitLook,
        State::Deleting => id.map_or(Step::Detach, |id| Step::Delete(id.clone())),
        State::PendingAcceptance | State::Active | State::Degraded | State::Disconnected => {
            if work.requested_at.is_some() && peering.peer.has_two_halves() {
                Step::AwaitLook
            } else if peering.wants_half_back() {
                Step::Request
            } else {
                Step::Rest
            }
        }
        State::Rejected | State::Expired | State::Failed | State::Deleted => Step::Rest,
    }
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
