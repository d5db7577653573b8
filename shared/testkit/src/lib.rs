//! What tests stand on: a database of their own, a Redis of their own, and the built programs.
//!
//! A dev-dependency only. It panics with a sentence where a test cannot go on, and never skips one.

mod certificates;
mod database;
mod process;
mod redis;
mod redis_cluster;

pub use certificates::Certificates;
pub use database::{TestDatabase, database, postgres, sqlite};
pub use process::{Process, binary};
pub use redis::{Redis, free_port, redis_url};
pub use redis_cluster::RedisCluster;

/// The value of a variable that `make test` sets.
fn variable(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => {
            panic!("{name} is not set: `make test` starts the servers that tests need and sets it")
        }
    }
}

/// Sends a signal such as `KILL` to one process.
fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "signal {name} could not be sent to {pid}"
    );
}
