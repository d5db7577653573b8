//! The decision: from what is recorded to the one next step.

use super::{Ahead, Network, State};

/// One step of the work on a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do until the intent changes.
    Rest,
    /// Nothing before this time.
    Wait(i64),
    /// Choose a vendor account.
    Place,
    /// Ask what stands, and make nothing.
    Look,
    /// Make one part.
    Make {
        /// The adapter's code for it.
        part: String,
        /// Asking twice would make two: the request is committed before the call.
        guarded: bool,
    },
    /// Have the firewall admit what is wanted.
    Firewall,
    /// Take the next few steps of removing what stands.
    Remove,
    /// No call is needed: the network has reached this state.
    Record(State),
}

impl Step {
    /// The step's name in logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Wait(_) => "wait",
            Self::Place => "place",
            Self::Look => "look",
            Self::Make { .. } => "make",
            Self::Firewall => "firewall",
            Self::Remove => "remove",
            Self::Record(_) => "record",
        }
    }
}

/// The one next step from what stands towards what is intended.
pub fn next_step(network: &Network, now: i64) -> Step {
    // Before the VPC: a repair that does not succeed must not keep a range open that its owner has closed.
    if network.firewall_at().is_some_and(|at| at <= now) {
        return Step::Firewall;
    }
    if network.work.step_at.is_none_or(|at| at > now) {
        return network.due_at().map_or(Step::Rest, Step::Wait);
    }
    let work = &network.work;
    match network.state {
        State::Failed | State::Deleted => Step::Rest,
        // Its peerings go first; the detach of the last one makes it due.
        State::Deleting if network.peering_count > 0 => Step::Rest,
        State::Pending if network.account.is_none() => Step::Place,
        // Whether anything is to be put back is for the looks to decide, which make it due again.
        State::Active if network.is_vpc_in_doubt() => Step::Rest,
        // What was asked for and not seen may still come into being: neither make nor remove anything before.
        State::Pending | State::Active | State::Deleting if work.requested.is_some() => Step::Look,
        // The cloud works on a part: the next look follows that.
        State::Pending | State::Active if !work.operation_token.is_empty() => Step::Look,
        State::Pending | State::Active => match &work.ahead {
            Ahead::Unknown => Step::Look,
            Ahead::Part { part, guarded } => Step::Make {
                part: part.clone(),
                guarded: *guarded,
            },
            Ahead::Complete if network.state == State::Pending => Step::Record(State::Active),
            Ahead::Complete => Step::Rest,
        },
        State::Deleting if !work.touched => Step::Record(State::Deleted),
        State::Deleting => Step::Remove,
    }
}

#[cfg(test)]
mod tests;
