//! The migration of the event log.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::prelude::*;

/// The tables `event` and `sequencer`.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(CreateEvent)
}

struct CreateEvent;

impl MigrationName for CreateEvent {
    fn name(&self) -> &str {
        "m0001_event"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateEvent {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut event = Table::create();
        event
            .table("event")
            .col(
                ColumnDef::new("insert_id")
                    .big_integer()
                    .not_null()
                    .auto_increment()
                    .primary_key(),
            )
            .col(ColumnDef::new("seq").big_integer().unique_key());
        for text in TEXTS {
            event.col(ColumnDef::new(text).text().not_null());
        }
        event
            .col(ColumnDef::new("version").big_integer().not_null())
            .col(ColumnDef::new("payload").blob().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .col(ColumnDef::new("prev_hash").blob())
            .col(ColumnDef::new("hash").blob());
        manager.create_table(event).await?;
        let by_resource = Index::create()
            .name("event_by_resource")
            .table("event")
            .col("resource_id")
            .col("seq")
            .to_owned();
        manager.create_index(by_resource).await?;
        let sequencer = Table::create()
            .table("sequencer")
            .col(ColumnDef::new("id").big_integer().not_null().primary_key())
            .col(ColumnDef::new("last_seq").big_integer().not_null())
            .col(ColumnDef::new("last_hash").blob().not_null())
            .to_owned();
        manager.create_table(sequencer).await?;
        let start = Query::insert()
            .into_table("sequencer")
            .columns(["id", "last_seq", "last_hash"])
            .values_panic([1_i64.into(), 0_i64.into(), Vec::<u8>::new().into()])
            .to_owned();
        manager.get_connection().execute(&start).await?;
        Ok(())
    }
}

const TEXTS: [&str; 11] = [
    "resource_id",
    "tenant_id",
    "kind",
    "from_state",
    "to_state",
    "reason",
    "message",
    "raw_state",
    "actor",
    "request_id",
    "trace_id",
];
