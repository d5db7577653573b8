//! The API: requests into the domain, peerings and errors out of it.

mod convert;
mod create;
mod delete;
mod diagnose;
mod handlers;
mod instructions;
mod limits;
mod lists;
mod operators;
mod preflight;
mod read;
mod refresh;
mod renew;
mod status;
mod subject;
mod update;
mod watch;
mod wish;

use std::time::Duration;

use queue::Queue;
use runtime::events::Feed;

pub use convert::snapshot;
pub use operators::entries;

use crate::clients::{NetworkClient, Pool, ProviderClient};
use crate::config::Config;
use crate::store::{Cause, Store};

/// The handlers and what they need.
pub struct Api {
    store: Store,
    network: NetworkClient,
    provider: ProviderClient,
    queue: Queue,
    pool: Pool,
    feed: Feed,
    allow_vendor_peer: bool,
    refresh_wait: Duration,
    soon: Duration,
}

impl Api {
    /// The handlers on `store`.
    pub fn new(
        store: Store,
        network: NetworkClient,
        provider: ProviderClient,
        pool: Pool,
        queue: Queue,
        feed: Feed,
        config: &Config,
    ) -> Self {
        Self {
            store,
            network,
            provider,
            queue,
            pool,
            feed,
            allow_vendor_peer: config.allow_vendor_peer,
            refresh_wait: config.refresh_wait,
            soon: config.queue.pending_interval,
        }
    }
}

/// What is recorded as the cause of a caller's change.
fn cause(caller: &runtime::caller::Caller) -> Cause {
    Cause {
        actor: caller.principal.clone(),
        request_id: caller.request_id_header.clone(),
        trace_id: caller.trace_id.clone(),
    }
}
