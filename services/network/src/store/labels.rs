//! A network's labels one by one, so that lists find networks by them.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::Error;
use super::entity::network_label::{ActiveModel, Column, Entity};
use crate::domain::Network;

/// Replaces what is searched by the network's labels.
pub(super) async fn put(txn: &DatabaseTransaction, network: &Network) -> Result<(), Error> {
    Entity::delete_many()
        .filter(Column::NetworkId.eq(network.id.to_string()))
        .exec(txn)
        .await?;
    let labels = network.labels.as_map();
    if labels.is_empty() {
        return Ok(());
    }
    let rows = labels.iter().map(|(key, value)| ActiveModel {
        network_id: Set(network.id.to_string()),
        key: Set(key.clone()),
        value: Set(value.clone()),
    });
    Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
