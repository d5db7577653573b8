//! Lists of networks: which ones, in pages by id.

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};
use types::{Labels, NetworkId, ProviderKind, Region, TenantScope};

use super::entity::network::{Column, Entity};
use super::entity::network_label;
use super::networks::of;
use super::{Error, Store};
use crate::domain::{Network, State};

/// Which networks a list is about.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Whose.
    pub tenants: TenantScope,
    /// Where in their life.
    pub state: Option<State>,
    /// In which cloud.
    pub provider: Option<ProviderKind>,
    /// Where in the cloud.
    pub region: Option<Region>,
    /// With all of these.
    pub labels: Labels,
    /// With a name that begins so.
    pub name_prefix: String,
    /// DELETED ones too.
    pub show_deleted: bool,
}

impl Store {
    /// At most `limit` networks behind `after`, by id.
    pub async fn list(
        &self,
        filter: &Filter,
        after: Option<NetworkId>,
        limit: u64,
    ) -> Result<Vec<Network>, Error> {
        let mut query = self.chosen(filter);
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.to_string()));
        }
        let rows = query
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(Network::try_from).collect()
    }

    fn chosen(&self, filter: &Filter) -> Select<Entity> {
        let mut query = of(&filter.tenants, Entity::find());
        if filter.state != Some(State::Deleted) && !filter.show_deleted {
            // In the words of the partial index of live networks.
            query = query.filter(Column::NameKey.is_not_null());
        }
        let equal = [
            (Column::State, filter.state.map(State::as_str)),
            (Column::Provider, filter.provider.map(ProviderKind::as_str)),
            (Column::Region, filter.region.as_ref().map(Region::as_str)),
        ];
        for (column, value) in equal {
            query = query.apply_if(value, |query, value| query.filter(column.eq(value)));
        }
        for (key, value) in filter.labels.as_map() {
            let labelled = Query::select()
                .column(network_label::Column::NetworkId)
                .from(network_label::Entity)
                .and_where(network_label::Column::Key.eq(key))
                .and_where(network_label::Column::Value.eq(value))
                .to_owned();
            query = query.filter(Column::Id.in_subquery(labelled));
        }
        if filter.name_prefix.is_empty() {
            return query;
        }
        // SQLite compares bytes by itself.
        let name = if self.db.is_postgres() {
            Expr::cust("display_name COLLATE \"C\"")
        } else {
            Expr::cust("display_name")
        };
        query = query.filter(name.clone().gte(filter.name_prefix.as_str()));
        query.apply_if(behind(&filter.name_prefix), |query, end| {
            query.filter(name.lt(end))
        })
    }
}

/// The least text that is behind all that begin with `prefix`; none when there is no such.
fn behind(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The range of characters steps over what is none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_begins_with_a_prefix_lies_before_its_end() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("db-", Some("db.")),
            ("ß", Some("à")),
            ("a\u{d7ff}", Some("a\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
        ] {
            assert_eq!(behind(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
