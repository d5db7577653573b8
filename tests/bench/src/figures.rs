//! What was measured, and how it is shown.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// One figure, taken several times.
pub(crate) struct Figure {
    /// Its key in the JSON; the unit is its last part.
    pub(crate) key: &'static str,
    /// What it says.
    pub(crate) what: &'static str,
    /// Each run's.
    pub(crate) runs: Vec<f64>,
}

impl Figure {
    pub(crate) fn median(&self) -> f64 {
        quantile(&self.runs, 0.5)
    }
}

/// The value that the share `q` of `values` does not exceed; NaN of none.
pub(crate) fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    // Nearest rank: benches take few values, and an interpolated one was never seen.
    sorted
        .get((last as f64 * q).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// Prints the table and writes `target/bench/NAME.json`.
pub(crate) fn print(name: &str, figures: &[Figure]) -> anyhow::Result<()> {
    let mut all = serde_json::Map::new();
    println!("{:<34} {:>10}  runs", "figure", "median");
    for figure in figures {
        let runs: Vec<String> = figure.runs.iter().map(|run| format!("{run:.2}")).collect();
        println!(
            "{:<34} {:>10.2}  {}   {}",
            figure.key,
            figure.median(),
            runs.join(" "),
            figure.what
        );
        all.insert(
            figure.key.to_owned(),
            json!({"median": figure.median(), "runs": figure.runs}),
        );
    }
    let folder = Path::new("target/bench");
    fs::create_dir_all(folder)?;
    let file = folder.join(format!("{name}.json"));
    fs::write(&file, serde_json::to_string_pretty(&Value::Object(all))?)?;
    println!("written to {}", file.display());
    Ok(())
}
