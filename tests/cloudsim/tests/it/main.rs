//! cloudsim over a real socket, with the SDK that Peerway uses, and by plain HTTP where that is not enough.

// What helpers of tests unwrap fails the test, as it should.
#![allow(clippy::unwrap_used)]

mod admin;
mod core;
mod ends;
mod faults;
mod gce_admin;
mod gce_clients;
mod gce_core;
mod gce_core_listing;
mod gce_core_network;
mod gce_core_overlap;
mod gce_core_peering;
mod gce_core_support;
mod gce_faults;
mod gce_python;
mod gce_support;
mod gce_tokens;
mod life;
mod listing;
mod network;
mod persistence;
mod refusals;
mod roles;
mod routes;
mod security;
mod support;
