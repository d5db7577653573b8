//! New networks: their range chosen or checked, and claimed, under the tenant's lock.

use prost::Message;
use runtime::request_ids::{self, Key};
use runtime::{failpoint, status};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Statement, Value};
use types::{Cidr, TenantId};

use super::claims::{self, Holder};
use super::entity::network::{Entity, row};
use super::networks::lock_tenant;
use super::{Error, Happening, Origin, Store, labels, space};
use crate::domain::{self, CidrRules, Finding, MOST_CONFLICTS, Network, Severity};

/// Which range a new network is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// This one.
    Exactly(Cidr),
    /// A free block of this prefix length.
    FreeBlock(u8),
}

/// A wish for a network.
pub struct Creation<'a> {
    /// Whose it will be.
    pub tenant: &'a TenantId,
    /// Which range.
    pub asked: Asked,
    /// The networks that it will be used together with; empty: none.
    pub multi_region_group: &'a str,
    /// The rules of its region.
    pub rules: &'a CidrRules,
    /// Who wishes it.
    pub origin: &'a Origin,
    /// What a repetition is recognised by.
    pub key: &'a Key,
}

impl Store {
    /// Records what `network` makes of the range, with its event, its group and the `answer`, which is told of what
    /// CheckCidr would warn of. A repeated call is answered as the first one was, and yields no network.
    ///
    /// # Errors
    /// [`domain::Error::NameInUse`], [`domain::Error::QuotaExceeded`], [`domain::Error::Overlap`],
    /// [`domain::Error::NoFreeBlock`].
    pub async fn create<A: Message + Default>(
        &self,
        wish: &Creation<'_>,
        now: i64,
        network: impl FnOnce(Cidr) -> Network,
        answer: impl FnOnce(&Network, &[Finding]) -> A,
    ) -> Result<(Option<Network>, A), Error> {
        let txn = self.db.begin().await?;
        lock_tenant(&txn, wish.tenant).await?;
        // Of two equal calls at the same moment the second one waited for the lock, and is a repetition now.
        if let Some(answer) = request_ids::replay(&txn, wish.key, now).await? {
            return Ok((None, answer));
        }
        let limit = self.limits.quotas.networks(wish.tenant);
        count_in(&txn, wish.tenant, limit).await?;
        let cidr = range(&txn, wish).await?;
        let warnings = match wish.asked {
            Asked::Exactly(cidr) => warnings(&txn, wish, cidr).await?,
            Asked::FreeBlock(_) => Vec::new(),
        };
        let network = network(cidr);
        let answer = answer(&network, &warnings);
        request_ids::store(&txn, wish.key, &answer, now).await?;
        self.record(&txn, &network, wish.origin, now).await?;
        failpoint::hit("network.create.before_commit");
        txn.commit().await?;
        failpoint::hit("network.create.after_commit");
        self.written.notify_one();
        Ok((Some(network), answer))
    }

    async fn record(
        &self,
        txn: &DatabaseTransaction,
        network: &Network,
        origin: &Origin,
        now: i64,
    ) -> Result<(), Error> {
        if let Some(group) = network.group() {
            queue::ensure_group(txn, &group, now).await?;
        }
        if let Err(error) = Entity::insert(row(network))
            .exec_without_returning(txn)
            .await
        {
            if !status::is_unique_violation(&error) {
                return Err(error.into());
            }
            return Err(domain::Error::NameInUse(network.display_name.to_string()).into());
        }
        let (tenant, holder) = (
            &network.tenant,
            Holder::Network(&network.multi_region_group),
        );
        claims::put(txn, tenant, network.id, holder, &[network.cidr]).await?;
        labels::put(txn, network).await?;
        self.tell(txn, network, Happening::Created, None, origin, now)
            .await
    }
}

/// The range that the wish comes to, free of what forbids it.
async fn range(txn: &DatabaseTransaction, wish: &Creation<'_>) -> Result<Cidr, Error> {
    match wish.asked {
        Asked::Exactly(cidr) => {
            let group = wish.multi_region_group;
            let others = space::of_group(txn, wish.tenant, cidr, group).await?;
            let so = format!("both would be used together in {group}");
            let conflicts: Vec<_> = domain::overlaps(cidr, group, &others)
                .into_iter()
                .filter(|finding| finding.severity == Severity::Error)
                .filter_map(|finding| finding.into_conflict(cidr, &so))
                .take(MOST_CONFLICTS)
                .collect();
            if conflicts.is_empty() {
                return Ok(cidr);
            }
            Err(domain::Error::Overlap(conflicts).into())
        }
        Asked::FreeBlock(prefix_len) => {
            // Where the last block was found the next one is near, however dense the space before it is.
            let near = space::newest(txn, wish.tenant).await?;
            let free = space::free_blocks(txn, wish.tenant, wish.rules, prefix_len, near, 1, None);
            let block = free.await?.first().copied();
            block.ok_or_else(|| domain::Error::NoFreeBlock(prefix_len).into())
        }
    }
}

/// What the owner of a range that nothing forbids may want to know.
async fn warnings(
    txn: &DatabaseTransaction,
    wish: &Creation<'_>,
    cidr: Cidr,
) -> Result<Vec<Finding>, Error> {
    let mut found = wish.rules.findings(cidr);
    let claims = space::in_the_way(txn, wish.tenant, cidr).await?;
    found.extend(domain::overlaps(cidr, wish.multi_region_group, &claims));
    found.retain(|finding| finding.severity == Severity::Warning);
    Ok(found)
}

/// Counts one network more of a tenant, whose lock the transaction holds: counting the rows would take the longer the
/// more there are.
async fn count_in(txn: &DatabaseTransaction, tenant: &TenantId, limit: u32) -> Result<(), Error> {
    let sql = "UPDATE tenant SET networks = networks + 1 WHERE id = $1 AND networks < $2";
    let values: [Value; 2] = [tenant.as_str().into(), i64::from(limit).into()];
    let backend = txn.get_database_backend();
    let counted = txn.execute_raw(Statement::from_sql_and_values(backend, sql, values));
    if counted.await?.rows_affected() == 1 {
        return Ok(());
    }
    let used = networks(txn, tenant).await?;
    Err(domain::Error::QuotaExceeded {
        quota: domain::NETWORKS,
        used,
        limit,
    }
    .into())
}

/// Counts one network less.
pub(super) async fn count_out(txn: &DatabaseTransaction, tenant: &TenantId) -> Result<(), Error> {
    let sql = "UPDATE tenant SET networks = networks - 1 WHERE id = $1";
    let values: [Value; 1] = [tenant.as_str().into()];
    let backend = txn.get_database_backend();
    txn.execute_raw(Statement::from_sql_and_values(backend, sql, values))
        .await?;
    Ok(())
}

/// How many networks of a tenant are not DELETED.
pub(super) async fn networks(conn: &impl ConnectionTrait, tenant: &TenantId) -> Result<u32, Error> {
    let sql = "SELECT networks FROM tenant WHERE id = $1";
    let values: [Value; 1] = [tenant.as_str().into()];
    let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let Some(row) = conn.query_one_raw(ask).await? else {
        return Ok(0);
    };
    let networks: i64 = row.try_get_by_index(0)?;
    u32::try_from(networks).map_err(|_| Error::Corrupt("tenant.networks"))
}
