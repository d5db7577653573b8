//! What stands on networks: claimed under the tenant's lock, so that of two claims in each other's way one wins.

use std::collections::BTreeSet;
use std::time::Duration;

use runtime::clock::millis;
use runtime::failpoint;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use types::{NetworkId, TenantId, TenantScope};

use super::allow_list;
use super::claims::{self, Holder};
use super::entity::{attachment, network, tombstone};
use super::intent::hasten;
use super::networks::{lock_network, lock_tenant};
use super::{Error, Happening, Origin, Store};
use crate::domain::{
    self, Attachment, AttachmentKind, Blockers, DATASTORES_PER_NETWORK, Neighbour, Network,
    PEERINGS_PER_NETWORK, State, check_claims, check_room,
};

/// How long a detached id cannot be attached again.
const TOMBSTONE: Duration = Duration::from_secs(24 * 3_600);

impl Store {
    /// Claims what `wanted` asks for; a repeat answers the first one, one with other claims replaces it.
    ///
    /// # Errors
    /// What [`check_claims`] refuses, a network that is not ACTIVE, an id that was detached.
    pub async fn attach(
        &self,
        tenant: &TenantId,
        wanted: Attachment,
        origin: &Origin,
        now: i64,
    ) -> Result<(Network, Attachment), Error> {
        let txn = self.db.begin().await?;
        lock_tenant(&txn, tenant).await?;
        let mut network = lock_network(&txn, tenant, wanted.network).await?;
        let mut siblings = standing(&txn, wanted.network).await?;
        let place = siblings
            .iter()
            .position(|one| one.kind == wanted.kind && one.id == wanted.id);
        let recorded = place.map(|place| siblings.swap_remove(place));
        if let Some(recorded) = recorded
            .as_ref()
            .filter(|recorded| recorded.same_claim(&wanted))
        {
            return Ok((network, recorded.clone()));
        }
        let detached = tombstone::Entity::find_by_id(key(&wanted))
            .filter(tombstone::Column::DetachedAt.gt(now - millis(TOMBSTONE)))
            .one(&txn)
            .await?;
        if detached.is_some() {
            return Err(domain::Error::AttachmentDetached {
                kind: wanted.kind,
                id: wanted.id,
            }
            .into());
        }
        if network.state != State::Active {
            return Err(domain::Error::NetworkNotActive {
                id: network.id,
                state: network.state,
            }
            .into());
        }
        if recorded.is_none() {
            self.check_quota(&network, wanted.kind, &siblings)?;
        }
        let neighbours = neighbours(&txn, tenant, &wanted).await?;
        check_claims(&wanted, &network, &siblings, &neighbours)?;
        let create_time = recorded
            .as_ref()
            .map_or(now, |recorded| recorded.create_time);
        let wanted = Attachment {
            create_time,
            ..wanted
        };
        let before = network.clone();
        let had = open_ports(siblings.iter().chain(&recorded));
        let has = open_ports(siblings.iter().chain([&wanted]));
        if had != has {
            let ranges = allow_list::listed(&txn, network.id).await?.len();
            let limit = self.limits.firewall(network.provider);
            check_room(&network, (ranges, had.len()), (ranges, has.len()), limit)?;
            network.raise_firewall_goal(None, now);
        }
        put(&txn, tenant, &wanted).await?;
        count(&txn, &mut network).await?;
        let happening = Some(Happening::Attached);
        self.write(&txn, &before, &mut network, happening, origin, now)
            .await?;
        if had != has {
            hasten(&txn, &network, now).await?;
        }
        txn.commit().await?;
        failpoint::hit("network.attach.after_commit");
        self.written.notify_one();
        Ok((network, wanted))
    }

    /// Gives the claims back and keeps the id from being attached for a day, whether it was attached or not.
    ///
    /// # Errors
    /// [`domain::Error::NetworkNotFound`].
    pub async fn detach(
        &self,
        tenant: &TenantId,
        id: NetworkId,
        kind: AttachmentKind,
        attached: &str,
        origin: &Origin,
        now: i64,
    ) -> Result<Network, Error> {
        let txn = self.db.begin().await?;
        lock_tenant(&txn, tenant).await?;
        let mut network = lock_network(&txn, tenant, id).await?;
        tombstone::Entity::delete_many()
            .filter(tombstone::Column::NetworkId.eq(id.to_string()))
            .filter(tombstone::Column::DetachedAt.lte(now - millis(TOMBSTONE)))
            .exec(&txn)
            .await?;
        let key = (
            id.to_string(),
            attached.to_owned(),
            kind.as_str().to_owned(),
        );
        let had = open_ports(&standing(&txn, id).await?);
        let deleted = attachment::Entity::delete_by_id(key.clone())
            .exec(&txn)
            .await?;
        if kind == AttachmentKind::Peering {
            claims::put(&txn, tenant, id, Holder::Peering(attached), &[]).await?;
        }
        let stone = tombstone::ActiveModel {
            network_id: Set(key.0),
            id: Set(key.1),
            kind: Set(key.2),
            detached_at: Set(now),
        };
        use tombstone::Column::{DetachedAt, Id, Kind, NetworkId};
        let again = OnConflict::columns([NetworkId, Id, Kind])
            .update_column(DetachedAt)
            .to_owned();
        tombstone::Entity::insert(stone)
            .on_conflict(again)
            .exec_without_returning(&txn)
            .await?;
        if deleted.rows_affected > 0 {
            let before = network.clone();
            count(&txn, &mut network).await?;
            network.wait_for_peerings(now);
            if had != open_ports(&standing(&txn, id).await?) {
                network.raise_firewall_goal(None, now);
            }
            let happening = Some(Happening::Detached);
            self.write(&txn, &before, &mut network, happening, origin, now)
                .await?;
            hasten(&txn, &network, now).await?;
        }
        txn.commit().await?;
        failpoint::hit("network.detach.after_commit");
        self.written.notify_one();
        Ok(network)
    }

    /// Checks that one more of a kind may stand beside these.
    fn check_quota(
        &self,
        network: &Network,
        kind: AttachmentKind,
        siblings: &[Attachment],
    ) -> Result<(), Error> {
        let alike = siblings.iter().filter(|one| one.kind == kind);
        let used = u32::try_from(alike.count()).unwrap_or(u32::MAX);
        let (quotas, tenant) = (&self.limits.quotas, &network.tenant);
        let (quota, limit) = match kind {
            AttachmentKind::Peering => (
                PEERINGS_PER_NETWORK,
                quotas.peerings_per_network(tenant, network.provider),
            ),
            AttachmentKind::Datastore => (
                DATASTORES_PER_NETWORK,
                quotas.datastores_per_network(tenant),
            ),
        };
        if used < limit {
            return Ok(());
        }
        Err(domain::Error::QuotaExceeded { quota, used, limit }.into())
    }

    /// At most `limit` attachments of a network behind `after`, by id and kind.
    ///
    /// # Errors
    /// [`domain::Error::NetworkNotFound`], for another tenant's too.
    pub async fn attachments(
        &self,
        tenants: &TenantScope,
        id: NetworkId,
        after: Option<(String, AttachmentKind)>,
        limit: u64,
    ) -> Result<Vec<Attachment>, Error> {
        self.get(tenants, id).await?;
        use attachment::Column::{Id, Kind, NetworkId};
        let mut query = attachment::Entity::find().filter(NetworkId.eq(id.to_string()));
        if let Some((after, kind)) = after {
            let later_kind = Condition::all()
                .add(Id.eq(after.as_str()))
                .add(Kind.gt(kind.as_str()));
            query = query.filter(Condition::any().add(Id.gt(after.as_str())).add(later_kind));
        }
        let rows = query
            .order_by_asc(Id)
            .order_by_asc(Kind)
            .limit(limit)
            .all(self.db.read())
            .await?;
        rows.into_iter().map(Attachment::try_from).collect()
    }
}

/// What stands on a network.
pub(super) async fn standing(
    conn: &impl ConnectionTrait,
    id: NetworkId,
) -> Result<Vec<Attachment>, Error> {
    let rows = attachment::Entity::find()
        .filter(attachment::Column::NetworkId.eq(id.to_string()))
        .order_by_asc(attachment::Column::Id)
        .all(conn)
        .await?;
    rows.into_iter().map(Attachment::try_from).collect()
}

/// The ports of all datastores among these, ordered, each once.
pub(super) fn open_ports<'a>(attached: impl IntoIterator<Item = &'a Attachment>) -> Vec<u16> {
    let ports: BTreeSet<u16> = attached
        .into_iter()
        .flat_map(|one| one.ports.iter().copied())
        .collect();
    ports.into_iter().collect()
}

/// The first `limit` things, all or those of a kind, that stand on a network, and how many there are.
pub(super) async fn first(
    txn: &DatabaseTransaction,
    id: NetworkId,
    kind: Option<AttachmentKind>,
    limit: u64,
) -> Result<Blockers, Error> {
    use attachment::Column;
    let mut all = attachment::Entity::find().filter(Column::NetworkId.eq(id.to_string()));
    if let Some(kind) = kind {
        all = all.filter(Column::Kind.eq(kind.as_str()));
    }
    let total = all.clone().count(txn).await?;
    let rows = all
        .order_by_asc(Column::Id)
        .order_by_asc(Column::Kind)
        .limit(limit)
        .all(txn)
        .await?;
    let named = rows
        .into_iter()
        .map(Attachment::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let first = named.into_iter().map(|one| (one.kind, one.id)).collect();
    Ok(Blockers { first, total })
}

/// The tenant's other networks that are linked with the same VPC of the customer.
async fn neighbours(
    txn: &DatabaseTransaction,
    tenant: &TenantId,
    wanted: &Attachment,
) -> Result<Vec<Neighbour>, Error> {
    if wanted.peer_identity.is_empty() {
        return Ok(Vec::new());
    }
    let links = attachment::Entity::find()
        .filter(attachment::Column::TenantId.eq(tenant.as_str()))
        .filter(attachment::Column::PeerIdentity.eq(wanted.peer_identity.as_str()))
        .filter(attachment::Column::NetworkId.ne(wanted.network.to_string()))
        .all(txn)
        .await?;
    let ids = links.iter().map(|link| link.network_id.clone());
    let rows = network::Entity::find()
        .filter(network::Column::Id.is_in(ids))
        .all(txn)
        .await?;
    let mut neighbours = Vec::with_capacity(rows.len());
    for row in rows {
        let link = links.iter().find(|link| link.network_id == row.id);
        let other = Network::try_from(row)?;
        neighbours.push(Neighbour {
            network: other.id,
            cidr: other.cidr,
            peering: link.map(|link| link.id.clone()).unwrap_or_default(),
        });
    }
    Ok(neighbours)
}

async fn put(
    txn: &DatabaseTransaction,
    tenant: &TenantId,
    wanted: &Attachment,
) -> Result<(), Error> {
    use attachment::Column::{
        AllowOverlap, Cidrs, Id, Kind, NetworkId, PeerIdentity, Ports, PrivateName,
    };
    let replace = OnConflict::columns([NetworkId, Id, Kind])
        .update_columns([Cidrs, Ports, PrivateName, PeerIdentity, AllowOverlap])
        .to_owned();
    attachment::Entity::insert(attachment::row(wanted, tenant))
        .on_conflict(replace)
        .exec_without_returning(txn)
        .await?;
    if wanted.kind == AttachmentKind::Peering {
        let holder = Holder::Peering(&wanted.id);
        claims::put(txn, tenant, wanted.network, holder, &wanted.cidrs).await?;
    }
    Ok(())
}

/// Counts what stands on a network.
async fn count(txn: &DatabaseTransaction, network: &mut Network) -> Result<(), Error> {
    let of_kind = |kind: AttachmentKind| {
        attachment::Entity::find()
            .filter(attachment::Column::NetworkId.eq(network.id.to_string()))
            .filter(attachment::Column::Kind.eq(kind.as_str()))
    };
    let peerings = of_kind(AttachmentKind::Peering).count(txn).await?;
    let datastores = of_kind(AttachmentKind::Datastore).count(txn).await?;
    network.peering_count = i32::try_from(peerings).unwrap_or(i32::MAX);
    network.datastore_count = i32::try_from(datastores).unwrap_or(i32::MAX);
    Ok(())
}

fn key(attachment: &Attachment) -> (String, String, String) {
    (
        attachment.network.to_string(),
        attachment.id.clone(),
        attachment.kind.as_str().to_owned(),
    )
}
