//! The peering service as a program.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use peering::{App, Config};

/// Links tenants' networks with VPCs of their own.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Settings in TOML; config.default.toml lists them all.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until SIGINT or SIGTERM.
    Serve,
    /// Bring the database's schema up to date.
    Migrate,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    runtime::init_crypto();
    let args = Args::parse();
    let config = Config::load(args.config.as_deref(), std::env::vars().collect())?;
    let _telemetry = runtime::telemetry::init(&config.telemetry, "peering")?;
    match args.command {
        Command::Migrate => App::migrate(&config).await,
        Command::Serve => {
            App::build(config)
                .await?
                .run(runtime::shutdown::signal())
                .await
        }
    }
}
