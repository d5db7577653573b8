//! The API: requests checked at the edge, answers and errors in the contract's words.

mod allow_list;
mod attachments;
mod claim;
mod convert;
mod create;
mod limits;
mod lists;
mod networks;
mod operators;
mod space;
mod status;
mod update;
mod watch;

use std::time::Duration;

use api::network::v1::network_service_server::NetworkService;
use api::network::v1::*;
use futures::stream::BoxStream;
use queue::{Lane, Queue};
use runtime::caller::Caller;
use runtime::events::Feed;
use runtime::request_ids::Key;
use tonic::{Request, Response, Status};

pub(crate) use convert::snapshot;
pub(crate) use operators::entries;

use crate::domain::{Catalog, Network};
use crate::store::{Origin, Store};

/// The handlers of `peerway.network.v1.NetworkService`.
pub(crate) struct Api {
    store: Store,
    queue: Queue,
    feed: Feed,
    catalog: Catalog,
}

impl Api {
    pub(crate) fn new(store: Store, queue: Queue, feed: Feed, catalog: Catalog) -> Self {
        Self {
            store,
            queue,
            feed,
            catalog,
        }
    }

    /// Has the network's group looked at now. Call it after the commit.
    async fn nudge(&self, network: &Network) {
        if let Some(group) = network.group() {
            self.queue.nudge(&group, Lane::Work, Duration::ZERO).await;
        }
    }

    /// As [`Self::nudge`], for when the next step is due.
    async fn nudge_if_due(&self, network: &Network, now: i64) {
        if let (Some(group), Some(at)) = (network.group(), network.due_at()) {
            let delay = Duration::from_millis(u64::try_from(at - now).unwrap_or(0));
            self.queue.nudge(&group, Lane::Work, delay).await;
        }
    }
}

/// Who causes a change: the caller, under the id that the caller gave the request, else the call.
fn origin(caller: &Caller, key: &Key) -> Origin {
    let request_id = key
        .request_id()
        .map_or(caller.request_id_header.as_str(), |id| id.as_str());
    Origin {
        actor: caller.principal.clone(),
        request_id: request_id.to_owned(),
        trace_id: caller.trace_id.clone(),
    }
}

/// Who causes a change by a call that cannot be repeated under an id.
fn by(caller: &Caller) -> Origin {
    Origin {
        actor: caller.principal.clone(),
        request_id: caller.request_id_header.clone(),
        trace_id: caller.trace_id.clone(),
    }
}

#[tonic::async_trait]
impl NetworkService for Api {
    type WatchNetworksStream = BoxStream<'static, Result<WatchNetworksResponse, Status>>;

    async fn create_network(
        &self,
        request: Request<CreateNetworkRequest>,
    ) -> Result<Response<CreateNetworkResponse>, Status> {
        self.create(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_network(
        &self,
        request: Request<GetNetworkRequest>,
    ) -> Result<Response<GetNetworkResponse>, Status> {
        self.get(request.into_inner()).await.map(Response::new)
    }

    async fn list_networks(
        &self,
        request: Request<ListNetworksRequest>,
    ) -> Result<Response<ListNetworksResponse>, Status> {
        self.list(request.into_inner()).await.map(Response::new)
    }

    async fn update_network(
        &self,
        request: Request<UpdateNetworkRequest>,
    ) -> Result<Response<UpdateNetworkResponse>, Status> {
        self.update(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn delete_network(
        &self,
        request: Request<DeleteNetworkRequest>,
    ) -> Result<Response<DeleteNetworkResponse>, Status> {
        self.delete(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn watch_networks(
        &self,
        request: Request<WatchNetworksRequest>,
    ) -> Result<Response<Self::WatchNetworksStream>, Status> {
        self.watch(request.into_inner()).await.map(Response::new)
    }

    async fn list_network_events(
        &self,
        request: Request<ListNetworkEventsRequest>,
    ) -> Result<Response<ListNetworkEventsResponse>, Status> {
        self.list_events(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn check_cidr(
        &self,
        request: Request<CheckCidrRequest>,
    ) -> Result<Response<CheckCidrResponse>, Status> {
        self.check_cidr(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_regions(
        &self,
        request: Request<ListRegionsRequest>,
    ) -> Result<Response<ListRegionsResponse>, Status> {
        self.list_regions(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_tenant_limits(
        &self,
        request: Request<GetTenantLimitsRequest>,
    ) -> Result<Response<GetTenantLimitsResponse>, Status> {
        self.tenant_limits(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn put_allow_list_entry(
        &self,
        request: Request<PutAllowListEntryRequest>,
    ) -> Result<Response<PutAllowListEntryResponse>, Status> {
        self.put_entry(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn delete_allow_list_entry(
        &self,
        request: Request<DeleteAllowListEntryRequest>,
    ) -> Result<Response<DeleteAllowListEntryResponse>, Status> {
        self.delete_entry(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_allow_list_entries(
        &self,
        request: Request<ListAllowListEntriesRequest>,
    ) -> Result<Response<ListAllowListEntriesResponse>, Status> {
        self.list_entries(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn allow_peered_cidrs(
        &self,
        request: Request<AllowPeeredCidrsRequest>,
    ) -> Result<Response<AllowPeeredCidrsResponse>, Status> {
        self.allow_peered(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn attach_resource(
        &self,
        request: Request<AttachResourceRequest>,
    ) -> Result<Response<AttachResourceResponse>, Status> {
        self.attach(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn detach_resource(
        &self,
        request: Request<DetachResourceRequest>,
    ) -> Result<Response<DetachResourceResponse>, Status> {
        self.detach(Caller::of(&request), request.into_inner())
            .await
            .map(Response::new)
    }

    async fn list_attachments(
        &self,
        request: Request<ListAttachmentsRequest>,
    ) -> Result<Response<ListAttachmentsResponse>, Status> {
        self.list_attached(request.into_inner())
            .await
            .map(Response::new)
    }
}
