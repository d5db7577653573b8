//! The worker: claims a group's lane, looks, takes steps, commits what changed.
//!
//! The lanes pending and drift only record what is observed; the lane work executes steps. Both read rows before they
//! ask the cloud and write by compare-and-set, so two workers on the same rows waste calls and write nothing stale.

pub(crate) mod admission;
mod answer;
mod cascade;
mod clear;
pub(crate) mod covered;
mod facts;
mod follow;
mod listing;
mod look;
mod news;
mod options;
mod orphans;
mod purge;
mod refused;
mod routes;
mod step;
mod sum;
mod wiring;

use std::time::Duration;

use queue::{Lane, Queue};
use runtime::config::QueueConfig;
use runtime::shutdown::Parts;
use types::GroupId;

use crate::clients::{NetworkClient, Pool, ProviderClient};
use crate::config::Config;
use crate::domain::{Peering, Rules, Watch};
use crate::store::{Cause, Store};

/// Everything a turn needs. Clones share it.
#[derive(Clone)]
pub struct Worker {
    store: Store,
    network: NetworkClient,
    provider: ProviderClient,
    pool: Pool,
    queue: Queue,
    rules: Rules,
    timing: QueueConfig,
    withdraw_after: Duration,
    withdraw_interval: Duration,
    cascade_interval: Duration,
    purge_interval: Duration,
    listed_whole: u64,
    orphans: orphans::Patience,
}

impl Worker {
    /// A worker on `store`, claiming from `queue`.
    pub fn new(
        store: Store,
        network: NetworkClient,
        provider: ProviderClient,
        pool: Pool,
        queue: Queue,
        config: &Config,
    ) -> Self {
        Self {
            store,
            network,
            provider,
            pool,
            queue,
            rules: config.rules(),
            timing: config.queue.clone(),
            withdraw_after: config.withdraw_after,
            withdraw_interval: config.withdraw_interval,
            cascade_interval: config.cascade_interval,
            purge_interval: config.purge_interval,
            listed_whole: config.listed_whole,
            orphans: orphans::Patience {
                grace: config.orphan_grace,
                interval: config.orphan_interval,
            },
        }
    }

    /// Runs all lanes, the queue's sweep, the sweep of stranded creates, the cascade of deletions
    /// and the purge until the parts stop.
    pub fn spawn(&self, parts: &mut Parts) {
        for lane in Lane::ALL {
            let (worker, stop) = (self.clone(), parts.stop());
            parts.spawn(async move {
                let (queue, ended) = (worker.queue.clone(), stop.clone());
                queue
                    .run(lane, ended, move |turn| {
                        let (worker, stop) = (worker.clone(), stop.clone());
                        async move {
                            match lane {
                                Lane::Work => worker.work(turn, stop).await,
                                Lane::Pending => worker.look(turn, Watch::Pending, stop).await,
                                Lane::Drift => worker.look(turn, Watch::Drift, stop).await,
                            }
                        }
                    })
                    .await;
                Ok(())
            });
        }
        let (worker, ended) = (self.clone(), parts.stop());
        parts.spawn(async move {
            let store = worker.store.clone();
            let least_steps = move || {
                let store = store.clone();
                async move { store.least_steps().await.map_err(database) }
            };
            worker.queue.run_sweep(ended, least_steps).await;
            Ok(())
        });
        let (worker, ended) = (self.clone(), parts.stop());
        parts.spawn(async move {
            worker.sweep_admissions(ended).await;
            Ok(())
        });
        let (worker, ended) = (self.clone(), parts.stop());
        parts.spawn(async move {
            worker.cascade_deletions(ended).await;
            Ok(())
        });
        let (worker, ended) = (self.clone(), parts.stop());
        parts.spawn(async move {
            worker.purge(ended).await;
            Ok(())
        });
    }

    /// Asks for turns of the lane work where steps have become due because others gave something back.
    async fn nudge_woken(&self, groups: &[GroupId]) {
        for group in groups {
            self.queue.nudge(group, Lane::Work, Duration::ZERO).await;
        }
    }

    /// Asks for a turn of the lane work when one of the peerings has a step.
    async fn nudge_steps(&self, peerings: &[Peering], now: i64) {
        let due = peerings
            .iter()
            .filter_map(|one| Some((one.work.step_at?, one)))
            .min_by_key(|(at, _)| *at);
        if let Some((at, peering)) = due {
            let delay = Duration::from_millis(u64::try_from(at - now).unwrap_or(0));
            self.queue.nudge(&peering.group(), Lane::Work, delay).await;
        }
    }
}

fn database(error: crate::store::Error) -> sea_orm::DbErr {
    match error {
        crate::store::Error::Database(error) => error,
        other => sea_orm::DbErr::Custom(other.to_string()),
    }
}

/// What the worker writes as the cause of a change.
fn cause() -> Cause {
    Cause {
        actor: "worker".to_owned(),
        request_id: String::new(),
        trace_id: runtime::telemetry::trace_id(),
    }
}
