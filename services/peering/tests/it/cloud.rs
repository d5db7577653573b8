//! A provider-adapter with one small cloud behind it, which lags, loses and refuses as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use api::cloud::CloudError;
use api::provider::v1::peering_observation::State as CloudState;
use api::provider::v1::provider_service_server::{ProviderService, ProviderServiceServer};
use api::provider::v1::*;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, async_trait};

use crate::gate::Gate;
use crate::guide::Guide;
use crate::halves::{Halves, has_two_halves, is_gcp};
use crate::told::{Listing, Told, silence};
use crate::vendor::Vendor;

mod options;

#[derive(Default)]
struct State {
    objects: Vec<PeeringObservation>,
    made: usize,
    told: BTreeMap<&'static str, VecDeque<Told>>,
    listing: Option<Listing>,
    routes: BTreeMap<String, Vec<(String, String)>>,
    blocked: Vec<String>,
    vpcs: BTreeMap<String, String>,
    dead: Vec<String>,
    deletions: usize,
    options_set: usize,
    asked: Vec<ObservePeeringsRequest>,
}

/// The adapter and its cloud.
#[derive(Clone)]
pub(crate) struct Cloud {
    state: Arc<Mutex<State>>,
    looks: watch::Sender<usize>,
    /// Stops listings after their rows were read.
    pub(crate) looking: Gate,
    /// Stops EnsurePeering after it acted.
    pub(crate) requesting: Gate,
    /// Stops EnsureRoutes before it acts.
    pub(crate) routing: Gate,
    /// What GetLimits tells.
    pub(crate) vendor: Vendor,
    /// What there is of peerings of two halves.
    pub(crate) halves: Halves,
    /// What DescribeSteps tells.
    pub(crate) guide: Guide,
}

impl State {
    /// The routes to peerings of these networks, or of all.
    fn wiring(&self, networks: &[String]) -> Vec<observe_routes_response::Observation> {
        let asked = |network: &&String| networks.is_empty() || networks.contains(network);
        let route = |(cidr, id): &(String, String)| {
            let state = match self.dead.contains(cidr) {
                true => route::State::Blackhole,
                false => route::State::Active,
            };
            Route {
                cidr: cidr.clone(),
                provider_peering_id: id.clone(),
                state: state.into(),
            }
        };
        let observation =
            |(network, vpc): (&String, &String)| observe_routes_response::Observation {
                network_id: network.clone(),
                vpc_id: vpc.clone(),
                routes: self
                    .routes
                    .get(vpc)
                    .into_iter()
                    .flatten()
                    .map(route)
                    .collect(),
            };
        let vpcs = self.vpcs.iter().filter(|(network, _)| asked(network));
        vpcs.map(observation).collect()
    }
}

impl Cloud {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let cloud = Self {
            state: Arc::default(),
            looks: watch::Sender::new(0),
            looking: Gate::default(),
            requesting: Gate::default(),
            routing: Gate::default(),
            vendor: Vendor::default(),
            halves: Halves::default(),
            guide: Guide::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(ProviderServiceServer::new(cloud.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (cloud, address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What the call of this name does next; several are done one after another.
    pub(crate) fn tell(&self, call: &'static str, told: Told) {
        self.state().told.entry(call).or_default().push_back(told);
    }

    pub(crate) fn set_listing(&self, listing: Option<Listing>) {
        self.state().listing = listing;
    }

    /// How many peerings were ever made.
    pub(crate) fn made(&self) -> usize {
        self.state().made
    }

    /// The listings that were asked for.
    pub(crate) fn asked(&self) -> Vec<ObservePeeringsRequest> {
        self.state().asked.clone()
    }

    pub(crate) fn deletions(&self) -> usize {
        self.state().deletions
    }

    pub(crate) fn objects(&self) -> Vec<PeeringObservation> {
        self.state().objects.clone()
    }

    /// Peerings that a deletion would have to remove.
    pub(crate) fn live(&self) -> usize {
        self.state()
            .objects
            .iter()
            .filter(|object| is_live(object))
            .count()
    }

    /// Routes in the tables of a VPC, as range and target.
    pub(crate) fn routes(&self, vpc: &str) -> Vec<(String, String)> {
        self.state().routes.get(vpc).cloned().unwrap_or_default()
    }

    /// Somebody removes the route to this range from the tables of a VPC.
    pub(crate) fn cut_route(&self, vpc: &str, range: &str) {
        let mut state = self.state();
        let routes = state.routes.get_mut(vpc).expect("the VPC has routes");
        routes.retain(|(cidr, _)| cidr != range);
    }

    /// The route to this range has lost its target.
    pub(crate) fn blackhole(&self, range: &str) {
        self.state().dead.push(range.to_owned());
    }

    /// No table takes a route to this range: something else has it.
    pub(crate) fn block(&self, range: &str) {
        self.state().blocked.push(range.to_owned());
    }

    /// Changes the object of a peering, as the customer or the cloud does.
    pub(crate) fn change(&self, peering: &str, change: impl FnOnce(&mut PeeringObservation)) {
        let mut state = self.state();
        let found = state
            .objects
            .iter_mut()
            .rev()
            .find(|one| one.peering_id == peering);
        change(found.expect("the peering is in the cloud"));
    }

    pub(crate) fn set_state(&self, peering: &str, to: CloudState, raw: &str) {
        self.change(peering, |object| {
            object.set_state(to);
            object.raw_state = raw.to_owned();
            object.reason.clear();
            let shown = object.options.unwrap_or_default();
            object.options = (to == CloudState::Active).then_some(shown);
        });
    }

    pub(crate) fn accept(&self, peering: &str) {
        self.set_state(peering, CloudState::Active, "active");
    }

    /// The object of a peering is not shown any more.
    pub(crate) fn forget(&self, peering: &str) {
        self.state().objects.retain(|one| one.peering_id != peering);
    }

    /// Nothing is there any more.
    pub(crate) fn vanish(&self) {
        self.state().objects.clear();
    }

    pub(crate) fn add(&self, object: PeeringObservation) {
        self.state().objects.push(object);
    }

    /// Listings that were begun so far.
    pub(crate) fn looks(&self) -> usize {
        *self.looks.borrow()
    }

    /// Returns once this many listings were begun.
    pub(crate) async fn until_looked(&self, count: usize) {
        self.looks
            .subscribe()
            .wait_for(|seen| *seen >= count)
            .await
            .unwrap();
    }

    fn next_told(&self, call: &'static str) -> Option<Told> {
        self.state().told.get_mut(call)?.pop_front()
    }

    fn make(&self, request: &EnsurePeeringRequest) -> Result<PeeringObservation, CloudError> {
        let reference = request.r#ref.clone().unwrap();
        let mut state = self.state();
        let standing = state.objects.iter().find(|object| {
            is_live(object)
                && object.vendor_vpc_id == request.vendor_vpc_id
                && object.peer == request.peer
        });
        if let Some(object) = standing {
            // Be it of an earlier attempt: whoever asks has to see to that.
            if object.peering_id == reference.peering_id {
                return Ok(object.clone());
            }
            use api::cloud::CloudErrorKind::Terminal;
            return Err(CloudError::refused(
                Terminal,
                "DUPLICATE_PEERING",
                "it is another's",
            ));
        }
        state.made += 1;
        let object = PeeringObservation {
            provider_peering_id: format!("pcx-{:017x}", state.made),
            deployment: reference.deployment,
            peering_id: reference.peering_id,
            attempt: reference.attempt,
            state: CloudState::PendingAcceptance.into(),
            raw_state: "pending-acceptance".to_owned(),
            expire_time: Some(api::timestamp(4_000_000_000_000)),
            vendor_vpc_id: request.vendor_vpc_id.clone(),
            peer: request.peer.clone(),
            ..Default::default()
        };
        state.objects.push(object.clone());
        self.vendor.count(&state.objects);
        Ok(object)
    }
}

fn is_live(object: &PeeringObservation) -> bool {
    use CloudState::*;
    matches!(
        object.state(),
        Provisioning | PendingAcceptance | Active | Inactive
    )
}

#[async_trait]
impl ProviderService for Cloud {
    async fn ensure_peering(
        &self,
        request: Request<EnsurePeeringRequest>,
    ) -> Result<Response<EnsurePeeringResponse>, Status> {
        let request = request.into_inner();
        let told = match request.operation_token.as_str() {
            "" => self.next_told("EnsurePeering"),
            _ => self.next_told("FollowPeering"),
        };
        if has_two_halves(request.r#ref.as_ref()) {
            let answer = self.halves.told_to_ensure(told.as_ref(), &request);
            self.requesting.pass().await;
            return answer.map(Response::new);
        }
        let observation = match &told {
            Some(Told::Refuse(error)) => return Err(error.clone().into()),
            Some(Told::Silent) => return Err(silence()),
            Some(Told::Answer(observation)) => *observation.clone(),
            _ => self.make(&request)?,
        };
        self.requesting.pass().await;
        if matches!(told, Some(Told::Lost)) {
            return Err(silence());
        }
        Ok(Response::new(EnsurePeeringResponse {
            observation: Some(observation),
            operation_token: String::new(),
        }))
    }

    async fn delete_peering(
        &self,
        request: Request<DeletePeeringRequest>,
    ) -> Result<Response<DeletePeeringResponse>, Status> {
        let request = request.into_inner();
        let told = self.next_told("DeletePeering");
        match &told {
            Some(Told::Refuse(error)) => return Err(error.clone().into()),
            Some(Told::Silent) => return Err(silence()),
            _ => {}
        }
        if has_two_halves(request.r#ref.as_ref()) {
            let answer = self.halves.told_to_delete(told.as_ref(), &request);
            return answer.map(Response::new);
        }
        let mut state = self.state();
        state.deletions += 1;
        let id = request.provider_peering_id;
        let object = state
            .objects
            .iter_mut()
            .find(|one| one.provider_peering_id == id);
        let removal = match object {
            None => Removal::Absent,
            Some(object) => {
                if is_live(object) {
                    object.set_state(CloudState::Deleted);
                    object.raw_state = "deleted".to_owned();
                }
                Removal::Deleted
            }
        };
        let removal = match told {
            Some(Told::Lost) => return Err(silence()),
            Some(Told::InProgress) => Removal::InProgress,
            _ => removal,
        };
        let removal = removal.into();
        Ok(Response::new(DeletePeeringResponse {
            removal,
            operation_token: String::new(),
        }))
    }

    async fn ensure_routes(
        &self,
        request: Request<EnsureRoutesRequest>,
    ) -> Result<Response<EnsureRoutesResponse>, Status> {
        let request = request.into_inner();
        match self.next_told("EnsureRoutes") {
            Some(Told::Refuse(error)) => return Err(error.into()),
            Some(Told::Silent) => return Err(silence()),
            Some(Told::InProgress) => return Ok(Response::new(EnsureRoutesResponse::default())),
            _ => {}
        }
        self.routing.pass().await;
        let mut state = self.state();
        let (mut placed, mut routes) = (Vec::new(), request.wanted);
        for route in &mut routes {
            if state.blocked.contains(&route.cidr) {
                route.set_state(route::State::Missing);
            } else {
                placed.push((route.cidr.clone(), route.provider_peering_id.clone()));
            }
        }
        let answer = EnsureRoutesResponse {
            complete: placed.len() == routes.len(),
            routes,
            ..Default::default()
        };
        let network = request.r#ref.unwrap_or_default().network_id;
        state.vpcs.insert(network, request.vpc_id.clone());
        state.routes.insert(request.vpc_id, placed);
        Ok(Response::new(answer))
    }

    type ObservePeeringsStream = BoxStream<'static, Result<ObservePeeringsResponse, Status>>;

    async fn observe_peerings(
        &self,
        request: Request<ObservePeeringsRequest>,
    ) -> Result<Response<Self::ObservePeeringsStream>, Status> {
        let request = request.into_inner();
        let (mut objects, listing) = {
            let state = self.state();
            (state.objects.clone(), state.listing.clone())
        };
        if is_gcp(request.group.as_ref()) {
            objects = self.halves.list(&request.expected);
        }
        crate::told::narrow(&mut objects, &request);
        self.state().asked.push(request);
        self.looks.send_modify(|count| *count += 1);
        self.looking.pass().await;
        let pages = crate::told::pages(listing, &objects)?;
        Ok(Response::new(futures::stream::iter(pages).boxed()))
    }

    async fn place_network(
        &self,
        _: Request<PlaceNetworkRequest>,
    ) -> Result<Response<PlaceNetworkResponse>, Status> {
        Err(Status::unimplemented("PlaceNetwork"))
    }

    async fn ensure_vpc(
        &self,
        _: Request<EnsureVpcRequest>,
    ) -> Result<Response<EnsureVpcResponse>, Status> {
        Err(Status::unimplemented("EnsureVpc"))
    }

    async fn delete_vpc(
        &self,
        _: Request<DeleteVpcRequest>,
    ) -> Result<Response<DeleteVpcResponse>, Status> {
        Err(Status::unimplemented("DeleteVpc"))
    }

    type ObserveVpcsStream = BoxStream<'static, Result<ObserveVpcsResponse, Status>>;

    async fn observe_vpcs(
        &self,
        _: Request<ObserveVpcsRequest>,
    ) -> Result<Response<Self::ObserveVpcsStream>, Status> {
        Err(Status::unimplemented("ObserveVpcs"))
    }

    async fn ensure_firewall(
        &self,
        _: Request<EnsureFirewallRequest>,
    ) -> Result<Response<EnsureFirewallResponse>, Status> {
        Err(Status::unimplemented("EnsureFirewall"))
    }

    type ObserveRoutesStream = BoxStream<'static, Result<ObserveRoutesResponse, Status>>;

    async fn observe_routes(
        &self,
        request: Request<ObserveRoutesRequest>,
    ) -> Result<Response<Self::ObserveRoutesStream>, Status> {
        let wanted = request.into_inner().network_ids;
        match self.next_told("ObserveRoutes") {
            Some(Told::Refuse(error)) => return Err(error.into()),
            Some(Told::Silent) => return Err(silence()),
            _ => {}
        }
        let observations = self.state().wiring(&wanted);
        let page = ObserveRoutesResponse {
            observations,
            complete: true,
        };
        Ok(Response::new(futures::stream::iter([Ok(page)]).boxed()))
    }

    async fn ensure_peering_options(
        &self,
        request: Request<EnsurePeeringOptionsRequest>,
    ) -> Result<Response<EnsurePeeringOptionsResponse>, Status> {
        let request = request.into_inner();
        self.told_to_set_options(&request).map(Response::new)
    }

    async fn describe_steps(
        &self,
        request: Request<DescribeStepsRequest>,
    ) -> Result<Response<DescribeStepsResponse>, Status> {
        self.guide.describe(request.into_inner()).map(Response::new)
    }

    async fn get_limits(
        &self,
        request: Request<GetLimitsRequest>,
    ) -> Result<Response<GetLimitsResponse>, Status> {
        self.vendor.answer(&request.into_inner()).map(Response::new)
    }
}
