//! The service's own database: the truth about networks, and the only code that names the ORM.

mod allow_list;
mod attachments;
mod claims;
mod create;
mod drift;
mod entity;
mod firewall;
mod intent;
mod labels;
mod limits;
mod lists;
mod migration;
mod networks;
mod operators;
mod purge;
mod site;
mod space;

use std::sync::Arc;

use runtime::db::Db;
use runtime::events::{Event, NewEvent};
use runtime::{events, request_ids};
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::Notify;
use types::NetworkId;

pub use create::{Asked, Creation};
pub use intent::Call;
pub use limits::{OnNetwork, TenantLimits};
pub use lists::Filter;
pub use migration::Migrator;
pub use networks::{Deletion, Usage};

use crate::domain::{self, Limits, Network, State};

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

impl From<queue::Error> for Error {
    fn from(error: queue::Error) -> Self {
        Self::Database(match error {
            queue::Error::Database(error) => error,
            error => DbErr::Custom(error.to_string()),
        })
    }
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

/// A network as events keep it: encoded, for whoever tells of the change later.
pub type Snapshot = fn(&Network) -> Vec<u8>;

/// What happened to a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// It was recorded.
    Created,
    /// Its state is another.
    StateChanged,
    /// Its owner changed its name or labels.
    Updated,
    /// Something was attached, or its claim replaced.
    Attached,
    /// Something was detached.
    Detached,
    /// Another set of ranges is to be admitted.
    AllowListChanged,
    /// FIREWALL_READY has another status or reason.
    FirewallChanged,
    /// While ACTIVE: something of its VPC is gone, or was put back.
    VpcChanged,
}

impl Happening {
    /// The name, the same in proto and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::StateChanged => "STATE_CHANGED",
            Self::Updated => "UPDATED",
            Self::Attached => "ATTACHED",
            Self::Detached => "DETACHED",
            Self::AllowListChanged => "ALLOW_LIST_CHANGED",
            Self::FirewallChanged => "FIREWALL_CHANGED",
            Self::VpcChanged => "VPC_CHANGED",
        }
    }

    /// What its owner sees of what a step or look made of an ACTIVE network; none: nothing.
    fn seen(before: &Network, after: &Network) -> Option<Self> {
        let firewall = |network: &Network| {
            let ready = network.firewall_ready();
            (ready.holds, ready.reason.to_owned())
        };
        if before.state != State::Active || after.state != State::Active {
            None
        } else if before.reason != after.reason || before.vpc != after.vpc {
            Some(Self::VpcChanged)
        } else {
            (firewall(before) != firewall(after)).then_some(Self::FirewallChanged)
        }
    }
}

/// All that this service keeps.
#[derive(Clone)]
pub struct Store {
    db: Db,
    snapshot: Snapshot,
    limits: Arc<Limits>,
    written: Arc<Notify>,
}

impl Store {
    /// A store in `db`, which records nothing beyond `limits`. `written` is notified when events wait for their numbers.
    pub fn new(db: Db, snapshot: Snapshot, limits: Limits, written: Arc<Notify>) -> Self {
        Self {
            db,
            snapshot,
            limits: Arc::new(limits),
            written,
        }
    }

    /// Where it all stands.
    pub(crate) fn db(&self) -> &Db {
        &self.db
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

    /// Writes the event of a network that came from `from` to where it stands now.
    async fn tell(
        &self,
        txn: &DatabaseTransaction,
        network: &Network,
        happening: Happening,
        from: Option<State>,
        origin: &Origin,
        now: i64,
    ) -> Result<(), Error> {
        let firewall = network.firewall_ready();
        let (reason, message) = match happening {
            Happening::FirewallChanged => (firewall.reason, firewall.message),
            _ => (network.reason.as_str(), network.message.as_str()),
        };
        let event = NewEvent {
            resource_id: network.id.to_string(),
            tenant_id: network.tenant.to_string(),
            version: network.version,
            kind: happening.as_str().to_owned(),
            from_state: from.map(State::as_str).unwrap_or_default().to_owned(),
            to_state: network.state.as_str().to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            raw_state: String::new(),
            actor: origin.actor.clone(),
            request_id: origin.request_id.clone(),
            trace_id: origin.trace_id.clone(),
            payload: (self.snapshot)(network),
        };
        Ok(events::append(txn, event, now).await?)
    }
}
