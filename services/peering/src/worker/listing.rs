//! What a look asks the cloud for: as few calls as answer for all rows of a lane.

use api::cloud::CloudError;
use queue::Turn;
use types::{GroupId, PeeringId, ProviderKind};

use super::Worker;
use crate::clients::Scope;
use crate::domain::{Matching, Sighting, Watch};
use crate::store::Error;

impl Worker {
    /// Whether the whole group is listed for a lane. What waits at AWS can be asked for alone, which takes fewer pages
    /// as soon as one page no longer shows everything.
    pub(super) async fn lists_whole(&self, group: &GroupId, watch: Watch) -> Result<bool, Error> {
        match (watch, group.provider) {
            (Watch::Pending, ProviderKind::Aws) => {
                self.store.watches_at_most(group, self.listed_whole).await
            }
            _ => Ok(true),
        }
    }

    /// Lists what waits for the other side, then asks for each row that this did not show: of a large group far fewer
    /// pages than all of it.
    pub(super) async fn list_parts(
        &self,
        turn: &Turn,
        began_at: i64,
        matching: &mut Matching,
    ) -> Result<bool, CloudError> {
        let mut is_complete = self.list(turn, Scope::Outstanding, matching).await?;
        let unseen = matching.unseen(began_at - self.rules.provision_timeout);
        if is_complete && !unseen.ids.is_empty() {
            is_complete = self.list(turn, Scope::Ids(unseen.ids), matching).await?;
        }
        if is_complete && !unseen.peerings.is_empty() {
            let scope = Scope::Peerings(unseen.peerings);
            is_complete = self.list(turn, scope, matching).await?;
        }
        Ok(is_complete)
    }

    /// Reads one listing into a matching; answers whether it missed nothing.
    pub(super) async fn list(
        &self,
        turn: &Turn,
        scope: Scope,
        matching: &mut Matching,
    ) -> Result<bool, CloudError> {
        let expected = matching.expected();
        self.read(turn, scope, expected, |seen| matching.take(seen))
            .await
    }

    /// Reads one listing page by page; answers whether it missed nothing.
    pub(super) async fn read(
        &self,
        turn: &Turn,
        scope: Scope,
        mut expected: Vec<(PeeringId, i32)>,
        mut take: impl FnMut(Sighting),
    ) -> Result<bool, CloudError> {
        expected.extend(self.beyond_rows(turn).await);
        let mut listing = self.provider.observe(&turn.group, scope, expected).await?;
        loop {
            let page = tokio::select! {
                () = turn.lost().cancelled() => return Ok(false),
                page = listing.next() => page?,
            };
            let Some(page) = page else { return Ok(false) };
            page.sightings.into_iter().for_each(&mut take);
            if page.is_complete {
                return Ok(true);
            }
        }
    }
}
