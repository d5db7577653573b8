//! The other services as seen from here: domain types in and out.

mod observe;
mod provider;

pub(crate) use provider::ProviderAdapter;
