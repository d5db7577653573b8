//! What operators ask of the rows: how many stand where, which are suspended, and whose something in the cloud is.

use std::collections::{HashMap, HashSet};

use queue::Lane;
use queue::grpc::Counts;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use types::{GroupId, NetworkId};

use super::entity::network::{Column, Entity};
use super::{Error, Store};
use crate::domain::Network;

/// Ids of one question.
const BATCH: usize = 500;

impl Store {
    /// How many networks stand in each lane of these groups; lanes without any are left out.
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

    /// Suspended networks behind `after`, ordered by id, at most `limit`; what cannot be read is left out.
    pub async fn suspended(&self, after: Option<&str>, limit: u64) -> Result<Vec<Network>, Error> {
        let mut select = Entity::find().filter(Column::SuspendedAt.is_not_null());
        if let Some(after) = after {
            select = select.filter(Column::Id.gt(after));
        }
        let rows = select
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let skip = |error: Error| tracing::error!(%error, "a row is left alone");
        Ok(rows
            .into_iter()
            .filter_map(|row| Network::try_from(row).map_err(skip).ok())
            .collect())
    }

    /// Those of `ids` that no network has that still lives. Read the rows after the listing: what was made meanwhile
    /// has one.
    pub async fn without_network(&self, ids: &[NetworkId]) -> Result<Vec<NetworkId>, Error> {
        let mut missing = Vec::new();
        for batch in ids.chunks(BATCH) {
            let found: Vec<String> = Entity::find()
                .select_only()
                .column(Column::Id)
                .filter(Column::Id.is_in(batch.iter().map(ToString::to_string)))
                .filter(Column::NameKey.is_not_null())
                .into_tuple()
                .all(self.db.read())
                .await?;
            let found: HashSet<String> = found.into_iter().collect();
            let unknown = batch.iter().filter(|id| !found.contains(&id.to_string()));
            missing.extend(unknown.copied());
        }
        Ok(missing)
    }
}
