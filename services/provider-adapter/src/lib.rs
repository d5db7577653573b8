//! The provider-adapter: the only part of the suite that knows a cloud. Raw states in, common states out.
//!
//! It keeps no data and calls no other service of the suite.

pub mod config;
pub mod grpc;
pub mod provider;

mod app;

pub use app::App;
pub use config::Config;
