//! The service put together: built, then run until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use runtime::server::Server;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::grpc::Service;
use crate::provider::Providers;
use crate::provider::aws::Aws;
use crate::provider::gcp::Gcp;

/// The provider-adapter, holding its port.
pub struct App {
    server: Server,
}

impl App {
    /// Takes the port. Asks no cloud: credentials are looked for at the first call.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        Self::build_with(config, None).await
    }

    /// As [`App::build`], with credentials in the place of those of the ordinary AWS chain.
    pub async fn build_with(
        config: Config,
        credentials: Option<SharedCredentialsProvider>,
    ) -> anyhow::Result<Self> {
        if config.aws.accounts.is_empty() && config.gcp.projects.is_empty() {
            tracing::warn!("aws.accounts and gcp.projects are empty: no network can be placed");
        }
        let server = Server::bind(&config.server).await?;
        let aws = Aws::new(config.aws, credentials).await;
        let gcp = Gcp::new(config.gcp);
        for problem in gcp.unusable_keys().await {
            tracing::warn!("{problem}");
        }
        let (aws_asked, gcp_asked) = (aws.clone(), gcp.clone());
        let service = Service::new(Providers::new(Arc::new(aws), Arc::new(gcp)));
        let server = server
            .add_service(service.into_server())
            .streaming(&["ObservePeerings", "ObserveVpcs", "ObserveRoutes"])
            .reflection(api::FILE_DESCRIPTOR_SET)?
            .health_check("aws", move || std::future::ready(aws_asked.works()))
            .health_check("gcp", move || std::future::ready(gcp_asked.works()));
        Ok(Self { server })
    }

    /// The address in use, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Serves until `shutdown`, then lets running calls finish.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let serving = self.server.serve(stop.clone());
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => {
                ended?;
                anyhow::bail!("the server ended by itself");
            }
            () = shutdown => stop.cancel(),
        }
        Ok(serving.await?)
    }
}
