//! The calls of the contract, each to where it is answered.

use api::peering::v1::peering_service_server::PeeringService;
use api::peering::v1::{
    CreatePeeringRequest, CreatePeeringResponse, DeletePeeringRequest, DeletePeeringResponse,
    DiagnosePeeringRequest, DiagnosePeeringResponse, GetPeeringInstructionsRequest,
    GetPeeringInstructionsResponse, GetPeeringRequest, GetPeeringResponse, GetTenantLimitsRequest,
    GetTenantLimitsResponse, ListPeeringEventsRequest, ListPeeringEventsResponse,
    ListPeeringsRequest, ListPeeringsResponse, RefreshPeeringRequest, RefreshPeeringResponse,
    RenewPeeringRequest, RenewPeeringResponse, UpdatePeeringRequest, UpdatePeeringResponse,
    WatchPeeringsRequest, WatchPeeringsResponse,
};
use futures::stream::BoxStream;
use runtime::caller::Caller;
use tonic::{Request, Response, Status, async_trait};

use super::Api;

#[async_trait]
impl PeeringService for Api {
    type WatchPeeringsStream = BoxStream<'static, Result<WatchPeeringsResponse, Status>>;

    async fn create_peering(
        &self,
        request: Request<CreatePeeringRequest>,
    ) -> Result<Response<CreatePeeringResponse>, Status> {
        let caller = Caller::of(&request);
        self.create(&caller, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn get_peering(
        &self,
        request: Request<GetPeeringRequest>,
    ) -> Result<Response<GetPeeringResponse>, Status> {
        self.get(request.into_inner()).await.map(Response::new)
    }

    async fn list_peerings(
        &self,
        request: Request<ListPeeringsRequest>,
    ) -> Result<Response<ListPeeringsResponse>, Status> {
        self.list(request.into_inner()).await.map(Response::new)
    }

    async fn update_peering(
        &self,
        request: Request<UpdatePeeringRequest>,
    ) -> Result<Response<UpdatePeeringResponse>, Status> {
        let caller = Caller::of(&request);
        self.update(&caller, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn delete_peering(
        &self,
        request: Request<DeletePeeringRequest>,
    ) -> Result<Response<DeletePeeringResponse>, Status> {
        let caller = Caller::of(&request);
        self.delete(&caller, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn refresh_peering(
        &self,
        request: Request<RefreshPeeringRequest>,
    ) -> Result<Response<RefreshPeeringResponse>, Status> {
        self.refresh(request.into_inner()).await.map(Response::new)
    }

    async fn renew_peering(
        &self,
        request: Request<RenewPeeringRequest>,
    ) -> Result<Response<RenewPeeringResponse>, Status> {
        let caller = Caller::of(&request);
        self.renew(&caller, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn watch_peerings(
        &self,
        request: Request<WatchPeeringsRequest>,
    ) -> Result<Response<Self::WatchPeeringsStream>, Status> {
        self.watch(request.into_inner()).await.map(Response::new)
    }

    async fn list_peering_events(
        &self,
        request: Request<ListPeeringEventsRequest>,
    ) -> Result<Response<ListPeeringEventsResponse>, Status> {
        self.events(request.into_inner()).await.map(Response::new)
    }

    async fn get_peering_instructions(
        &self,
        request: Request<GetPeeringInstructionsRequest>,
    ) -> Result<Response<GetPeeringInstructionsResponse>, Status> {
        self.instructions(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn diagnose_peering(
        &self,
        request: Request<DiagnosePeeringRequest>,
    ) -> Result<Response<DiagnosePeeringResponse>, Status> {
        self.diagnose(request.into_inner()).await.map(Response::new)
    }

    async fn get_tenant_limits(
        &self,
        request: Request<GetTenantLimitsRequest>,
    ) -> Result<Response<GetTenantLimitsResponse>, Status> {
        self.limits(request.into_inner()).await.map(Response::new)
    }
}
