//! The service on a free port, against simulated clouds over real sockets.

// Helpers of tests may unwrap as tests do; clippy knows only the tests themselves.
#![allow(clippy::unwrap_used)]

mod adoption;
mod edge;
mod faults;
mod firewall;
mod garbage;
mod gcp_edge;
mod gcp_faults;
mod gcp_firewall;
mod gcp_life;
mod gcp_limits;
mod gcp_listing;
mod gcp_network;
mod gcp_observe_vpcs;
mod gcp_operations;
mod gcp_parts;
mod gcp_steps;
mod gcp_support;
mod gcp_tokens;
mod health;
mod identity;
mod limits;
mod listing;
mod log;
mod network;
mod observe_routes;
mod observe_vpcs;
mod options;
mod pair;
mod parrot;
mod peer_cidrs;
mod peerings;
mod permissions;
mod repair;
mod routes;
mod secrets;
mod steps;
mod support;
mod vpcs;
mod writes;
