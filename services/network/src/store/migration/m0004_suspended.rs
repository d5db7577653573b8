//! The way to suspended networks, which are few.

use sea_orm_migration::prelude::*;

pub(super) struct AddSuspended;

impl MigrationName for AddSuspended {
    fn name(&self) -> &str {
        "m0004_suspended"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddSuspended {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared(INDEX).await?;
        Ok(())
    }
}

const INDEX: &str = "CREATE INDEX network_suspended ON network (id) WHERE suspended_at IS NOT NULL";
