//! A peering's labels one by one, so that lists find peerings by them.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::Error;
use super::entity::peering_label::{ActiveModel, Column, Entity};
use crate::domain::Peering;

/// Replaces what is searched by the peering's labels.
pub(super) async fn put(txn: &DatabaseTransaction, peering: &Peering) -> Result<(), Error> {
    Entity::delete_many()
        .filter(Column::PeeringId.eq(peering.id.to_string()))
        .exec(txn)
        .await?;
    let labels = peering.labels.as_map();
    if labels.is_empty() {
        return Ok(());
    }
    let rows = labels.iter().map(|(key, value)| ActiveModel {
        peering_id: Set(peering.id.to_string()),
        key: Set(key.clone()),
        value: Set(value.clone()),
    });
    Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
