//! The table `cloud_busy`: the networks on which an operation of a cloud is, or may be, under way; and what a peering
//! remembers of its own operation and of the other half.

use sea_orm_migration::prelude::*;

pub(super) struct CreateCloudBusy;

impl MigrationName for CreateCloudBusy {
    fn name(&self) -> &str {
        "m0002_cloud_busy"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateCloudBusy {
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
const STATEMENTS: [&str; 7] = [
    "CREATE TABLE cloud_busy (network TEXT NOT NULL PRIMARY KEY, peering_id TEXT NOT NULL, since BIGINT NOT NULL)",
    "ALTER TABLE peering ADD COLUMN busy_since BIGINT",
    "ALTER TABLE peering ADD COLUMN waits_for TEXT",
    "ALTER TABLE peering ADD COLUMN hint_at BIGINT",
    "ALTER TABLE peering ADD COLUMN inactive_at BIGINT",
    "ALTER TABLE peering ADD COLUMN puts_back BOOLEAN NOT NULL DEFAULT FALSE",
    "CREATE INDEX peering_by_wait ON peering (waits_for) WHERE waits_for IS NOT NULL",
];
