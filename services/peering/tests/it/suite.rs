//! The service on a free port with a database of its own, between two scripted ones.

use std::net::SocketAddr;
use std::time::Duration;

use ::peering::{App, Config};
use api::peering::v1::peering::State;
use api::peering::v1::peering_service_client::PeeringServiceClient;
use api::peering::v1::*;
use api::queue::v1::queue_service_client::QueueServiceClient;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt;

use crate::cloud::Cloud;
use crate::network::ScriptedNetwork;

/// The tenant of most tests.
pub(crate) const TENANT: &str = "acme";

/// How long a test waits for what must come; long, since machines are slow, and never waited out when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A database that a test runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Makes each named test run on both databases.
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::suite::Kind::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::suite::Kind::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_both_databases;

/// Where the service listens, what ends it, and its end.
type Running = (
    SocketAddr,
    oneshot::Sender<()>,
    JoinHandle<anyhow::Result<()>>,
);

pub(crate) struct Suite {
    pub(crate) api: PeeringServiceClient<Channel>,
    pub(crate) cloud: Cloud,
    pub(crate) network: ScriptedNetwork,
    config: Config,
    running: Option<Running>,
    pub(crate) database: testkit::TestDatabase,
    pub(crate) cloud_address: SocketAddr,
}

impl Suite {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::start_with(kind, |_| {}).await
    }

    pub(crate) async fn start_with(kind: Kind, change: impl FnOnce(&mut Config)) -> Self {
        let database = match kind {
            Kind::Sqlite => testkit::sqlite(),
            Kind::Postgres => testkit::postgres().await,
        };
        let (network, network_address) = ScriptedNetwork::start().await;
        let (cloud, cloud_address) = Cloud::start().await;
        let mut config = Config::load(None, Vec::new()).unwrap();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        // A busy machine is no fault of the service's.
        config.server.request_timeout = Duration::from_secs(60);
        config.database = database.config();
        config.network.endpoint = format!("http://{network_address}");
        config.provider_adapter.endpoint = format!("http://{cloud_address}");
        config.queue.pending_interval = Duration::from_millis(50);
        config.queue.drift_interval = Duration::from_millis(50);
        config.queue.idle_interval = Duration::from_millis(200);
        change(&mut config);
        App::migrate(&config).await.unwrap();
        let (api, running) = run(&config).await;
        Self {
            api,
            cloud,
            network,
            config,
            running: Some(running),
            database,
            cloud_address,
        }
    }

    /// Ends the service and starts it again on what it left.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        let (api, running) = run(&self.config).await;
        self.api = api;
        self.running = Some(running);
    }

    /// Ends the service and starts it again with other settings.
    pub(crate) async fn restart_with(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.restart().await;
    }

    /// The operator's view of the queue.
    pub(crate) async fn operator(&self) -> QueueServiceClient<Channel> {
        let address = self.running.as_ref().unwrap().0;
        QueueServiceClient::connect(format!("http://{address}"))
            .await
            .unwrap()
    }

    /// Runs the service once more on the same database until the answer is dropped.
    pub(crate) async fn replica(&self) -> oneshot::Sender<()> {
        let (_, (_, stop, _)) = run(&self.config).await;
        stop
    }

    pub(crate) async fn stop(&mut self) {
        if let Some((_, stop, ended)) = self.running.take() {
            stop.send(()).ok();
            ended.await.unwrap().unwrap();
        }
    }

    /// Creates a peering of the tenant's new network with a VPC of the customer's.
    pub(crate) async fn create(&self) -> Peering {
        let network = self.network.add(TENANT);
        self.create_with(request(&network)).await.unwrap()
    }

    pub(crate) async fn create_with(
        &self,
        request: CreatePeeringRequest,
    ) -> Result<Peering, Status> {
        let answer = self.api.clone().create_peering(request).await?;
        Ok(answer.into_inner().peering.unwrap())
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Peering, Status> {
        let request = GetPeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
        };
        Ok(self
            .api
            .clone()
            .get_peering(request)
            .await?
            .into_inner()
            .peering
            .unwrap())
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<Peering, Status> {
        let request = DeletePeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
            ..Default::default()
        };
        Ok(self
            .api
            .clone()
            .delete_peering(request)
            .await?
            .into_inner()
            .peering
            .unwrap())
    }

    pub(crate) async fn refresh(&self, id: &str) -> Result<RefreshPeeringResponse, Status> {
        let request = RefreshPeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
        };
        Ok(self
            .api
            .clone()
            .refresh_peering(request)
            .await?
            .into_inner())
    }

    pub(crate) async fn list(&self) -> Vec<Peering> {
        let request = ListPeeringsRequest {
            tenant_id: TENANT.to_owned(),
            show_deleted: true,
            ..Default::default()
        };
        self.api
            .clone()
            .list_peerings(request)
            .await
            .unwrap()
            .into_inner()
            .peerings
    }

    /// A peering's history once it leads to `state`: on PostgreSQL events are numbered a little later.
    pub(crate) async fn events(&self, id: &str, state: State) -> Vec<PeeringEvent> {
        let request = ListPeeringEventsRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
            ..Default::default()
        };
        let numbered = async {
            loop {
                let answer = self
                    .api
                    .clone()
                    .list_peering_events(request.clone())
                    .await
                    .unwrap();
                let events = answer.into_inner().events;
                if events.last().is_some_and(|last| last.to_state() == state) {
                    return events;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, numbered)
            .await
            .expect("the events are numbered in time")
    }

    /// The peering once it is as wanted. Each look at the cloud that ends is a chance.
    pub(crate) async fn until(
        &self,
        id: &str,
        what: &str,
        wanted: impl Fn(&Peering) -> bool,
    ) -> Peering {
        let mut last = None;
        let reached = async {
            loop {
                let answer = self.refresh(id).await.unwrap();
                let peering = answer.peering.unwrap();
                if wanted(&peering) {
                    return peering;
                }
                last = Some(peering);
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(PATIENCE, reached).await {
            Ok(peering) => peering,
            Err(_) => panic!("it is not {what} in time, but {last:#?}"),
        }
    }

    pub(crate) async fn until_state(&self, id: &str, state: State) -> Peering {
        self.until(id, state.as_str_name(), |peering| peering.state() == state)
            .await
    }

    /// A peering that the customer has accepted, its routes in place.
    pub(crate) async fn active(&self) -> Peering {
        let peering = self.create().await;
        self.until_state(&peering.id, State::PendingAcceptance)
            .await;
        self.cloud.accept(&peering.id);
        self.until(&peering.id, "routed", is_routed).await
    }

    /// Looks at the cloud this often more, each complete.
    pub(crate) async fn look(&self, id: &str, times: usize) -> Peering {
        let mut peering = None;
        for _ in 0..times {
            let answer = self.refresh(id).await.unwrap();
            assert!(answer.fresh, "the look came in time");
            peering = answer.peering;
        }
        peering.unwrap()
    }
}

async fn run(config: &Config) -> (PeeringServiceClient<Channel>, Running) {
    let app = App::build(config.clone()).await.unwrap();
    let address = app.local_addr();
    let (stop, stopped) = oneshot::channel();
    let running = tokio::spawn(app.run(async {
        stopped.await.ok();
    }));
    let api = PeeringServiceClient::connect(format!("http://{address}"))
        .await
        .unwrap();
    (api, (address, stop, running))
}

pub(crate) fn is_routed(peering: &Peering) -> bool {
    peering.conditions.iter().any(|condition| {
        condition.r#type == "ROUTES_READY"
            && condition.status() == api::peering::v1::condition::Status::True
    })
}

/// A request that nothing forbids.
pub(crate) fn request(network: &str) -> CreatePeeringRequest {
    CreatePeeringRequest {
        tenant_id: TENANT.to_owned(),
        network_id: network.to_owned(),
        display_name: format!("apps {}", &network[network.len() - 12..]),
        peer: Some(create_peering_request::Peer::Aws(aws_peer())),
        ..Default::default()
    }
}

pub(crate) fn aws_peer() -> AwsPeer {
    AwsPeer {
        account_id: "222222222222".to_owned(),
        region: String::new(),
        vpc_id: "vpc-0a0a0a0a0a0a0a0a0".to_owned(),
        cidrs: vec!["10.1.0.0/16".to_owned(), "100.64.0.0/16".to_owned()],
    }
}

/// The reason that an error carries.
pub(crate) fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// A fact that an error carries.
pub(crate) fn fact(status: &Status, key: &str) -> String {
    let info = status.get_details_error_info().unwrap();
    info.metadata.get(key).cloned().unwrap_or_default()
}

/// When the cloud was looked at last, in milliseconds.
pub(crate) fn observed(peering: &Peering) -> i64 {
    peering.observe_time.as_ref().map_or(0, api::millis)
}
