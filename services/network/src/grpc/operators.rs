//! What the queue's service tells of networks.

use std::time::Duration;

use api::queue::v1 as proto;
use api::timestamp;
use queue::grpc::Entries;
use queue::{Lane, Queue};
use runtime::caller::Caller;
use runtime::status::Violations;
use tonic::Status;
use types::{NetworkId, TenantScope};

use super::by;
use crate::domain::{self, Network};
use crate::store::{self, Store};

/// How often a row that changes all the time is tried.
const TRIES: usize = 5;

/// Networks as operators of the queue see them. A VPC may hold anything, so an orphan is told and never removed.
pub(crate) fn entries(store: &Store, queue: &Queue) -> Entries {
    let (counting, listing, resuming) = (store.clone(), store.clone(), store.clone());
    let queue = queue.clone();
    Entries {
        counts: Box::new(move |groups| {
            let store = counting.clone();
            Box::pin(async move { Ok(store.count_entries(&groups).await?) })
        }),
        suspended: Box::new(move |after, limit| {
            let store = listing.clone();
            Box::pin(async move {
                let networks = store.suspended(after.as_deref(), limit).await?;
                Ok(networks.iter().map(entry).collect())
            })
        }),
        resume: Box::new(move |id, caller| {
            let (store, queue) = (resuming.clone(), queue.clone());
            Box::pin(async move { resume(&store, &queue, &id, &caller).await })
        }),
        orphan_grace: None,
    }
}

async fn resume(
    store: &Store,
    queue: &Queue,
    id: &str,
    caller: &Caller,
) -> Result<Option<proto::SuspendedEntry>, Status> {
    let mut violations = Violations::new();
    let id = violations.check("id", id.parse::<NetworkId>());
    violations.finish()?;
    let Some(id) = id else { return Ok(None) };
    let mut tries = 1;
    loop {
        let network = match store.get(&TenantScope::All, id).await {
            Err(store::Error::Refused(domain::Error::NetworkNotFound(_))) => return Ok(None),
            found => found?,
        };
        let now = store.now_ms().await?;
        let mut after = network.clone();
        if !after.resume(now) {
            return Ok(Some(entry(&network)));
        }
        match store.save(&network, after, &by(caller), now).await {
            Err(store::Error::Stale) if tries < TRIES => tries += 1,
            saved => {
                if let Some(group) = saved?.group() {
                    queue.nudge(&group, Lane::Work, Duration::ZERO).await;
                }
                return Ok(Some(entry(&network)));
            }
        }
    }
}

fn entry(network: &Network) -> proto::SuspendedEntry {
    proto::SuspendedEntry {
        id: network.id.to_string(),
        tenant_id: network.tenant.to_string(),
        group_id: network
            .group()
            .map(|group| group.to_string())
            .unwrap_or_default(),
        suspend_time: network.work.suspended_at.map(timestamp),
        failures: network.work.failures,
        reason: network.reason.clone(),
        message: network.message.clone(),
    }
}
