//! How rough a world is: drawn once from its seed, so that some are mild and some have one kind of fault only.

use fastrand::Rng;

/// Chances, each in a thousand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chaos {
    /// A worker dies at a point of a turn.
    pub(crate) crash: u32,
    /// A worker stands still at a point of a turn, longer than a lease.
    pub(crate) freeze: u32,
    /// The answer of the cloud is lost, or the call itself.
    pub(crate) lost: u32,
    /// A listing is cut.
    pub(crate) cut: u32,
    /// A commit fails, or its answer is lost.
    pub(crate) database: u32,
    /// A nudge is lost.
    pub(crate) nudge: u32,
    /// Each second: Redis is wiped, loses a key, fails over, goes, is cut off from one worker, or has its clock set.
    pub(crate) redis: u32,
    /// Each second: the database goes, or the cloud throttles.
    pub(crate) outage: u32,
}

impl Chaos {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let mut chance = |most: u32| match rng.u8(..3) {
            0 => 0,
            _ => rng.u32(..most),
        };
        Self {
            crash: chance(25),
            freeze: chance(25),
            lost: chance(250),
            cut: chance(700),
            database: chance(80),
            nudge: chance(400),
            redis: chance(120),
            outage: chance(40),
        }
    }
}

/// What happens to Redis.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Wipe,
    KeyLost,
    Failover,
    Away,
    Split,
    Clock,
}

impl Fault {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        match rng.u8(..6) {
            0 => Self::Wipe,
            1 => Self::KeyLost,
            2 => Self::Failover,
            3 => Self::Away,
            4 => Self::Split,
            _ => Self::Clock,
        }
    }
}
