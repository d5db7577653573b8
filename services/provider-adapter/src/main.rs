//! The provider-adapter as a program.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use provider_adapter::{App, Config};
use runtime::{shutdown, telemetry};

/// The one door of the suite to the clouds.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Settings that override the defaults; environment variables PEERWAY_PROVIDER_ADAPTER__SECTION__KEY override both.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to stop.
    Serve,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    runtime::init_crypto();
    let Arguments {
        config,
        command: Command::Serve,
    } = Arguments::parse();
    let config = Config::load(config.as_deref(), std::env::vars().collect())?;
    let _telemetry = telemetry::init(&config.telemetry, "provider-adapter")?;
    App::build(config).await?.run(shutdown::signal()).await
}
