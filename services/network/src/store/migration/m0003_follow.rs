//! Entries of an allow list that follow a peering, and networks to be found when they are purged.

use sea_orm_migration::prelude::*;

pub(super) struct AddFollow;

impl MigrationName for AddFollow {
    fn name(&self) -> &str {
        "m0003_follow"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddFollow {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in SCHEMA {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

/// Both databases understand every statement.
const SCHEMA: &[&str] = &[
    "ALTER TABLE allow_list_entry ADD COLUMN peering_id TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX network_by_purge ON network (purge_time) WHERE name_key IS NULL",
];
