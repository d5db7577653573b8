//! The network service: networks, their address space, and what stands on them.
//!
//! A handler records what is intended and answers; the worker brings the cloud there, by way of the provider-adapter.

mod clients;
pub mod config;
pub mod domain;
mod grpc;
pub mod store;
mod worker;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use api::network::v1::network_service_server::NetworkServiceServer;
use queue::Queue;
use runtime::client;
use runtime::clock::Clock;
use runtime::db::{self, Db};
use runtime::events::{Feed, Pace};
use runtime::server::Server;
use runtime::shutdown::Parts;
use tokio::sync::Notify;

pub use config::Config;

use clients::ProviderAdapter;
use store::{Migrator, Store};
use worker::Worker;

/// The name of the queue, in Redis and in logs.
const QUEUE: &str = "network-check";

/// The service, connected and bound, not serving yet.
pub struct App {
    server: Server,
    queue: Queue,
    worker: Worker,
    store: Store,
    db: Db,
    feed: Feed,
    written: Arc<Notify>,
}

impl App {
    /// Brings the database's schema up to date.
    ///
    /// # Errors
    /// When the database does not answer or a migration fails.
    pub async fn migrate(config: &Config) -> anyhow::Result<()> {
        let db = Db::connect(&config.database, Clock::system())
            .await
            .context("database.url: the database cannot be opened")?;
        db::migrate::<Migrator>(&db)
            .await
            .context("the database could not be migrated")?;
        Ok(db.close().await?)
    }

    /// Connects to the database and the queue, and binds the port. The other services may be away.
    ///
    /// # Errors
    /// When the database does not answer or its schema is old, or the port is taken.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        Self::build_at(config, Clock::system()).await
    }

    /// As [`App::build`], with the time taken from `clock` where the database does not give it.
    ///
    /// # Errors
    /// As [`App::build`].
    pub async fn build_at(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let db = Db::connect(&config.database, clock)
            .await
            .context("database.url: the database cannot be opened")?;
        db::check_schema::<Migrator>(&db)
            .await
            .context("the database's schema is not this release's: run `network migrate`")?;
        let written = Arc::new(Notify::new());
        let store = Store::new(db.clone(), grpc::snapshot, config.limits(), written.clone());
        let queue = Queue::start(QUEUE, db.clone(), &config.queue).await?;
        let provider =
            ProviderAdapter::new(&config.provider_adapter, config.deployment.to_string())?;
        let worker = Worker::new(store.clone(), provider, queue.clone(), &config);
        let feed = Feed::new(db.clone(), Pace::default());
        let api = grpc::Api::new(store.clone(), queue.clone(), feed.clone(), config.offers());
        let entries = grpc::entries(&store, &queue);
        let provider_health =
            client::channel("provider-adapter", &config.provider_adapter)?.health();
        let mut server = Server::bind(&config.server)
            .await?
            .add_service(NetworkServiceServer::new(api))
            .add_service(queue::grpc::service(queue.clone(), entries))
            .streaming(&["WatchNetworks"])
            .reflection(api::FILE_DESCRIPTOR_SET)?;
        let pinged = store.clone();
        server = server.health_check("", move || {
            let store = pinged.clone();
            async move { store.ping().await.is_ok() }
        });
        server = server.health_check("provider-adapter", provider_health);
        if config.queue.redis_url.is_some() {
            let asked = queue.clone();
            server = server.health_check("redis", move || {
                std::future::ready(asked.backend() == "redis")
            });
        }
        Ok(Self {
            server,
            queue,
            worker,
            store,
            db,
            feed,
            written,
        })
    }

    /// Where the API listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Serves and works until `shutdown`, then ends what is under way.
    ///
    /// # Errors
    /// When a part of the service ends by itself.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self {
            server,
            queue,
            worker,
            store,
            db,
            feed,
            written,
        } = self;
        let address = server.local_addr();
        let mut parts = Parts::default();
        let token = parts.stop();
        parts.spawn(async move { server.serve(token).await.context("the server") });
        worker.spawn(&mut parts);
        let token = parts.stop();
        parts.spawn(async move {
            let least_step = move || {
                let store = store.clone();
                async move { store.least_steps().await }
            };
            queue.run_sweep(token, least_step).await;
            Ok(())
        });
        let token = parts.stop();
        parts.spawn(async move {
            feed.run(written, token).await;
            Ok(())
        });
        tracing::info!(%address, "the network service is up");
        parts.run(shutdown).await?;
        tracing::info!("the network service has stopped");
        Ok(db.close().await?)
    }
}
