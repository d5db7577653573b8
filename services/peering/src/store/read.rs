//! Reading one peering. Unadmitted rows are not part of the world.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};
use types::{PeeringId, TenantScope};

use super::entity::peering::{Column, Entity, Model};
use super::{Error, Store, row};
use crate::domain::{Admission, Peering};

impl Store {
    /// One peering, if it is there and within the scope.
    pub async fn find(&self, scope: &TenantScope, id: PeeringId) -> Result<Option<Peering>, Error> {
        let select = admitted(scope).filter(Column::Id.eq(id.to_string()));
        select.one(self.db.read()).await?.map(row::read).transpose()
    }
}

/// Everything in the scope that is part of the world.
pub(super) fn admitted(scope: &TenantScope) -> Select<Entity> {
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
