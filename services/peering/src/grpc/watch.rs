//! WatchPeerings.

use api::peering::v1::watch_peerings_response::{
    Change, Heartbeat, Message as Told, SnapshotComplete,
};
use api::peering::v1::{self as proto, WatchPeeringsRequest, WatchPeeringsResponse};
use api::timestamp;
use futures::stream::BoxStream;
use prost::Message;
use runtime::events::{Event, Item, Shown, ShownPage, Start, Watched};
use runtime::status::{Violations, internal};
use tonic::Status;
use types::{NetworkId, PeeringId};

use super::status::peering_not_found;
use super::wish::optional;
use super::{Api, convert};
use crate::domain::{Peering, State};
use crate::store::{Filter, Store};

/// Peerings read at once for a snapshot.
const PAGE: u64 = 500;

/// What a watch is asked for.
struct Question {
    filter: Filter,
    peering: Option<PeeringId>,
    start: Start,
}

impl Api {
    pub(super) async fn watch(
        &self,
        request: WatchPeeringsRequest,
    ) -> Result<BoxStream<'static, Result<WatchPeeringsResponse, Status>>, Status> {
        let Question {
            filter,
            peering,
            start,
        } = question(&request)?;
        if let Some(id) = peering {
            let found = self.store.find(&filter.scope, id).await?;
            found.ok_or_else(|| peering_not_found(id))?;
        }
        let watched = Watched {
            scope: filter.scope.clone(),
            resource_id: peering.map(|id| id.to_string()),
        };
        let (store, network) = (self.store.clone(), filter.network);
        let pages = move |after| page(store.clone(), filter.clone(), peering, after);
        self.feed
            .watch(start, watched, pages, move |token, item| {
                told(network, token, item)
            })
            .await
    }
}

fn question(request: &WatchPeeringsRequest) -> Result<Question, Status> {
    let WatchPeeringsRequest {
        tenant_id,
        network_id,
        peering_id,
        resume_token,
    } = request;
    let mut violations = Violations::new();
    let scope = violations.check("tenant_id", tenant_id.parse());
    let network = optional(&mut violations, "network_id", network_id);
    let peering = optional(&mut violations, "peering_id", peering_id);
    let asked = format!("watch peerings {tenant_id} {network_id} {peering_id}");
    let start = Start::asked(&mut violations, resume_token, asked);
    violations.finish()?;
    match (scope, network, peering) {
        (Some(scope), Some(network), Some(peering)) => Ok(Question {
            filter: Filter {
                network,
                ..Filter::of(scope)
            },
            peering,
            start,
        }),
        _ => Err(Status::internal("a request was neither taken nor refused")),
    }
}

/// A page of the peerings that are not DELETED.
async fn page(
    store: Store,
    filter: Filter,
    only: Option<PeeringId>,
    after: Option<String>,
) -> Result<ShownPage<Peering>, Status> {
    let after = after.and_then(|id| id.parse().ok());
    let found = match only {
        Some(id) => {
            let found = store.find(&filter.scope, id).await?;
            let is_in = |one: &Peering| filter.network.is_none_or(|network| one.network == network);
            found.into_iter().filter(is_in).collect()
        }
        None => store.list(&filter, after, PAGE).await?,
    };
    let is_full = u64::try_from(found.len()).is_ok_and(|count| count >= PAGE);
    let last = found.last().map(|last| last.id.to_string());
    let shown = found
        .into_iter()
        .filter(|peering| peering.state != State::Deleted)
        .map(|peering| Shown {
            id: peering.id.to_string(),
            version: peering.version,
            resource: peering,
        })
        .collect();
    Ok(ShownPage {
        shown,
        next: last.filter(|_| is_full),
    })
}

/// One message, unless it tells of a change on another network.
fn told(
    network: Option<NetworkId>,
    resume_token: String,
    item: Item<'_, Peering>,
) -> Result<Option<WatchPeeringsResponse>, Status> {
    let message = match item {
        Item::Snapshot(peering) => Told::Snapshot(convert::message(&peering, None)),
        Item::SnapshotComplete => Told::SnapshotComplete(SnapshotComplete {}),
        Item::Heartbeat(now) => Told::Heartbeat(Heartbeat {
            time: Some(timestamp(now)),
        }),
        Item::Change(event) => {
            let peering = after(event)?;
            if network.is_some_and(|network| peering.network_id != network.to_string()) {
                return Ok(None);
            }
            Told::Change(Change {
                peering: Some(peering),
                event: Some(convert::event(event.clone())),
            })
        }
    };
    Ok(Some(WatchPeeringsResponse {
        resume_token,
        message: Some(message),
    }))
}

/// The peering after a change.
fn after(event: &Event) -> Result<proto::Peering, Status> {
    proto::Peering::decode(event.event.payload.as_slice()).map_err(|error| internal(&error))
}
