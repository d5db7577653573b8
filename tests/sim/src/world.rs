//! One world: its clock, what is to happen next, and everything that goes wrong in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use fastrand::Rng;
use peering::domain::{Peering, Rules};
use queue::Lane;

use crate::bug::Bug;
use crate::chaos::Chaos;
use crate::cloud::Cloud;
use crate::places::{Place, Redis, View};
use crate::store::Store;
use crate::turn::{Call, Turn};

pub(crate) const LEASE: i64 = 10_000;
pub(crate) const SWEEP: i64 = 5_000;
/// How often the lanes look, in milliseconds; a little less often than by default, for more worlds in less time.
pub(crate) const PENDING: i64 = 2_000;
pub(crate) const DRIFT: i64 = 20_000;

/// When the faults end, and when the world does.
pub(crate) const CALM: i64 = 200_000;
pub(crate) const END: i64 = 620_000;
/// The latest that an owner or a customer does anything.
pub(crate) const LAST_WISH: i64 = CALM + 20_000;

/// A process that claims, looks and acts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Worker {
    /// Counts its lives; what was planned for an earlier one is void.
    pub(crate) life: u32,
    pub(crate) is_down: bool,
    pub(crate) frozen_until: i64,
    pub(crate) view: View,
}

/// What is to happen.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Poll(usize, u32, Lane),
    /// An extra claim, since somebody was told of something.
    Wake(usize, u32, Lane),
    Go(u64),
    Keep(u64),
    Arrive(u64, Call),
    Sweep(usize, u32),
    Up(usize),
    Second,
}

pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) bug: Option<Bug>,
    pub(crate) rng: Rng,
    pub(crate) chaos: Chaos,
    pub(crate) groups: usize,
    pub(crate) store: Store,
    pub(crate) redis: Redis,
    pub(crate) cloud: Cloud,
    pub(crate) workers: Vec<Worker>,
    pub(crate) turns: BTreeMap<u64, Turn>,
    /// When something last happened that may cost a lease or a look.
    pub(crate) disturbed_at: i64,
    /// Until when two may hold one lane, since Redis lost or moved what it held.
    pub(crate) unsure_until: i64,
    pub(crate) trace: bool,
    heap: BinaryHeap<Reverse<(i64, u64, usize)>>,
    events: BTreeMap<usize, Event>,
    counter: u64,
    pub(crate) rng_ids: Rng,
}

/// The rules by which the domain believes what it sees.
pub(crate) fn rules(bug: Option<Bug>) -> Rules {
    let absence_grace = if bug == Some(Bug::AbsentAtOnce) {
        0
    } else {
        60_000
    };
    Rules {
        absence_grace,
        provision_timeout: 24 * 3_600_000,
        hint_after: 600_000,
    }
}

impl World {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, bug: Option<Bug>, trace: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let chaos = Chaos::draw(&mut rng);
        let groups = 1 + rng.usize(..2);
        let mut world = Self {
            now: 0,
            bug,
            chaos,
            groups,
            store: Store {
                gates: vec![Default::default(); groups],
                ..Store::default()
            },
            redis: Redis::default(),
            cloud: Cloud::default(),
            workers: vec![Worker::default(); 2 + rng.usize(..2)],
            turns: BTreeMap::new(),
            disturbed_at: 0,
            unsure_until: 0,
            trace,
            heap: BinaryHeap::new(),
            events: BTreeMap::new(),
            counter: 0,
            rng_ids: Rng::with_seed(!seed),
            rng,
        };
        // Some have no Redis at all.
        if world.rng.u8(..4) == 0 {
            world.redis.away_until = i64::MAX;
        }
        for worker in 0..world.workers.len() {
            world.start(worker);
        }
        world.plan(1_000, Event::Second);
        world
    }

    /// Lets everything happen. What must not, is the answer.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        while let Some(Reverse((at, _, key))) = self.heap.pop() {
            self.now = at;
            if at >= END {
                break;
            }
            if let Some(event) = self.events.remove(&key) {
                self.happen(event)
                    .map_err(|what| format!("at {:.3} s: {what}", at as f64 / 1_000.0))?;
            }
        }
        self.check_end()
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.now >= CALM
    }

    /// Something happens that may cost a lease or a look until then.
    pub(crate) fn disturb(&mut self, until: i64) {
        self.disturbed_at = self.disturbed_at.max(until);
    }

    pub(crate) fn plan(&mut self, delay: i64, event: Event) {
        debug_assert!(delay >= 0, "{event:?} lies {delay} ms ahead");
        self.counter += 1;
        let key = self.counter as usize;
        self.events.insert(key, event);
        self.heap
            .push(Reverse((self.now + delay, self.counter, key)));
    }

    /// A number that nothing else has.
    pub(crate) fn number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Whether something of this chance happens; nothing does in the calm.
    pub(crate) fn chance(&mut self, in_a_thousand: u32) -> bool {
        !self.is_calm() && self.rng.u32(..1_000) < in_a_thousand
    }

    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>9.3}  {}", self.now as f64 / 1_000.0, what());
        }
    }

    pub(crate) fn group_of(&self, peering: &Peering) -> usize {
        group_of(peering)
    }

    pub(crate) fn least_step(&self, group: usize) -> Option<i64> {
        self.store.least_step(group, group_of)
    }

    /// Everybody asks at once.
    pub(crate) fn ring(&mut self, lane: Lane) {
        for worker in 0..self.workers.len() {
            let life = self.workers[worker].life;
            self.plan(1, Event::Wake(worker, life, lane));
        }
    }

    fn start(&mut self, worker: usize) {
        let life = self.workers[worker].life;
        for lane in Lane::ALL {
            let soon = self.rng.i64(0..1_000);
            self.plan(soon, Event::Poll(worker, life, lane));
        }
        let soon = self.rng.i64(0..SWEEP);
        self.plan(soon, Event::Sweep(worker, life));
    }

    /// The worker is gone with all it knew; others may hold what it held once its leases lapse.
    pub(crate) fn crash(&mut self, worker: usize) {
        self.say(|| format!("worker {worker} crashes"));
        let one = &mut self.workers[worker];
        one.life += 1;
        one.is_down = true;
        one.view = View::default();
        self.turns.retain(|_, turn| turn.worker != worker);
        self.disturb(self.now);
        let later = self.rng.i64(500..20_000);
        self.plan(later, Event::Up(worker));
    }

    pub(crate) fn freeze(&mut self, worker: usize) {
        // Seldom long enough for others to give up on what it was about to do.
        let length = match self.rng.u8(0..6) {
            0 => self.rng.i64(60_000..180_000),
            _ => self.rng.i64(3_000..40_000),
        };
        self.say(|| format!("worker {worker} stands still for {length} ms"));
        self.workers[worker].frozen_until = self.now + length;
        self.disturb(self.now + length);
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        // Who stands still does everything later.
        let worker = match &event {
            Event::Poll(worker, ..) | Event::Wake(worker, ..) | Event::Sweep(worker, _) => {
                Some(*worker)
            }
            Event::Go(turn) | Event::Keep(turn) => self.turns.get(turn).map(|turn| turn.worker),
            _ => None,
        };
        if let Some(worker) = worker {
            let wait = self.workers[worker].frozen_until - self.now;
            if wait > 0 {
                self.plan(wait, event);
                return Ok(());
            }
        }
        match event {
            Event::Wake(worker, life, lane) => {
                self.take(worker, life, lane);
            }
            Event::Poll(worker, life, lane) => {
                if let Some(wait) = self.take(worker, life, lane) {
                    self.plan(wait, Event::Poll(worker, life, lane));
                }
            }
            Event::Go(turn) => self.go(turn)?,
            Event::Keep(turn) => self.keep(turn)?,
            Event::Arrive(turn, call) => self.arrive(turn, call)?,
            Event::Sweep(worker, life) if self.workers[worker].life == life => {
                self.sweep(worker);
                self.plan(SWEEP, Event::Sweep(worker, life));
            }
            Event::Sweep(..) => {}
            Event::Up(worker) => {
                self.workers[worker].is_down = false;
                self.start(worker);
            }
            Event::Second => {
                self.second()?;
                self.plan(1_000, Event::Second);
            }
        }
        Ok(())
    }

    /// Claims what is due; answers when to ask again.
    fn take(&mut self, worker: usize, life: u32, lane: Lane) -> Option<i64> {
        if self.workers[worker].life != life || self.workers[worker].is_down {
            return None;
        }
        let nonce = self.number().to_string();
        let (taken, wait) = self.claim(worker, lane, &nonce);
        for (group, place) in taken {
            // The answer of a claim may be lost: its lease is nobody's then.
            if self.chance(self.chaos.database) {
                self.disturb(self.now);
                continue;
            }
            self.begin(worker, (group, lane), nonce.clone(), place);
        }
        Some(wait)
    }

    fn begin(&mut self, worker: usize, key: (usize, Lane), nonce: String, place: Place) {
        let id = self.number();
        self.turns
            .insert(id, Turn::new(worker, key, nonce, place, self.now));
        let soon = self.rng.i64(1..20);
        self.plan(soon, Event::Go(id));
        self.plan(LEASE / 3, Event::Keep(id));
    }
}

pub(crate) fn group_of(peering: &Peering) -> usize {
    let last = peering.vendor.account_id.chars().last();
    last.and_then(|digit| digit.to_digit(10))
        .map_or(0, |digit| digit as usize)
}
