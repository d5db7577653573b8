//! How much of its quotas a tenant uses.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{NetworkId, ProviderKind, TenantId};

use super::entity::network::{Column, Entity, parsed};
use super::{Error, Store};

/// A tenant's quotas, each with what is used and what may be.
#[derive(Debug, Clone)]
pub struct TenantLimits {
    /// Live networks.
    pub networks: (u32, u32),
    /// Peerings on each live network, by its id.
    pub peerings: Vec<(NetworkId, u32, u32)>,
}

impl Store {
    /// What the tenant uses of its quotas, for at most `limit` of its networks.
    pub async fn tenant_limits(
        &self,
        tenant: &TenantId,
        limit: u64,
    ) -> Result<TenantLimits, Error> {
        let live = Entity::find()
            .filter(Column::TenantId.eq(tenant.as_str()))
            .filter(Column::NameKey.is_not_null());
        let networks = live.clone().count(self.db.read()).await?;
        let rows: Vec<(String, String, i32)> = live
            .select_only()
            .columns([Column::Id, Column::Provider, Column::PeeringCount])
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_tuple()
            .all(self.db.read())
            .await?;
        let quotas = &self.limits.quotas;
        let mut peerings = Vec::with_capacity(rows.len());
        for (id, provider, count) in rows {
            let provider: ProviderKind = parsed("network.provider", &provider)?;
            let most = quotas.peerings_per_network(tenant, provider);
            let count = u32::try_from(count).unwrap_or(0);
            peerings.push((parsed("network.id", &id)?, count, most));
        }
        let networks = u32::try_from(networks).unwrap_or(u32::MAX);
        Ok(TenantLimits {
            networks: (networks, quotas.networks(tenant)),
            peerings,
        })
    }
}
