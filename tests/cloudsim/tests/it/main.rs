//! cloudsim over a real socket, with the SDK that Peerway uses, and by plain HTTP where that is not enough.

// What helpers of tests unwrap fails the test, as it should.
#![allow(clippy::unwrap_used)]

mod admin;
mod core;
mod ends;
mod faults;
mod life;
mod listing;
mod network;
mod persistence;
mod refusals;
mod roles;
mod routes;
mod security;
mod support;
