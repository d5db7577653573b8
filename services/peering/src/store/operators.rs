//! What operators ask of the rows: how many stand where, and which are suspended.

use std::collections::HashMap;

use queue::Lane;
use queue::grpc::Counts;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{GroupId, TenantScope};

use super::entity::peering::{Column, Entity};
use super::read::{admitted, readable};
use super::{Error, Store};
use crate::domain::Peering;

impl Store {
    /// How many peerings stand in each lane of these groups; lanes without any are left out.
    pub async fn count_entries(&self, groups: &[GroupId]) -> Result<Counts, Error> {
        let by_id: HashMap<String, &GroupId> = groups
            .iter()
            .map(|group| (group.to_string(), group))
            .collect();
        let mut counts = Counts::new();
        let in_groups = || Entity::find().filter(Column::GroupId.is_in(by_id.keys()));
        let watched: Vec<(String, String, i64)> = in_groups()
            .select_only()
            .column(Column::GroupId)
            .column(Column::Lane)
            .column_as(Column::Id.count(), "entries")
            .group_by(Column::GroupId)
            .group_by(Column::Lane)
            .into_tuple()
            .all(self.db.read())
            .await?;
        for (group, lane, entries) in watched {
            let lane = Lane::ALL.into_iter().find(|known| known.as_str() == lane);
            if let (Some(group), Some(lane)) = (by_id.get(&group), lane) {
                counts.insert(((*group).clone(), lane), entries);
            }
        }
        let working: Vec<(String, i64)> = in_groups()
            .filter(Column::StepAt.is_not_null())
            .select_only()
            .column(Column::GroupId)
            .column_as(Column::Id.count(), "entries")
            .group_by(Column::GroupId)
            .into_tuple()
            .all(self.db.read())
            .await?;
        for (group, entries) in working {
            if let Some(group) = by_id.get(&group) {
                counts.insert(((*group).clone(), Lane::Work), entries);
            }
        }
        Ok(counts)
    }

    /// Suspended peerings behind `after`, ordered by id, at most `limit`.
    pub async fn suspended(&self, after: Option<&str>, limit: u64) -> Result<Vec<Peering>, Error> {
        let mut select = admitted(&TenantScope::All).filter(Column::SuspendedAt.is_not_null());
        if let Some(after) = after {
            select = select.filter(Column::Id.gt(after));
        }
        let models = select
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.db.read())
            .await?;
        Ok(readable(models))
    }
}
