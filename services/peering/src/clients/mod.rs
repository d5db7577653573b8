//! The other services as seen from here: domain types in and out.

mod claim_check;
mod guide;
mod network;
mod network_facts;
mod network_watch;
mod orphan;
mod pool;
mod provider;
mod routes;

pub use guide::verify_commands;
pub use network::{AttachError, NetworkClient, NetworkError};
pub use network_watch::{DeletionsPage, NetworkWatch, Told};
pub use pool::{Pool, PoolAway};
pub use provider::{Listing, Page, ProviderClient, Routes, Scope, refusal};
