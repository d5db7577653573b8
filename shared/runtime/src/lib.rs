//! What every service of the suite stands on: settings, telemetry, the gRPC server and clients, the
//! database, request ids, the event log, leadership and shutdown. It knows no resource and no cloud.

pub mod caller;
pub mod client;
pub mod clock;
pub mod config;
pub mod db;
mod deadline;
pub mod events;
pub mod failpoint;
pub mod hash;
pub mod leader;
pub mod page;
pub mod purge;
pub mod request_ids;
mod scope;
pub mod server;
pub mod shutdown;
pub mod status;
pub mod telemetry;

/// Chooses the one TLS implementation of the process. Call it first in `main`; again does nothing.
pub fn init_crypto() {
    // Err means that a provider stands already, which is this one: there is no other in the tree.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
}
