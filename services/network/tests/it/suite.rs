//! The service under test, with shortcuts for what most tests say.

use std::time::Duration;

use ::network::{App, Config};
use api::network::v1::network_service_client::NetworkServiceClient;
use api::network::v1::*;
use api::queue::v1::queue_service_client::QueueServiceClient;
use testkit::TestDatabase;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::Channel;

use crate::provider::Provider;

pub(crate) type Client = NetworkServiceClient<Channel>;

/// What a test waits for comes within this, or the test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test on both kinds of database.
#[macro_export]
macro_rules! on_each_database {
    ($($(#[$doc:meta])* async fn $name:ident($suite:ident: Suite) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn run($suite: Suite) $body

            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                run(Suite::start(testkit::sqlite()).await).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                run(Suite::start(testkit::postgres().await).await).await;
            }
        }
    )*};
}

/// The service on a free port.
pub(crate) struct Suite {
    pub(crate) client: Client,
    pub(crate) provider: Provider,
    pub(crate) config: Config,
    service: Option<Service>,
    // Dropped last: the service needs it to its end.
    pub(crate) database: TestDatabase,
}

struct Service {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
}

/// Settings for a test: the database, the provider-adapter, free ports, short waits.
pub(crate) fn settings(
    database: &TestDatabase,
    provider: std::net::SocketAddr,
) -> Vec<(String, String)> {
    [
        ("SERVER__LISTEN", "127.0.0.1:0"),
        ("DATABASE__URL", database.url()),
        ("PROVIDER_ADAPTER__ENDPOINT", &format!("http://{provider}")),
        ("QUEUE__ABSENCE_GRACE", "300ms"),
        ("QUEUE__POLL", "20ms"),
        // A killed process leaves its claims behind for this long.
        ("QUEUE__LEASE", "5s"),
        ("PROVIDER_ADAPTER__TIMEOUT", "2s"),
        ("WORK__LOOK_SOON", "20ms"),
        ("WORK__REMOVAL", "5ms"),
        ("WORK__OPERATION", "10ms"),
    ]
    .map(|(name, value)| (format!("PEERWAY_NETWORK__{name}"), value.to_owned()))
    .into()
}

impl Suite {
    /// Starts it in a database of its own.
    pub(crate) async fn start(database: TestDatabase) -> Self {
        let (provider, address) = Provider::start().await;
        let config = Config::load(None, settings(&database, address)).unwrap();
        ::network::App::migrate(&config).await.unwrap();
        let (client, service) = serve(config.clone()).await;
        Self {
            client,
            provider,
            config,
            service: Some(service),
            database,
        }
    }

    /// Ends the service in good order and starts it again with what `change` makes of its settings.
    pub(crate) async fn restart(&mut self, change: impl FnOnce(&mut Config)) {
        if let Some(service) = self.service.take() {
            service.stop.cancel();
            service.running.await.unwrap().unwrap();
        }
        change(&mut self.config);
        let (client, service) = serve(self.config.clone()).await;
        (self.client, self.service) = (client, Some(service));
    }

    /// A client with a connection of its own.
    pub(crate) async fn another_client(&self) -> Client {
        connect(self.service.as_ref().unwrap().address).await
    }

    /// The operator's view of the queue.
    pub(crate) async fn operator(&self) -> QueueServiceClient<Channel> {
        let address = self.service.as_ref().unwrap().address;
        QueueServiceClient::connect(format!("http://{address}"))
            .await
            .unwrap()
    }

    /// Asks for a network of the tenant `acme`.
    pub(crate) async fn create(&self, name: &str, cidr: &str) -> Network {
        let answer = self
            .client
            .clone()
            .create_network(wish(name, cidr))
            .await
            .unwrap();
        answer.into_inner().network.unwrap()
    }

    /// Asks for a network in GCP.
    pub(crate) async fn create_in_gcp(&self, name: &str, cidr: &str) -> Network {
        let wish = CreateNetworkRequest {
            provider: api::network::v1::Provider::Gcp.into(),
            region: "europe-west1".to_owned(),
            ..wish(name, cidr)
        };
        let answer = self.client.clone().create_network(wish).await.unwrap();
        answer.into_inner().network.unwrap()
    }

    /// Asks for a network and waits until it is ACTIVE.
    pub(crate) async fn active(&self, name: &str, cidr: &str) -> Network {
        let created = self.create(name, cidr).await;
        self.until(&created.id, api::network::v1::network::State::Active)
            .await
    }

    /// Asks for a network and waits until nothing is to be done for it.
    pub(crate) async fn settled(&self, name: &str, cidr: &str) -> Network {
        let created = self.create(name, cidr).await;
        let is_ready = |network: &Network| {
            let mut conditions = network.conditions.iter();
            conditions.any(|condition| condition.status() == condition::Status::True)
        };
        self.until_it(&created.id, is_ready).await
    }

    pub(crate) async fn get(&self, id: &str) -> Network {
        get(&self.client, id).await.unwrap()
    }

    /// Waits until the network is in this state.
    pub(crate) async fn until(&self, id: &str, state: api::network::v1::network::State) -> Network {
        self.until_it(id, |network| network.state() == state).await
    }

    /// Waits until the network is as wanted.
    pub(crate) async fn until_it(&self, id: &str, wanted: impl Fn(&Network) -> bool) -> Network {
        until_it(&self.client, id, wanted).await
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<Network, Status> {
        let answer = self.client.clone().delete_network(deletion(id)).await?;
        Ok(answer.into_inner().network.unwrap())
    }

    pub(crate) async fn attach(
        &self,
        attachment: Attachment,
    ) -> Result<AttachResourceResponse, Status> {
        Ok(self
            .client
            .clone()
            .attach_resource(attaching(attachment))
            .await?
            .into_inner())
    }

    pub(crate) async fn detach(&self, attachment: &Attachment) -> Result<(), Status> {
        let request = DetachResourceRequest {
            tenant_id: "acme".to_owned(),
            network_id: attachment.network_id.clone(),
            kind: attachment.kind,
            id: attachment.id.clone(),
        };
        self.client
            .clone()
            .detach_resource(request)
            .await
            .map(|_| ())
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        if let Some(service) = &self.service {
            service.stop.cancel();
        }
    }
}

async fn serve(config: Config) -> (Client, Service) {
    let app = App::build(config).await.unwrap();
    let address = app.local_addr();
    let stop = CancellationToken::new();
    let running = tokio::spawn(app.run(stop.clone().cancelled_owned()));
    let service = Service {
        address,
        stop,
        running,
    };
    (connect(address).await, service)
}

pub(crate) async fn connect(address: std::net::SocketAddr) -> Client {
    Client::connect(format!("http://{address}")).await.unwrap()
}

pub(crate) async fn get(client: &Client, id: &str) -> Result<Network, Status> {
    let request = GetNetworkRequest {
        tenant_id: "acme".to_owned(),
        network_id: id.to_owned(),
    };
    Ok(client
        .clone()
        .get_network(request)
        .await?
        .into_inner()
        .network
        .unwrap())
}

/// Asks again and again until the network is as wanted.
pub(crate) async fn until_it(
    client: &Client,
    id: &str,
    wanted: impl Fn(&Network) -> bool,
) -> Network {
    let began = std::time::Instant::now();
    loop {
        let network = get(client, id).await.unwrap();
        if wanted(&network) {
            return network;
        }
        assert!(began.elapsed() < PATIENCE, "it is still {network:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A good request of the tenant `acme`.
pub(crate) fn wish(name: &str, cidr: &str) -> CreateNetworkRequest {
    CreateNetworkRequest {
        tenant_id: "acme".to_owned(),
        display_name: name.to_owned(),
        provider: api::network::v1::Provider::Aws.into(),
        region: "eu-west-1".to_owned(),
        cidr: cidr.to_owned(),
        ..CreateNetworkRequest::default()
    }
}

pub(crate) fn deletion(id: &str) -> DeleteNetworkRequest {
    DeleteNetworkRequest {
        tenant_id: "acme".to_owned(),
        network_id: id.to_owned(),
        ..DeleteNetworkRequest::default()
    }
}

/// A good claim of a peering with a VPC of its own.
pub(crate) fn peering(network: &str, number: u32, cidrs: &[&str]) -> Attachment {
    Attachment {
        network_id: network.to_owned(),
        kind: attachment::Kind::Peering.into(),
        id: format!("peer_{number:032x}"),
        cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
        peer_identity: format!("aws/222233334444/eu-west-1/vpc-{number:08x}"),
        ..Attachment::default()
    }
}

/// A good claim of a datastore with one port.
pub(crate) fn datastore(network: &str, id: &str, cidr: &str) -> Attachment {
    Attachment {
        network_id: network.to_owned(),
        kind: attachment::Kind::Datastore.into(),
        id: id.to_owned(),
        cidrs: vec![cidr.to_owned()],
        ports: vec![5432],
        private_name: "db.internal".to_owned(),
        ..Attachment::default()
    }
}

pub(crate) fn attaching(attachment: Attachment) -> AttachResourceRequest {
    AttachResourceRequest {
        tenant_id: "acme".to_owned(),
        attachment: Some(attachment),
        ..Default::default()
    }
}

/// The history of a network once it tells of this state: on PostgreSQL events have their numbers a moment later.
pub(crate) async fn events(suite: &Suite, id: &str, state: &str) -> Vec<NetworkEvent> {
    let request = ListNetworkEventsRequest {
        tenant_id: "acme".to_owned(),
        network_id: id.to_owned(),
        page_size: 1_000,
        ..ListNetworkEventsRequest::default()
    };
    let began = std::time::Instant::now();
    loop {
        let mut client = suite.client.clone();
        let answer = client.list_network_events(request.clone()).await;
        let events = answer.unwrap().into_inner().events;
        let has_come =
            |event: &NetworkEvent| event.to_state().as_str_name() == format!("STATE_{state}");
        if events.iter().any(has_come) {
            return events;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "{state} has not come: {events:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The stable code of a refusal.
pub(crate) fn reason(status: &Status) -> String {
    runtime::status::reason(status).unwrap_or_default()
}
