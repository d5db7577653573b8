//! The peering service: links between tenants' networks and VPCs of their own.
//!
//! A handler records what is intended and answers at once; the worker compares that with what the cloud shows and
//! takes one idempotent step, again and again, until both agree.

pub mod clients;
pub mod config;
pub mod domain;
pub mod grpc;
pub mod store;
pub mod worker;

mod app;

pub use app::App;
pub use config::Config;
