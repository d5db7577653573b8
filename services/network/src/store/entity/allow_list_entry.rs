//! The table `allow_list_entry`: which ranges may reach the datastores of a network.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "allow_list_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub network_id: String,
    /// The first address of the range, 0 to 2^32 - 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub first: i64,
    /// The last address of the range.
    #[sea_orm(primary_key, auto_increment = false)]
    pub last: i64,
    pub cidr: String,
    pub description: String,
    /// The peering whose ranges it follows; empty: none.
    pub peering_id: String,
    /// The firewall's goal that first held it.
    pub goal: i64,
    pub create_time: i64,
}

impl ActiveModelBehavior for ActiveModel {}
