//! The table `peering`. Times are milliseconds since the epoch.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "peering")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub tenant_id: String,
    pub version: i64,
    pub admission: String,
    pub create_request_id: Option<String>,
    pub create_hash: String,
    pub network_id: String,
    pub network_display_name: String,
    pub display_name: String,
    pub labels: String,
    pub provider: String,
    pub peer: String,
    pub allow_overlap: bool,
    pub vendor_account_id: String,
    pub vendor_vpc_id: String,
    pub vendor_region: String,
    pub vendor_cidr: String,
    /// No two rows share one; NULL once DELETED.
    pub claim_key: Option<String>,
    /// No two rows share one; NULL once DELETED.
    pub name_key: Option<String>,
    pub attempt: i32,
    pub attempt_at: i64,
    pub state: String,
    pub reason: String,
    pub message: String,
    pub raw_state: String,
    pub conditions: String,
    pub provider_peering_id: Option<String>,
    pub expire_at: Option<i64>,
    pub activate_at: Option<i64>,
    pub create_at: i64,
    pub update_at: i64,
    pub delete_at: Option<i64>,
    pub purge_at: Option<i64>,
    /// NULL before admission and once DELETED.
    pub group_id: Option<String>,
    pub lane: String,
    pub lane_since: i64,
    pub observe_at: Option<i64>,
    pub step_at: Option<i64>,
    pub requested_at: Option<i64>,
    pub operation_token: String,
    pub missed_at: Option<i64>,
    pub inactive_at: Option<i64>,
    pub failures: i32,
    pub suspended_at: Option<i64>,
    pub gone: bool,
    pub routes_due: bool,
    pub traceparent: Option<String>,
    pub busy_since: Option<i64>,
    pub puts_back: bool,
    pub waits_for: Option<String>,
    pub hint_at: Option<i64>,
    pub options: String,
    /// The customer's account or project, as in `peer`.
    pub peer_account: String,
    /// The customer's VPC id or network name, as in `peer`.
    pub peer_vpc: String,
    pub former: Option<String>,
    pub options_due: bool,
    pub sets_options: bool,
    pub options_told_at: Option<i64>,
    pub network_due: bool,
    pub allow_list_version: i64,
    pub leaving: String,
    pub end_reason: String,
    pub claims_at: Option<i64>,
    pub repairs: String,
    pub routes_told_at: Option<i64>,
    pub observed_cidrs: String,
    /// Of what the cloud shows while nothing is new; NULL when only a full comparison tells.
    pub digest: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
