//! The suite in one process: the three services, each with its own port and database, wired to each other.

mod config;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use runtime::shutdown::{self, Parts};
use tokio_util::sync::CancellationToken;

use config::Config;

/// The whole suite in one process, on SQLite unless told otherwise.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Settings that override the defaults; environment variables PEERWAY_STANDALONE__SERVICE__SECTION__KEY override
    /// both.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    runtime::init_crypto();
    let arguments = Arguments::parse();
    let config = Config::load(arguments.config.as_deref(), std::env::vars().collect())?;
    let _telemetry = runtime::telemetry::init(&config.telemetry, "standalone")?;
    run(config).await
}

/// Brings the databases up to date, then serves until told to stop.
async fn run(mut config: Config) -> anyhow::Result<()> {
    let shutdown = shutdown::signal();
    network::App::migrate(&config.network)
        .await
        .context("network")?;
    peering::App::migrate(&config.peering)
        .await
        .context("peering")?;

    let adapter = provider_adapter::App::build(config.provider_adapter)
        .await
        .context("provider-adapter")?;
    config.network.provider_adapter.endpoint = format!("http://{}", adapter.local_addr());
    config.peering.provider_adapter.endpoint = format!("http://{}", adapter.local_addr());
    let network = network::App::build(config.network)
        .await
        .context("network")?;
    config.peering.network.endpoint = format!("http://{}", network.local_addr());
    let peering = peering::App::build(config.peering)
        .await
        .context("peering")?;

    let mut callers = Parts::default();
    let (network_stop, peering_stop) = (callers.stop(), callers.stop());
    callers.spawn(async move {
        network
            .run(network_stop.cancelled())
            .await
            .context("network")
    });
    callers.spawn(async move {
        peering
            .run(peering_stop.cancelled())
            .await
            .context("peering")
    });

    // The adapter stops last, so that the steps under way in the others come to their end.
    let (idle, stop) = (CancellationToken::new(), callers.stop());
    let until_idle = idle.clone().cancelled_owned();
    let served = tokio::spawn(async move {
        // Should it end by itself, so do the others.
        let _others = stop.drop_guard();
        adapter.run(until_idle).await.context("provider-adapter")
    });
    let ran = callers.run(shutdown).await;
    idle.cancel();
    served.await?.and(ran)
}
