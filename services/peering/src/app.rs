//! The service as a whole: what it needs to start, what it runs, how it ends.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use api::peering::v1::peering_service_server::PeeringServiceServer;
use runtime::client;
use runtime::clock::Clock;
use runtime::db::{self, Db};
use runtime::events::{Feed, Pace};
use runtime::server::Server;
use runtime::shutdown::Parts;
use tokio::sync::Notify;

use crate::clients::{NetworkClient, Pool, ProviderClient};
use crate::config::Config;
use crate::grpc::{Api, entries, snapshot};
use crate::store::{Migrator, Store};
use crate::worker::Worker;

/// The name of the queue.
const QUEUE: &str = "status-check";

/// The service, connected and bound, not yet serving.
pub struct App {
    server: Server,
    worker: Worker,
    db: Db,
    feed: Feed,
    written: Arc<Notify>,
}

impl App {
    /// Connects to the database and takes the port. The other services and Redis may be away.
    ///
    /// # Errors
    /// When the database does not answer or its schema is older than this program, the port is taken, or a setting is
    /// not usable.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        Self::build_at(config, Clock::system()).await
    }

    /// As [`App::build`], with the time taken from `clock` where the database does not give it.
    pub async fn build_at(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let db = Db::connect(&config.database, clock)
            .await
            .context("database.url: the database cannot be opened")?;
        db::check_schema::<Migrator>(&db).await?;
        let written = Arc::new(Notify::new());
        let store = Store::new(db.clone(), snapshot, Arc::clone(&written))
            .with_quotas(config.quotas.clone());
        let feed = Feed::new(db.clone(), Pace::default());
        let network = client::channel("network", &config.network)?.streaming(&["WatchNetworks"]);
        let network = NetworkClient::new(network);
        let provider = ProviderClient::new(
            client::channel("provider-adapter", &config.provider_adapter)?,
            config.deployment.as_str(),
            config.provider_adapter.timeout,
        );
        let queue = queue::Queue::start(QUEUE, db.clone(), &config.queue).await?;
        let pool = Pool::new(client::channel(
            "provider-adapter",
            &config.provider_adapter,
        )?);
        let service = Api::new(
            store.clone(),
            network.clone(),
            provider.clone(),
            pool.clone(),
            queue.clone(),
            feed.clone(),
            &config,
        );
        let entries = entries(&store, &queue, config.orphan_grace);
        let (health, asked) = (db.clone(), queue.clone());
        let network_health = client::channel("network", &config.network)?.health();
        let provider_health =
            client::channel("provider-adapter", &config.provider_adapter)?.health();
        let server = Server::bind(&config.server)
            .await?
            .add_service(PeeringServiceServer::new(service))
            .add_service(queue::grpc::service(queue.clone(), entries))
            .streaming(&["WatchPeerings"])
            .reflection(api::FILE_DESCRIPTOR_SET)?
            .health_check("", move || {
                let db = health.clone();
                async move { db.ping().await.is_ok() }
            })
            .health_check("network", network_health)
            .health_check("provider-adapter", provider_health);
        let server = match config.queue.redis_url {
            None => server,
            Some(_) => server.health_check("redis", move || {
                std::future::ready(asked.backend() == "redis")
            }),
        };
        let worker = Worker::new(store, network, provider, pool, queue, &config);
        Ok(Self {
            server,
            worker,
            db,
            feed,
            written,
        })
    }

    /// The address in use, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Brings the database's schema up to date.
    pub async fn migrate(config: &Config) -> anyhow::Result<()> {
        let db = Db::connect(&config.database, Clock::system())
            .await
            .context("database.url: the database cannot be opened")?;
        db::migrate::<Migrator>(&db).await?;
        db.close().await?;
        Ok(())
    }

    /// Serves and works until `shutdown`; then takes no new calls and claims, and lets those under way finish.
    ///
    /// # Errors
    /// When a part of it ended by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            server,
            worker,
            db,
            feed,
            written,
        } = self;
        let address = server.local_addr();
        let mut parts = Parts::default();
        let stop = parts.stop();
        parts.spawn(async move { server.serve(stop).await.context("the server") });
        worker.spawn(&mut parts);
        let stop = parts.stop();
        parts.spawn(async move {
            feed.run(written, stop).await;
            Ok(())
        });
        tracing::info!(%address, "the peering service is up");
        parts.run(shutdown).await?;
        tracing::info!("the peering service has stopped");
        Ok(db.close().await?)
    }
}
