//! What goes wrong around the workers, and when it stops.

use crate::chaos::Fault;
use crate::world::{CALM, LAST_WISH, LEASE, World};

impl World {
    /// Owners, customers and the weather.
    pub(crate) fn second(&mut self) -> Result<(), String> {
        if self.now < LAST_WISH {
            self.wish()?;
        }
        if self.now + 1_000 > CALM && self.now <= CALM {
            self.calm_down();
        }
        if self.chance(self.chaos.redis) && self.redis.away_until < i64::MAX {
            let fault = Fault::draw(&mut self.rng);
            self.strike(fault);
        }
        if self.chance(self.chaos.outage) {
            self.disturb(self.now + 15_000);
            let until = self.now + self.rng.i64(1_000..15_000);
            match self.rng.bool() {
                true => self.store.away_until = until,
                false => self.cloud.throttled_until = until,
            }
        }
        self.redis.replica = match self.rng.u8(..5) {
            0 => self.redis.lanes.clone(),
            _ => std::mem::take(&mut self.redis.replica),
        };
        self.check_promise()
    }

    fn calm_down(&mut self) {
        self.say(|| "calm".to_owned());
        if self.redis.away_until < i64::MAX {
            self.redis.away_until = 0;
        }
        for worker in &mut self.workers {
            worker.view.cut_until = 0;
        }
        self.store.away_until = 0;
        self.cloud.throttled_until = 0;
        // The last ones to stand still do so for a while yet.
        self.disturb(self.now + 40_000);
    }

    fn strike(&mut self, fault: Fault) {
        self.say(|| format!("Redis: {fault:?}"));
        self.disturb(self.now);
        let until = self.now + self.rng.i64(500..25_000);
        self.unsure_until = until + 3 * LEASE;
        let redis = &mut self.redis;
        match fault {
            Fault::Wipe => redis.lanes = Default::default(),
            Fault::KeyLost => {
                let lane = &mut redis.lanes[self.rng.usize(..3)];
                match self.rng.u8(..4) {
                    0 => lane.filled = false,
                    1 => lane.due.clear(),
                    2 => lane.lease.clear(),
                    _ => lane.nudged.clear(),
                }
            }
            Fault::Failover => redis.lanes = redis.replica.clone(),
            Fault::Away => {
                redis.away_until = until;
                self.disturb(until);
            }
            Fault::Split => {
                let worker = self.rng.usize(..self.workers.len());
                self.workers[worker].view.cut_until = until;
                self.disturb(until);
            }
            Fault::Clock => redis.offset += self.rng.i64(-3_600_000..3_600_000),
        }
    }
}
