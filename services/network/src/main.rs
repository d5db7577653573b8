//! The network service as a program.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use network::{App, Config};
use runtime::{shutdown, telemetry};

/// Keeps private networks, their address space and what stands on them.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Settings that override the defaults; environment variables PEERWAY_NETWORK__SECTION__KEY override both.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to stop.
    Serve,
    /// Bring the database's schema up to date.
    Migrate,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    runtime::init_crypto();
    let arguments = Arguments::parse();
    let config = Config::load(arguments.config.as_deref(), std::env::vars().collect())?;
    let _telemetry = telemetry::init(&config.telemetry, "network")?;
    match arguments.command {
        Command::Serve => App::build(config).await?.run(shutdown::signal()).await,
        Command::Migrate => App::migrate(&config).await,
    }
}
