//! The schema of this service's database, with the tables of the shared libraries in it.

mod m0001_peering;
mod m0002_cloud_busy;
mod m0003_whole;
mod m0004_suspended;
mod m0005_digest;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All migrations, oldest first.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            runtime::leader::migration(),
            runtime::request_ids::migration(),
            runtime::events::migration(),
            queue::migration(),
            // After the queue's: its rows name groups.
            Box::new(m0001_peering::CreatePeering),
            Box::new(m0002_cloud_busy::CreateCloudBusy),
            Box::new(m0003_whole::Whole),
            runtime::events::purge_migration(),
            queue::orphan_migration(),
            Box::new(m0004_suspended::Suspended),
            Box::new(m0005_digest::Digest),
        ]
    }
}
