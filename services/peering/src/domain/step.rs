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
    if work.admission != Admission::Admitted || work.step_at.is_none_or(|at| at > now) {
        return Step::Rest;
    }
    if work.hint_at.is_some_and(|at| at <= now) {
        return Step::Hint;
    }
    // A deletion hands the token over itself, once the half is known.
    if peering.has_operation()
        && (peering.state != State::Deleting || work.requested_at.is_some() && !work.gone)
    {
        return Step::Follow;
    }
    if work.routes_due {
        return Step::Routes;
    }
    if peering.asks_again(now) && !work.gone {
        return Step::Follow;
    }
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
mod tests {
    use super::*;
    use crate::domain::walk::{NOW, admitted};

    /// What is known of the vendor half: nothing, that a create may be under way, its id, that it is gone.
    const KNOWN: [&str; 4] = ["nothing", "requested", "id", "gone"];

    fn expected(state: State, known: &str) -> Step {
        match (state, known) {
            (State::Provisioning, "nothing" | "gone") => Step::Request,
            (State::Provisioning, "requested") => Step::AwaitLook,
            (State::Deleting, "requested") => Step::AwaitLook,
            (State::Deleting, "id") => Step::Delete("pcx-1".to_owned()),
            (State::Deleting, _) => Step::Detach,
            _ => Step::Rest,
        }
    }

    #[test]
    fn every_state_has_its_step() {
        for state in State::ALL {
            for known in KNOWN {
                let mut peering = admitted(state);
                peering.provider_peering_id = (known == "id").then(|| "pcx-1".to_owned());
                peering.work.requested_at = (known == "requested").then_some(NOW);
                peering.work.gone = known == "gone";
                peering.work.step_at = Some(NOW);
                assert_eq!(
                    next_step(&peering, NOW),
                    expected(state, known),
                    "{state} {known}"
                );
            }
        }
    }

    #[test]
    fn routes_come_before_everything_else() {
        for state in State::ALL {
            let mut peering = admitted(state);
            peering.work.step_at = Some(NOW);
            peering.work.routes_due = true;
            assert_eq!(next_step(&peering, NOW), Step::Routes, "{state}");
        }
    }

    #[test]
    fn nothing_happens_before_its_time_or_its_admission() {
        for state in State::ALL {
            let mut peering = admitted(state);
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
}
