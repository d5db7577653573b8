//! The quick answer for most looks at most peerings: nothing new.

use types::{Cidr, PeeringId};

use super::observe::waiting_reason;
use super::options::Options;
use super::peering::Peering;
use super::sighting::{CloudState, Sighting};
use super::state::State;

/// As much of a peering as tells whether a look changes anything: what is read for thousands at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Glance {
    /// The peering.
    pub id: PeeringId,
    /// Its version when it was read.
    pub version: i64,
    /// Its attempt.
    pub attempt: i32,
    /// Its state.
    pub state: State,
    /// Its reason.
    pub reason: String,
    /// The cloud's word, as recorded.
    pub raw_state: String,
    /// The cloud's id, when known.
    pub provider_peering_id: Option<String>,
    /// Until when it can be accepted.
    pub expire_at: Option<i64>,
    /// Since when its lane watches it.
    pub lane_since: i64,
    /// The first complete look that did not show it.
    pub missed_at: Option<i64>,
    /// The first look that showed INACTIVE what was up.
    pub inactive_at: Option<i64>,
    /// The cloud has nothing left of it.
    pub gone: bool,
    /// A create is or may be under way.
    pub requested: bool,
    /// An operation is or may be under way.
    pub busy: bool,
    /// What our half shall do beyond linking the two VPCs.
    pub options: Options,
    /// The ranges of the customer's VPC that the cloud last showed.
    pub observed_cidrs: Vec<Cidr>,
    /// When the cloud last took routes of it.
    pub routes_told_at: Option<i64>,
    /// What it adds to the [`Tally`](super::Tally) of its lane.
    pub digest: Option<i64>,
}

impl Glance {
    /// What a look needs to know of `peering` at first.
    pub fn of(peering: &Peering) -> Self {
        Self {
            id: peering.id,
            version: peering.version,
            attempt: peering.attempt,
            state: peering.state,
            reason: peering.reason.clone(),
            raw_state: peering.raw_state.clone(),
            provider_peering_id: peering.provider_peering_id.clone(),
            expire_at: peering.expire_at,
            lane_since: peering.work.lane_since,
            missed_at: peering.work.missed_at,
            inactive_at: peering.work.inactive_at,
            gone: peering.work.gone,
            requested: peering.work.requested_at.is_some(),
            busy: peering.work.busy_since.is_some(),
            options: peering.options,
            observed_cidrs: peering.work.observed_cidrs.clone(),
            routes_told_at: peering.work.routes_told_at,
            digest: peering.digest(),
        }
    }
}

/// Whether [`observe`] surely finds nothing new in a look that showed `seen`: what most looks at most peerings find.
pub fn settled(glance: &Glance, seen: Option<&Sighting>) -> bool {
    let Some(seen) = seen else {
        return glance.state == State::Disconnected && glance.gone;
    };
    if glance.requested
        || glance.busy
        || glance.inactive_at.is_some()
        || glance.provider_peering_id.as_ref() != Some(&seen.provider_peering_id)
        || glance.missed_at.is_some()
        || glance.raw_state != seen.raw_state
        || seen.options.is_some_and(|shown| shown != glance.options)
        || !seen.peer_cidrs.is_empty() && seen.peer_cidrs != glance.observed_cidrs
    {
        return false;
    }
    match (glance.state, seen.state) {
        (State::PendingAcceptance, CloudState::PendingAcceptance | CloudState::Inactive) => {
            glance.expire_at == seen.expire_at
                && glance.reason == waiting_reason(seen)
                && !glance.gone
        }
        (State::Active | State::Degraded, CloudState::Active) => {
            glance.expire_at.is_none() && !glance.gone
        }
        (State::Disconnected, CloudState::Deleted) => glance.gone,
        (State::Disconnected, CloudState::Inactive) => !glance.gone,
        _ => false,
    }
}
