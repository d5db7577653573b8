//! What the runtime promises its services, on real sockets and real databases.

#![allow(
    clippy::unwrap_used,
    reason = "the lint knows test functions, not their helpers"
)]

mod client;
mod db;
mod events;
mod leader;
mod process;
mod purge;
mod request_ids;
mod server;
mod status;
mod streams;
mod support;
mod telemetry;
mod watch;
