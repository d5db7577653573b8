//! The contract's calls: each checks its fields, asks the cloud the group names, and answers in the contract's words.

mod convert;
mod field;
mod read;
mod steps;

use std::sync::Arc;

use api::provider::v1::provider_service_server::{ProviderService, ProviderServiceServer};
use api::provider::v1::{
    DeletePeeringRequest, DeletePeeringResponse, DeleteVpcRequest, DeleteVpcResponse,
    DescribeStepsRequest, DescribeStepsResponse, EnsureFirewallRequest, EnsureFirewallResponse,
    EnsurePeeringOptionsRequest, EnsurePeeringOptionsResponse, EnsurePeeringRequest,
    EnsurePeeringResponse, EnsureRoutesRequest, EnsureRoutesResponse, EnsureVpcRequest,
    EnsureVpcResponse, GetLimitsRequest, GetLimitsResponse, ObservePeeringsRequest,
    ObservePeeringsResponse, ObserveRoutesRequest, ObserveRoutesResponse, ObserveVpcsRequest,
    ObserveVpcsResponse, PlaceNetworkRequest, PlaceNetworkResponse,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use tonic::{Request, Response, Status};
use types::GroupId;

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

    fn provider(&self, group: &GroupId) -> Arc<dyn Provider> {
        self.providers.get(group.provider)
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
        let group = self.providers.get(kind).place_network(&ask).await?;
        Ok(Response::new(PlaceNetworkResponse {
            group: api::provider_group(&group),
        }))
    }

    async fn ensure_vpc(&self, request: Request<EnsureVpcRequest>) -> Answer<EnsureVpcResponse> {
        let ask = read::ensure_vpc(request.into_inner())?;
        let progress = self.provider(&ask.vpc.group).ensure_vpc(ask).await?;
        Ok(Response::new(progress.into()))
    }

    async fn delete_vpc(&self, request: Request<DeleteVpcRequest>) -> Answer<DeleteVpcResponse> {
        let ask = read::delete_vpc(request.into_inner())?;
        let removal = self.provider(&ask.vpc.group).delete_vpc(ask).await?;
        Ok(Response::new(DeleteVpcResponse {
            removal: convert::removal(removal.now).into(),
            operation_token: removal.operation_token,
        }))
    }

    async fn ensure_peering(
        &self,
        request: Request<EnsurePeeringRequest>,
    ) -> Answer<EnsurePeeringResponse> {
        let ask = read::ensure_peering(request.into_inner())?;
        let answer = self
            .provider(&ask.peering.group)
            .ensure_peering(ask)
            .await?;
        Ok(Response::new(EnsurePeeringResponse {
            observation: answer.now.map(Into::into),
            operation_token: answer.operation_token,
        }))
    }

    async fn delete_peering(
        &self,
        request: Request<DeletePeeringRequest>,
    ) -> Answer<DeletePeeringResponse> {
        let ask = read::delete_peering(request.into_inner())?;
        let removal = self
            .provider(&ask.peering.group)
            .delete_peering(ask)
            .await?;
        Ok(Response::new(DeletePeeringResponse {
            removal: convert::removal(removal.now).into(),
            operation_token: removal.operation_token,
        }))
    }

    async fn observe_peerings(
        &self,
        request: Request<ObservePeeringsRequest>,
    ) -> Answer<Self::ObservePeeringsStream> {
        let ask = read::observe_peerings(request.into_inner())?;
        let pages = self.provider(&ask.group).observe_peerings(ask);
        let answers = pages.map(|page| Ok(page?.into()));
        Ok(Response::new(answers.boxed()))
    }

    async fn ensure_routes(
        &self,
        request: Request<EnsureRoutesRequest>,
    ) -> Answer<EnsureRoutesResponse> {
        let ask = read::ensure_routes(request.into_inner())?;
        let progress = self.provider(&ask.vpc.group).ensure_routes(ask).await?;
        Ok(Response::new(progress.into()))
    }

    async fn observe_vpcs(
        &self,
        request: Request<ObserveVpcsRequest>,
    ) -> Answer<Self::ObserveVpcsStream> {
        let ask = read::observe_vpcs(request.into_inner())?;
        let pages = self.provider(&ask.group).observe_vpcs(ask);
        let answers = pages.map(|page| Ok(page?.into()));
        Ok(Response::new(answers.boxed()))
    }

    async fn ensure_firewall(
        &self,
        request: Request<EnsureFirewallRequest>,
    ) -> Answer<EnsureFirewallResponse> {
        let ask = read::ensure_firewall(request.into_inner())?;
        let answer = self.provider(&ask.vpc.group).ensure_firewall(ask).await?;
        Ok(Response::new(EnsureFirewallResponse {
            complete: answer.now,
            operation_token: answer.operation_token,
        }))
    }

    async fn ensure_peering_options(
        &self,
        request: Request<EnsurePeeringOptionsRequest>,
    ) -> Answer<EnsurePeeringOptionsResponse> {
        let ask = read::ensure_peering_options(request.into_inner())?;
        let provider = self.provider(&ask.peering.group);
        let answer = provider.ensure_peering_options(ask).await?;
        Ok(Response::new(EnsurePeeringOptionsResponse {
            complete: answer.now,
            operation_token: answer.operation_token,
        }))
    }

    async fn observe_routes(
        &self,
        request: Request<ObserveRoutesRequest>,
    ) -> Answer<Self::ObserveRoutesStream> {
        let ask = read::observe_routes(request.into_inner())?;
        let pages = self.provider(&ask.group).observe_routes(ask);
        let answers = pages.map(|page| Ok(page?.into()));
        Ok(Response::new(answers.boxed()))
    }

    async fn describe_steps(
        &self,
        request: Request<DescribeStepsRequest>,
    ) -> Answer<DescribeStepsResponse> {
        let (kind, facts) = steps::read(request.into_inner())?;
        let guide = self.providers.get(kind).describe_steps(&facts);
        Ok(Response::new(guide.into()))
    }

    async fn get_limits(&self, request: Request<GetLimitsRequest>) -> Answer<GetLimitsResponse> {
        let (kinds, group, usage) = read::get_limits(request.into_inner())?;
        let mut limits = Vec::new();
        for kind in kinds {
            limits.extend(
                self.providers
                    .get(kind)
                    .limits(group.as_ref(), usage)
                    .await?,
            );
        }
        Ok(Response::new(GetLimitsResponse {
            limits: limits.into_iter().map(Into::into).collect(),
        }))
    }
}
