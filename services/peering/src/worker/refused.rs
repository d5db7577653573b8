//! Looks that the cloud refuses: the rows say so.

use api::cloud::CloudError;
use queue::Turn;
use types::PeeringId;

use super::Worker;
use super::look::BATCH;
use crate::domain::blinded;
use crate::store::{Change, Error};

/// Whether a lane's last turn was refused for want of permission.
pub(super) fn was_refused(last_error: &Option<String>) -> bool {
    let error = last_error.as_deref().unwrap_or_default();
    error.starts_with("CLOUD_UNAUTHORIZED")
}

impl Worker {
    /// Tells the owners of `peerings` that nobody can look at them.
    pub(super) async fn tell_refused(
        &self,
        turn: &Turn,
        peerings: &[PeeringId],
        error: &CloudError,
    ) -> Result<(), Error> {
        if was_refused(&turn.row.last_error) {
            return Ok(());
        }
        let mut ids = peerings.to_vec();
        // In one order, so that two of these never wait for each other.
        ids.sort_unstable_by_key(ToString::to_string);
        for batch in ids.chunks(BATCH) {
            let peerings = self.store.read_all(batch).await?;
            let now = self.store.now_ms().await?;
            let changes = peerings.into_iter().filter_map(|before| {
                let after = blinded(&before, &error.message, now)?;
                Some(Change::to(&before, after))
            });
            self.commit(turn, changes.collect(), now).await?;
        }
        Ok(())
    }
}
