//! The end of the peerings of networks that are being deleted: such a network waits until they are gone.
//!
//! The network service's watch tells of them at once, and its list, asked for now and then, of all that the watch
//! missed. One replica does this; two would write each row once all the same.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use queue::Lane;
use runtime::{failpoint, leader, telemetry};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use types::{GroupId, NetworkId};
use uuid::Uuid;

use super::Worker;
use super::covered::{covered_at, lane};
use super::follow::{Following, Trouble};
use crate::domain::Peering;
use crate::store::{Cause, Change, Error};

const LEAD: &str = "cascade";
/// Between renewals of the lead at most.
const BEAT: Duration = Duration::from_secs(5);
/// Peerings of one transaction.
const BATCH: u64 = 100;
/// Networks of one question.
const NETWORKS: usize = 100;
/// Networks that wait because the watch told of them; further ones are left to the list.
const TOLD: usize = 1_000;
/// The worker may write between the read and the write; more often than this in a row it does not.
const TRIES: usize = 10;

impl Worker {
    /// Ends the peerings of networks that are being deleted, until `stop`. One replica does at a time.
    pub(super) async fn cascade_deletions(&self, stop: CancellationToken) {
        let holder = Uuid::new_v4().to_string();
        let mut following = Following::default();
        let mut beats = every(self.beat());
        while stop.run_until_cancelled(beats.tick()).await.is_some() {
            if self.leads(&holder).await {
                self.lead(&holder, &mut following, stop.child_token()).await;
            }
        }
        if let Err(error) = leader::release(self.store.db(), LEAD, &holder).await {
            tracing::debug!(%error, "the lead ends by itself");
        }
    }

    fn beat(&self) -> Duration {
        self.cascade_interval.min(BEAT)
    }

    async fn leads(&self, holder: &str) -> bool {
        leader::hold(self.store.db(), LEAD, holder, self.beat() * 3)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(%error, "nobody looks for networks that are being deleted");
                false
            })
    }

    /// Leads until another does, or until `over`; what has begun by then is finished.
    async fn lead(&self, holder: &str, following: &mut Following, over: CancellationToken) {
        let (found, told) = mpsc::channel(TOLD);
        let (heard, news) = mpsc::channel(TOLD);
        let keep = async {
            let mut beats = every(self.beat());
            while over.run_until_cancelled(beats.tick()).await.is_some() {
                if !self.leads(holder).await {
                    over.cancel();
                }
            }
        };
        tokio::join!(
            keep,
            self.follow_networks(following, found, heard, &over),
            self.end_as_told(told, &over),
            self.mark_as_told(news, &over)
        );
        following.start_over();
    }

    /// Ends the peerings of networks that the watch tells of, and of all that the list shows.
    async fn end_as_told(&self, mut told: mpsc::Receiver<NetworkId>, over: &CancellationToken) {
        let mut trouble = Trouble::default();
        let mut lists = every(self.cascade_interval);
        let mut networks = Vec::with_capacity(NETWORKS);
        loop {
            tokio::select! {
                biased;
                () = over.cancelled() => return,
                _ = lists.tick() => self.end_as_listed(&mut trouble, over).await,
                _ = told.recv_many(&mut networks, NETWORKS) => self.end_all(&networks, over).await,
            }
            networks.clear();
        }
    }

    async fn end_as_listed(&self, trouble: &mut Trouble, over: &CancellationToken) {
        let mut token = String::new();
        loop {
            let asked = self.network.deletions(&token);
            let page = match over.run_until_cancelled(asked).await {
                None => return,
                Some(Ok(page)) => page,
                Some(Err(status)) => {
                    let what = "the networks that are being deleted cannot be listed";
                    return trouble.note(&status, what);
                }
            };
            trouble.end("the networks that are being deleted are listed again");
            for networks in page.networks.chunks(NETWORKS) {
                self.end_all(networks, over).await;
            }
            token = page.next;
            if token.is_empty() || over.is_cancelled() {
                return;
            }
        }
    }

    /// Ends what these networks have. What fails the next list finds again.
    async fn end_all(&self, networks: &[NetworkId], over: &CancellationToken) {
        let span = tracing::info_span!("cascade", networks = networks.len());
        if let Err(error) = self.end_each(networks, over).instrument(span).await {
            tracing::warn!(%error, "peerings of networks that are being deleted stay until the next list");
        }
    }

    async fn end_each(
        &self,
        networks: &[NetworkId],
        over: &CancellationToken,
    ) -> Result<(), Error> {
        let mut after: Option<String> = None;
        let mut tries = 0;
        while !over.is_cancelled() {
            let page = self.store.wanted(networks, after.as_deref(), BATCH).await?;
            let (peerings, Some(last)) = page else {
                return Ok(());
            };
            tries += 1;
            // A row that has changed meanwhile is read again, the others are not among the wanted any more.
            if self.end_batch(&peerings).await? == peerings.len() || tries == TRIES {
                after = Some(last);
                tries = 0;
            }
        }
        Ok(())
    }

    /// Records the wish that these go; answers how many rows were still as they were read.
    async fn end_batch(&self, peerings: &[Peering]) -> Result<usize, Error> {
        let covered = self.covered(peerings).await?;
        let now = self.store.now_ms().await?;
        let end = |peering: &Peering| {
            let mut deleting = peering.clone();
            let place = lane(peering).map(|lane| (peering.group(), lane));
            let covered_at = place.and_then(|place| covered.get(&place).copied().flatten());
            deleting.delete_with_network(covered_at, now);
            deleting.work.traceparent = telemetry::traceparent();
            Change::to(peering, deleting)
        };
        let changes = peerings.iter().map(end).collect();
        failpoint::hit("peering.cascade.before_commit");
        let done = self.store.commit(changes, &cause(), now).await?;
        failpoint::hit("peering.cascade.after_commit");
        let groups: BTreeSet<GroupId> = done.written.iter().map(Peering::group).collect();
        for group in &groups {
            self.queue.nudge(group, Lane::Work, Duration::ZERO).await;
            let soon = self.timing.pending_interval;
            self.queue.nudge(group, Lane::Pending, soon).await;
        }
        self.nudge_woken(&done.woken).await;
        if !done.written.is_empty() {
            let peerings = done.written.len();
            tracing::info!(peerings, "deleted with their networks");
        }
        Ok(done.written.len())
    }

    /// The last complete look of each lane that watches one of these.
    async fn covered(
        &self,
        peerings: &[Peering],
    ) -> Result<HashMap<(GroupId, Lane), Option<i64>>, Error> {
        let mut covered = HashMap::new();
        for peering in peerings {
            let Some(lane) = lane(peering) else { continue };
            let group = peering.group();
            if let Entry::Vacant(place) = covered.entry((group.clone(), lane)) {
                place.insert(covered_at(&self.queue, &group, lane).await?);
            }
        }
        Ok(covered)
    }
}

/// Ticks now and then every `period`, never faster.
fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn cause() -> Cause {
    Cause {
        actor: "cascade".to_owned(),
        request_id: String::new(),
        trace_id: telemetry::trace_id(),
    }
}
