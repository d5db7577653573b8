//! Networks: recorded, found, changed by compare-and-set on their version.

use std::collections::BTreeMap;

use prost::Message;
use runtime::request_ids::Key;
use runtime::{events, failpoint, request_ids, status};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, Statement, Value,
};
use types::{GroupId, NetworkId, ProviderKind, TenantId, TenantScope};

use super::entity::network::{Column, Entity, changes, row};
use super::{Error, Origin, Store, event};
use crate::domain::{self, Network, State};

/// How long a row that cannot be read is left alone, in milliseconds.
const UNREADABLE: i64 = 3_600_000;

/// How many things in the way of a deletion are named.
const NAMED_BLOCKERS: u64 = 20;

/// Which networks a list is about.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub tenants: TenantScope,
    /// Where in their life.
    pub state: Option<State>,
    /// In which cloud.
    pub provider: Option<ProviderKind>,
}

/// How many networks each group has.
pub type Usage = BTreeMap<GroupId, i64>;

impl Store {
    /// Records a new network with its event, its group and the answer to its call.
    ///
    /// # Errors
    /// [`domain::Error::NameInUse`]; [`request_ids::Error::Raced`] when the same call was answered meanwhile.
    pub async fn create(
        &self,
        network: &Network,
        origin: &Origin,
        key: &Key,
        answer: &impl Message,
    ) -> Result<(), Error> {
        let now = network.create_time;
        let txn = self.db.begin().await?;
        if let Some(group) = network.group() {
            queue::ensure_group(&txn, &group, now).await?;
        }
        // The key goes first: of two equal calls at the same moment the second is a repetition, not a name in use.
        request_ids::store(&txn, key, answer, now).await?;
        if let Err(error) = Entity::insert(row(network))
            .exec_without_returning(&txn)
            .await
        {
            if !status::is_unique_violation(&error) {
                return Err(error.into());
            }
            return Err(domain::Error::NameInUse(network.display_name.to_string()).into());
        }
        events::append(&txn, event(network, None, origin), now).await?;
        failpoint::hit("network.create.before_commit");
        txn.commit().await?;
        failpoint::hit("network.create.after_commit");
        self.written.notify_one();
        Ok(())
    }

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

    /// At most `limit` networks behind `after`, by id.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<NetworkId>,
        limit: u64,
    ) -> Result<Vec<Network>, Error> {
        let mut query = of(&filter.tenants, Entity::find());
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.to_string()));
        }
        if let Some(state) = filter.state {
            query = query.filter(Column::State.eq(state.as_str()));
        }
        if let Some(provider) = filter.provider {
            query = query.filter(Column::Provider.eq(provider.as_str()));
        }
        let rows = query
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(Network::try_from).collect()
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
        let blockers = super::attachments::first(&txn, wish.id, NAMED_BLOCKERS).await?;
        if network.delete(
            wish.etag,
            wish.cascade_peerings,
            blockers,
            wish.traceparent.clone(),
            now,
        )? {
            write(&txn, &before, &mut network, wish.origin, now).await?;
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
        write(&txn, before, &mut after, origin, now).await?;
        txn.commit().await?;
        self.written.notify_one();
        Ok(after)
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
            .column_as(Column::Id.count(), "networks")
            .filter(Column::Provider.eq(provider.as_str()))
            .filter(Column::AccountId.is_not_null())
            .filter(Column::State.ne(State::Deleted.as_str()))
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

fn of(tenants: &TenantScope, query: Select<Entity>) -> Select<Entity> {
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

/// Writes a changed network by compare-and-set, with its group and, when the state changed, its event.
async fn write(
    txn: &DatabaseTransaction,
    before: &Network,
    after: &mut Network,
    origin: &Origin,
    now: i64,
) -> Result<(), Error> {
    after.version = before.version + 1;
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
        events::append(txn, event(after, Some(before.state), origin), now).await?;
    }
    Ok(())
}
