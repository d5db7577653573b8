//! Tenants, networks, attachments and the tombstones of detached ones.

use sea_orm_migration::prelude::*;

pub(super) struct CreateNetwork;

impl MigrationName for CreateNetwork {
    fn name(&self) -> &str {
        "m0001_network"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateNetwork {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [tenant(), network(), attachment(), tombstone()] {
            manager.create_table(table).await?;
        }
        for (name, table, columns) in [
            ("network_by_tenant", "network", ["tenant_id", "id"]),
            ("network_by_step", "network", ["group_id", "step_at"]),
            (
                "attachment_by_peer",
                "attachment",
                ["tenant_id", "peer_identity"],
            ),
        ] {
            let [first, second] = columns;
            let index = Index::create()
                .name(name)
                .table(table)
                .col(first)
                .col(second)
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// One row for each tenant that ever attached or deleted: its lock puts the tenant's claims in order.
fn tenant() -> TableCreateStatement {
    Table::create()
        .table("tenant")
        .col(ColumnDef::new("id").text().not_null().primary_key())
        .to_owned()
}

fn network() -> TableCreateStatement {
    let mut table = Table::create();
    table
        .table("network")
        .col(ColumnDef::new("id").text().not_null().primary_key());
    for name in [
        "tenant_id",
        "display_name",
        "provider",
        "region",
        "cidr",
        "labels",
        "state",
        "reason",
        "message",
        "subnets",
        "parts",
        "refused_accounts",
        "operation_token",
        "lane",
    ] {
        table.col(ColumnDef::new(name).text().not_null());
    }
    for name in [
        "account_id",
        "vpc_id",
        "security_group_id",
        "next_part",
        "requested_part",
        "traceparent",
    ] {
        table.col(ColumnDef::new(name).text());
    }
    for name in ["next_guarded", "touched"] {
        table.col(ColumnDef::new(name).boolean().not_null());
    }
    for name in ["retries", "failures", "peering_count", "datastore_count"] {
        table.col(ColumnDef::new(name).integer().not_null());
    }
    for name in ["version", "lane_since", "create_time", "update_time"] {
        table.col(ColumnDef::new(name).big_integer().not_null());
    }
    for name in [
        "step_at",
        "requested_at",
        "missed_at",
        "suspended_at",
        "delete_time",
        "purge_time",
    ] {
        table.col(ColumnDef::new(name).big_integer());
    }
    table
        .col(ColumnDef::new("name_key").text().unique_key())
        .col(ColumnDef::new("group_id").text())
        .foreign_key(
            ForeignKey::create()
                .name("network_group")
                .from("network", "group_id")
                .to("check_group", "group_id"),
        )
        .to_owned()
}

fn attachment() -> TableCreateStatement {
    Table::create()
        .table("attachment")
        .col(ColumnDef::new("network_id").text().not_null())
        .col(ColumnDef::new("kind").text().not_null())
        .col(ColumnDef::new("id").text().not_null())
        .col(ColumnDef::new("tenant_id").text().not_null())
        .col(ColumnDef::new("cidrs").text().not_null())
        .col(ColumnDef::new("ports").text().not_null())
        .col(ColumnDef::new("private_name").text().not_null())
        .col(ColumnDef::new("peer_identity").text().not_null())
        .col(ColumnDef::new("allow_overlap").boolean().not_null())
        .col(ColumnDef::new("create_time").big_integer().not_null())
        .primary_key(Index::create().col("network_id").col("id").col("kind"))
        .foreign_key(
            ForeignKey::create()
                .name("attachment_network")
                .from("attachment", "network_id")
                .to("network", "id"),
        )
        .to_owned()
}

fn tombstone() -> TableCreateStatement {
    Table::create()
        .table("tombstone")
        .col(ColumnDef::new("network_id").text().not_null())
        .col(ColumnDef::new("kind").text().not_null())
        .col(ColumnDef::new("id").text().not_null())
        .col(ColumnDef::new("detached_at").big_integer().not_null())
        .primary_key(Index::create().col("network_id").col("id").col("kind"))
        .foreign_key(
            ForeignKey::create()
                .name("tombstone_network")
                .from("tombstone", "network_id")
                .to("network", "id"),
        )
        .to_owned()
}
