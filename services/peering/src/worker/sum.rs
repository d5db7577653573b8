//! The look that most looks at what is up are: one sum over a group's rows, and the same sum over what the cloud shows.

use queue::Turn;
use tokio_util::sync::CancellationToken;
use types::ProviderKind;

use super::Worker;
use super::look::Looked;
use super::refused::was_refused;
use crate::clients::Scope;
use crate::domain::{Matching, Shown, Tally, Watch};
use crate::store::Error;

impl Worker {
    /// Looks at a group without reading its rows, as long as their sum agrees with what the cloud shows; where it does
    /// not, the rows are read and compared. None when they must be read before the cloud is asked, or have changed
    /// while it was: what was seen may then be older than they are.
    pub(super) async fn look_by_sum(
        &self,
        turn: &Turn,
        watch: Watch,
        stop: &CancellationToken,
    ) -> Result<Option<Looked>, Error> {
        // In GCP what a listing shows is known by names that are derived from the rows.
        let may_sum = watch == Watch::Drift && turn.group.provider == ProviderKind::Aws;
        if !may_sum || was_refused(&turn.row.last_error) {
            return Ok(None);
        }
        let began_at = self.store.now_ms().await?;
        let told = self.told_since(&turn.row, began_at);
        let watched = self.store.watched(&turn.group, watch, told).await?;
        let Some(rows) = watched.tally else {
            return Ok(None);
        };
        let looked = |matching, listed| Looked {
            began_at,
            next: self.timing.drift_interval,
            wires: self.wants_wiring(&turn.row, watched.told, began_at),
            in_doubt: false,
            matching,
            listed,
        };
        let mut shown = Shown::default();
        let listing = self.read(turn, Scope::Whole, Vec::new(), |seen| shown.take(seen));
        let listed = stop.run_until_cancelled(listing).await;
        let agrees = matches!(listed, Some(Ok(true))) && shown.agrees(&rows);
        if agrees {
            let mut matching = Matching::new(Vec::new());
            shown.into_rest().for_each(|seen| matching.take(seen));
            return Ok(Some(looked(matching, listed)));
        }
        let glances = self.store.glances(&turn.group, watch).await?;
        let are_same = Tally::of(&glances) == Some(rows);
        if !are_same && matches!(listed, Some(Ok(_))) {
            return Ok(None);
        }
        let mut matching = Matching::new(glances);
        if are_same {
            shown.into_all().for_each(|seen| matching.take(seen));
        }
        Ok(Some(looked(matching, listed)))
    }
}
