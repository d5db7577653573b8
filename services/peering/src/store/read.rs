//! Reading what callers ask for. Unadmitted rows are not part of the world.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use types::{NetworkId, PeeringId, ProviderKind, TenantScope};

use super::entity::peering::{Column, Entity, Model};
use super::{Error, Store, row};
use crate::domain::{Admission, Peering, State};

/// Which peerings a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of whom.
    pub scope: TenantScope,
    /// Of this network only.
    pub network: Option<NetworkId>,
    /// In this state only.
    pub state: Option<State>,
    /// In this cloud only.
    pub provider: Option<ProviderKind>,
}

impl Store {
    /// One peering, if it is there and within the scope.
    pub async fn find(&self, scope: &TenantScope, id: PeeringId) -> Result<Option<Peering>, Error> {
        let select = admitted(scope).filter(Column::Id.eq(id.to_string()));
        select.one(self.db.read()).await?.map(row::read).transpose()
    }

    /// Peerings after `after`, ordered by id, at most `limit`.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<PeeringId>,
        limit: u64,
    ) -> Result<Vec<Peering>, Error> {
        let mut select = admitted(&filter.scope);
        if let Some(network) = filter.network {
            select = select.filter(Column::NetworkId.eq(network.to_string()));
        }
        if let Some(state) = filter.state {
            select = select.filter(Column::State.eq(state.as_str()));
        }
        if let Some(provider) = filter.provider {
            select = select.filter(Column::Provider.eq(provider.as_str()));
        }
        if let Some(after) = after {
            select = select.filter(Column::Id.gt(after.to_string()));
        }
        let models = select
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.db.read())
            .await?;
        models.into_iter().map(row::read).collect()
    }
}

/// Everything in the scope that is part of the world.
fn admitted(scope: &TenantScope) -> Select<Entity> {
    let select = Entity::find().filter(Column::Admission.eq(Admission::Admitted.as_str()));
    match scope {
        TenantScope::One(tenant) => select.filter(Column::TenantId.eq(tenant.as_str())),
        TenantScope::All => select,
    }
}

/// The peerings of rows that can be read: one broken row must not stop the work on all others.
pub(super) fn readable(models: Vec<Model>) -> Vec<Peering> {
    let skip = |error: Error| tracing::error!(%error, "a row is left alone");
    models
        .into_iter()
        .filter_map(|model| row::read(model).map_err(skip).ok())
        .collect()
}
