//! The suite from outside: its real programs, real SDKs and tools, simulated clouds.

mod crashes;
mod deleting;
mod endings;
mod faults;
mod gcp;
mod input;
mod life;
mod once;
mod places;
mod redis;
mod tools;
