//! The contract's calls: each checks its fields, asks the cloud the group names, and answers in the contract's words.

mod convert;
mod read;

use api::provider::v1::provider_service_server::{ProviderService, ProviderServiceServer};
use api::provider::v1::{
    DeletePeeringRequest, DeletePeeringResponse, DeleteVpcRequest, DeleteVpcResponse,
    DescribeStepsRequest, DescribeStepsResponse, EnsureFirewallRequest, EnsureFirewallResponse,
    EnsurePeeringRequest, EnsurePeeringResponse, EnsureRoutesRequest, EnsureRoutesResponse,
    EnsureVpcRequest, EnsureVpcResponse, GetLimitsRequest, GetLimitsResponse,
    ObservePeeringsRequest, ObservePeeringsResponse, ObserveRoutesRequest, ObserveRoutesResponse,
    ObserveVpcsRequest, ObserveVpcsResponse, PlaceNetworkRequest, PlaceNetworkResponse,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use runtime::status;
use tonic::{Request, Response, Status};
use types::ProviderKind;

use crate::provider::{Provider, Providers};

/// Serves `peerway.provider.v1.ProviderService`.
#[derive(Clone)]
pub struct Service {
    providers: Providers,
}

impl Service {
    /// Over these clouds.
    pub fn new(providers: Providers) -> Self {
        Self { providers }
    }

    /// As the server takes it.
    pub fn into_server(self) -> ProviderServiceServer<Self> {
        ProviderServiceServer::new(self)
    }

    fn provider(&self, kind: ProviderKind) -> Result<&dyn Provider, Status> {
        self.providers
            .get(kind)
            .ok_or_else(|| status::unimplemented("this call for GCP"))
    }
}

type Answer<T> = Result<Response<T>, Status>;
type Stream<T> = BoxStream<'static, Result<T, Status>>;

#[tonic::async_trait]
impl ProviderService for Service {
    type ObserveVpcsStream = Stream<ObserveVpcsResponse>;
    type ObservePeeringsStream = Stream<ObservePeeringsResponse>;
    type ObserveRoutesStream = Stream<ObserveRoutesResponse>;

    async fn place_network(
        &self,
        request: Request<PlaceNetworkRequest>,
    ) -> Answer<PlaceNetworkResponse> {
        let (kind, ask) = read::place_network(request.into_inner())?;
        let group = self.provider(kind)?.place_network(&ask)?;
        Ok(Response::new(PlaceNetworkResponse {
            group: api::provider_group(&group),
        }))
    }

    async fn ensure_vpc(&self, request: Request<EnsureVpcRequest>) -> Answer<EnsureVpcResponse> {
        let ask = read::ensure_vpc(request.into_inner())?;
        let progress = self
            .provider(ask.vpc.group.provider)?
            .ensure_vpc(ask)
            .await?;
        Ok(Response::new(progress.into()))
    }

    async fn delete_vpc(&self, request: Request<DeleteVpcRequest>) -> Answer<DeleteVpcResponse> {
        let ask = read::delete_vpc(request.into_inner())?;
        let removal = self
            .provider(ask.vpc.group.provider)?
            .delete_vpc(ask)
            .await?;
        let removal = convert::removal(removal).into();
        Ok(Response::new(DeleteVpcResponse {
            removal,
            operation_token: String::new(),
        }))
    }

    async fn ensure_peering(
        &self,
        request: Request<EnsurePeeringRequest>,
    ) -> Answer<EnsurePeeringResponse> {
        let ask = read::ensure_peering(request.into_inner())?;
        let observation = self
            .provider(ask.peering.group.provider)?
            .ensure_peering(ask)
            .await?;
        Ok(Response::new(EnsurePeeringResponse {
            observation: Some(observation.into()),
            operation_token: String::new(),
        }))
    }

    async fn delete_peering(
        &self,
        request: Request<DeletePeeringRequest>,
    ) -> Answer<DeletePeeringResponse> {
        let ask = read::delete_peering(request.into_inner())?;
        let removal = self
            .provider(ask.peering.group.provider)?
            .delete_peering(ask)
            .await?;
        let removal = convert::removal(removal).into();
        Ok(Response::new(DeletePeeringResponse {
            removal,
            operation_token: String::new(),
        }))
    }

    async fn observe_peerings(
        &self,
        request: Request<ObservePeeringsRequest>,
    ) -> Answer<Self::ObservePeeringsStream> {
        let ask = read::observe_peerings(request.into_inner())?;
        let pages = self.provider(ask.group.provider)?.observe_peerings(ask);
        let answers = pages.map(|page| Ok(page?.into()));
        Ok(Response::new(answers.boxed()))
    }

    async fn ensure_routes(
        &self,
        request: Request<EnsureRoutesRequest>,
    ) -> Answer<EnsureRoutesResponse> {
        let ask = read::ensure_routes(request.into_inner())?;
        let progress = self
            .provider(ask.vpc.group.provider)?
            .ensure_routes(ask)
            .await?;
        Ok(Response::new(progress.into()))
    }

    async fn observe_vpcs(
        &self,
        _: Request<ObserveVpcsRequest>,
    ) -> Answer<Self::ObserveVpcsStream> {
        Err(status::unimplemented("ObserveVpcs"))
    }

    async fn ensure_firewall(
        &self,
        _: Request<EnsureFirewallRequest>,
    ) -> Answer<EnsureFirewallResponse> {
        Err(status::unimplemented("EnsureFirewall"))
    }

    async fn observe_routes(
        &self,
        _: Request<ObserveRoutesRequest>,
    ) -> Answer<Self::ObserveRoutesStream> {
        Err(status::unimplemented("ObserveRoutes"))
    }

    async fn describe_steps(
        &self,
        _: Request<DescribeStepsRequest>,
    ) -> Answer<DescribeStepsResponse> {
        Err(status::unimplemented("DescribeSteps"))
    }

    async fn get_limits(&self, _: Request<GetLimitsRequest>) -> Answer<GetLimitsResponse> {
        Err(status::unimplemented("GetLimits"))
    }
}
