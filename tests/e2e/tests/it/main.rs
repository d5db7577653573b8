//! The suite from outside: its real programs, real SDKs and tools, simulated clouds.

mod allow_list;
mod cascade;
mod crashes;
mod deleting;
mod drift;
mod endings;
mod faults;
mod gcp;
mod input;
mod instructions;
mod life;
mod once;
mod outage;
mod places;
mod reasons;
mod redis;
mod renew;
mod requirements;
mod space;
mod tools;
mod update;
mod watch;
