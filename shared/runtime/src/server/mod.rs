//! The gRPC server of every service: its port, its limits, its health, and how it ends.

mod accept;
mod edge;
mod health;

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;

pub use tonic_health::ServingStatus;
pub use tonic_health::server::HealthReporter;

use crate::config::ServerConfig;
use edge::Edge;
use health::Health;

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port cannot be had.
    #[error("server.listen: {address} cannot be listened on: {source}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The contracts' descriptors cannot be read.
    #[error("the descriptors of the contracts cannot be read: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
    /// The transport ended by itself.
    #[error("the server ended by itself: {0}")]
    Transport(#[from] tonic::transport::Error),
}

const HEALTH: &str = "grpc.health.v1.Health";

/// A server that holds its port and does not answer yet.
pub struct Server {
    config: ServerConfig,
    listener: TcpListener,
    address: SocketAddr,
    routes: Routes,
    health: Health,
    streaming: HashSet<&'static str>,
}

impl Server {
    /// Takes the port.
    pub async fn bind(config: &ServerConfig) -> Result<Self, Error> {
        let failed = |source| Error::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (health, service) = Health::new();
        Ok(Self {
            config: config.clone(),
            listener,
            address,
            routes: Routes::default().add_service(service),
            health,
            streaming: HashSet::from(["Watch", "ServerReflectionInfo"]),
        })
    }

    /// The address in use, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves `service`, whose name has the health of the whole server.
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self.health.mirror(S::NAME);
        self
    }

    /// Names methods (without their service) that answer with a stream, which no deadline of ours ends.
    pub fn streaming(mut self, methods: &[&'static str]) -> Self {
        self.streaming.extend(methods);
        self
    }

    /// Describes the services added so far by the contracts in `descriptors` (an encoded `FileDescriptorSet`) if the settings allow it.
    pub fn reflection(mut self, descriptors: &'static [u8]) -> Result<Self, Error> {
        if self.config.reflection {
            // The descriptors tell of services that live elsewhere: only those of this server are listed.
            let served: Vec<_> = self.health.names().chain([HEALTH]).collect();
            let builder = || {
                let builder = tonic_reflection::server::Builder::configure()
                    .register_encoded_file_descriptor_set(descriptors)
                    .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
                served
                    .iter()
                    .fold(builder, |builder, name| builder.with_service_name(*name))
            };
            self.routes = self
                .routes
                .add_service(builder().build_v1()?)
                .add_service(builder().build_v1alpha()?);
        }
        Ok(self)
    }

    /// Asks `check` each second whether what is called `name` works. The empty name is the server itself;
    /// without a check for it the server is healthy while it runs.
    pub fn health_check<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.health.check(name, check);
        self
    }

    /// For a health that a service reports itself.
    pub fn health(&self) -> HealthReporter {
        self.health.reporter()
    }

    /// Answers until `stop`: then health says NOT_SERVING, no connection is taken, running calls finish, and
    /// what still runs after `grace` is cut off.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), Error> {
        let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
        let edge = Edge::new(self.routes.prepare(), &self.config, self.streaming);
        let incoming = accept::incoming(self.listener, &self.config, cut.clone());
        let serving = transport(&self.config).serve_with_incoming_shutdown(
            edge,
            incoming,
            drain.clone().cancelled_owned(),
        );
        tokio::pin!(serving);
        let checks = self.health.start().await;
        tokio::select! {
            ended = &mut serving => return Ok(ended?),
            () = stop.cancelled() => {}
        }
        checks.stop().await;
        drain.cancel();
        match tokio::time::timeout(self.config.grace, serving).await {
            Ok(ended) => Ok(ended?),
            Err(_) => {
                tracing::warn!(grace = ?self.config.grace, "calls still running are cut off");
                cut.cancel();
                Ok(())
            }
        }
    }
}

fn transport(config: &ServerConfig) -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .max_concurrent_streams(config.max_streams)
        .initial_stream_window_size(config.stream_window)
        .initial_connection_window_size(config.connection_window)
        .http2_max_header_list_size(config.max_header_bytes)
        .http2_max_pending_accept_reset_streams(Some(config.max_pending_resets))
        .http2_max_local_error_reset_streams(Some(config.max_error_resets))
        .http2_keepalive_interval(Some(config.keepalive))
        .http2_keepalive_timeout(Some(config.keepalive_timeout))
        // Without tonic's grace for it: with one, tonic cuts the connection and announces nothing.
        .max_connection_age(config.max_connection_age)
}
