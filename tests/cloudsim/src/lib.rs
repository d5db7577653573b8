//! Clouds on a laptop: the EC2 and STS calls that both sides of a peering need, strict as the real ones.
//!
//! [`Cloudsim::start`] serves them on a port of its own; [`cloud::cloud`] is the pure core under it.

mod auth;
mod calls;
pub mod cloud;
mod config;
pub mod ec2;
mod faults;
mod handle;
mod http;
mod rates;
mod region;
mod sim;
mod sts;
mod time;
mod wire;
mod world;

pub use calls::CallRecord;
pub use config::{Config, Limits, Rate, Rates, config_from};
pub use faults::{Fault, FaultKind};
pub use handle::{Cloudsim, Options};
pub use region::REGIONS;
