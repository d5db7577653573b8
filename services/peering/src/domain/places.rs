//! Places among the requests that nobody has accepted yet, of which a cloud takes a few only: who holds one, who waits
//! for one, and who is next.
//!
//! The tenant with the fewest places is served first, and among those the oldest request; so a tenant with many
//! requests delays its own and nobody else's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use types::{PeeringId, TenantId};

use super::peering::Peering;
use super::progress::WAITER_RETRY;
use super::quota::Quotas;
use super::reasons;
use super::state::State;

/// Names that a message tells.
const NAMED: usize = 5;

/// How many requests of a group may wait for acceptance at a time.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Of all tenants.
    pub in_group: u32,
    /// Of each tenant.
    pub quotas: &'a Quotas,
}

/// As much of a peering as tells whether it holds a place or waits for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The peering.
    pub id: PeeringId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name for people.
    pub display_name: String,
    /// Its state.
    pub state: State,
    /// Its reason.
    pub reason: String,
    /// Since when it asks for a place.
    pub attempt_at: i64,
    /// A request is or may be in the cloud, be it an earlier one that has to go first.
    pub is_requested: bool,
    /// It was up in this attempt.
    pub was_active: bool,
    /// The cloud has nothing left of it.
    pub is_gone: bool,
    /// When its next step may run.
    pub step_at: Option<i64>,
}

/// What comes of asking for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// There is one, and nobody comes before.
    Now,
    /// Not yet, for this reason in one sentence or two.
    Later(String),
}

impl Claim {
    /// What `peering` claims.
    pub fn of(peering: &Peering) -> Self {
        let work = &peering.work;
        Self {
            id: peering.id,
            tenant: peering.tenant.clone(),
            display_name: peering.display_name.to_string(),
            state: peering.state,
            reason: peering.reason.clone(),
            attempt_at: peering.attempt_at,
            is_requested: work.requested_at.is_some()
                || peering.provider_peering_id.is_some()
                || work.former.is_some(),
            was_active: peering.activate_at.is_some(),
            is_gone: work.gone,
            step_at: work.step_at,
        }
    }

    /// Whether the cloud counts it, or may.
    pub fn holds(&self) -> bool {
        match self.state {
            State::Provisioning => self.is_requested,
            State::PendingAcceptance => self.reason != reasons::ACCEPTED_ACTIVATING,
            State::Deleting => self.is_requested && !self.was_active && !self.is_gone,
            State::Active
            | State::Degraded
            | State::Disconnected
            | State::Rejected
            | State::Expired
            | State::Failed
            | State::Deleted => false,
        }
    }

    /// Whether a place is all that it lacks, as far as is known. What the cloud refused for another reason may ask
    /// again, but keeps nobody from a place until then.
    fn lacks_place(&self) -> bool {
        let reason = self.reason.as_str();
        self.state == State::Provisioning
            && !self.is_requested
            && (reason.is_empty() || reason == reasons::OUTSTANDING_LIMIT)
    }

    /// Whether it stands in line. So does not what rests for longer than those who wait for a place.
    fn waits(&self, now: i64) -> bool {
        let soon = now.saturating_add(WAITER_RETRY);
        self.lacks_place() && self.step_at.is_some_and(|at| at <= soon)
    }
}

/// Whether the change makes room for another. A request for which the cloud had no place stands in line again: the
/// next one would fare no better.
pub fn frees_place(before: &Peering, after: &Peering) -> bool {
    let (before_that, after_that) = (Claim::of(before), Claim::of(after));
    !before.peer.has_two_halves()
        && before_that.holds()
        && !after_that.holds()
        && !after_that.lacks_place()
}

/// Whether `id`, one of `claims`, may be requested now.
pub fn turn(claims: &[Claim], id: PeeringId, places: Places<'_>, now: i64) -> Turn {
    let taken = claims.iter().filter(|claim| claim.holds()).count();
    let free = usize::try_from(places.in_group)
        .unwrap_or(usize::MAX)
        .saturating_sub(taken);
    let asks = |claim: &Claim| claim.id == id || claim.waits(now);
    let line = line(claims, places.quotas, asks);
    let place = line.iter().position(|claim| claim.id == id);
    if place.is_some_and(|place| place < free) {
        return Turn::Now;
    }
    let Some(own) = claims.iter().find(|claim| claim.id == id) else {
        return Turn::Later(String::new());
    };
    let of_tenant = |claim: &&Claim| claim.tenant == own.tenant;
    let held: Vec<&Claim> = claims
        .iter()
        .filter(of_tenant)
        .filter(|one| one.holds())
        .collect();
    let most = places.quotas.outstanding_peerings(&own.tenant);
    let (all, own_places) = (places.in_group, own_places(&held));
    Turn::Later(match place {
        Some(place) => format!(
            "The vendor's {all} places for requests that nobody has accepted yet are taken; this one is number {} in \
             line. {own_places}",
            place + 1
        ),
        None => {
            let older = |claim: &&Claim| claim.waits(now) && age(claim) < age(own);
            let ahead = claims.iter().filter(of_tenant).filter(older).count();
            format!(
                "The tenant may have {most} requests that nobody has accepted yet; this one is number {} in the tenant's \
                 own line. {own_places}",
                ahead + 1
            )
        }
    })
}

/// Those whom so many `free` places would serve.
pub fn next_in_line(claims: &[Claim], free: usize, quotas: &Quotas, now: i64) -> Vec<PeeringId> {
    let line = line(claims, quotas, |claim| claim.waits(now));
    line.into_iter().take(free).map(|claim| claim.id).collect()
}

/// The peering waits for a place, for the reason that its turn gave.
pub fn waiting(peering: &Peering, why: &str, now: i64) -> Peering {
    let mut next = peering.clone();
    next.explain(reasons::OUTSTANDING_LIMIT, Some(why));
    next.work.step_at = Some(now.saturating_add(WAITER_RETRY));
    next
}

/// Those who wait, in the order in which places go to them until each tenant has all it may have.
fn line<'a>(
    claims: &'a [Claim],
    quotas: &Quotas,
    waits: impl Fn(&Claim) -> bool,
) -> Vec<&'a Claim> {
    let mut held: BTreeMap<&TenantId, u32> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.holds()) {
        *held.entry(&claim.tenant).or_default() += 1;
    }
    let mut waiting: Vec<&Claim> = claims.iter().filter(|claim| waits(claim)).collect();
    waiting.sort_by_key(|claim| age(claim));
    let mut queues: BTreeMap<&TenantId, VecDeque<&Claim>> = BTreeMap::new();
    for claim in waiting {
        queues.entry(&claim.tenant).or_default().push_back(claim);
    }
    // The first of each tenant that may have one more place.
    let mut heads = BTreeSet::new();
    for (&tenant, queue) in &queues {
        let places = held.get(tenant).copied().unwrap_or(0);
        heads.extend(
            queue
                .front()
                .filter(|_| places < quotas.outstanding_peerings(tenant))
                .map(|one| (places, age(one), tenant)),
        );
    }
    let mut line = Vec::new();
    while let Some((places, _, tenant)) = heads.pop_first() {
        let Some(queue) = queues.get_mut(tenant) else {
            continue;
        };
        line.extend(queue.pop_front());
        let more = queue
            .front()
            .filter(|_| places + 1 < quotas.outstanding_peerings(tenant));
        heads.extend(more.map(|one| (places + 1, age(one), tenant)));
    }
    line
}

fn age(claim: &Claim) -> (i64, PeeringId) {
    (claim.attempt_at, claim.id)
}

/// What stands in the way and may be accepted or deleted, of the tenant's own only.
fn own_places(held: &[&Claim]) -> String {
    match held {
        [] => "None of the tenant's own holds a place.".to_owned(),
        [_] => format!("Of the tenant's own, {} holds a place.", names(held)),
        _ => format!("Of the tenant's own, {} hold a place each.", names(held)),
    }
}

fn names(claims: &[&Claim]) -> String {
    let mut claims = claims.to_vec();
    claims.sort_by_key(|claim| age(claim));
    let mut names: Vec<String> = claims
        .iter()
        .take(NAMED)
        .map(|claim| format!("{:?}", claim.display_name))
        .collect();
    if claims.len() > NAMED {
        names.push(format!("and {} more", claims.len() - NAMED));
    }
    names.join(", ")
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
