//! Peerings in the service's database: the only code that names sea-orm.
//!
//! Every change of a row is a compare-and-set on its version; whoever comes late changes nothing. A row, the event
//! that tells of its change and the answer to the call that asked for it are written in one transaction.

mod admission;
mod busy;
mod change;
pub mod entity;
mod labels;
mod lists;
mod migration;
mod operators;
mod orphans;
mod places;
mod purge;
mod read;
mod row;
mod wiring;
mod work;

use std::sync::Arc;

use runtime::db::Db;
use runtime::request_ids;
use runtime::status::is_unique_violation;
use sea_orm::DbErr;
use tokio::sync::Notify;

pub use admission::{Admitted, Inserted};
pub use change::{Asked, Cause, Change, Committed};
pub use lists::Filter;
pub use migration::Migrator;

use crate::domain::{Peering, Quotas};

/// The peerings. Clones share the connections.
#[derive(Clone)]
pub struct Store {
    db: Db,
    snapshot: fn(&Peering) -> Vec<u8>,
    written: Arc<Notify>,
    quotas: Arc<Quotas>,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
    /// A row holds what nobody writes.
    #[error("the row of {id} cannot be read: {what}")]
    Corrupt {
        /// The row.
        id: String,
        /// What is wrong with it.
        what: String,
    },
    /// The call cannot be answered by its request id.
    #[error(transparent)]
    RequestId(#[from] request_ids::Error),
}

impl Error {
    /// Whether a unique key refused a row: another has the name, or the pair of VPCs.
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Database(error) if is_unique_violation(error))
    }
}

impl From<queue::Error> for Error {
    fn from(error: queue::Error) -> Self {
        Self::Database(match error {
            queue::Error::Database(error) => error,
            error => DbErr::Custom(error.to_string()),
        })
    }
}

impl Store {
    /// The peerings in `db`. `snapshot` encodes what an event keeps of the peering it tells of; `written` is notified
    /// after each transaction that wrote events.
    pub fn new(db: Db, snapshot: fn(&Peering) -> Vec<u8>, written: Arc<Notify>) -> Self {
        Self {
            db,
            snapshot,
            written,
            quotas: Arc::new(Quotas::same(u32::MAX)),
        }
    }

    /// Lets no tenant have more than its quotas; without them there is no end.
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self {
            quotas: Arc::new(quotas),
            ..self
        }
    }

    /// What tenants may have.
    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// The database behind it.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The database's time, in milliseconds.
    pub async fn now_ms(&self) -> Result<i64, Error> {
        Ok(self.db.now_ms().await?)
    }
}
