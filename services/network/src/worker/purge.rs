//! Removing what is past its time, by one replica at a time.

use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::store::Error;

const LEAD: &str = "network-purge";
/// Networks of one batch.
const BATCH: u64 = 100;
/// Answers of one batch.
const ANSWERS: u64 = 1_000;
/// Groups of one batch.
const GROUPS: u64 = 100;

impl Worker {
    /// Purges now and then, until `stop`. One replica does at a time.
    pub(super) async fn purge(&self, stop: CancellationToken) {
        let (db, every) = (self.store.db(), self.purge_interval);
        let batch = |now| async move {
            let networks = self.store.purge(now, BATCH).await?;
            let answers = self.store.purge_answers(now, ANSWERS).await?;
            let groups = self.queue.purge_groups("network", GROUPS).await?;
            Ok::<_, Error>(u64::try_from(networks).unwrap_or(u64::MAX) + answers + groups)
        };
        runtime::purge::run(db, LEAD, every, stop, batch).await;
    }
}
