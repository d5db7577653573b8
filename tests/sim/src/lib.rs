//! A seeded world of workers, Redis, a database and a cloud, in which everything goes wrong that may: the real domain
//! decides, the queue's model keeps the time, and invariants are checked at each step. One seed is one world, the same
//! every time.

mod bug;
mod chaos;
mod check;
mod cloud;
mod look;
mod places;
mod steps;
mod store;
mod turn;
mod weather;
mod wishes;
mod world;

pub use bug::Bug;

/// The virtual length of a world, in milliseconds.
pub const LENGTH: i64 = world::END;

/// Lets the world of a seed run, perhaps with a fault planted, perhaps telling what happens on standard output.
///
/// # Errors
/// The first thing that must not happen and did.
pub fn run(seed: u64, bug: Option<Bug>, trace: bool) -> Result<(), String> {
    world::World::new(seed, bug, trace).run()
}
