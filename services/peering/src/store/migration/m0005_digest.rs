//! What a look compares of a row in one number, and an index that answers for a lane without its rows.

use sea_orm_migration::prelude::*;

pub(super) struct Digest;

impl MigrationName for Digest {
    fn name(&self) -> &str {
        "m0005_digest"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Digest {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for statement in STATEMENTS {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

/// Rows from before are compared in full until their next change.
const STATEMENTS: [&str; 3] = [
    "ALTER TABLE peering ADD COLUMN digest BIGINT",
    "CREATE INDEX peering_watched ON peering (group_id, lane, digest, version, routes_told_at)",
    "DROP INDEX peering_by_lane",
];
