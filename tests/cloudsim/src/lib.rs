//! Clouds on a laptop: the calls of EC2, STS and Compute Engine that both sides of a peering need, strict as the real
//! ones.
//!
//! [`Cloudsim::start`] serves them on a port of its own; [`cloud::cloud`] is the pure core under AWS, [`gce::execute`]
//! that under Google.

mod auth;
mod calls;
pub mod cloud;
mod config;
pub mod ec2;
mod faults;
pub mod gce;
mod gce_auth;
mod gce_faults;
mod gce_handle;
mod gce_http;
mod gce_sim;
mod gce_token;
mod handle;
mod http;
mod rates;
mod region;
mod sim;
mod sts;
mod time;
mod wire;
mod world;

pub use calls::{CallRecord, Counts};
pub use config::{Config, Limits, Rate, Rates, config_from};
pub use faults::{Fault, FaultKind};
pub use handle::{Cloudsim, Options};
pub use region::REGIONS;
