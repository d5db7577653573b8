//! The service on a free port, against a simulated AWS over real sockets.

// Helpers of tests may unwrap as tests do; clippy knows only the tests themselves.
#![allow(clippy::unwrap_used)]

mod adoption;
mod edge;
mod faults;
mod garbage;
mod health;
mod identity;
mod listing;
mod pair;
mod parrot;
mod peerings;
mod routes;
mod secrets;
mod support;
mod vpcs;
