//! The memory of a process, as the kernel counts it.

use anyhow::Context;

/// What is resident now, in KiB.
pub(crate) fn resident_kib(pid: u32) -> anyhow::Result<f64> {
    read(pid, "VmRSS:")
}

/// The most that ever was, in KiB.
pub(crate) fn peak_kib(pid: u32) -> anyhow::Result<f64> {
    read(pid, "VmHWM:")
}

fn read(pid: u32, name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(figure.context(format!("no {name}"))?.parse()?)
}
