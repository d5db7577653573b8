//! The network service on a free port, with a real database and a scripted provider-adapter, through its API.

// What a test cannot go on without, it may unwrap, in its helpers too.
#![allow(clippy::unwrap_used)]

mod allow_list;
mod api;
mod attachments;
mod check;
mod claims;
mod deletion;
mod drift;
mod firewall;
mod follow;
mod lists;
mod migration;
mod operators;
mod plans;
mod program;
mod provider;
mod purge;
mod space;
mod space_model;
mod space_race;
mod suite;
mod tenants;
mod update;
mod watch;
mod work;
