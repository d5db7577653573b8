//! What stands on networks: claimed under the tenant's lock, so that of two claims in each other's way one wins.

use runtime::clock::millis;
use runtime::failpoint;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use types::{NetworkId, TenantId, TenantScope};

use super::claims::{self, Holder};
use super::entity::{attachment, tombstone};
use super::intent::hasten;
use super::networks::{lock_network, lock_tenant};
use super::site::{TOMBSTONE, site};
use super::{Error, Happening, Origin, Store};
use crate::domain::{self, Attachment, AttachmentKind, Blockers, Network, Site, open_ports};

impl Store {
    /// Claims what `wanted` asks for; a repeat answers the first one, one with other claims replaces it.
    ///
    /// # Errors
    /// The first of [`Site::objections`].
    pub async fn attach(
        &self,
        tenant: &TenantId,
        wanted: Attachment,
        origin: &Origin,
        now: i64,
    ) -> Result<(Network, Attachment), Error> {
        let txn = self.db.begin().await?;
        lock_tenant(&txn, tenant).await?;
        let network = lock_network(&txn, tenant, wanted.network).await?;
        let site = site(&txn, network, &wanted, now).await?;
        if let Some(refused) = site.objections(&wanted, &self.limits).into_iter().next() {
            return Err(refused.into());
        }
        let follow = site.follow(&wanted);
        let (had, has) = site.ports(&wanted);
        let is_there = site.has(&wanted);
        let (mut network, recorded) = (site.network, site.recorded);
        let create_time = recorded.as_ref().map_or(now, |one| one.create_time);
        let wanted = Attachment {
            create_time,
            ..wanted
        };
        if is_there {
            return Ok((network, wanted));
        }
        let before = network.clone();
        if had != has {
            network.raise_firewall_goal(None, now);
        }
        put(&txn, tenant, &wanted).await?;
        count(&txn, &mut network).await?;
        let happening = Some(Happening::Attached);
        self.write(&txn, &before, &mut network, happening, origin, now)
            .await?;
        self.write_followed(&txn, &mut network, &follow, origin, now)
            .await?;
        if had != has {
            hasten(&txn, &network, now).await?;
        }
        txn.commit().await?;
        failpoint::hit("network.attach.after_commit");
        self.written.notify_one();
        Ok((network, wanted))
    }

    /// What an attach of `wanted` would meet. Nothing is claimed, and what is found may change at once.
    ///
    /// # Errors
    /// [`domain::Error::NetworkNotFound`].
    pub async fn site(
        &self,
        tenant: &TenantId,
        wanted: &Attachment,
        now: i64,
    ) -> Result<Site, Error> {
        let network = self
            .get(&TenantScope::One(tenant.clone()), wanted.network)
            .await?;
        site(self.db.read(), network, wanted, now).await
    }

    /// All that forbids `wanted` there, what an attach names first.
    pub fn objections(&self, site: &Site, wanted: &Attachment) -> Vec<domain::Error> {
        site.objections(wanted, &self.limits)
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
        let standing = standing(&txn, id).await?;
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
            let (gone, stay): (Vec<_>, Vec<_>) = standing
                .into_iter()
                .partition(|one| one.kind == kind && one.id == attached);
            if open_ports(gone.iter().chain(&stay)) != open_ports(&stay) {
                network.raise_firewall_goal(None, now);
            }
            let happening = Some(Happening::Detached);
            self.write(&txn, &before, &mut network, happening, origin, now)
                .await?;
            if kind == AttachmentKind::Peering {
                let follow = self.unfollow(&txn, &network, attached, &stay).await?;
                self.write_followed(&txn, &mut network, &follow, origin, now)
                    .await?;
            }
            hasten(&txn, &network, now).await?;
        }
        txn.commit().await?;
        failpoint::hit("network.detach.after_commit");
        self.written.notify_one();
        Ok(network)
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
