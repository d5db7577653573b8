//! Creates that never came to an end: withdrawn, detached, removed.

use runtime::clock::millis;
use runtime::leader;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Worker;
use crate::clients::NetworkClient;
use crate::domain::{Admission, Peering};
use crate::store::{Error, Store};

const LEAD: &str = "peering-admission";
/// Rows of one sweep.
const ROWS: u64 = 100;

impl Worker {
    /// Looks for creates that nobody goes on with, until `stop`. One replica does at a time.
    pub(super) async fn sweep_admissions(&self, stop: CancellationToken) {
        let holder = Uuid::new_v4().to_string();
        let mut sweeps = tokio::time::interval(self.withdraw_interval);
        sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = sweeps.tick() => {}
            }
            if let Err(error) = self.sweep_once(&holder).await {
                tracing::warn!(%error, "creates without an end were not looked for");
            }
        }
    }

    async fn sweep_once(&self, holder: &str) -> Result<(), Error> {
        let ttl = self.withdraw_interval * 3;
        if !leader::hold(self.store.db(), LEAD, holder, ttl).await? {
            return Ok(());
        }
        let before = self.store.now_ms().await? - millis(self.withdraw_after);
        for peering in self.store.stranded(before, ROWS).await? {
            withdraw(&self.store, &self.network, &peering).await?;
        }
        Ok(())
    }
}

/// Takes an unadmitted peering out of the world. Marked first, so that a late admission fails; then detached, which
/// also keeps a late attachment from succeeding; then removed. What is left half-way a later sweep goes on with.
pub(crate) async fn withdraw(
    store: &Store,
    network: &NetworkClient,
    peering: &Peering,
) -> Result<(), Error> {
    let marked = peering.work.admission == Admission::Withdrawn || store.withdraw(peering).await?;
    if !marked {
        return Ok(());
    }
    match network.detach(peering).await {
        Ok(()) => {
            store.remove(peering, Admission::Withdrawn).await?;
            tracing::info!(peering.id = %peering.id, "a create without an end was withdrawn");
        }
        Err(refusal) => {
            tracing::info!(peering.id = %peering.id, message = refusal.message, "not detached yet");
        }
    }
    Ok(())
}
