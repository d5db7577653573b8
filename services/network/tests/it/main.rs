//! The network service on a free port, with a real database and a scripted provider-adapter, through its API.

// What a test cannot go on without, it may unwrap, in its helpers too.
#![allow(clippy::unwrap_used)]

mod api;
mod attachments;
mod program;
mod provider;
mod suite;
mod work;
