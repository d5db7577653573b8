//! The table `claim`: the ranges that live networks and peerings of a tenant hold, as numbers, to be searched.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claim")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub network_id: String,
    /// `NETWORK` or `PEERING`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Of the network or the peering.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The first address of the range, 0 to 2^32 - 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub first: i64,
    /// The last address of the range.
    #[sea_orm(primary_key, auto_increment = false)]
    pub last: i64,
    pub tenant_id: String,
    /// The network's; empty: none, and always of a peering.
    pub multi_region_group: String,
}

impl ActiveModelBehavior for ActiveModel {}
