//! The table `orphan`: what stands in a cloud with our tags and belongs to no entry, kept until it is gone.

use ::types::GroupId;
use sea_orm::{DbErr, FromQueryResult, QueryResult, Value};
use sea_orm_migration::prelude::*;

use crate::schema::{rows, run, text};
use crate::{Error, Queue};

const OF_GROUP: &str = "SELECT * FROM orphan WHERE group_id = $1";
const KEEP: &str = "INSERT INTO orphan \
     (group_id, provider_id, entry_id, attempt, first_seen, last_seen, looks) \
     VALUES ($1, $2, $3, $4, $5, $5, 1) \
     ON CONFLICT (group_id, provider_id) DO UPDATE \
     SET last_seen = excluded.last_seen, looks = orphan.looks + 1 \
     WHERE orphan.last_seen < excluded.last_seen";
const FORGET: &str = "DELETE FROM orphan WHERE group_id = $1 AND provider_id = $2";
const PAGE: &str = "SELECT * FROM orphan \
     WHERE group_id > $1 OR (group_id = $1 AND provider_id > $2) \
     ORDER BY group_id, provider_id LIMIT $3";

/// One of them. Times are milliseconds since the epoch, the database's.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Orphan {
    /// The group whose listing shows it.
    pub group_id: String,
    /// The cloud's id.
    pub provider_id: String,
    /// The entry that its tags name.
    pub entry_id: String,
    /// The attempt that its tags name; 0 where there are none.
    pub attempt: i32,
    /// Start of the first complete look that showed it.
    pub first_seen: i64,
    /// Start of the last one.
    pub last_seen: i64,
    /// How many did.
    pub looks: i32,
}

/// What a look showed that belongs to no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unowned {
    /// The cloud's id.
    pub provider_id: String,
    /// The entry that its tags name.
    pub entry_id: String,
    /// The attempt that its tags name; 0 where there are none.
    pub attempt: i32,
}

impl Unowned {
    fn is(&self, orphan: &Orphan) -> bool {
        self.provider_id == orphan.provider_id
            && self.entry_id == orphan.entry_id
            && self.attempt == orphan.attempt
    }
}

impl Queue {
    /// What is kept of a group.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn orphans_of(&self, group: &GroupId) -> Result<Vec<Orphan>, Error> {
        let found = rows(self.0.db.read(), OF_GROUP, [text(group)]).await?;
        Ok(orphans(&found)?)
    }

    /// Orphans behind this group and cloud id, ordered by both, at most `limit`.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn orphans(
        &self,
        (group, provider_id): (&str, &str),
        limit: u64,
    ) -> Result<Vec<Orphan>, Error> {
        let limit: i64 = limit.try_into().unwrap_or(i64::MAX);
        let values = [group.into(), provider_id.into(), limit.into()];
        Ok(orphans(&rows(self.0.db.read(), PAGE, values).await?)?)
    }

    /// Keeps what a complete look of a group, begun then, showed of orphans, and forgets those that it did not show.
    /// Answers with all that are kept now, and warns of each new one. One whose tags have changed is a new one.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn keep_orphans(
        &self,
        group: &GroupId,
        seen: &[Unowned],
        began_at: i64,
    ) -> Result<Vec<Orphan>, Error> {
        let known = self.orphans_of(group).await?;
        if known.is_empty() && seen.is_empty() {
            return Ok(known);
        }
        let txn = self.0.db.begin().await?;
        for orphan in &known {
            if !seen.iter().any(|one| one.is(orphan)) {
                let values: [Value; 2] = [text(group), text(&orphan.provider_id)];
                run(&txn, FORGET, values).await?;
            }
        }
        for one in seen {
            let values: [Value; 5] = [
                text(group),
                text(&one.provider_id),
                text(&one.entry_id),
                one.attempt.into(),
                began_at.into(),
            ];
            run(&txn, KEEP, values).await?;
        }
        txn.commit().await?;
        for one in seen {
            if !known.iter().any(|orphan| one.is(orphan)) {
                let Unowned {
                    provider_id,
                    entry_id,
                    attempt,
                } = one;
                tracing::warn!(%group, provider_id, entry_id, attempt, "it carries our tags and belongs to nobody");
            }
        }
        self.orphans_of(group).await
    }
}

fn orphans(found: &[QueryResult]) -> Result<Vec<Orphan>, DbErr> {
    found
        .iter()
        .map(|row| Orphan::from_query_result(row, ""))
        .collect()
}

/// The table `orphan`.
pub fn orphan_migration() -> Box<dyn MigrationTrait> {
    Box::new(CreateOrphan)
}

struct CreateOrphan;

impl MigrationName for CreateOrphan {
    fn name(&self) -> &str {
        "m0002_queue_orphan"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateOrphan {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let text = |name: &'static str| ColumnDef::new(name).text().not_null().to_owned();
        let number = |name: &'static str| ColumnDef::new(name).integer().not_null().to_owned();
        let time = |name: &'static str| ColumnDef::new(name).big_integer().not_null().to_owned();
        let orphan = Table::create()
            .table("orphan")
            .col(text("group_id"))
            .col(text("provider_id"))
            .col(text("entry_id"))
            .col(number("attempt"))
            .col(time("first_seen"))
            .col(time("last_seen"))
            .col(number("looks"))
            .primary_key(Index::create().col("group_id").col("provider_id"))
            .to_owned();
        manager.create_table(orphan).await
    }
}
