//! A running adapter with a simulated Google Cloud, its vendor's project, and the customer's own client.

use std::path::PathBuf;

use api::cloud::CloudError;
use api::provider::v1::{
    DeletePeeringRequest, DeleteVpcRequest, EnsurePeeringRequest, EnsurePeeringResponse,
    EnsureVpcRequest, EnsureVpcResponse, Group, ObservePeeringsRequest, Peer, PeeringObservation,
    PeeringRef, Provider, Removal, Vpc, VpcRef,
};
use cloudsim::{Cloudsim, Options};
use google_cloud_auth::credentials::service_account;
use google_cloud_compute_v1::client::Networks;
use google_cloud_compute_v1::model::{Network, NetworkPeering, NetworksAddPeeringRequest};
use serde_json::Value;
use tonic::Status;
use types::{NetworkId, PeeringId};

use crate::support::{Adapter, Client, DEPLOYMENT, REQUEST_AT, VENDOR as AWS_VENDOR};

pub(crate) const PROJECT: &str = "vendor-prod";
pub(crate) const CUSTOMER_PROJECT: &str = "customer-prod";
pub(crate) const REGION: &str = "europe-west1";
pub(crate) const CIDR: &str = "10.20.0.0/16";
/// Longer than any operation of the cloud takes by its own clock, which only tests move.
pub(crate) const DONE: std::time::Duration = std::time::Duration::from_secs(2);

/// A key in a file, which goes with it.
pub(crate) struct KeyFile(PathBuf);

impl KeyFile {
    pub(crate) fn new(key: &Value) -> Self {
        let name = format!("gcp-key-{}.json", uuid::Uuid::now_v7());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, key.to_string()).unwrap();
        Self(path)
    }

    /// As the settings name it.
    pub(crate) fn setting(&self) -> String {
        format!(r#", key_file="{}""#, self.0.display())
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// An adapter with a cloud that is there for it alone and whose clock stands still.
pub(crate) struct Suite {
    pub(crate) cloud: Cloudsim,
    pub(crate) adapter: Adapter,
    /// The vendor's service account.
    pub(crate) principal: String,
    _key: KeyFile,
}

/// The adapter with one project at `endpoint`; `more` is laid into the project's settings.
pub(crate) async fn adapter(endpoint: &str, more: &str, settings: &[(&str, &str)]) -> Adapter {
    let project = format!(
        r#"[{{project_id="{PROJECT}", regions=["{REGION}"], endpoint="{endpoint}" {more}}}]"#
    );
    let mut all = vec![("GCP__PROJECTS", project.as_str())];
    all.extend(settings);
    Adapter::start_over(AWS_VENDOR, &[], &all).await
}

impl Suite {
    pub(crate) async fn start() -> Self {
        Self::with(&["compute.*"], "", &[]).await
    }

    /// With the permissions of the vendor's account, and settings such as `("GCP__CALL_TIMEOUT", "300ms")`.
    pub(crate) async fn with(permissions: &[&str], more: &str, settings: &[(&str, &str)]) -> Self {
        let cloud = Cloudsim::start(Options::default()).await.unwrap();
        cloud.clock_freeze(true);
        let key = cloud.gcp_service_account(PROJECT, "peerway", permissions);
        let file = KeyFile::new(&key);
        let more = format!("{}{more}", file.setting());
        let adapter = adapter(&cloud.endpoint(), &more, settings).await;
        Self {
            cloud,
            adapter,
            principal: key["client_email"].as_str().unwrap().to_owned(),
            _key: file,
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.adapter.client.clone()
    }

    /// Lets every operation of the cloud end that does not hang.
    pub(crate) fn settle(&self) {
        self.cloud.clock_advance(DONE);
    }

    pub(crate) async fn ensure_vpc(
        &self,
        request: EnsureVpcRequest,
    ) -> Result<EnsureVpcResponse, Status> {
        Ok(self.client().ensure_vpc(request).await?.into_inner())
    }

    /// Makes all parts of a network's VPC; answers its name.
    pub(crate) async fn network(&self, network: NetworkId, cidr: &str) -> String {
        self.complete_vpc(network, cidr).await.vpc_id
    }

    /// Makes all parts of a network's VPC.
    pub(crate) async fn complete_vpc(&self, network: NetworkId, cidr: &str) -> Vpc {
        let mut request = vpc_request(network, cidr);
        loop {
            let answer = self.ensure_vpc(request.clone()).await.unwrap();
            request.known = answer.vpc;
            if answer.next_part.is_empty() {
                return request.known.unwrap();
            }
            request.create_part = answer.next_part;
            request.operation_token = answer.operation_token;
            self.settle();
        }
    }

    pub(crate) async fn ensure_peering(
        &self,
        request: EnsurePeeringRequest,
    ) -> Result<EnsurePeeringResponse, Status> {
        Ok(self.client().ensure_peering(request).await?.into_inner())
    }

    /// Adds the vendor's half and waits for it.
    pub(crate) async fn peering(&self, mut request: EnsurePeeringRequest) -> PeeringObservation {
        let answer = self.ensure_peering(request.clone()).await.unwrap();
        self.settle();
        request.operation_token = answer.operation_token;
        let answer = self.ensure_peering(request).await.unwrap();
        assert!(answer.operation_token.is_empty());
        answer.observation.unwrap()
    }

    pub(crate) async fn delete_peering(
        &self,
        request: &mut DeletePeeringRequest,
    ) -> Result<Removal, Status> {
        let answer = self
            .client()
            .delete_peering(request.clone())
            .await?
            .into_inner();
        request.operation_token = answer.operation_token.clone();
        Ok(answer.removal())
    }

    /// Deletes a network's VPC to the end.
    pub(crate) async fn delete_vpc(
        &self,
        mut request: DeleteVpcRequest,
    ) -> Result<Removal, Status> {
        loop {
            let answer = self
                .client()
                .delete_vpc(request.clone())
                .await?
                .into_inner();
            if answer.removal() != Removal::InProgress {
                return Ok(answer.removal());
            }
            request.operation_token = answer.operation_token;
            self.settle();
        }
    }

    /// The pages of a listing with their `complete`, and the error that ended it.
    pub(crate) async fn observe(
        &self,
        ask: ObservePeeringsRequest,
    ) -> (Vec<(Vec<PeeringObservation>, bool)>, Option<CloudError>) {
        observe(self.client(), ask).await
    }

    /// The state of the only peering that a whole listing of the deployment shows.
    pub(crate) async fn seen(&self) -> Vec<PeeringObservation> {
        let (pages, error) = self.observe(listing()).await;
        assert!(error.is_none(), "{error:?}");
        assert!(pages.last().unwrap().1);
        pages.into_iter().flat_map(|page| page.0).collect()
    }

    /// The customer's networks, with the customer's own credentials.
    pub(crate) async fn customer(&self) -> Customer {
        let permissions = ["compute.*"];
        let key = self
            .cloud
            .gcp_service_account(CUSTOMER_PROJECT, "admin", &permissions);
        let credentials = service_account::Builder::new(key).build().unwrap();
        let networks = Networks::builder()
            .with_endpoint(self.cloud.endpoint())
            .with_credentials(credentials);
        Customer(networks.build().await.unwrap())
    }

    /// How often the cloud was called so, with whatever outcome.
    pub(crate) fn count(&self, action: &str) -> usize {
        self.cloud.calls_of(action).len()
    }
}

pub(crate) async fn observe(
    mut client: Client,
    ask: ObservePeeringsRequest,
) -> (Vec<(Vec<PeeringObservation>, bool)>, Option<CloudError>) {
    let mut stream = client.observe_peerings(ask).await.unwrap().into_inner();
    let mut pages = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(page)) => pages.push((page.observations, page.complete)),
            Ok(None) => return (pages, None),
            Err(status) => return (pages, Some(CloudError::from_status(&status))),
        }
    }
}

/// The customer at Compute Engine, past the adapter.
pub(crate) struct Customer(Networks);

impl Customer {
    pub(crate) async fn network(&self, suite: &Suite, name: &str) {
        let network = Network::new()
            .set_name(name)
            .set_auto_create_subnetworks(false);
        let call = self.0.insert().set_project(CUSTOMER_PROJECT);
        call.set_body(network).send().await.unwrap();
        suite.settle();
    }

    /// Adds the customer's half towards the vendor's network.
    pub(crate) async fn accept(&self, suite: &Suite, name: &str, vendor: &str) {
        let half = NetworkPeering::new()
            .set_name("to-vendor")
            .set_network(format!("projects/{PROJECT}/global/networks/{vendor}"))
            .set_exchange_subnet_routes(true);
        let body = NetworksAddPeeringRequest::new().set_network_peering(half);
        let call = self.0.add_peering().set_project(CUSTOMER_PROJECT);
        call.set_network(name).set_body(body).send().await.unwrap();
        suite.settle();
    }

    /// Removes the customer's network from under its peerings.
    pub(crate) async fn vanish(&self, suite: &Suite, name: &str) {
        suite
            .cloud
            .configure(|config| config.gcp.delete_network_with_peerings = true);
        let call = self.0.delete().set_project(CUSTOMER_PROJECT);
        call.set_network(name).send().await.unwrap();
        suite.settle();
    }
}

pub(crate) fn group() -> Group {
    Group {
        provider: Provider::Gcp.into(),
        account_id: PROJECT.into(),
        region: String::new(),
    }
}

pub(crate) fn vpc_ref(network: NetworkId) -> VpcRef {
    VpcRef {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        network_id: network.to_string(),
        region: REGION.into(),
    }
}

/// For the first part of a network's VPC.
pub(crate) fn vpc_request(network: NetworkId, cidr: &str) -> EnsureVpcRequest {
    EnsureVpcRequest {
        r#ref: Some(vpc_ref(network)),
        cidr: cidr.into(),
        known: None,
        create_part: "network".into(),
        operation_token: String::new(),
    }
}

pub(crate) fn delete_vpc_request(network: NetworkId) -> DeleteVpcRequest {
    DeleteVpcRequest {
        r#ref: Some(vpc_ref(network)),
        known: None,
        operation_token: String::new(),
    }
}

pub(crate) fn peering_ref(peering: PeeringId, attempt: i32) -> PeeringRef {
    PeeringRef {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        peering_id: peering.to_string(),
        attempt,
    }
}

pub(crate) fn peering_request(
    peering: PeeringId,
    vendor: &str,
    customer: &str,
) -> EnsurePeeringRequest {
    EnsurePeeringRequest {
        r#ref: Some(peering_ref(peering, 1)),
        network_id: NetworkId::generate().to_string(),
        vendor_vpc_id: vendor.into(),
        peer: Some(Peer {
            account_id: CUSTOMER_PROJECT.into(),
            region: String::new(),
            vpc_id: customer.into(),
        }),
        operation_token: String::new(),
        request_time: Some(api::timestamp(REQUEST_AT)),
        ..Default::default()
    }
}

pub(crate) fn removal_request(
    peering: PeeringId,
    provider_peering_id: &str,
    vendor: &str,
) -> DeletePeeringRequest {
    DeletePeeringRequest {
        r#ref: Some(peering_ref(peering, 1)),
        provider_peering_id: provider_peering_id.into(),
        vendor_vpc_id: vendor.into(),
        operation_token: String::new(),
        request_time: Some(api::timestamp(REQUEST_AT)),
    }
}

pub(crate) fn listing() -> ObservePeeringsRequest {
    ObservePeeringsRequest {
        group: Some(group()),
        deployment: DEPLOYMENT.into(),
        provider_peering_ids: Vec::new(),
        expected: Vec::new(),
        ..Default::default()
    }
}
