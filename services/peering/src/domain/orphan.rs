//! Whether what stands in the cloud with our tags belongs to any peering.

use types::PeeringId;

use super::peering::{Former, Peering};
use super::sighting::Sighting;
use super::state::{State, Watch};

/// As much of a peering as tells whether something in the cloud is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The peering.
    pub id: PeeringId,
    /// Its attempt.
    pub attempt: i32,
    /// Its state.
    pub state: State,
    /// The cloud's id of its half, when known.
    pub provider_peering_id: Option<String>,
    /// What an earlier attempt left and a step removes.
    pub former: Option<Former>,
}

impl Owner {
    /// What `peering` owns.
    pub fn of(peering: &Peering) -> Self {
        Self {
            id: peering.id,
            attempt: peering.attempt,
            state: peering.state,
            provider_peering_id: peering.provider_peering_id.clone(),
            former: peering.work.former.clone(),
        }
    }

    /// Whether the peering has what was seen, or a step will see to it. Nothing belongs to a deleted one.
    pub fn owns(&self, seen: &Sighting) -> bool {
        if self.state == State::Deleted {
            return false;
        }
        let id = &seen.provider_peering_id;
        if self.provider_peering_id.as_ref() == Some(id) {
            return true;
        }
        if seen.peering != Some(self.id) {
            return false;
        }
        let is_looked_for = self.provider_peering_id.is_none()
            && self.state.watch() != Watch::None
            && seen.attempt < self.attempt;
        let former = self.former.as_ref();
        seen.attempt == self.attempt
            || is_looked_for
            || former.is_some_and(|former| former.provider_peering_id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sighting::CloudState;
    use super::*;

    fn owner() -> Owner {
        Owner {
            id: PeeringId::generate(),
            attempt: 3,
            state: State::Active,
            provider_peering_id: Some("pcx-3".to_owned()),
            former: None,
        }
    }

    fn seen(id: &str, peering: PeeringId, attempt: i32) -> Sighting {
        Sighting {
            provider_peering_id: id.to_owned(),
            peering: Some(peering),
            attempt,
            state: CloudState::Active,
            reason: String::new(),
            message: String::new(),
            raw_state: "active".to_owned(),
            expire_at: None,
            vendor_vpc: String::new(),
            peer: Default::default(),
            peer_cidrs: Vec::new(),
            options: None,
        }
    }

    #[test]
    fn a_peering_has_its_own_half_and_what_its_attempt_made() {
        let owner = owner();
        assert!(owner.owns(&seen("pcx-3", owner.id, 3)));
        // Whatever became of its tags.
        assert!(owner.owns(&seen("pcx-3", PeeringId::generate(), 1)));
        assert!(owner.owns(&seen("pcx-other", owner.id, 3)));
        assert!(!owner.owns(&seen("pcx-other", PeeringId::generate(), 3)));
    }

    #[test]
    fn a_half_of_an_earlier_attempt_is_an_orphan_unless_a_step_removes_it() {
        let mut owner = owner();
        let earlier = seen("pcx-2", owner.id, 2);
        assert!(!owner.owns(&earlier));
        owner.former = Some(Former {
            provider_peering_id: "pcx-2".to_owned(),
            attempt: 2,
        });
        assert!(owner.owns(&earlier));
        owner.former = None;
        // Without an id of its own the looks still take up what is there of it.
        owner.provider_peering_id = None;
        owner.state = State::Provisioning;
        assert!(owner.owns(&earlier));
        owner.state = State::Failed;
        assert!(!owner.owns(&earlier));
    }

    #[test]
    fn a_deleted_peering_has_nothing() {
        let owner = Owner {
            state: State::Deleted,
            ..owner()
        };
        assert!(!owner.owns(&seen("pcx-3", owner.id, 3)));
    }
}
