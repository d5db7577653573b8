//! Figures of the suite, measured from outside on its real programs: a table for people, JSON for machines.

mod api_bench;
mod figures;
mod network_bench;

use clap::{Parser, Subcommand};

/// Measures the suite.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Create, detection and idle memory.
    Api {
        /// How often each figure is taken; the median counts.
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// Address space and lists among a hundred thousand networks.
    Network {
        /// How often each figure is taken; the median counts.
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Api { runs } => figures::print("api", &api_bench::measure(runs).await?),
        What::Network { runs } => figures::print("network", &network_bench::measure(runs).await?),
    }
}
