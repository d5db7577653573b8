//! Which lane looks at a peering, and when it last did.

use queue::{Error, Lane, Queue};
use types::GroupId;

use crate::domain::{Peering, Watch};

/// The lane that looks at a peering.
pub(crate) fn lane(peering: &Peering) -> Option<Lane> {
    match peering.state.watch() {
        Watch::Pending => Some(Lane::Pending),
        Watch::Drift => Some(Lane::Drift),
        Watch::None => None,
    }
}

/// The last complete look of a group's lane.
pub(crate) async fn covered_at(
    queue: &Queue,
    group: &GroupId,
    lane: Lane,
) -> Result<Option<i64>, Error> {
    match queue.lane(group, lane).await {
        Ok(row) => Ok(row.covered_at),
        // The lanes are made in the transaction that admits the group's first row.
        Err(Error::UnknownGroup(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
