//! Removing what is past its time: networks that were deleted long ago, with their history and all that belongs to them,
//! and answers to calls that nobody repeats any more.

use runtime::{events, request_ids};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::{allow_list_entry, attachment, claim, network, network_label, tombstone};
use super::{Error, Store};
use crate::domain::State;

impl Store {
    /// Removes DELETED networks whose time is over, each with all that is left of it, at most `limit`; returns how many
    /// there were.
    pub async fn purge(&self, now: i64, limit: u64) -> Result<usize, Error> {
        use network::Column;
        let ids: Vec<String> = network::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::PurgeTime.lte(now))
            // In the words of the partial index of those that are not live.
            .filter(Column::NameKey.is_null())
            .filter(Column::State.eq(State::Deleted.as_str()))
            .order_by_asc(Column::PurgeTime)
            .limit(limit)
            .into_tuple()
            .all(self.db.read())
            .await?;
        for id in &ids {
            let txn = self.db.begin().await?;
            forget(&txn, id).await?;
            txn.commit().await?;
        }
        Ok(ids.len())
    }

    /// Removes answers that are too old to be given again, at most `limit`; returns how many.
    pub async fn purge_answers(&self, now: i64, limit: u64) -> Result<u64, Error> {
        Ok(request_ids::purge(&self.db, now, limit).await?)
    }
}

/// Removes a network and every row that belongs to it.
async fn forget(txn: &DatabaseTransaction, id: &str) -> Result<(), DbErr> {
    network_label::Entity::delete_many()
        .filter(network_label::Column::NetworkId.eq(id))
        .exec(txn)
        .await?;
    allow_list_entry::Entity::delete_many()
        .filter(allow_list_entry::Column::NetworkId.eq(id))
        .exec(txn)
        .await?;
    tombstone::Entity::delete_many()
        .filter(tombstone::Column::NetworkId.eq(id))
        .exec(txn)
        .await?;
    claim::Entity::delete_many()
        .filter(claim::Column::NetworkId.eq(id))
        .exec(txn)
        .await?;
    attachment::Entity::delete_many()
        .filter(attachment::Column::NetworkId.eq(id))
        .exec(txn)
        .await?;
    events::purge(txn, id).await?;
    network::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}
