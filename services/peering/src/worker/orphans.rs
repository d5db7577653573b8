//! What stands in the cloud with our tags and belongs to no peering: told, and removed when it stays so.

use std::time::Duration;

use queue::{Lane, Orphan, Turn, Unowned};
use runtime::clock::millis;
use tokio_util::sync::CancellationToken;
use types::{GroupId, PeeringId, ProviderKind};

use super::Worker;
use crate::clients::Scope;
use crate::domain::Sighting;
use crate::store::Error;

/// Complete looks that showed it before it is removed.
const LOOKS: i32 = 3;
/// Removals of one look.
const REMOVALS: usize = 3;

/// How patient the worker is with orphans.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long one is only told.
    pub(super) grace: Duration,
    /// How often a group without peerings is looked at for them.
    pub(super) interval: Duration,
}

impl Worker {
    /// Whether a group without peerings in its lane drift is listed all the same.
    pub(super) async fn seeks_orphans(&self, turn: &Turn, now: i64) -> Result<bool, Error> {
        let (group, covered_at) = (&turn.group, turn.row.covered_at);
        let is_time =
            covered_at.is_some_and(|at| at.saturating_add(millis(self.orphans.interval)) <= now);
        Ok(group.account.is_some() && (is_time || !self.queue.orphans_of(group).await?.is_empty()))
    }

    /// Keeps what a complete look begun at `began_at` showed and none of the lane's rows took, if it is nobody's, and
    /// removes what has been so for long.
    pub(super) async fn see_orphans(
        &self,
        turn: &Turn,
        strays: Vec<Sighting>,
        began_at: i64,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let unowned = self.store.unowned(strays).await?;
        let group = &turn.group;
        let seen = unowned.iter().filter_map(|one| {
            Some(Unowned {
                provider_id: one.provider_peering_id.clone(),
                entry_id: one.peering?.to_string(),
                attempt: one.attempt,
            })
        });
        let seen: Vec<Unowned> = seen.collect();
        let kept = self.queue.keep_orphans(group, &seen, began_at).await?;
        let is_due = |one: &&Orphan| {
            let grace = millis(self.orphans.grace);
            one.looks >= LOOKS && one.first_seen.saturating_add(grace) <= began_at
        };
        for one in kept.iter().filter(is_due).take(REMOVALS) {
            let seen = unowned
                .iter()
                .find(|seen| seen.provider_peering_id == one.provider_id);
            if turn.lost().is_cancelled() || stop.is_cancelled() {
                break;
            }
            if let Some(seen) = seen {
                self.remove_orphan(group, seen, one.first_seen).await;
            }
        }
        Ok(())
    }

    /// It is forgotten when a look no longer shows it.
    async fn remove_orphan(&self, group: &GroupId, seen: &Sighting, first_seen: i64) {
        let provider_id = &seen.provider_peering_id;
        match self.is_still_unowned(group, seen).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::warn!(%group, provider_id, %error, "whose it is cannot be told now");
                return;
            }
        }
        match self.provider.delete_orphan(group, seen, first_seen).await {
            Ok(removal) => {
                tracing::warn!(%group, provider_id, ?removal, "what belongs to no peering is removed");
            }
            Err(error) => {
                tracing::warn!(%group, provider_id, %error, "what belongs to no peering stays for now");
            }
        }
    }

    /// Whether the cloud shows it with the same tags this moment, and it still belongs to no peering.
    async fn is_still_unowned(&self, group: &GroupId, seen: &Sighting) -> anyhow::Result<bool> {
        let scope = Scope::Ids(vec![seen.provider_peering_id.clone()]);
        let expected = seen.peering.map(|id| (id, seen.attempt));
        let mut listing = self.provider.observe(group, scope, expected).await?;
        let mut shown = Vec::new();
        while let Some(page) = listing.next().await? {
            shown.extend(page.sightings);
            if page.is_complete {
                break;
            }
        }
        shown.retain(|one| {
            one.provider_peering_id == seen.provider_peering_id
                && (one.peering, one.attempt) == (seen.peering, seen.attempt)
                && one.state.is_live()
        });
        Ok(!self.store.unowned(shown).await?.is_empty())
    }

    /// Attempts at peerings of a group that were deleted lately, and those of its orphans. What stands in GCP tells by
    /// its name alone whose it is, so a listing has to know which names to look for.
    pub(super) async fn beyond_rows(&self, turn: &Turn) -> Vec<(PeeringId, i32)> {
        if (turn.lane, turn.group.provider) != (Lane::Drift, ProviderKind::Gcp) {
            return Vec::new();
        }
        self.gone_attempts(&turn.group).await.unwrap_or_else(|error| {
            tracing::warn!(group = %turn.group, %error, "what deleted peerings left is not looked for");
            Vec::new()
        })
    }

    async fn gone_attempts(&self, group: &GroupId) -> Result<Vec<(PeeringId, i32)>, Error> {
        let mut attempts = self.store.lately_deleted(group).await?;
        let orphans = self.queue.orphans_of(group).await?;
        attempts.extend(
            orphans
                .iter()
                .filter_map(|one| Some((one.entry_id.parse().ok()?, one.attempt))),
        );
        Ok(attempts)
    }
}
