//! The table `peering`.

use sea_orm_migration::prelude::*;

pub(super) struct CreatePeering;

impl MigrationName for CreatePeering {
    fn name(&self) -> &str {
        "m0001_peering"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreatePeering {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(table()).await?;
        for statement in INDEXES {
            manager
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}

/// The partial ones hold few of the rows; SQLite and PostgreSQL write them alike.
const INDEXES: [&str; 6] = [
    "CREATE INDEX peering_by_tenant ON peering (tenant_id, id)",
    "CREATE INDEX peering_by_network ON peering (network_id, id)",
    "CREATE INDEX peering_by_lane ON peering (group_id, lane)",
    "CREATE INDEX peering_by_step ON peering (group_id, step_at) WHERE step_at IS NOT NULL",
    "CREATE INDEX peering_unadmitted ON peering (create_at) WHERE admission <> 'admitted'",
    "CREATE UNIQUE INDEX peering_by_create ON peering (tenant_id, create_request_id) \
     WHERE admission <> 'admitted'",
];

const TEXTS: [&str; 19] = [
    "tenant_id",
    "admission",
    "create_hash",
    "network_id",
    "network_display_name",
    "display_name",
    "labels",
    "provider",
    "peer",
    "vendor_account_id",
    "vendor_vpc_id",
    "vendor_region",
    "vendor_cidr",
    "state",
    "reason",
    "message",
    "raw_state",
    "conditions",
    "lane",
];

const OPTIONAL_TIMES: [&str; 9] = [
    "expire_at",
    "activate_at",
    "delete_at",
    "purge_at",
    "observe_at",
    "step_at",
    "requested_at",
    "missed_at",
    "suspended_at",
];

fn table() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("peering")
        .col(ColumnDef::new("id").text().not_null().primary_key())
        .col(ColumnDef::new("version").big_integer().not_null());
    for text in TEXTS {
        table.col(ColumnDef::new(text).text().not_null());
    }
    for text in ["create_request_id", "provider_peering_id", "traceparent"] {
        table.col(ColumnDef::new(text).text());
    }
    for key in ["claim_key", "name_key"] {
        table.col(ColumnDef::new(key).text().unique_key());
    }
    for time in ["attempt_at", "create_at", "update_at", "lane_since"] {
        table.col(ColumnDef::new(time).big_integer().not_null());
    }
    for time in OPTIONAL_TIMES {
        table.col(ColumnDef::new(time).big_integer());
    }
    for number in ["attempt", "failures"] {
        table.col(ColumnDef::new(number).integer().not_null());
    }
    for flag in ["allow_overlap", "gone", "routes_due"] {
        table.col(ColumnDef::new(flag).boolean().not_null());
    }
    table
        .col(ColumnDef::new("operation_token").text().not_null())
        .col(ColumnDef::new("group_id").text())
        .foreign_key(
            ForeignKey::create()
                .name("peering_group")
                .from("peering", "group_id")
                .to("check_group", "group_id"),
        )
        .to_owned()
}
