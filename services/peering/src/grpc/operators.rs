//! What the queue's service tells of peerings.

use std::time::Duration;

use api::queue::v1 as proto;
use api::timestamp;
use queue::grpc::Entries;
use queue::{Lane, Queue};
use runtime::status::{Violations, failure};
use tonic::{Code, Status};
use types::{PeeringId, TenantScope};

use super::cause;
use crate::domain::{Peering, resumed};
use crate::store::{Change, Store};

/// How often a row that changes all the time is tried.
const TRIES: usize = 5;

/// Peerings as operators of the queue see them. What is nobody's is removed `orphan_grace` after it was first seen.
pub fn entries(store: &Store, queue: &Queue, orphan_grace: Duration) -> Entries {
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
                let peerings = store.suspended(after.as_deref(), limit).await?;
                Ok(peerings.iter().map(entry).collect())
            })
        }),
        resume: Box::new(move |id, caller| {
            let (store, queue) = (resuming.clone(), queue.clone());
            Box::pin(async move { resume(&store, &queue, &id, &caller).await })
        }),
        orphan_grace: Some(orphan_grace),
    }
}

async fn resume(
    store: &Store,
    queue: &Queue,
    id: &str,
    caller: &runtime::caller::Caller,
) -> Result<Option<proto::SuspendedEntry>, Status> {
    let mut violations = Violations::new();
    let id = violations.check("id", id.parse::<PeeringId>());
    violations.finish()?;
    let Some(id) = id else { return Ok(None) };
    for _ in 0..TRIES {
        let Some(peering) = store.find(&TenantScope::All, id).await? else {
            return Ok(None);
        };
        let now = store.now_ms().await?;
        let Some(after) = resumed(&peering, now) else {
            return Ok(Some(entry(&peering)));
        };
        let change = Change::to(&peering, after);
        let committed = store.commit(vec![change], &cause(caller), now).await?;
        if !committed.written.is_empty() {
            queue
                .nudge(&peering.group(), Lane::Work, Duration::ZERO)
                .await;
            return Ok(Some(entry(&peering)));
        }
    }
    let message = format!("{id} changes too often, try again");
    Err(failure(Code::Aborted, "LOST_RACE", message))
}

fn entry(peering: &Peering) -> proto::SuspendedEntry {
    proto::SuspendedEntry {
        id: peering.id.to_string(),
        tenant_id: peering.tenant.to_string(),
        group_id: peering.group().to_string(),
        suspend_time: peering.work.suspended_at.map(timestamp),
        failures: peering.work.failures,
        reason: peering.reason.clone(),
        message: peering.message.clone(),
    }
}
