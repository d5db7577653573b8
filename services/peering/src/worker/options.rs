//! The step that makes the options of our half as wanted.

use super::Worker;
use super::step::Pass;
use crate::domain::Peering;
use crate::store::Error;

impl Worker {
    /// Makes the options of our half as wanted.
    pub(super) async fn options(
        &self,
        peering: &Peering,
        _pass: &Pass<'_>,
    ) -> Result<Option<Peering>, Error> {
        Ok(Some(peering.clone()))
    }
}
