//! Places among the requests that nobody has accepted yet, counted from rows under a lock on the group's row.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, ExprTrait,
    FromQueryResult, QueryFilter, QuerySelect, Select, Statement,
};
use types::{GroupId, ProviderKind, TenantId};

use super::change::{Asked, update};
use super::entity::peering::{Column, Entity};
use super::{Cause, Change, Error, Store};
use crate::domain::{Claim, Peering, Places, State, Turn, Watch, next_in_line, turn, waiting};

#[derive(FromQueryResult)]
struct Narrow {
    id: String,
    group_id: String,
    tenant_id: String,
    display_name: String,
    state: String,
    reason: String,
    attempt_at: i64,
    requested_at: Option<i64>,
    provider_peering_id: Option<String>,
    former: Option<String>,
    activate_at: Option<i64>,
    gone: bool,
    step_at: Option<i64>,
}

impl Narrow {
    fn claim(self) -> Result<Claim, types::Invalid> {
        Ok(Claim {
            id: self.id.parse()?,
            tenant: self.tenant_id.parse()?,
            display_name: self.display_name,
            state: self.state.parse()?,
            reason: self.reason,
            attempt_at: self.attempt_at,
            is_requested: self.requested_at.is_some()
                || self.provider_peering_id.is_some()
                || self.former.is_some(),
            was_active: self.activate_at.is_some(),
            is_gone: self.gone,
            step_at: self.step_at,
        })
    }
}

impl Store {
    /// Writes the change by which a peering is requested if it is its turn for one of the `in_group` places of its
    /// group, else that it waits. Nobody else in the group gets a place at the same time.
    pub async fn commit_request_in_turn(
        &self,
        change: Change,
        in_group: u32,
        cause: &Cause,
        now: i64,
    ) -> Result<Asked, Error> {
        let before = change.before.clone();
        let places = Places {
            in_group,
            quotas: &self.quotas,
        };
        let txn = self.db.begin().await?;
        lock(&txn, &before.group()).await?;
        let claims = claims(&txn, &before.group()).await?;
        let (saved, is_recorded) = match turn(&claims, before.id, places, now) {
            Turn::Now => (self.put(&txn, change, cause, now).await?, true),
            Turn::Later(why) => {
                let after = waiting(&before, &why, now);
                let change = Change::to(&before, after);
                // That the line moves on is no news for a history, and a row that waits is written every few seconds.
                let saved = match before.reason == change.way[0].reason {
                    true => put_quietly(&txn, change).await?,
                    false => self.put(&txn, change, cause, now).await?,
                };
                (saved, false)
            }
        };
        let Some(saved) = saved else {
            txn.rollback().await?;
            return Ok(Asked::Stale);
        };
        txn.commit().await?;
        self.written.notify_one();
        Ok(match is_recorded {
            true => Asked::Done(Box::new(saved)),
            false => Asked::Waits(Box::new(saved)),
        })
    }

    async fn put(
        &self,
        txn: &DatabaseTransaction,
        change: Change,
        cause: &Cause,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let change = change.stamped(now);
        let is_written = self.write(txn, &change, cause, now).await?;
        Ok(is_written.then(|| change.last().clone()))
    }

    /// How many places `tenant` holds in the group where it holds most.
    pub async fn outstanding(&self, tenant: &TenantId) -> Result<u32, Error> {
        let rows = pending()
            .filter(Column::TenantId.eq(tenant.as_str()))
            .filter(Column::Provider.eq(ProviderKind::Aws.as_str()))
            .into_model::<Narrow>()
            .all(self.db.read())
            .await?;
        let mut held: BTreeMap<String, u32> = BTreeMap::new();
        for row in rows {
            let group = row.group_id.clone();
            if readable(row).is_some_and(|claim| claim.holds()) {
                *held.entry(group).or_default() += 1;
            }
        }
        Ok(held.into_values().max().unwrap_or(0))
    }

    /// Lets the steps of the next `freed` in line run now. Whoever is asking at this moment, and has counted without
    /// the places that become free here, finds its row changed and asks again.
    pub(super) async fn wake(
        &self,
        txn: &DatabaseTransaction,
        group: &GroupId,
        freed: usize,
        now: i64,
    ) -> Result<(), Error> {
        let claims = claims(txn, group).await?;
        let mut next = next_in_line(&claims, freed, &self.quotas, now);
        // In one order, so that two of these never wait for each other.
        next.sort_unstable();
        for id in next {
            Entity::update_many()
                .col_expr(Column::StepAt, now.into())
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .filter(Column::Id.eq(id.to_string()))
                .filter(Column::State.eq(State::Provisioning.as_str()))
                .filter(Column::RequestedAt.is_null())
                .filter(Column::ProviderPeeringId.is_null())
                .filter(Column::StepAt.is_not_null())
                .exec(txn)
                .await?;
        }
        Ok(())
    }
}

/// The change without an event.
async fn put_quietly(txn: &DatabaseTransaction, change: Change) -> Result<Option<Peering>, Error> {
    let mut after = change.last().clone();
    after.version = change.before.version + 1;
    let is_written = update(txn, &change.before, &after).await?;
    Ok(is_written.then_some(after))
}

/// One at a time gets a place in a group. SQLite has one transaction for changes at a time anyway.
async fn lock(txn: &DatabaseTransaction, group: &GroupId) -> Result<(), Error> {
    if txn.get_database_backend() == DbBackend::Postgres {
        let sql = "SELECT group_id FROM check_group WHERE group_id = $1 FOR NO KEY UPDATE";
        let ask =
            Statement::from_sql_and_values(DbBackend::Postgres, sql, [group.to_string().into()]);
        txn.query_one_raw(ask).await?;
    }
    Ok(())
}

/// Who of a group holds a place or waits for one, and others.
async fn claims(txn: &DatabaseTransaction, group: &GroupId) -> Result<Vec<Claim>, Error> {
    let rows = pending()
        .filter(Column::GroupId.eq(group.to_string()))
        .into_model::<Narrow>()
        .all(txn)
        .await?;
    Ok(rows.into_iter().filter_map(readable).collect())
}

/// The little that tells who holds places or waits for one, of those who may.
fn pending() -> Select<Entity> {
    let columns = [
        Column::Id,
        Column::GroupId,
        Column::TenantId,
        Column::DisplayName,
        Column::State,
        Column::Reason,
        Column::AttemptAt,
        Column::RequestedAt,
        Column::ProviderPeeringId,
        Column::Former,
        Column::ActivateAt,
        Column::Gone,
        Column::StepAt,
    ];
    Entity::find()
        .select_only()
        .columns(columns)
        .filter(Column::Lane.eq(Watch::Pending.as_str()))
}

/// Should a row that cannot be read hold a place after all, the cloud refuses the request that is too many.
fn readable(row: Narrow) -> Option<Claim> {
    let id = row.id.clone();
    let skip = |error| tracing::error!(peering.id = id, %error, "a row is left alone");
    row.claim().map_err(skip).ok()
}
