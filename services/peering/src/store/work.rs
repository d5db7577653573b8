//! Reading what the worker needs.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, Statement, Value,
};
use serde::de::DeserializeOwned;
use types::{GroupId, NetworkId, PeeringId};

use super::entity::peering::{ActiveModel, Column, Entity};
use super::read::readable;
use super::{Error, Store, row};
use crate::domain::{Admission, Glance, Options, Peering, State, Tally, Watch};

/// Until a row that cannot be read is tried again, in milliseconds.
const BROKEN_RETRY: i64 = 3_600_000;

/// What a look reads of thousands of rows. By its place, since a look-up of each column's name costs more than its value.
const GLANCES: &str = "SELECT id, version, attempt, state, reason, raw_state, provider_peering_id, expire_at, \
     lane_since, missed_at, inactive_at, busy_since, gone, requested_at, options, observed_cidrs, routes_told_at, digest \
     FROM peering WHERE group_id = $1 AND lane = $2";

/// What is known of one row; none when it holds what nobody writes.
fn glance(row: &QueryResult, options: &mut Known<Options>) -> Result<Option<Glance>, DbErr> {
    let id: String = row.try_get_by_index(0)?;
    let state: String = row.try_get_by_index(3)?;
    let observed: String = row.try_get_by_index(15)?;
    let parsed = (
        id.parse::<PeeringId>(),
        state.parse::<State>(),
        options.read(row.try_get_by_index(14)?),
        serde_json::from_str(&observed),
    );
    let (Ok(peering), Ok(state), Some(options), Ok(observed_cidrs)) = parsed else {
        tracing::error!(id, "a row that cannot be read is left alone");
        return Ok(None);
    };
    Ok(Some(Glance {
        id: peering,
        version: row.try_get_by_index(1)?,
        attempt: row.try_get_by_index(2)?,
        state,
        reason: row.try_get_by_index(4)?,
        raw_state: row.try_get_by_index(5)?,
        provider_peering_id: row.try_get_by_index(6)?,
        expire_at: row.try_get_by_index(7)?,
        lane_since: row.try_get_by_index(8)?,
        missed_at: row.try_get_by_index(9)?,
        inactive_at: row.try_get_by_index(10)?,
        busy: row.try_get_by_index::<Option<i64>>(11)?.is_some(),
        gone: row.try_get_by_index(12)?,
        requested: row.try_get_by_index::<Option<i64>>(13)?.is_some(),
        options,
        observed_cidrs,
        routes_told_at: row.try_get_by_index(16)?,
        digest: row.try_get_by_index(17)?,
    }))
}

/// A text that most rows share, and what it says.
struct Known<T> {
    text: String,
    value: Option<T>,
}

impl<T: Copy + DeserializeOwned> Known<T> {
    fn read(&mut self, text: String) -> Option<T> {
        if self.text != text {
            self.value = serde_json::from_str(&text).ok();
            self.text = text;
        }
        self.value
    }
}

/// Due rows, the tenants in turn: each tenant's first, then each one's second, and so on.
const DUE: &str = "SELECT id FROM (\
     SELECT id, step_at, ROW_NUMBER() OVER (PARTITION BY tenant_id ORDER BY step_at, id) AS place \
     FROM peering WHERE group_id = $1 AND step_at <= $2) AS due \
     ORDER BY place, step_at, id LIMIT $3";

/// The same rows in one: from the index alone, so that it costs a tenth.
const WATCHED: &str = "SELECT COUNT(*), COUNT(digest), CAST(COALESCE(SUM(digest), 0) AS BIGINT), \
     CAST(COALESCE(SUM(version), 0) AS BIGINT), COUNT(CASE WHEN routes_told_at > $3 AND routes_told_at <= $4 THEN 1 END) \
     FROM peering WHERE group_id = $1 AND lane = $2";

/// The rows of a lane in one sum.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// The sum; none when a row has to be compared in full, or there is no row.
    pub tally: Option<Tally>,
    /// Whether the cloud took routes of one of them within the time asked for.
    pub told: bool,
}

impl Store {
    /// Adds up the rows of a group that a lane watches. `told` is a time in milliseconds since the epoch: after the
    /// first, up to the second.
    pub async fn watched(
        &self,
        group: &GroupId,
        watch: Watch,
        told: (i64, i64),
    ) -> Result<Watched, Error> {
        let connection = self.db.read();
        let values: [Value; 4] = [
            group.to_string().into(),
            watch.as_str().into(),
            told.0.into(),
            told.1.into(),
        ];
        let backend = connection.get_database_backend();
        let ask = Statement::from_sql_and_values(backend, WATCHED, values);
        let row = connection.query_one_raw(ask).await?;
        let row = row.ok_or_else(|| DbErr::Custom("a sum has one row".to_owned()))?;
        let (rows, plain): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let tally = Tally {
            rows,
            digests: row.try_get_by_index(2)?,
            versions: row.try_get_by_index(3)?,
        };
        Ok(Watched {
            tally: (rows > 0 && rows == plain).then_some(tally),
            told: row.try_get_by_index::<i64>(4)? > 0,
        })
    }

    /// A little of each row that a lane watches.
    pub async fn glances(&self, group: &GroupId, watch: Watch) -> Result<Vec<Glance>, Error> {
        let connection = self.db.read();
        let values: [Value; 2] = [group.to_string().into(), watch.as_str().into()];
        let backend = connection.get_database_backend();
        let ask = Statement::from_sql_and_values(backend, GLANCES, values);
        let rows = connection.query_all_raw(ask).await?;
        let mut options = Known {
            text: String::new(),
            value: None,
        };
        let mut glances = Vec::with_capacity(rows.len());
        for row in &rows {
            glances.extend(glance(row, &mut options)?);
        }
        Ok(glances)
    }

    /// Whether the lanes watch no more than `most` rows of a group.
    pub async fn watches_at_most(&self, group: &GroupId, most: u64) -> Result<bool, Error> {
        let lanes = [Watch::Pending, Watch::Drift].map(Watch::as_str);
        let beyond = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::GroupId.eq(group.to_string()))
            .filter(Column::Lane.is_in(lanes))
            .offset(most)
            .limit(1)
            .into_tuple::<String>()
            .one(self.db.read())
            .await?;
        Ok(beyond.is_none())
    }

    /// These peerings, as far as they can be read, in no order.
    pub async fn read_all(&self, ids: &[PeeringId]) -> Result<Vec<Peering>, Error> {
        let ids = ids.iter().map(ToString::to_string);
        let select = Entity::find().filter(Column::Id.is_in(ids));
        Ok(readable(select.all(self.db.read()).await?))
    }

    /// One peering, admitted or not.
    pub async fn read(&self, id: PeeringId) -> Result<Option<Peering>, Error> {
        let model = Entity::find_by_id(id.to_string())
            .one(self.db.read())
            .await?;
        model.map(row::read).transpose()
    }

    /// The peerings of a group whose step is due, the tenants in turn, at most `limit`. Rows that cannot be read wait
    /// an hour.
    pub async fn due(&self, group: &GroupId, now: i64, limit: i64) -> Result<Vec<Peering>, Error> {
        let values: [Value; 3] = [group.to_string().into(), now.into(), limit.into()];
        let connection = self.db.read();
        let backend = connection.get_database_backend();
        let ask = Statement::from_sql_and_values(backend, DUE, values);
        let mut ids: Vec<String> = Vec::new();
        for row in connection.query_all_raw(ask).await? {
            ids.push(row.try_get_by_index(0)?);
        }
        let select = Entity::find().filter(Column::Id.is_in(&ids));
        let mut peerings = Vec::with_capacity(ids.len());
        for model in select.all(connection).await? {
            let (id, version) = (model.id.clone(), model.version);
            match row::read(model) {
                Ok(peering) => peerings.push(peering),
                Err(error) => {
                    tracing::error!(%group, %error, "a row is left alone for an hour");
                    self.put_off(&id, version, now.saturating_add(BROKEN_RETRY))
                        .await?;
                }
            }
        }
        // The rows come in any order; the turns count.
        let place = |id: &str| ids.iter().position(|one| one == id);
        peerings.sort_by_cached_key(|peering| place(&peering.id.to_string()));
        Ok(peerings)
    }

    /// Lets a row that cannot be read wait: its group would be due again at once because of it, and for ever.
    async fn put_off(&self, id: &str, version: i64, until: i64) -> Result<(), Error> {
        let row = ActiveModel {
            step_at: Set(Some(until)),
            ..Default::default()
        };
        Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(id))
            .filter(Column::Version.eq(version))
            .exec(self.db.write())
            .await?;
        Ok(())
    }

    /// Peerings of these networks that nobody has asked to delete, by id after `after`; unadmitted ones are not among
    /// them. Answers with at most `limit` that can be read, and with the last id of the page; none: it was empty.
    pub async fn wanted(
        &self,
        networks: &[NetworkId],
        after: Option<&str>,
        limit: u64,
    ) -> Result<(Vec<Peering>, Option<String>), Error> {
        let unwanted = [State::Deleting, State::Deleted].map(State::as_str);
        let mut select = Entity::find()
            .filter(Column::NetworkId.is_in(networks.iter().map(ToString::to_string)))
            .filter(Column::Admission.eq(Admission::Admitted.as_str()))
            .filter(Column::State.is_not_in(unwanted));
        if let Some(after) = after {
            select = select.filter(Column::Id.gt(after));
        }
        let models = select
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.db.read())
            .await?;
        let last = models.last().map(|model| model.id.clone());
        Ok((readable(models), last))
    }

    /// The least time at which a step of the group is due.
    pub async fn least_step(&self, group: &GroupId) -> Result<Option<i64>, Error> {
        let least = Entity::find()
            .select_only()
            .column_as(Column::StepAt.min(), "least")
            .filter(Column::GroupId.eq(group.to_string()))
            .filter(Column::StepAt.is_not_null())
            .into_tuple::<Option<i64>>()
            .one(self.db.read())
            .await?;
        Ok(least.flatten())
    }

    /// The least due time of each group that has steps.
    pub async fn least_steps(&self) -> Result<Vec<(GroupId, i64)>, Error> {
        let rows = Entity::find()
            .select_only()
            .column(Column::GroupId)
            .column_as(Column::StepAt.min(), "least")
            .filter(Column::StepAt.is_not_null())
            .filter(Column::GroupId.is_not_null())
            .group_by(Column::GroupId)
            .into_tuple::<(String, i64)>()
            .all(self.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(group, at)| Some((group.parse().ok()?, at)))
            .collect())
    }

    /// The peerings of a network that the vendor's route tables shall lead to.
    pub async fn routed(&self, network: NetworkId) -> Result<Vec<Peering>, Error> {
        let routed = State::ALL.into_iter().filter(|state| state.is_routed());
        let models = Entity::find()
            .filter(Column::NetworkId.eq(network.to_string()))
            .filter(Column::Admission.eq(Admission::Admitted.as_str()))
            .filter(Column::State.is_in(routed.map(State::as_str)))
            .filter(Column::ProviderPeeringId.is_not_null())
            .all(self.db.read())
            .await?;
        // Leaving one out would take its routes away, so here a broken row stops the step.
        models.into_iter().map(row::read).collect()
    }
}
