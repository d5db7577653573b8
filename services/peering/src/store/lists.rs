//! Lists of peerings: which ones, in pages by id.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};
use types::{Labels, NetworkId, PeeringId, ProviderKind, TenantScope};

use super::entity::peering::{Column, Entity};
use super::entity::peering_label;
use super::read::admitted;
use super::{Error, Store, row};
use crate::domain::{Peering, State};

/// Which peerings a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of whom.
    pub scope: TenantScope,
    /// Of this network only.
    pub network: Option<NetworkId>,
    /// In this state only.
    pub state: Option<State>,
    /// For this reason only.
    pub reason: Option<String>,
    /// In this cloud only.
    pub provider: Option<ProviderKind>,
    /// With all of these.
    pub labels: Labels,
    /// With a VPC in this account or project only.
    pub peer_account: Option<String>,
    /// With a VPC of this id or name only.
    pub peer_vpc: Option<String>,
    /// With this id in the cloud only.
    pub provider_peering_id: Option<String>,
    /// With a name that begins so.
    pub name_prefix: String,
    /// DELETED ones too; without it they are shown only when `state` asks for them.
    pub show_deleted: bool,
}

impl Filter {
    /// All in the scope that are not DELETED.
    pub fn of(scope: TenantScope) -> Self {
        Self {
            scope,
            network: None,
            state: None,
            reason: None,
            provider: None,
            labels: Labels::default(),
            peer_account: None,
            peer_vpc: None,
            provider_peering_id: None,
            name_prefix: String::new(),
            show_deleted: false,
        }
    }
}

impl Store {
    /// Peerings after `after`, ordered by id, at most `limit`.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<PeeringId>,
        limit: u64,
    ) -> Result<Vec<Peering>, Error> {
        let mut select = self.chosen(filter);
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

    /// How many peerings a network has that are not DELETED.
    pub async fn count_on(&self, network: NetworkId) -> Result<u32, Error> {
        let on_network = admitted(&TenantScope::All)
            .filter(Column::NetworkId.eq(network.to_string()))
            .filter(Column::NameKey.is_not_null());
        let count = on_network.count(self.db.read()).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    fn chosen(&self, filter: &Filter) -> Select<Entity> {
        let mut select = admitted(&filter.scope);
        if filter.state != Some(State::Deleted) && !filter.show_deleted {
            // In the words of the partial indexes of what is not DELETED.
            select = select.filter(Column::NameKey.is_not_null());
        }
        let equal = [
            (Column::NetworkId, filter.network.map(|id| id.to_string())),
            (Column::State, filter.state.map(|it| it.as_str().to_owned())),
            (Column::Reason, filter.reason.clone()),
            (
                Column::Provider,
                filter.provider.map(|it| it.as_str().to_owned()),
            ),
            (Column::PeerAccount, filter.peer_account.clone()),
            (Column::PeerVpc, filter.peer_vpc.clone()),
            (
                Column::ProviderPeeringId,
                filter.provider_peering_id.clone(),
            ),
        ];
        for (column, value) in equal {
            select = select.apply_if(value, |select, value| select.filter(column.eq(value)));
        }
        for (key, value) in filter.labels.as_map() {
            let labelled = Query::select()
                .column(peering_label::Column::PeeringId)
                .from(peering_label::Entity)
                .and_where(peering_label::Column::Key.eq(key))
                .and_where(peering_label::Column::Value.eq(value))
                .to_owned();
            select = select.filter(Column::Id.in_subquery(labelled));
        }
        if filter.name_prefix.is_empty() {
            return select;
        }
        // SQLite compares bytes by itself.
        let name = if self.db.is_postgres() {
            Expr::cust("display_name COLLATE \"C\"")
        } else {
            Expr::cust("display_name")
        };
        // No letter, so whatever begins with the prefix lies before it.
        let end = format!("{}{}", filter.name_prefix, char::MAX);
        select
            .filter(name.clone().gte(filter.name_prefix.as_str()))
            .filter(name.lt(end))
    }
}
