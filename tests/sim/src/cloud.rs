//! A cloud that shows things late. Unlike EC2 it makes a second object for the same pair, so that whoever asks twice is
//! found out.

use peering::domain::{CloudState, Peering, Sighting};
use types::PeeringId;

/// When a request expires that nobody accepts, in milliseconds: before the world ends.
const EXPIRES: i64 = 90_000;

/// One peering connection.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) id: String,
    /// Whose tags it carries; none: a stranger's.
    pub(crate) owner: Option<(PeeringId, i32)>,
    pair: (String, String),
    peer: (String, String, String),
    history: Vec<(i64, CloudState)>,
    /// How much later than it happens a listing shows it.
    pub(crate) lag: i64,
}

impl Object {
    pub(crate) fn state_at(&self, time: i64) -> Option<CloudState> {
        let past = self.history.iter().rev().find(|(since, _)| *since <= time);
        past.map(|(_, state)| *state)
    }

    /// What was still to come of it does not come any more.
    fn become_now(&mut self, state: CloudState, now: i64) {
        self.history.retain(|(since, _)| *since <= now);
        self.history.push((now, state));
    }

    fn shown(&self, time: i64) -> Option<Sighting> {
        let state = self.state_at(time)?;
        Some(Sighting {
            provider_peering_id: self.id.clone(),
            peering: self.owner.map(|(id, _)| id),
            attempt: self.owner.map_or(0, |(_, attempt)| attempt),
            state,
            reason: String::new(),
            message: String::new(),
            raw_state: raw(state).to_owned(),
            expire_at: None,
            vendor_vpc: self.pair.0.clone(),
            peer: self.peer.clone(),
            peer_cidrs: Vec::new(),
            options: None,
        })
    }
}

fn raw(state: CloudState) -> &'static str {
    match state {
        CloudState::Provisioning => "provisioning",
        CloudState::PendingAcceptance => "pending-acceptance",
        CloudState::Active => "active",
        CloudState::Rejected => "rejected",
        CloudState::Expired => "expired",
        CloudState::Deleted => "deleted",
        _ => "other",
    }
}

/// All there is, with its past.
#[derive(Debug, Default)]
pub(crate) struct Cloud {
    pub(crate) objects: Vec<Object>,
    /// Until when every call is throttled.
    pub(crate) throttled_until: i64,
}

impl Cloud {
    /// What a listing of an account shows that reaches the cloud at `now`.
    pub(crate) fn list(&self, account: &str, calm: bool, now: i64) -> Vec<Sighting> {
        let of_account = self
            .objects
            .iter()
            .filter(|one| one.pair.0.contains(account));
        let late = |one: &Object| if calm { 0 } else { one.lag };
        of_account
            .filter_map(|one| one.shown(now - late(one)))
            .collect()
    }

    /// The adapter's request: what stands between the two, or a new object.
    pub(crate) fn ensure(
        &mut self,
        row: &Peering,
        strangers_count: bool,
        lag: i64,
        now: i64,
    ) -> Sighting {
        let pair = (row.vendor.vpc_id.clone(), row.peer.vpc().to_owned());
        let stands = self.objects.iter().find(|one| {
            let shown = one.state_at(now - one.lag);
            let ours = strangers_count || one.owner.is_some();
            one.pair == pair && ours && shown.is_some_and(CloudState::is_live)
        });
        if let Some(seen) = stands.and_then(|one| one.shown(now)) {
            return seen;
        }
        self.make(row, Some((row.id, row.attempt)), lag, now)
    }

    /// Something that somebody else made between the same two.
    pub(crate) fn intrude(&mut self, row: &Peering, now: i64) {
        self.make(row, None, 0, now);
    }

    fn make(
        &mut self,
        row: &Peering,
        owner: Option<(PeeringId, i32)>,
        lag: i64,
        now: i64,
    ) -> Sighting {
        let object = Object {
            id: format!("pcx-{:04}", self.objects.len()),
            owner,
            pair: (row.vendor.vpc_id.clone(), row.peer.vpc().to_owned()),
            peer: (
                row.peer.account().to_owned(),
                row.peer.region().to_owned(),
                row.peer.vpc().to_owned(),
            ),
            history: vec![
                (now, CloudState::Provisioning),
                (now + 1_500, CloudState::PendingAcceptance),
                (now + EXPIRES, CloudState::Expired),
            ],
            lag,
        };
        let seen = object.shown(now).expect("it stands from now on");
        self.objects.push(object);
        seen
    }

    /// Whether something was there to delete.
    pub(crate) fn delete(&mut self, id: &str, now: i64) -> bool {
        let found = self.objects.iter_mut().find(|one| one.id == id);
        let Some(object) = found else { return false };
        if object.state_at(now).is_some_and(CloudState::is_live) {
            object.become_now(CloudState::Deleted, now);
        }
        true
    }

    /// What the customer does next: answers a request that waits, or ends what is up.
    pub(crate) fn answer(&mut self, which: usize, accepted: bool, now: i64) {
        let Some(object) = self.objects.get_mut(which) else {
            return;
        };
        let next = match (object.state_at(now), accepted) {
            (Some(CloudState::PendingAcceptance), true) => CloudState::Active,
            (Some(CloudState::PendingAcceptance), false) => CloudState::Rejected,
            (Some(CloudState::Active), false) => CloudState::Deleted,
            _ => return,
        };
        object.become_now(next, now);
    }

    /// What lives of an attempt.
    pub(crate) fn live(&self, owner: (PeeringId, i32), now: i64) -> usize {
        let of_owner = self.objects.iter().filter(|one| one.owner == Some(owner));
        of_owner
            .filter(|one| one.state_at(now).is_some_and(CloudState::is_live))
            .count()
    }

    /// Whether anything of a peering lives.
    pub(crate) fn lives(&self, peering: PeeringId, now: i64) -> bool {
        let mut all = self.objects.iter();
        all.any(|one| {
            one.owner.is_some_and(|(id, _)| id == peering)
                && one.state_at(now).is_some_and(CloudState::is_live)
        })
    }

    pub(crate) fn state_of(&self, id: &str, now: i64) -> Option<CloudState> {
        self.objects.iter().find(|one| one.id == id)?.state_at(now)
    }
}
