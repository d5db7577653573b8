//! What something that is to be attached meets.

use std::time::Duration;

use runtime::clock::millis;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use types::TenantId;

use super::Error;
use super::allow_list::all;
use super::attachments::standing;
use super::entity::{attachment, network, tombstone};
use crate::domain::{Attachment, Neighbour, Network, Site};

/// How long a detached id cannot be attached again.
pub(super) const TOMBSTONE: Duration = Duration::from_secs(24 * 3_600);

/// The network with all that concerns `wanted` there.
pub(super) async fn site(
    conn: &impl ConnectionTrait,
    network: Network,
    wanted: &Attachment,
    now: i64,
) -> Result<Site, Error> {
    let mut siblings = standing(conn, network.id).await?;
    let place = siblings
        .iter()
        .position(|one| one.kind == wanted.kind && one.id == wanted.id);
    let recorded = place.map(|place| siblings.swap_remove(place));
    let key = (
        network.id.to_string(),
        wanted.id.clone(),
        wanted.kind.as_str().to_owned(),
    );
    let detached = tombstone::Entity::find_by_id(key)
        .filter(tombstone::Column::DetachedAt.gt(now - millis(TOMBSTONE)))
        .one(conn)
        .await?;
    // A new peering opens no port, and nothing follows it yet.
    let entries = match recorded.is_some() || !wanted.ports.is_empty() {
        true => all(conn, network.id).await?,
        false => Vec::new(),
    };
    Ok(Site {
        neighbours: neighbours(conn, &network.tenant, wanted).await?,
        siblings,
        recorded,
        is_detached: detached.is_some(),
        entries,
        network,
    })
}

/// The tenant's other networks that are linked with the same VPC of the customer.
async fn neighbours(
    conn: &impl ConnectionTrait,
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
        .all(conn)
        .await?;
    let ids = links.iter().map(|link| link.network_id.clone());
    let rows = network::Entity::find()
        .filter(network::Column::Id.is_in(ids))
        .all(conn)
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
