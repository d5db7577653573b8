//! The ranges that a tenant's live networks and peerings hold, written with what holds them.

use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use types::{Cidr, NetworkId, TenantId};

use super::Error;
use super::entity::claim::{ActiveModel, Column, Entity};

/// Who holds a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder<'a> {
    /// The network itself, in its multi-region group.
    Network(&'a str),
    /// A peering on it.
    Peering(&'a str),
}

impl Holder<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Network(_) => "NETWORK",
            Self::Peering(_) => "PEERING",
        }
    }

    fn group(self) -> String {
        match self {
            Self::Network(group) => group.to_owned(),
            Self::Peering(_) => String::new(),
        }
    }

    fn id(self, network: NetworkId) -> String {
        match self {
            Self::Network(_) => network.to_string(),
            Self::Peering(id) => id.to_owned(),
        }
    }
}

/// The first and the last address of a range, as numbers that both databases compare.
pub(super) fn bounds(range: &Cidr) -> (i64, i64) {
    let first = i64::from(u32::from(range.address()));
    (first, first + (1_i64 << (32 - range.prefix_len())) - 1)
}

/// Replaces what a holder holds; nothing: gives it back.
pub(super) async fn put(
    txn: &DatabaseTransaction,
    tenant: &TenantId,
    network: NetworkId,
    holder: Holder<'_>,
    ranges: &[Cidr],
) -> Result<(), Error> {
    let (kind, id) = (holder.kind(), holder.id(network));
    Entity::delete_many()
        .filter(Column::NetworkId.eq(network.to_string()))
        .filter(Column::Kind.eq(kind))
        .filter(Column::Id.eq(id.as_str()))
        .exec(txn)
        .await?;
    if ranges.is_empty() {
        return Ok(());
    }
    let rows = ranges.iter().map(|range| {
        let (first, last) = bounds(range);
        ActiveModel {
            network_id: Set(network.to_string()),
            kind: Set(kind.to_owned()),
            id: Set(id.clone()),
            first: Set(first),
            last: Set(last),
            tenant_id: Set(tenant.to_string()),
            multi_region_group: Set(holder.group()),
        }
    });
    Entity::insert_many(rows)
        .exec_without_returning(txn)
        .await?;
    Ok(())
}
