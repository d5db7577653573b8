//! The schema of this service's database, in the order in which it came to be.

mod m0001_network;
mod m0002_space;
mod m0003_follow;
mod m0004_suspended;

use sea_orm_migration::prelude::*;

/// Brings the database up to date.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            runtime::leader::migration(),
            runtime::request_ids::migration(),
            runtime::events::migration(),
            queue::migration(),
            Box::new(m0001_network::CreateNetwork),
            Box::new(m0002_space::AddSpace),
            runtime::events::purge_migration(),
            Box::new(m0003_follow::AddFollow),
            queue::orphan_migration(),
            Box::new(m0004_suspended::AddSuspended),
        ]
    }
}
