//! The steps that keep a peering and its network in line: what it has to know of it, and what it claims of it.

use super::Worker;
use crate::domain::Peering;
use crate::store::Error;

impl Worker {
    /// Asks the network what has changed of it.
    pub(super) async fn ask_network(&self, peering: &Peering) -> Result<Option<Peering>, Error> {
        Ok(Some(peering.clone()))
    }

    /// Has the network claim exactly what is recorded.
    pub(super) async fn claims(&self, peering: &Peering) -> Result<Option<Peering>, Error> {
        Ok(Some(peering.clone()))
    }
}
