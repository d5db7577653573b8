//! Figures of the suite, measured from outside on its real programs: a table for people, JSON for machines.

mod api_bench;
mod figures;
mod memory;
mod network_bench;
mod watch_bench;

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
    /// Many watchers of one peering service: idle, and told a lot across its restart.
    Watch {
        /// How often each figure is taken; the median counts.
        #[arg(long, default_value_t = 3)]
        runs: usize,
        /// Streams open at once.
        #[arg(long, default_value_t = 1_000)]
        watchers: usize,
        /// Events that each of them is told.
        #[arg(long, default_value_t = 10_000)]
        events: i64,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().what {
        What::Api { runs } => figures::print("api", &api_bench::measure(runs).await?),
        What::Network { runs } => figures::print("network", &network_bench::measure(runs).await?),
        What::Watch {
            runs,
            watchers,
            events,
        } => {
            let figures = watch_bench::measure(runs, watchers, events).await?;
            figures::print("watch", &figures)
        }
    }
}
