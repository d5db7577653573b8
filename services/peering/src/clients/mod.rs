//! The other services as seen from here: domain types in and out.

mod network;
mod pool;
mod provider;

pub use network::{AttachError, NetworkClient, NetworkError};
pub use pool::{Pool, PoolAway};
pub use provider::{Listing, Page, ProviderClient, Routes, refusal};
