//! Networks: recorded, found, changed by compare-and-set on their version.

use std::collections::BTreeMap;

use prost::Message;
use runtime::request_ids::Key;
use runtime::{failpoint, request_ids};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    Select, Statement, Value,
};
use types::{GroupId, NetworkId, ProviderKind, TenantId, TenantScope};

use super::claims::{self, Holder};
use super::entity::network::{Column, Entity, changes};
use super::{Error, Happening, Origin, Store};
use crate::domain::{self, AttachmentKind, Network, State};

/// How long a row that cannot be read is left alone, in milliseconds.
const UNREADABLE: i64 = 3_600_000;

/// How many things in the way of a deletion are named.
const NAMED_BLOCKERS: u64 = 20;

/// How many networks each group has.
pub type Usage = BTreeMap<GroupId, i64>;

impl Store {
    /// One network.
    ///
    /// # Errors
    /// [`domain::Error::NetworkNotFound`], for another tenant's too.
    pub async fn get(&self, tenants: &TenantScope, id: NetworkId) -> Result<Network, Error> {
        let found = of(tenants, Entity::find_by_id(id.to_string()))
            .one(self.db.read())
            .await?;
        found.ok_or(domain::Error::NetworkNotFound(id))?.try_into()
    }

    /// Records the wish to delete a network, unless something stands on it. Said before, it changes nothing.
    ///
    /// # Errors
    /// [`domain::Error::NetworkInUse`], [`domain::Error::EtagMismatch`] and the like.
    pub async fn delete<A: Message>(
        &self,
        wish: &Deletion<'_>,
        now: i64,
        answer: impl FnOnce(&Network) -> A,
    ) -> Result<(Network, A), Error> {
        let txn = self.db.begin().await?;
        lock_tenant(&txn, wish.tenant).await?;
        let mut network = lock_network(&txn, wish.tenant, wish.id).await?;
        let before = network.clone();
        // With cascade the peerings are the peering service's to delete; nobody deletes a datastore for its network.
        let kind = wish.cascade_peerings.then_some(AttachmentKind::Datastore);
        let blockers = super::attachments::first(&txn, wish.id, kind, NAMED_BLOCKERS).await?;
        if network.delete(wish.etag, blockers, wish.traceparent.clone(), now)? {
            self.write(&txn, &before, &mut network, None, wish.origin, now)
                .await?;
        }
        let answer = answer(&network);
        request_ids::store(&txn, wish.key, &answer, now).await?;
        failpoint::hit("network.delete.before_commit");
        txn.commit().await?;
        failpoint::hit("network.delete.after_commit");
        self.written.notify_one();
        Ok((network, answer))
    }

    /// Saves what became of `before`, unless someone else saved it since it was read; returns it as it stands then.
    ///
    /// # Errors
    /// [`Error::Stale`]: read again.
    pub async fn save(
        &self,
        before: &Network,
        mut after: Network,
        origin: &Origin,
        now: i64,
    ) -> Result<Network, Error> {
        let txn = self.db.begin().await?;
        if after.state == State::Deleted && before.state != State::Deleted {
            // Its range becomes free, and the tenant has one network less.
            lock_tenant(&txn, &after.tenant).await?;
        }
        self.write(&txn, before, &mut after, None, origin, now)
            .await?;
        txn.commit().await?;
        self.written.notify_one();
        Ok(after)
    }

    /// Writes a changed network by compare-and-set, with its group, and the event of what happened: another state, else
    /// `happening`, else what its owner sees of it.
    pub(super) async fn write(
        &self,
        txn: &DatabaseTransaction,
        before: &Network,
        after: &mut Network,
        happening: Option<Happening>,
        origin: &Origin,
        now: i64,
    ) -> Result<(), Error> {
        after.version = before.version + 1;
        if after.firewall_ready().holds != before.firewall_ready().holds {
            after.firewall.since = now;
        }
        if let Some(group) = after
            .group()
            .filter(|group| Some(group) != before.group().as_ref())
        {
            queue::ensure_group(txn, &group, now).await?;
        }
        let written = Entity::update_many()
            .set(changes(after))
            .filter(Column::Id.eq(after.id.to_string()))
            .filter(Column::Version.eq(before.version))
            .exec(txn)
            .await?;
        if written.rows_affected != 1 {
            return Err(Error::Stale);
        }
        if after.state != before.state {
            if let Some(group) = after.group().filter(|_| after.state == State::Active) {
                // A lane without networks sleeps for long.
                queue::hasten(txn, &group, queue::Lane::Drift, now).await?;
            }
            if after.state == State::Deleted {
                let holder = Holder::Network(&after.multi_region_group);
                claims::put(txn, &after.tenant, after.id, holder, &[]).await?;
                super::create::count_out(txn, &after.tenant).await?;
            }
            let from = Some(before.state);
            self.tell(txn, after, Happening::StateChanged, from, origin, now)
                .await?;
        } else if let Some(happening) = happening.or_else(|| Happening::seen(before, after)) {
            let from = Some(before.state);
            self.tell(txn, after, happening, from, origin, now).await?;
        }
        Ok(())
    }

    /// The networks of a group whose next step is due, the longest due first, tenants in turn.
    pub async fn due(&self, group: &GroupId, now: i64, limit: u64) -> Result<Vec<Network>, Error> {
        let sql = "SELECT * FROM (SELECT network.*, \
                   ROW_NUMBER() OVER (PARTITION BY tenant_id ORDER BY step_at, id) AS place \
                   FROM network WHERE group_id = $1 AND step_at <= $2) AS due \
                   ORDER BY place, step_at, id LIMIT $3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values: [Value; 3] = [group.to_string().into(), now.into(), limit.into()];
        let conn = self.db.read();
        let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
        let rows = Entity::find().from_raw_sql(ask).all(conn).await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, version) = (row.id.clone(), row.version);
            match Network::try_from(row) {
                Ok(network) => due.push(network),
                Err(error) => {
                    tracing::error!(network.id = id, %error, "left alone for an hour");
                    self.put_off(&id, version, now + UNREADABLE).await?;
                }
            }
        }
        Ok(due)
    }

    /// Takes a row that cannot be read out of its group's way: the others go on.
    async fn put_off(&self, id: &str, version: i64, until: i64) -> Result<(), Error> {
        Entity::update_many()
            .col_expr(Column::StepAt, until.into())
            .filter(Column::Id.eq(id))
            .filter(Column::Version.eq(version))
            .exec(self.db.write())
            .await?;
        Ok(())
    }

    /// When the next step of a group is due.
    pub async fn next_due(&self, group: &GroupId) -> Result<Option<i64>, Error> {
        let least: Option<Option<i64>> = Entity::find()
            .select_only()
            .column_as(Column::StepAt.min(), "least")
            .filter(Column::GroupId.eq(group.to_string()))
            .into_tuple()
            .one(self.db.read())
            .await?;
        Ok(least.flatten())
    }

    /// When the next step of each group with one is due.
    pub async fn least_steps(&self) -> Result<Vec<(GroupId, i64)>, sea_orm::DbErr> {
        let rows: Vec<(String, i64)> = Entity::find()
            .select_only()
            .column(Column::GroupId)
            .column_as(Column::StepAt.min(), "least")
            .filter(Column::GroupId.is_not_null())
            .filter(Column::StepAt.is_not_null())
            .group_by(Column::GroupId)
            .into_tuple()
            .all(self.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(group, least)| Some((group.parse().ok()?, least)))
            .collect())
    }

    /// How many networks each vendor account has, by region.
    pub async fn usage(&self, provider: ProviderKind) -> Result<Usage, Error> {
        let rows: Vec<(String, String, i64)> = Entity::find()
            .select_only()
            .column(Column::AccountId)
            .column(Column::Region)
            .expr_as(Expr::cust("COUNT(*)"), "networks")
            .filter(Column::Provider.eq(provider.as_str()))
            .filter(Column::AccountId.is_not_null())
            // In the words of the partial index, which has all that is asked for.
            .filter(Column::NameKey.is_not_null())
            .group_by(Column::AccountId)
            .group_by(Column::Region)
            .into_tuple()
            .all(self.db.read())
            .await?;
        let mut usage = BTreeMap::new();
        for (account, region, networks) in rows {
            let group = match provider {
                ProviderKind::Aws => GroupId::aws(account, region),
                ProviderKind::Gcp => GroupId::gcp(account),
            };
            *usage.entry(group).or_default() += networks;
        }
        Ok(usage)
    }
}

/// A wish to delete.
pub struct Deletion<'a> {
    /// Whose network.
    pub tenant: &'a TenantId,
    /// Which one.
    pub id: NetworkId,
    /// As the caller knows it; empty: as it is.
    pub etag: &'a str,
    /// Delete its peerings first.
    pub cascade_peerings: bool,
    /// Trace context of the call.
    pub traceparent: Option<String>,
    /// Who wishes it.
    pub origin: &'a Origin,
    /// What a repetition is recognised by.
    pub key: &'a Key,
}

pub(super) fn of(tenants: &TenantScope, query: Select<Entity>) -> Select<Entity> {
    match tenants {
        TenantScope::One(tenant) => query.filter(Column::TenantId.eq(tenant.as_str())),
        TenantScope::All => query,
    }
}

/// Puts the changes of one tenant's claims in order: whoever holds the row decides on what it sees.
/// On SQLite the transaction has the only write lock already.
pub(super) async fn lock_tenant(txn: &DatabaseTransaction, tenant: &TenantId) -> Result<(), Error> {
    let values: [Value; 1] = [tenant.as_str().into()];
    let backend = txn.get_database_backend();
    for sql in [
        "INSERT INTO tenant (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
        "SELECT id FROM tenant WHERE id = $1 FOR UPDATE",
    ] {
        let is_lock = sql.starts_with("SELECT");
        if is_lock && backend != sea_orm::DbBackend::Postgres {
            continue;
        }
        txn.execute_raw(Statement::from_sql_and_values(backend, sql, values.clone()))
            .await?;
    }
    Ok(())
}

/// A network that nobody else changes until the transaction ends.
pub(super) async fn lock_network(
    txn: &DatabaseTransaction,
    tenant: &TenantId,
    id: NetworkId,
) -> Result<Network, Error> {
    let found = Entity::find_by_id(id.to_string())
        .filter(Column::TenantId.eq(tenant.as_str()))
        .lock_exclusive()
        .one(txn)
        .await?;
    found.ok_or(domain::Error::NetworkNotFound(id))?.try_into()
}
