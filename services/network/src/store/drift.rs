//! Networks that are watched for drift: read narrowly before a look, written where the look changed something.

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use types::{GroupId, NetworkId};

use super::entity::network::{Column, Entity, from_json, parsed};
use super::{Error, Origin, Store};
use crate::domain::{Glance, Network, Repaired, Vpc};

#[derive(FromQueryResult)]
struct Narrow {
    id: String,
    version: i64,
    vpc_id: Option<String>,
    subnets: String,
    security_group_id: Option<String>,
    parts: String,
    requested_at: Option<i64>,
    operation_token: String,
    missed_at: Option<i64>,
    missed: String,
    reshaped: String,
    repairs: String,
    firewall_goal: i64,
    firewall_done: i64,
    firewall_done_at: Option<i64>,
    firewall_token: String,
}

const NARROW: [Column; 16] = [
    Column::Id,
    Column::Version,
    Column::VpcId,
    Column::Subnets,
    Column::SecurityGroupId,
    Column::Parts,
    Column::RequestedAt,
    Column::OperationToken,
    Column::MissedAt,
    Column::Missed,
    Column::Reshaped,
    Column::Repairs,
    Column::FirewallGoal,
    Column::FirewallDone,
    Column::FirewallDoneAt,
    Column::FirewallToken,
];

impl Store {
    /// A little of each network of a group that is watched for drift, as far as it can be read.
    pub async fn glances(&self, group: &GroupId) -> Result<Vec<Glance>, Error> {
        let rows = Entity::find()
            .select_only()
            .columns(NARROW)
            .filter(Column::GroupId.eq(group.to_string()))
            .filter(Column::Lane.eq("drift"))
            .into_model::<Narrow>()
            .all(self.db.read())
            .await?;
        let skip = |error| tracing::error!(%group, %error, "a row is left alone");
        Ok(rows
            .into_iter()
            .filter_map(|row| Glance::try_from(row).map_err(skip).ok())
            .collect())
    }

    /// These networks, as far as they can be read, by id.
    pub async fn read_all(&self, ids: &[NetworkId]) -> Result<Vec<Network>, Error> {
        let ids = ids.iter().map(ToString::to_string);
        let rows = Entity::find()
            .filter(Column::Id.is_in(ids))
            .all(self.db.read())
            .await?;
        let skip = |error| tracing::error!(%error, "a row is left alone");
        let mut networks: Vec<Network> = rows
            .into_iter()
            .filter_map(|row| Network::try_from(row).map_err(skip).ok())
            .collect();
        // In one order, so that two of these never wait for each other.
        networks.sort_unstable_by_key(|network| network.id.to_string());
        Ok(networks)
    }

    /// Saves what became of several networks in one transaction, and leaves out those that someone else saved since
    /// they were read. Answers with the saved ones.
    pub async fn save_all(
        &self,
        changes: Vec<(Network, Network)>,
        origin: &Origin,
        now: i64,
    ) -> Result<Vec<Network>, Error> {
        let txn = self.db.begin().await?;
        let mut saved = Vec::with_capacity(changes.len());
        for (before, mut after) in changes {
            match self
                .write(&txn, &before, &mut after, None, origin, now)
                .await
            {
                Ok(()) => saved.push(after),
                Err(Error::Stale) => {}
                Err(error) => return Err(error),
            }
        }
        txn.commit().await?;
        self.written.notify_one();
        Ok(saved)
    }
}

impl TryFrom<Narrow> for Glance {
    type Error = Error;

    fn try_from(row: Narrow) -> Result<Self, Error> {
        let repairs: Vec<(Repaired, i64)> = from_json("network.repairs", &row.repairs)?;
        Ok(Self {
            id: parsed("network.id", &row.id)?,
            version: row.version,
            vpc: Vpc {
                id: row.vpc_id,
                subnets: from_json("network.subnets", &row.subnets)?,
                security_group_id: row.security_group_id,
                parts: from_json("network.parts", &row.parts)?,
            },
            is_busy: row.requested_at.is_some() || !row.operation_token.is_empty(),
            missed_at: row.missed_at,
            missed: from_json("network.missed", &row.missed)?,
            reshaped: from_json("network.reshaped", &row.reshaped)?,
            is_firewall_done: row.firewall_goal <= row.firewall_done
                && row.firewall_token.is_empty(),
            told_at: row.firewall_done_at.max(repairs.last().map(|(_, at)| *at)),
        })
    }
}
