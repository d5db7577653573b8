//! The way to suspended peerings, which are few.

use sea_orm_migration::prelude::*;

pub(super) struct Suspended;

impl MigrationName for Suspended {
    fn name(&self) -> &str {
        "m0004_suspended"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Suspended {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(INDEX).await?;
        Ok(())
    }
}

const INDEX: &str = "CREATE INDEX peering_suspended ON peering (id) WHERE suspended_at IS NOT NULL";
