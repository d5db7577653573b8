//! Whether what stands in the cloud with our tags belongs to any peering.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
};
use types::{GroupId, PeeringId};

use super::entity::peering::{Column, Entity};
use super::{Error, Store};
use crate::domain::{Former, Owner, PURGE_AFTER, Sighting, State};

/// Sightings of one question for their owners.
const BATCH: usize = 500;
/// How long what a deleted peering left is looked for by its name, in milliseconds.
const LATELY: i64 = 2 * 24 * 3_600_000;
/// Attempts of one peering that are looked for.
const ATTEMPTS: usize = 6;

#[derive(FromQueryResult)]
struct Owned {
    id: String,
    attempt: i32,
    state: String,
    provider_peering_id: Option<String>,
    former: Option<String>,
}

impl Owned {
    /// None: nobody can say what the row owns.
    fn owner(self) -> Option<Owner> {
        let former: Option<Former> = match self.former {
            Some(former) => Some(serde_json::from_str(&former).ok()?),
            None => None,
        };
        Some(Owner {
            id: self.id.parse().ok()?,
            attempt: self.attempt,
            state: self.state.parse().ok()?,
            provider_peering_id: self.provider_peering_id,
            former,
        })
    }
}

impl Store {
    /// The last attempts at peerings of a group that were deleted in the last two days.
    pub async fn lately_deleted(&self, group: &GroupId) -> Result<Vec<(PeeringId, i32)>, Error> {
        let since = self.now_ms().await?.saturating_sub(LATELY);
        let rows: Vec<(String, i32)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Attempt])
            // In the words of the partial index.
            .filter(Column::PurgeAt.gt(since.saturating_add(PURGE_AFTER)))
            .filter(Column::State.eq(State::Deleted.as_str()))
            .filter(Column::VendorAccountId.eq(group.account.as_deref().unwrap_or_default()))
            .order_by_desc(Column::PurgeAt)
            .limit(BATCH as u64)
            .into_tuple()
            .all(self.db.read())
            .await?;
        let attempts = rows.into_iter().filter_map(|(id, attempt)| {
            let id: PeeringId = id.parse().ok()?;
            Some((1..=attempt).rev().take(ATTEMPTS).map(move |one| (id, one)))
        });
        Ok(attempts.flatten().collect())
    }

    /// Those of `seen` that belong to no peering. Read the rows after the listing: what was made meanwhile has one.
    pub async fn unowned(&self, seen: Vec<Sighting>) -> Result<Vec<Sighting>, Error> {
        let mut unowned = Vec::new();
        for batch in seen.chunks(BATCH) {
            let ids = batch.iter().map(|one| one.provider_peering_id.as_str());
            let tagged = batch.iter().filter_map(|one| one.peering);
            let rows = Entity::find()
                .select_only()
                .columns([
                    Column::Id,
                    Column::Attempt,
                    Column::State,
                    Column::ProviderPeeringId,
                    Column::Former,
                ])
                .filter(
                    Condition::any()
                        .add(Column::Id.is_in(tagged.map(|id| id.to_string())))
                        .add(Column::ProviderPeeringId.is_in(ids)),
                )
                .into_model::<Owned>()
                .all(self.db.read())
                .await?;
            let mut by_id: HashMap<PeeringId, Owner> = HashMap::new();
            let mut by_cloud_id: HashMap<String, Vec<PeeringId>> = HashMap::new();
            let mut unreadable = Vec::new();
            for row in rows {
                let id = row.id.clone();
                let Some(owner) = row.owner() else {
                    unreadable.push(id);
                    continue;
                };
                if let Some(cloud_id) = &owner.provider_peering_id {
                    by_cloud_id
                        .entry(cloud_id.clone())
                        .or_default()
                        .push(owner.id);
                }
                by_id.insert(owner.id, owner);
            }
            let is_owned = |one: &Sighting| {
                let holders = by_cloud_id.get(&one.provider_peering_id);
                let candidates = one.peering.iter().chain(holders.into_iter().flatten());
                // Of a row that cannot be read nobody knows what it has.
                one.peering
                    .is_some_and(|id| unreadable.contains(&id.to_string()))
                    || candidates
                        .filter_map(|id| by_id.get(id))
                        .any(|owner| owner.owns(one))
            };
            unowned.extend(batch.iter().filter(|one| !is_owned(one)).cloned());
        }
        Ok(unowned)
    }
}
