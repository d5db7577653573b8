//! A network service that does as it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use api::network::v1::network_service_server::{NetworkService, NetworkServiceServer};
use api::network::v1::*;
use futures::stream::BoxStream;
use runtime::status::failure;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, async_trait};
use types::NetworkId;

use crate::gate::Gate;

mod facts;
mod following;

/// Where all networks live.
pub(crate) const ACCOUNT: &str = "111111111111";

/// What AttachResource does next.
#[derive(Debug, Clone)]
pub(crate) enum Attach {
    /// Attaches, and the answer is lost.
    Lost,
    /// Refuses.
    Refuse(Code, &'static str),
    /// Refuses with all that an error can carry.
    RefuseWith(Box<Status>),
}

#[derive(Default)]
struct State {
    networks: BTreeMap<String, Network>,
    attached: BTreeMap<String, Attachment>,
    detached: Vec<String>,
    attach: Option<Attach>,
    away: bool,
    detach_away: bool,
    facts: facts::Facts,
    log: following::Log,
}

/// The service and what it knows.
#[derive(Clone)]
pub(crate) struct ScriptedNetwork {
    state: Arc<Mutex<State>>,
    detachments: watch::Sender<usize>,
    moved: watch::Sender<usize>,
    watched_from: watch::Sender<Vec<String>>,
    listed: watch::Sender<usize>,
    /// Stops AttachResource before its answer.
    pub(crate) attaching: Gate,
}

impl ScriptedNetwork {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let service = Self {
            state: Arc::default(),
            detachments: watch::Sender::new(0),
            moved: watch::Sender::new(0),
            watched_from: watch::Sender::default(),
            listed: watch::Sender::new(0),
            attaching: Gate::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(NetworkServiceServer::new(service.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (service, address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// An ACTIVE network 10.20.0.0/16 in AWS.
    pub(crate) fn add(&self, tenant: &str) -> String {
        self.add_with(tenant, |_| {})
    }

    pub(crate) fn add_with(&self, tenant: &str, change: impl FnOnce(&mut Network)) -> String {
        let id = NetworkId::generate().to_string();
        let mut network = Network {
            id: id.clone(),
            tenant_id: tenant.to_owned(),
            display_name: "main".to_owned(),
            provider: Provider::Aws.into(),
            region: "eu-west-1".to_owned(),
            cidr: "10.20.0.0/16".to_owned(),
            state: network::State::Active.into(),
            provider_account_id: ACCOUNT.to_owned(),
            provider_vpc_id: format!("vpc-{}", &id[id.len() - 17..]),
            ..Default::default()
        };
        change(&mut network);
        self.state().networks.insert(id.clone(), network);
        id
    }

    /// The network becomes another one, and nobody is told.
    pub(crate) fn alter(&self, network: &str, change: impl FnOnce(&mut Network)) {
        let mut state = self.state();
        change(state.networks.get_mut(network).unwrap());
    }

    pub(crate) fn vpc(&self, network: &str) -> String {
        self.state().networks[network].provider_vpc_id.clone()
    }

    /// Answers nothing but UNAVAILABLE from now on, or again.
    pub(crate) fn set_away(&self, away: bool) {
        self.state().away = away;
    }

    /// DetachResource alone is away.
    pub(crate) fn set_detach_away(&self, away: bool) {
        self.state().detach_away = away;
    }

    pub(crate) fn next_attach(&self, attach: Attach) {
        self.state().attach = Some(attach);
    }

    pub(crate) fn attached(&self) -> Vec<Attachment> {
        self.state().attached.values().cloned().collect()
    }

    pub(crate) fn detached(&self) -> Vec<String> {
        self.state().detached.clone()
    }

    /// Returns once this many attachments were detached.
    pub(crate) async fn until_detached(&self, count: usize) {
        self.detachments
            .subscribe()
            .wait_for(|seen| *seen >= count)
            .await
            .unwrap();
    }
}

#[async_trait]
impl NetworkService for ScriptedNetwork {
    async fn get_network(
        &self,
        request: Request<GetNetworkRequest>,
    ) -> Result<Response<GetNetworkResponse>, Status> {
        let request = request.into_inner();
        let state = self.state();
        if state.away {
            return Err(Status::unavailable("away"));
        }
        let network = state.networks.get(&request.network_id);
        match network.filter(|network| network.tenant_id == request.tenant_id) {
            Some(network) => Ok(Response::new(GetNetworkResponse {
                network: Some(network.clone()),
            })),
            None => Err(failure(
                Code::NotFound,
                "NETWORK_NOT_FOUND",
                "no such network",
            )),
        }
    }

    async fn attach_resource(
        &self,
        request: Request<AttachResourceRequest>,
    ) -> Result<Response<AttachResourceResponse>, Status> {
        let request = request.into_inner();
        let attachment = request.attachment.unwrap();
        if request.validate_only {
            return self.check(attachment).map(Response::new);
        }
        self.attaching.pass().await;
        let mut state = self.state();
        if state.away {
            return Err(Status::unavailable("away"));
        }
        let told = state.attach.take();
        if let Some(Attach::Refuse(code, reason)) = told {
            return Err(failure(code, reason, "refused as told"));
        }
        if let Some(Attach::RefuseWith(status)) = told {
            return Err(*status);
        }
        if state.detached.contains(&attachment.id) {
            let reason = "ATTACHMENT_DETACHED";
            return Err(failure(Code::FailedPrecondition, reason, "it was detached"));
        }
        state
            .attached
            .insert(attachment.id.clone(), attachment.clone());
        if matches!(told, Some(Attach::Lost)) {
            return Err(Status::deadline_exceeded("lost"));
        }
        let network = state.networks.get(&attachment.network_id).cloned();
        Ok(Response::new(AttachResourceResponse {
            network,
            attachment: Some(attachment),
            findings: Vec::new(),
        }))
    }

    async fn detach_resource(
        &self,
        request: Request<DetachResourceRequest>,
    ) -> Result<Response<DetachResourceResponse>, Status> {
        let DetachResourceRequest { id, network_id, .. } = request.into_inner();
        let mut state = self.state();
        if state.away || state.detach_away {
            return Err(Status::unavailable("away"));
        }
        if !state.networks.contains_key(&network_id) {
            let reason = "NETWORK_NOT_FOUND";
            return Err(failure(Code::NotFound, reason, "no such network"));
        }
        state.attached.remove(&id);
        state.detached.push(id);
        state.tell_of_detachment(&network_id);
        self.moved.send_modify(|count| *count += 1);
        self.detachments.send_modify(|count| *count += 1);
        Ok(Response::new(DetachResourceResponse {}))
    }

    async fn create_network(
        &self,
        _: Request<CreateNetworkRequest>,
    ) -> Result<Response<CreateNetworkResponse>, Status> {
        Err(Status::unimplemented("CreateNetwork"))
    }

    async fn list_networks(
        &self,
        request: Request<ListNetworksRequest>,
    ) -> Result<Response<ListNetworksResponse>, Status> {
        self.page(&request.into_inner()).map(Response::new)
    }

    async fn update_network(
        &self,
        _: Request<UpdateNetworkRequest>,
    ) -> Result<Response<UpdateNetworkResponse>, Status> {
        Err(Status::unimplemented("UpdateNetwork"))
    }

    async fn delete_network(
        &self,
        _: Request<DeleteNetworkRequest>,
    ) -> Result<Response<DeleteNetworkResponse>, Status> {
        Err(Status::unimplemented("DeleteNetwork"))
    }

    type WatchNetworksStream = BoxStream<'static, Result<WatchNetworksResponse, Status>>;

    async fn watch_networks(
        &self,
        request: Request<WatchNetworksRequest>,
    ) -> Result<Response<Self::WatchNetworksStream>, Status> {
        self.follow(request.into_inner()).map(Response::new)
    }

    async fn list_network_events(
        &self,
        _: Request<ListNetworkEventsRequest>,
    ) -> Result<Response<ListNetworkEventsResponse>, Status> {
        Err(Status::unimplemented("ListNetworkEvents"))
    }

    async fn check_cidr(
        &self,
        _: Request<CheckCidrRequest>,
    ) -> Result<Response<CheckCidrResponse>, Status> {
        Err(Status::unimplemented("CheckCidr"))
    }

    async fn list_regions(
        &self,
        _: Request<ListRegionsRequest>,
    ) -> Result<Response<ListRegionsResponse>, Status> {
        Err(Status::unimplemented("ListRegions"))
    }

    async fn get_tenant_limits(
        &self,
        _: Request<GetTenantLimitsRequest>,
    ) -> Result<Response<GetTenantLimitsResponse>, Status> {
        Err(Status::unimplemented("GetTenantLimits"))
    }

    async fn put_allow_list_entry(
        &self,
        _: Request<PutAllowListEntryRequest>,
    ) -> Result<Response<PutAllowListEntryResponse>, Status> {
        Err(Status::unimplemented("PutAllowListEntry"))
    }

    async fn delete_allow_list_entry(
        &self,
        _: Request<DeleteAllowListEntryRequest>,
    ) -> Result<Response<DeleteAllowListEntryResponse>, Status> {
        Err(Status::unimplemented("DeleteAllowListEntry"))
    }

    async fn list_allow_list_entries(
        &self,
        request: Request<ListAllowListEntriesRequest>,
    ) -> Result<Response<ListAllowListEntriesResponse>, Status> {
        self.entries(&request.into_inner()).map(Response::new)
    }

    async fn allow_peered_cidrs(
        &self,
        _: Request<AllowPeeredCidrsRequest>,
    ) -> Result<Response<AllowPeeredCidrsResponse>, Status> {
        Err(Status::unimplemented("AllowPeeredCidrs"))
    }

    async fn list_attachments(
        &self,
        request: Request<ListAttachmentsRequest>,
    ) -> Result<Response<ListAttachmentsResponse>, Status> {
        self.attachments(&request.into_inner()).map(Response::new)
    }
}
