//! A little of each row that is up, for what looks and watches tell of many at a time.

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use types::{Cidr, GroupId, Invalid, NetworkId, PeeringId};

use super::entity::peering::{Column, Entity};
use super::{Error, Store};
use crate::domain::{
    Admission, Condition, ConditionStatus, KnownNetwork, Peer, State, Wiring, conditions,
};

#[derive(FromQueryResult)]
struct Routed {
    id: String,
    version: i64,
    network_id: String,
    vendor_vpc_id: String,
    provider_peering_id: Option<String>,
    peer: String,
    leaving: String,
    conditions: String,
    routes_due: bool,
    routes_told_at: Option<i64>,
}

#[derive(FromQueryResult)]
struct Knowing {
    id: String,
    network_id: String,
    network_display_name: String,
    conditions: String,
    allow_list_version: i64,
}

impl Routed {
    fn wiring(self) -> Result<Wiring, Invalid> {
        let peer: Peer = json("peer", &self.peer)?;
        let leaving: Vec<Cidr> = json("leaving", &self.leaving)?;
        let conditions: Vec<Condition> = json("conditions", &self.conditions)?;
        let is_ready = |one: &Condition| {
            one.name == conditions::ROUTES_READY && one.status == ConditionStatus::True
        };
        let mut ranges = peer.cidrs().to_vec();
        ranges.extend(leaving.iter().filter(|one| !peer.cidrs().contains(one)));
        Ok(Wiring {
            id: self.id.parse()?,
            version: self.version,
            network: self.network_id.parse()?,
            vpc: self.vendor_vpc_id,
            provider_peering_id: self.provider_peering_id.unwrap_or_default(),
            ranges,
            routes_due: self.routes_due,
            told_at: self.routes_told_at,
            in_doubt: !conditions.iter().any(is_ready),
        })
    }
}

impl Knowing {
    fn known(self) -> Result<(PeeringId, NetworkId, KnownNetwork), Invalid> {
        let known = KnownNetwork {
            display_name: self.network_display_name,
            conditions: json("conditions", &self.conditions)?,
            allow_list_version: self.allow_list_version,
        };
        Ok((self.id.parse()?, self.network_id.parse()?, known))
    }
}

impl Store {
    /// Where the route tables of a group shall lead, for each peering that is up.
    pub async fn wirings(&self, group: &GroupId) -> Result<Vec<Wiring>, Error> {
        let columns = [
            Column::Id,
            Column::Version,
            Column::NetworkId,
            Column::VendorVpcId,
            Column::ProviderPeeringId,
            Column::Peer,
            Column::Leaving,
            Column::Conditions,
            Column::RoutesDue,
            Column::RoutesToldAt,
        ];
        let routed = State::ALL.into_iter().filter(|state| state.is_routed());
        let rows = Entity::find()
            .select_only()
            .columns(columns)
            .filter(Column::GroupId.eq(group.to_string()))
            .filter(Column::State.is_in(routed.map(State::as_str)))
            .filter(Column::ProviderPeeringId.is_not_null())
            .into_model::<Routed>()
            .all(self.db.read())
            .await?;
        let skip = |error| tracing::error!(%group, %error, "a row is left alone");
        let wirings = rows.into_iter().map(Routed::wiring);
        Ok(wirings.filter_map(|one| one.map_err(skip).ok()).collect())
    }

    /// What the peerings of these networks that nobody has asked to delete know of them.
    pub async fn known_networks(
        &self,
        networks: &[NetworkId],
    ) -> Result<Vec<(PeeringId, NetworkId, KnownNetwork)>, Error> {
        let columns = [
            Column::Id,
            Column::NetworkId,
            Column::NetworkDisplayName,
            Column::Conditions,
            Column::AllowListVersion,
        ];
        let unwanted = [State::Deleting, State::Deleted].map(State::as_str);
        let rows = Entity::find()
            .select_only()
            .columns(columns)
            .filter(Column::NetworkId.is_in(networks.iter().map(ToString::to_string)))
            .filter(Column::Admission.eq(Admission::Admitted.as_str()))
            .filter(Column::State.is_not_in(unwanted))
            .into_model::<Knowing>()
            .all(self.db.read())
            .await?;
        let skip = |error| tracing::error!(%error, "a row is left alone");
        let known = rows.into_iter().map(Knowing::known);
        Ok(known.filter_map(|one| one.map_err(skip).ok()).collect())
    }
}

fn json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T, Invalid> {
    serde_json::from_str(text)
        .map_err(|error| Invalid::field(format!("{column} is not what it should be: {error}")))
}
