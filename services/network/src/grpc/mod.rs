//! The API: requests checked at the edge, answers and errors in the contract's words.

mod attachments;
mod convert;
mod networks;
mod status;

use std::time::Duration;

use api::network::v1::network_service_server::NetworkService;
use api::network::v1::*;
use futures::stream;
use queue::{Lane, Queue};
use runtime::caller::Caller;
use runtime::request_ids::Key;
use runtime::status::unimplemented;
use tonic::{Request, Response, Status};

use crate::domain::{Catalog, Network};
use crate::store::{Origin, Store};

/// The handlers of `peerway.network.v1.NetworkService`.
pub(crate) struct Api {
    store: Store,
    queue: Queue,
    catalog: Catalog,
}

impl Api {
    pub(crate) fn new(store: Store, queue: Queue, catalog: Catalog) -> Self {
        Self {
            store,
            queue,
            catalog,
        }
    }

    /// Has the network's group looked at now. Call it after the commit.
    async fn nudge(&self, network: &Network) {
        if let Some(group) = network.group() {
            self.queue.nudge(&group, Lane::Work, Duration::ZERO).await;
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

#[tonic::async_trait]
impl NetworkService for Api {
    type WatchNetworksStream = stream::Empty<Result<WatchNetworksResponse, Status>>;

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
        _: Request<UpdateNetworkRequest>,
    ) -> Result<Response<UpdateNetworkResponse>, Status> {
        Err(unimplemented("UpdateNetwork"))
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
        _: Request<WatchNetworksRequest>,
    ) -> Result<Response<Self::WatchNetworksStream>, Status> {
        Err(unimplemented("WatchNetworks"))
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
        _: Request<CheckCidrRequest>,
    ) -> Result<Response<CheckCidrResponse>, Status> {
        Err(unimplemented("CheckCidr"))
    }

    async fn list_regions(
        &self,
        _: Request<ListRegionsRequest>,
    ) -> Result<Response<ListRegionsResponse>, Status> {
        Err(unimplemented("ListRegions"))
    }

    async fn get_tenant_limits(
        &self,
        _: Request<GetTenantLimitsRequest>,
    ) -> Result<Response<GetTenantLimitsResponse>, Status> {
        Err(unimplemented("GetTenantLimits"))
    }

    async fn put_allow_list_entry(
        &self,
        _: Request<PutAllowListEntryRequest>,
    ) -> Result<Response<PutAllowListEntryResponse>, Status> {
        Err(unimplemented("PutAllowListEntry"))
    }

    async fn delete_allow_list_entry(
        &self,
        _: Request<DeleteAllowListEntryRequest>,
    ) -> Result<Response<DeleteAllowListEntryResponse>, Status> {
        Err(unimplemented("DeleteAllowListEntry"))
    }

    async fn list_allow_list_entries(
        &self,
        _: Request<ListAllowListEntriesRequest>,
    ) -> Result<Response<ListAllowListEntriesResponse>, Status> {
        Err(unimplemented("ListAllowListEntries"))
    }

    async fn allow_peered_cidrs(
        &self,
        _: Request<AllowPeeredCidrsRequest>,
    ) -> Result<Response<AllowPeeredCidrsResponse>, Status> {
        Err(unimplemented("AllowPeeredCidrs"))
    }

    async fn attach_resource(
        &self,
        request: Request<AttachResourceRequest>,
    ) -> Result<Response<AttachResourceResponse>, Status> {
        self.attach(request.into_inner()).await.map(Response::new)
    }

    async fn detach_resource(
        &self,
        request: Request<DetachResourceRequest>,
    ) -> Result<Response<DetachResourceResponse>, Status> {
        self.detach(request.into_inner()).await.map(Response::new)
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
