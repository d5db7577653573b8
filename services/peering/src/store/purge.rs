//! Removing what is past its time: peerings that were deleted long ago, with their labels and history, and answers to
//! calls that nobody repeats any more.

use runtime::{events, request_ids};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{peering, peering_label};
use super::{Error, Store};
use crate::domain::State;

impl Store {
    /// Removes DELETED peerings whose time is over, each with all that is left of it, at most `limit`; returns how many
    /// there were.
    pub async fn purge(&self, now: i64, limit: u64) -> Result<usize, Error> {
        let ids: Vec<String> = peering::Entity::find()
            .select_only()
            .column(peering::Column::Id)
            .filter(peering::Column::PurgeAt.lte(now))
            .filter(peering::Column::State.eq(State::Deleted.as_str()))
            .order_by_asc(peering::Column::PurgeAt)
            .limit(limit)
            .into_tuple()
            .all(self.db.read())
            .await?;
        for id in &ids {
            let txn = self.db.begin().await?;
            peering_label::Entity::delete_many()
                .filter(peering_label::Column::PeeringId.eq(id))
                .exec(&txn)
                .await?;
            events::purge(&txn, id).await?;
            peering::Entity::delete_by_id(id.as_str())
                .exec(&txn)
                .await?;
            txn.commit().await?;
        }
        Ok(ids.len())
    }

    /// Removes answers that are too old to be given again, at most `limit`; returns how many.
    pub async fn purge_answers(&self, now: i64, limit: u64) -> Result<u64, Error> {
        Ok(request_ids::purge(&self.db, now, limit).await?)
    }
}
