//! The peering service on a free port, with a real database, between scripted neighbours on real sockets.

// The whole crate is tests, which clippy sees only in those functions that are one.
#![allow(clippy::unwrap_used)]

mod admission;
mod api_rules;
mod cascade;
mod cloud;
mod crash;
mod deletion;
mod diagnosis;
mod drift;
mod expiry;
mod facts;
mod faults;
mod gate;
mod guide;
mod halves;
mod hundred;
mod instructions;
mod large_group;
mod life;
mod lists;
mod network;
mod operations;
mod operators;
mod options;
mod orphans;
mod places;
mod pool;
mod preflight;
mod purge;
mod renew;
mod renew_halves;
mod suite;
mod sums;
mod told;
mod two_halves;
mod update;
mod validation;
mod vendor;
mod watch;
mod watchers;
mod worker;
