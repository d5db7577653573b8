//! VPCs that carry our tags and belong to no network: told, and left to people, since a VPC may hold anything.

use std::collections::HashMap;
use std::time::Duration;

use queue::{Turn, Unowned};
use runtime::clock::millis;
use types::NetworkId;

use super::Worker;
use crate::domain::{Glance, Sighting};
use crate::store::Error;

/// How often a group without networks is looked at for them.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

impl Worker {
    /// Whether a group without networks that stand is listed all the same.
    pub(super) async fn seeks_orphans(&self, turn: &Turn, now: i64) -> Result<bool, Error> {
        let covered_at = turn.row.covered_at;
        let is_time = covered_at.is_some_and(|at| at.saturating_add(millis(INTERVAL)) <= now);
        Ok(turn.group.account.is_some()
            && (is_time || !self.queue.orphans_of(&turn.group).await?.is_empty()))
    }

    /// Keeps what a complete look begun at `began_at` showed beside the networks it is about, if it is nobody's.
    pub(super) async fn see_orphans(
        &self,
        turn: &Turn,
        glances: &[Glance],
        shown: &HashMap<NetworkId, Vec<Sighting>>,
        began_at: i64,
    ) -> Result<(), Error> {
        let mut strays: HashMap<NetworkId, &Vec<Sighting>> =
            shown.iter().map(|(id, seen)| (*id, seen)).collect();
        for glance in glances {
            strays.remove(&glance.id);
        }
        let ids: Vec<NetworkId> = strays.keys().copied().collect();
        let mut unowned = Vec::new();
        for id in self.store.without_network(&ids).await? {
            let seen = strays.get(&id).into_iter().flat_map(|seen| seen.iter());
            unowned.extend(seen.filter_map(|one| {
                Some(Unowned {
                    provider_id: one.vpc.id.clone()?,
                    entry_id: id.to_string(),
                    attempt: 0,
                })
            }));
        }
        self.queue
            .keep_orphans(&turn.group, &unowned, began_at)
            .await?;
        Ok(())
    }
}
