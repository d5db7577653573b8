//! The contract's calls as the small cloud answers them.

use api::provider::v1::provider_service_server::ProviderService;
use api::provider::v1::*;
use futures::stream;
use tonic::{Request, Response, Status};

use super::Provider;

type Never<T> = stream::Empty<Result<T, Status>>;

#[tonic::async_trait]
impl ProviderService for Provider {
    type ObserveVpcsStream = stream::Iter<std::vec::IntoIter<Result<ObserveVpcsResponse, Status>>>;
    type ObservePeeringsStream = Never<ObservePeeringsResponse>;
    type ObserveRoutesStream = Never<ObserveRoutesResponse>;

    async fn place_network(
        &self,
        request: Request<PlaceNetworkRequest>,
    ) -> Result<Response<PlaceNetworkResponse>, Status> {
        let mut cloud = self.cloud();
        cloud.calls.push("PlaceNetwork".to_owned());
        let group = cloud.place(&request.into_inner())?;
        Ok(Response::new(PlaceNetworkResponse { group: Some(group) }))
    }

    async fn ensure_vpc(
        &self,
        request: Request<EnsureVpcRequest>,
    ) -> Result<Response<EnsureVpcResponse>, Status> {
        let request = request.into_inner();
        let mut cloud = self.cloud();
        cloud.calls.push(
            format!("EnsureVpc {}", request.create_part)
                .trim_end()
                .to_owned(),
        );
        cloud.ensure(&request).map(Response::new)
    }

    async fn delete_vpc(
        &self,
        request: Request<DeleteVpcRequest>,
    ) -> Result<Response<DeleteVpcResponse>, Status> {
        let mut cloud = self.cloud();
        cloud.calls.push("DeleteVpc".to_owned());
        let removal = cloud.delete(&request.into_inner())?;
        let operation_token = String::new();
        Ok(Response::new(DeleteVpcResponse {
            removal: removal.into(),
            operation_token,
        }))
    }

    async fn observe_vpcs(
        &self,
        request: Request<ObserveVpcsRequest>,
    ) -> Result<Response<Self::ObserveVpcsStream>, Status> {
        let request = request.into_inner();
        let mut cloud = self.cloud();
        let wired = if request.with_wiring { " wired" } else { "" };
        cloud.calls.push(format!("ObserveVpcs{wired}"));
        cloud
            .observe(&request)
            .map(|pages| Response::new(stream::iter(pages)))
    }

    async fn ensure_firewall(
        &self,
        request: Request<EnsureFirewallRequest>,
    ) -> Result<Response<EnsureFirewallResponse>, Status> {
        self.cloud().calls.push("EnsureFirewall".to_owned());
        if let Some(held) = self.held() {
            held.acquire().await.unwrap().forget();
        }
        let mut cloud = self.cloud();
        cloud
            .ensure_firewall(&request.into_inner())
            .map(Response::new)
    }

    async fn ensure_peering_options(
        &self,
        _: Request<EnsurePeeringOptionsRequest>,
    ) -> Result<Response<EnsurePeeringOptionsResponse>, Status> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn ensure_peering(
        &self,
        _: Request<EnsurePeeringRequest>,
    ) -> Result<Response<EnsurePeeringResponse>, Status> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn delete_peering(
        &self,
        _: Request<DeletePeeringRequest>,
    ) -> Result<Response<DeletePeeringResponse>, Status> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn observe_peerings(
        &self,
        _: Request<ObservePeeringsRequest>,
    ) -> Result<Response<Self::ObservePeeringsStream>, Status> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn ensure_routes(
        &self,
        _: Request<EnsureRoutesRequest>,
    ) -> Result<Response<EnsureRoutesResponse>, Status> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn observe_routes(
        &self,
        _: Request<ObserveRoutesRequest>,
    ) -> Result<Response<Self::ObserveRoutesStream>, Status> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn describe_steps(
        &self,
        _: Request<DescribeStepsRequest>,
    ) -> Result<Response<DescribeStepsResponse>, Status> {
        Err(Status::unimplemented("not scripted"))
    }

    async fn get_limits(
        &self,
        _: Request<GetLimitsRequest>,
    ) -> Result<Response<GetLimitsResponse>, Status> {
        Err(Status::unimplemented("not scripted"))
    }
}
