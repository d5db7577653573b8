//! Whose sighting is whose: the rows of a lane joined with the pages of a listing as they come.

use std::collections::HashMap;

use types::PeeringId;

use super::{CloudState, Glance, Sighting, settled};

/// Attempts before the current one that are looked for.
const EARLIER: i32 = 5;

/// The rows of a lane and what was seen of each so far.
pub struct Matching {
    glances: Vec<Glance>,
    seen: Vec<Seen>,
    by_id: HashMap<String, usize>,
    /// Only rows whose id in the cloud is not known are looked for by their tags, and so is what their last few attempts
    /// may have left.
    by_tag: HashMap<(PeeringId, i32), usize>,
    unrecognized: Option<String>,
    strays: Vec<Sighting>,
    /// Whether a row is passed over when [`settled`] finds nothing new in its sighting.
    skips: bool,
}

/// What was seen of one row.
enum Seen {
    Nothing,
    /// Seen, and nothing follows from it.
    Settled,
    Shown(Box<Sighting>),
}

/// Rows that a listing of a part did not show.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// Their ids in the cloud.
    pub ids: Vec<String>,
    /// Those without one.
    pub peerings: Vec<PeeringId>,
}

/// A row of which something may have changed.
#[derive(Debug)]
pub struct Unsettled {
    /// The peering.
    pub id: PeeringId,
    /// Its version before the look.
    pub version: i64,
    /// What was seen of it; none: nothing, in a complete look.
    pub seen: Option<Sighting>,
}

impl Matching {
    /// Nothing was seen of the rows yet.
    pub fn new(glances: Vec<Glance>) -> Self {
        let mut by_id = HashMap::new();
        let mut by_tag = HashMap::new();
        for (index, glance) in glances.iter().enumerate() {
            match &glance.provider_peering_id {
                Some(id) => by_id.insert(id.clone(), index),
                None => {
                    let first = glance.attempt.saturating_sub(EARLIER).max(1);
                    by_tag.extend((first..=glance.attempt).map(|one| ((glance.id, one), index)));
                    None
                }
            };
        }
        let seen = glances.iter().map(|_| Seen::Nothing).collect();
        Self {
            glances,
            seen,
            by_id,
            by_tag,
            unrecognized: None,
            strays: Vec::new(),
            skips: true,
        }
    }

    /// The same, with every row compared in full.
    pub fn thorough(glances: Vec<Glance>) -> Self {
        Self {
            skips: false,
            ..Self::new(glances)
        }
    }

    /// The attempts that are looked for by their tags or names.
    pub fn expected(&self) -> Vec<(PeeringId, i32)> {
        self.by_tag.keys().copied().collect()
    }

    /// The rows that were not seen so far: what to ask for one by one. Those without an id in the cloud are asked for
    /// by their tags, while a create may be under way or `late` says that its time is over; of the others nothing is
    /// said by this look.
    pub fn unseen(&mut self, late: i64) -> Unseen {
        let mut unseen = Unseen::default();
        for (glance, seen) in self.glances.iter().zip(&mut self.seen) {
            if !matches!(seen, Seen::Nothing) {
                continue;
            }
            match &glance.provider_peering_id {
                Some(id) => unseen.ids.push(id.clone()),
                None if glance.requested || glance.lane_since <= late => {
                    unseen.peerings.push(glance.id);
                }
                None => *seen = Seen::Settled,
            }
        }
        unseen
    }

    /// Takes in one object of the listing. What carries our tags and belongs to none of the rows is kept as a stray.
    pub fn take(&mut self, sighting: Sighting) {
        let tagged = || sighting.peering.map(|id| (id, sighting.attempt));
        let by_id = self.by_id.get(&sighting.provider_peering_id).copied();
        let Some(index) = by_id.or_else(|| self.by_tag.get(&tagged()?).copied()) else {
            if sighting.peering.is_some() && sighting.state.is_live() {
                self.strays.push(sighting);
            }
            return;
        };
        if sighting.state == CloudState::Unrecognized {
            self.unrecognized = Some(sighting.raw_state);
            if matches!(self.seen[index], Seen::Nothing) {
                self.seen[index] = Seen::Settled;
            }
            return;
        }
        // What has ended of an earlier attempt is of no more interest.
        let is_former = by_id.is_none() && sighting.attempt < self.glances[index].attempt;
        if is_former && !sighting.state.is_live() {
            return;
        }
        let seen = &mut self.seen[index];
        match seen {
            Seen::Shown(known) if !is_better(&sighting, known) => {}
            _ if self.skips && settled(&self.glances[index], Some(&sighting)) => {
                *seen = Seen::Settled;
            }
            _ => *seen = Seen::Shown(Box::new(sighting)),
        }
    }

    /// The rows, when nothing could be seen of them.
    pub fn into_ids(self) -> Vec<PeeringId> {
        self.glances.into_iter().map(|glance| glance.id).collect()
    }

    /// What lives in the cloud, carries our tags and belongs to none of the rows: another lane's, or nobody's.
    pub fn take_strays(&mut self) -> Vec<Sighting> {
        std::mem::take(&mut self.strays)
    }

    /// A word of the cloud's that nobody knows, if one was seen.
    pub fn unrecognized(&self) -> Option<&str> {
        self.unrecognized.as_deref()
    }

    /// The rows of which something may have changed. Only a complete look says anything about what it did not show.
    pub fn findings(self, complete: bool) -> Vec<Unsettled> {
        let rows = self.glances.into_iter().zip(self.seen);
        rows.filter_map(|(glance, seen)| {
            let seen = match seen {
                Seen::Settled => return None,
                Seen::Shown(sighting) => Some(*sighting),
                Seen::Nothing if complete && !settled(&glance, None) => None,
                Seen::Nothing => return None,
            };
            Some(Unsettled {
                id: glance.id,
                version: glance.version,
                seen,
            })
        })
        .collect()
    }
}

/// Of several objects of the same peering one of a later attempt is taken first. Of those with the same tags one that lives is taken before one that has ended, then the one with the
/// least id.
fn is_better(new: &Sighting, known: &Sighting) -> bool {
    let rank = |one: &Sighting| {
        let id = one.provider_peering_id.clone();
        (-one.attempt, one.state.has_ended(), id)
    };
    rank(new) < rank(known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::State;

    fn glance(provider_peering_id: Option<&str>) -> Glance {
        Glance {
            id: PeeringId::generate(),
            version: 1,
            attempt: 1,
            state: State::PendingAcceptance,
            reason: "AWAITING_CUSTOMER_ACCEPTANCE".to_owned(),
            raw_state: "pending-acceptance".to_owned(),
            provider_peering_id: provider_peering_id.map(str::to_owned),
            expire_at: None,
            lane_since: 0,
            missed_at: None,
            gone: false,
            requested: false,
            busy: false,
            inactive_at: None,
            options: Default::default(),
            observed_cidrs: Vec::new(),
            routes_told_at: None,
            digest: None,
        }
    }

    fn sighting(id: &str, peering: PeeringId, state: CloudState) -> Sighting {
        Sighting {
            provider_peering_id: id.to_owned(),
            peering: Some(peering),
            attempt: 1,
            state,
            reason: String::new(),
            message: String::new(),
            raw_state: "pending-acceptance".to_owned(),
            expire_at: None,
            vendor_vpc: String::new(),
            peer: Default::default(),
            peer_cidrs: Vec::new(),
            options: None,
        }
    }

    #[test]
    fn a_row_is_known_by_its_id_or_else_by_its_tags() {
        let (known, unknown) = (glance(Some("pcx-1")), glance(None));
        let mut matching = Matching::new(vec![known.clone(), unknown.clone()]);
        matching.take(sighting("pcx-1", known.id, CloudState::Active));
        // Tags don't lead to a row that has its id.
        matching.take(sighting("pcx-7", known.id, CloudState::Rejected));
        matching.take(sighting("pcx-2", unknown.id, CloudState::PendingAcceptance));
        matching.take(sighting("pcx-3", PeeringId::generate(), CloudState::Active));
        let found: Vec<_> = matching
            .findings(true)
            .into_iter()
            .map(|finding| {
                (
                    finding.id,
                    finding.seen.map(|seen| seen.provider_peering_id),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (known.id, Some("pcx-1".to_owned())),
                (unknown.id, Some("pcx-2".to_owned()))
            ]
        );
    }

    #[test]
    fn of_two_with_the_same_tags_the_living_and_then_the_least_is_taken() {
        let row = glance(None);
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let all = [
                sighting("pcx-1", row.id, CloudState::Deleted),
                sighting("pcx-2", row.id, CloudState::PendingAcceptance),
                sighting("pcx-3", row.id, CloudState::PendingAcceptance),
            ];
            let mut matching = Matching::new(vec![row.clone()]);
            for index in order {
                matching.take(all[index].clone());
            }
            let found = matching.findings(true);
            assert_eq!(found[0].seen.as_ref(), Some(&all[1]));
        }
    }

    #[test]
    fn what_lives_of_an_earlier_attempt_is_found_unless_the_current_one_is() {
        let mut row = glance(None);
        row.attempt = 3;
        let of = |attempt, state| Sighting {
            attempt,
            ..sighting(&format!("pcx-{attempt}"), row.id, state)
        };
        let mut matching = Matching::new(vec![row.clone()]);
        assert_eq!(matching.expected().len(), 3);
        matching.take(of(1, CloudState::Deleted));
        matching.take(of(2, CloudState::Active));
        let found = matching.findings(true);
        assert_eq!(found[0].seen, Some(of(2, CloudState::Active)));
        let mut matching = Matching::new(vec![row.clone()]);
        matching.take(of(3, CloudState::PendingAcceptance));
        matching.take(of(2, CloudState::Active));
        let found = matching.findings(true);
        assert_eq!(found[0].seen, Some(of(3, CloudState::PendingAcceptance)));
    }

    #[test]
    fn what_an_incomplete_look_does_not_show_is_not_found() {
        assert!(
            Matching::new(vec![glance(Some("pcx-1"))])
                .findings(false)
                .is_empty()
        );
        assert_eq!(
            Matching::new(vec![glance(Some("pcx-1"))])
                .findings(true)
                .len(),
            1
        );
    }

    #[test]
    fn a_word_nobody_knows_is_reported_and_is_not_absence() {
        let row = glance(Some("pcx-1"));
        let mut matching = Matching::new(vec![row.clone()]);
        let mut odd = sighting("pcx-1", row.id, CloudState::Unrecognized);
        odd.raw_state = "quantum".to_owned();
        matching.take(odd);
        assert_eq!(matching.unrecognized(), Some("quantum"));
        assert!(matching.findings(true).is_empty());
    }

    #[test]
    fn an_unchanged_row_is_not_found() {
        let row = glance(Some("pcx-1"));
        let mut matching = Matching::new(vec![row.clone()]);
        matching.take(sighting("pcx-1", row.id, CloudState::PendingAcceptance));
        assert!(matching.findings(true).is_empty());
    }
}
