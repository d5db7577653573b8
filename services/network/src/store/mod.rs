//! The service's own database: the truth about networks, and the only code that names the ORM.

mod attachments;
mod entity;
mod migration;
mod networks;

use std::sync::Arc;

use runtime::db::Db;
use runtime::events::{Event, NewEvent};
use runtime::{events, request_ids};
use sea_orm::DbErr;
use tokio::sync::Notify;
use types::NetworkId;

pub use migration::Migrator;
pub use networks::{Deletion, Filter, Usage};

use crate::domain::{self, Network, State};

/// Why something was not read or recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules forbid it.
    #[error(transparent)]
    Refused(#[from] domain::Error),
    /// Someone else saved the row since it was read.
    #[error("the network changed meanwhile")]
    Stale,
    /// The same call was made before, or at the same moment.
    #[error(transparent)]
    RequestId(#[from] request_ids::Error),
    /// A column holds what this service never writes.
    #[error("{0} holds what cannot be read")]
    Corrupt(&'static str),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// Who causes a change, and in which call.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// A principal, or `worker`.
    pub actor: String,
    /// The id of the call; empty for the worker.
    pub request_id: String,
    /// The trace of the call or step.
    pub trace_id: String,
}

/// All that this service keeps.
#[derive(Clone)]
pub struct Store {
    db: Db,
    written: Arc<Notify>,
}

impl Store {
    /// A store in `db`. `written` is notified when events wait for their numbers.
    pub fn new(db: Db, written: Arc<Notify>) -> Self {
        Self { db, written }
    }

    /// The time all replicas agree on.
    pub async fn now_ms(&self) -> Result<i64, Error> {
        Ok(self.db.now_ms().await?)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.db.ping().await?)
    }

    /// The first answer to a repeated call, if this is one.
    pub async fn replay<A: prost::Message + Default>(
        &self,
        key: &request_ids::Key,
        now: i64,
    ) -> Result<Option<A>, Error> {
        if key.request_id().is_none() {
            return Ok(None);
        }
        Ok(request_ids::replay(self.db.read(), key, now).await?)
    }

    /// A network's history after the event `after`, oldest first.
    pub async fn events(&self, id: NetworkId, after: i64, limit: u64) -> Result<Vec<Event>, Error> {
        Ok(events::list(self.db.read(), &id.to_string(), after, limit).await?)
    }
}

/// The event of a network that came from `from` to where it stands now.
fn event(network: &Network, from: Option<State>, origin: &Origin) -> NewEvent {
    NewEvent {
        resource_id: network.id.to_string(),
        tenant_id: network.tenant.to_string(),
        version: network.version,
        kind: "network".to_owned(),
        from_state: from.map(State::as_str).unwrap_or_default().to_owned(),
        to_state: network.state.as_str().to_owned(),
        reason: network.reason.clone(),
        message: network.message.clone(),
        raw_state: String::new(),
        actor: origin.actor.clone(),
        request_id: origin.request_id.clone(),
        trace_id: origin.trace_id.clone(),
        payload: Vec::new(),
    }
}
