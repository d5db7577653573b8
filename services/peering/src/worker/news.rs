//! What the watch tells of networks that stand: peerings that know otherwise ask their network, in a step of their own.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use queue::Lane;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{GroupId, NetworkId, PeeringId};

use super::{Worker, cause};
use crate::domain::{NetworkNews, Peering};
use crate::store::{Change, Error};

/// Networks of one question.
const NETWORKS: usize = 200;
/// Peerings of one transaction.
const BATCH: usize = 100;
/// Until news that could not be compared are compared again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Rows that others write meanwhile are read again at most so often.
const TRIES: usize = 10;

impl Worker {
    /// Compares what is told of networks with what their peerings know, until `over`.
    pub(super) async fn mark_as_told(
        &self,
        mut told: mpsc::Receiver<NetworkNews>,
        over: &CancellationToken,
    ) {
        let mut news = Vec::with_capacity(NETWORKS);
        while over
            .run_until_cancelled(told.recv_many(&mut news, NETWORKS))
            .await
            .is_some_and(|count| count > 0)
        {
            // Of several about the same network the last one counts.
            let latest = news.drain(..).map(|one| (one.id, one)).collect();
            while let Err(error) = self.mark(&latest).await {
                tracing::warn!(%error, "what is told of networks has to wait");
                let pause = tokio::time::sleep(AFTER_FAILURE);
                if over.run_until_cancelled(pause).await.is_none() {
                    return;
                }
            }
        }
    }

    /// Has the peerings of these networks that know otherwise ask again.
    async fn mark(&self, news: &HashMap<NetworkId, NetworkNews>) -> Result<(), Error> {
        let networks: Vec<NetworkId> = news.keys().copied().collect();
        let mut ids: Vec<PeeringId> = Vec::new();
        for (id, network, known) in self.store.known_networks(&networks).await? {
            if news.get(&network).is_some_and(|one| one.are_new_to(&known)) {
                ids.push(id);
            }
        }
        ids.sort_unstable_by_key(ToString::to_string);
        for batch in ids.chunks(BATCH) {
            self.mark_batch(batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn mark_batch(&self, mut left: Vec<PeeringId>) -> Result<(), Error> {
        let mut groups: BTreeSet<GroupId> = BTreeSet::new();
        for _ in 0..TRIES {
            let now = self.store.now_ms().await?;
            let rows = self.store.read_all(&left).await?;
            let asking = |before: &Peering| {
                let mut after = before.clone();
                after.work.network_due = true;
                after.work.step_at = after.work.step_at.min(Some(now)).or(Some(now));
                Change::to(before, after)
            };
            let mut rows: Vec<Peering> =
                rows.into_iter().filter(|one| !one.is_unwanted()).collect();
            rows.sort_unstable_by_key(|one| one.id.to_string());
            let changes = rows.iter().map(asking).collect();
            let done = self.store.commit(changes, &cause(), now).await?;
            groups.extend(done.written.iter().map(Peering::group));
            self.nudge_woken(&done.woken).await;
            if done.written.len() == rows.len() {
                break;
            }
            let written: Vec<PeeringId> = done.written.iter().map(|one| one.id).collect();
            left.retain(|id| !written.contains(id));
        }
        for group in &groups {
            self.queue.nudge(group, Lane::Work, Duration::ZERO).await;
        }
        Ok(())
    }
}
