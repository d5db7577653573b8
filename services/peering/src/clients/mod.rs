//! The other services as seen from here: domain types in and out.

mod deletions;
mod network;
mod pool;
mod provider;

pub use deletions::{Deletions, Page as DeletionsPage, Told};
pub use network::{AttachError, NetworkClient, NetworkError};
pub use pool::{Pool, PoolAway};
pub use provider::{Listing, Page, ProviderClient, Routes, refusal};
