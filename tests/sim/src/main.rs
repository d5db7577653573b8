//! Runs many worlds, or one of them and tells what happens in it.

use std::time::Instant;

use clap::{Parser, ValueEnum};
use serde_json::json;
use sim::{Bug, LENGTH};

/// Simulates the queue, its workers and a cloud.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many worlds.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// One world alone, told step by step.
    #[arg(long)]
    seed: Option<u64>,
    /// A fault to plant.
    #[arg(long, value_enum)]
    bug: Option<Bug>,
    /// Each fault in turn, until it is found.
    #[arg(long)]
    bugs: bool,
}

fn main() -> anyhow::Result<()> {
    let given = Arguments::parse();
    if let Some(seed) = given.seed {
        return sim::run(seed, given.bug, true).map_err(anyhow::Error::msg);
    }
    if given.bugs {
        for bug in Bug::value_variants() {
            let begun = Instant::now();
            let found = (0..given.seeds)
                .find_map(|seed| Some((seed, sim::run(seed, Some(*bug), false).err()?)));
            let (seed, what) = found.ok_or_else(|| anyhow::anyhow!("{bug:?} is not found"))?;
            println!(
                "{:<18} seed {seed:<6} {:>8.1?}  {what}",
                format!("{bug:?}"),
                begun.elapsed()
            );
        }
        return Ok(());
    }
    let begun = Instant::now();
    for seed in 0..given.seeds {
        sim::run(seed, given.bug, false).map_err(|what| anyhow::anyhow!("seed {seed}: {what}"))?;
    }
    let took = begun.elapsed().as_secs_f64();
    let virtual_seconds = given.seeds as f64 * LENGTH as f64 / 1_000.0;
    println!(
        "{} worlds in {took:.1} s: {:.0} times as fast as time",
        given.seeds,
        virtual_seconds / took
    );
    let figures = json!({"seeds": given.seeds, "seconds": took, "speed": virtual_seconds / took, "violations": 0});
    println!("{figures}");
    Ok(())
}
