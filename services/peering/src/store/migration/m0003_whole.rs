//! What a peering remembers of its options, its earlier attempts, its network and what others changed; and what it is
//! found by.

use sea_orm_migration::prelude::*;

pub(super) struct Whole;

impl MigrationName for Whole {
    fn name(&self) -> &str {
        "m0003_whole"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Whole {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in STATEMENTS {
            manager
                .get_connection()
                .execute_unprepared(statement)
                .await?;
        }
        Ok(())
    }
}

/// SQLite and PostgreSQL write them alike.
const STATEMENTS: [&str; 14] = [
    "ALTER TABLE peering ADD COLUMN options TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE peering ADD COLUMN peer_account TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE peering ADD COLUMN peer_vpc TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE peering ADD COLUMN former TEXT",
    "ALTER TABLE peering ADD COLUMN options_due BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE peering ADD COLUMN network_due BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE peering ADD COLUMN allow_list_version BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE peering ADD COLUMN leaving TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE peering ADD COLUMN claims_due BOOLEAN NOT NULL DEFAULT FALSE",
    "ALTER TABLE peering ADD COLUMN repairs TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE peering ADD COLUMN routes_told_at BIGINT",
    "ALTER TABLE peering ADD COLUMN observed_cidrs TEXT NOT NULL DEFAULT '[]'",
    "CREATE INDEX peering_live ON peering (tenant_id, id) WHERE name_key IS NOT NULL",
    "CREATE INDEX peering_by_purge ON peering (purge_at) WHERE purge_at IS NOT NULL",
];
