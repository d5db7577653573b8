//! The stream of changes.

use api::network::v1::watch_networks_response::{
    Change, Heartbeat, Message as Told, SnapshotComplete,
};
use api::network::v1::{self as proto, WatchNetworksRequest, WatchNetworksResponse};
use api::timestamp;
use futures::stream::BoxStream;
use prost::Message;
use runtime::events::{Event, Item, Shown, ShownPage, Start, Watched};
use runtime::status::{Violations, internal};
use tonic::Status;
use types::{Labels, NetworkId, TenantScope};

use super::networks::unread;
use super::{Api, convert};
use crate::domain::{Network, State};
use crate::store::{Filter, Store};

/// Networks read at once for a snapshot.
const PAGE: u64 = 500;

impl Api {
    pub(super) async fn watch(
        &self,
        request: WatchNetworksRequest,
    ) -> Result<BoxStream<'static, Result<WatchNetworksResponse, Status>>, Status> {
        let WatchNetworksRequest {
            tenant_id,
            network_id,
            resume_token,
        } = &request;
        let mut violations = Violations::new();
        let tenants = violations.check("tenant_id", tenant_id.parse::<TenantScope>());
        let only = match network_id.as_str() {
            "" => None,
            id => violations.check("network_id", id.parse::<NetworkId>()),
        };
        let question = format!("watch networks {tenant_id} {network_id}");
        let start = Start::asked(&mut violations, resume_token, question);
        violations.finish()?;
        let tenants = tenants.ok_or_else(unread)?;
        if let Some(id) = only {
            self.store.get(&tenants, id).await?;
        }
        let watched = Watched {
            scope: tenants.clone(),
            resource_id: only.map(|id| id.to_string()),
        };
        let store = self.store.clone();
        let pages = move |after| page(store.clone(), tenants.clone(), only, after);
        self.feed.watch(start, watched, pages, told).await
    }
}

/// A page of the networks that are not DELETED.
async fn page(
    store: Store,
    tenants: TenantScope,
    only: Option<NetworkId>,
    after: Option<String>,
) -> Result<ShownPage<Network>, Status> {
    let found = match only {
        Some(id) => vec![store.get(&tenants, id).await?],
        None => {
            let after = after.and_then(|id| id.parse().ok());
            store.list(&all(tenants), after, PAGE).await?
        }
    };
    let is_full = u64::try_from(found.len()).is_ok_and(|count| count >= PAGE);
    let last = found.last().map(|last| last.id.to_string());
    let shown = found
        .into_iter()
        .filter(|network| network.state != State::Deleted)
        .map(|network| Shown {
            id: network.id.to_string(),
            version: network.version,
            resource: network,
        })
        .collect();
    Ok(ShownPage {
        shown,
        next: last.filter(|_| is_full),
    })
}

fn all(tenants: TenantScope) -> Filter {
    Filter {
        tenants,
        state: None,
        provider: None,
        region: None,
        labels: Labels::default(),
        name_prefix: String::new(),
        show_deleted: false,
    }
}

fn told(
    resume_token: String,
    item: Item<'_, Network>,
) -> Result<Option<WatchNetworksResponse>, Status> {
    let message = match item {
        Item::Snapshot(network) => Told::Snapshot(convert::network(&network)),
        Item::SnapshotComplete => Told::SnapshotComplete(SnapshotComplete {}),
        Item::Heartbeat(now) => Told::Heartbeat(Heartbeat {
            time: Some(timestamp(now)),
        }),
        Item::Change(event) => Told::Change(Change {
            network: Some(after(event)?),
            event: Some(convert::event(event.clone())),
        }),
    };
    Ok(Some(WatchNetworksResponse {
        resume_token,
        message: Some(message),
    }))
}

/// The network after a change.
fn after(event: &Event) -> Result<proto::Network, Status> {
    proto::Network::decode(event.event.payload.as_slice()).map_err(|error| internal(&error))
}
