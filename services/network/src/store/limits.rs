//! How much of its quotas a tenant uses.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{NetworkId, ProviderKind, TenantId};

use super::create;
use super::entity::network::{Column, Entity, parsed};
use super::{Error, Store};

/// A tenant's quotas, each with what is used and what may be.
#[derive(Debug, Clone)]
pub struct TenantLimits {
    /// Live networks.
    pub networks: (u32, u32),
    /// What stands on each live network.
    pub on_networks: Vec<OnNetwork>,
}

/// What of the quotas of one network is used and may be.
#[derive(Debug, Clone)]
pub struct OnNetwork {
    /// The network.
    pub network: NetworkId,
    /// Peerings.
    pub peerings: (u32, u32),
    /// Datastores.
    pub datastores: (u32, u32),
}

impl Store {
    /// What the tenant uses of its quotas, for at most `limit` of its networks. The numbers are those that a create and
    /// an attach are measured by.
    pub async fn tenant_limits(
        &self,
        tenant: &TenantId,
        limit: u64,
    ) -> Result<TenantLimits, Error> {
        let conn = self.db.read();
        let networks = create::networks(conn, tenant).await?;
        let rows: Vec<(String, String, i32, i32)> = Entity::find()
            .filter(Column::TenantId.eq(tenant.as_str()))
            .filter(Column::NameKey.is_not_null())
            .select_only()
            .columns([
                Column::Id,
                Column::Provider,
                Column::PeeringCount,
                Column::DatastoreCount,
            ])
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_tuple()
            .all(conn)
            .await?;
        let quotas = &self.limits.quotas;
        let count = |count| u32::try_from(count).unwrap_or(0);
        let mut on_networks = Vec::with_capacity(rows.len());
        for (id, provider, peerings, datastores) in rows {
            let provider: ProviderKind = parsed("network.provider", &provider)?;
            let most = quotas.peerings_per_network(tenant, provider);
            on_networks.push(OnNetwork {
                network: parsed("network.id", &id)?,
                peerings: (count(peerings), most),
                datastores: (count(datastores), quotas.datastores_per_network(tenant)),
            });
        }
        Ok(TenantLimits {
            networks: (networks, quotas.networks(tenant)),
            on_networks,
        })
    }
}
