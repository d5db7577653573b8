//! `cloudsim`: the simulated clouds as a process.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Error};
use clap::Parser;
use cloudsim::{Cloudsim, Options, config_from};
use tokio::signal::unix::{SignalKind, signal};

/// Serves the EC2 and STS APIs of a simulated AWS, and Compute Engine of a simulated Google Cloud.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Load the state from this file, and save it there on change.
    #[arg(long)]
    state: Option<PathBuf>,
    /// A switch, such as limits.vpcs_per_region=50 or gcp.projects=a,b. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    switches: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let given = Arguments::parse();
    let config = config_from(&given.switches).map_err(Error::msg)?;
    let options = Options::new(given.listen, config, given.state);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cloudsim = Cloudsim::start(options).await.context("cannot start")?;
    println!("cloudsim listening on {}", cloudsim.endpoint());
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    cloudsim.stop().await;
    Ok(())
}
