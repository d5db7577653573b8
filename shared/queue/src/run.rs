//! The claim loop of a lane, and what happens around each turn.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::backend::{Claim, Claims, Finish, RETRY, Standing};
use crate::gate::spread;
use crate::keep::keep;
use crate::{Error, Inner, Lane, Outcome, Queue, Turn};

/// The most groups one claim takes, so that no script stalls Redis.
const BATCH: usize = 16;
/// The most groups one [`Queue::run_due`] takes.
const DRAIN: usize = 1_000;
/// Intervals from here up are spread.
const SPREAD_FROM: Duration = Duration::from_secs(5);
/// A group in Redis that the table does not know: one query a minute until Redis is wiped.
const UNKNOWN_GROUP: Duration = Duration::from_secs(60);
/// The pause when something is due and nothing can be had, because others hold it this moment.
const BREATH: Duration = Duration::from_millis(10);
/// The pause after a claim that failed, unless the queue changes its place before.
const CLAIM_RETRY: Duration = Duration::from_millis(500);

impl Queue {
    /// Claims what is due in a lane, oldest first, and hands it to `turn`, as many at once as the lane has
    /// slots, until `stop`. Then nothing more is claimed; it returns when the turns under way have ended and
    /// given their leases back. A turn that panics keeps its lease until it lapses.
    pub async fn run<F, Fut>(&self, lane: Lane, stop: CancellationToken, turn: F)
    where
        F: Fn(Turn) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send,
    {
        let slots = Arc::new(Semaphore::new(self.0.slots(lane)));
        let turns = TaskTracker::new();
        while let Some(permits) = stop.run_until_cancelled(free(&slots)).await {
            let mut woken = pin!(self.0.wakes.of(lane).notified());
            woken.as_mut().enable();
            let pause = match self.0.claim(lane, permits.len()).await {
                Ok(claims) if stop.is_cancelled() => {
                    self.0.give_back(claims).await;
                    self.0.backends.announce(lane).await;
                    break;
                }
                Ok(claims) => {
                    let full = claims.taken.len() == permits.len();
                    let none = claims.taken.is_empty();
                    let wait = claims.wait.unwrap_or(Duration::MAX);
                    for (claim, permit) in claims.taken.into_iter().zip(permits) {
                        let (inner, turn) = (self.0.clone(), turn.clone());
                        let stop = stop.clone();
                        turns.spawn(async move {
                            inner.take(claim, turn).await;
                            // Others take over what this one gives back: at once, and not by their next poll.
                            if stop.is_cancelled() {
                                inner.backends.announce(lane).await;
                            }
                            drop(permit);
                        });
                    }
                    match (full, none) {
                        (true, _) => Duration::ZERO,
                        (false, true) => wait.min(self.0.config.poll).max(BREATH),
                        (false, false) => wait.min(self.0.config.poll),
                    }
                }
                Err(error) => {
                    self.0.trouble.begins("nothing can be claimed", &error);
                    CLAIM_RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        turns.close();
        turns.wait().await;
    }

    /// Claims all that is due in a lane now (at most 1,000 groups), runs it, and answers how many turns ran.
    /// For tests and drains: together with an ordinary [`Queue::run`] it shares the work.
    ///
    /// # Errors
    /// When nothing could be claimed.
    pub async fn run_due<F, Fut>(&self, lane: Lane, turn: F) -> Result<usize, Error>
    where
        F: Fn(Turn) -> Fut + Clone,
        Fut: Future<Output = Outcome>,
    {
        let claims = self.0.claim(lane, DRAIN).await?;
        let turns = stream::iter(claims.taken).map(|claim| self.0.take(claim, turn.clone()));
        let ran = turns
            .buffer_unordered(self.0.slots(lane))
            .filter(|ran| std::future::ready(*ran));
        Ok(ran.count().await)
    }
}

/// Waits for a free slot, and takes all that are free then, up to a batch.
async fn free(slots: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let mut permits: Vec<_> = slots.clone().acquire_owned().await.into_iter().collect();
    while permits.len() < BATCH
        && let Ok(permit) = slots.clone().try_acquire_owned()
    {
        permits.push(permit);
    }
    permits
}

impl Inner {
    fn slots(&self, lane: Lane) -> usize {
        let slots = self.config.slots;
        let slots = match lane {
            Lane::Work => slots.work,
            Lane::Pending => slots.pending,
            Lane::Drift => slots.drift,
        };
        slots.max(1)
    }

    /// Claims, unless the database is known to be away: what is claimed could not be looked at then.
    async fn claim(&self, lane: Lane, n: usize) -> Result<Claims, Error> {
        if self.trouble.is_on() {
            self.db.ping().await?;
        }
        let claims = self.backends.claim(lane, n, &Self::nonce()).await?;
        self.trouble.ends("claims go on");
        self.rates.count(lane, claims.taken.len());
        Ok(claims)
    }

    async fn give_back(&self, claims: Claims) {
        for claim in claims.taken {
            self.backends.release(&claim, Duration::ZERO).await;
        }
    }

    /// Runs one turn with all that belongs around it; true when `turn` was called.
    async fn take<F, Fut>(&self, claim: Claim, turn: F) -> bool
    where
        F: Fn(Turn) -> Fut,
        Fut: Future<Output = Outcome>,
    {
        let span = tracing::info_span!(
            parent: None, "turn", queue = self.name, lane = claim.lane.as_str(), group = %claim.group
        );
        self.take_in_span(claim, turn).instrument(span).await
    }

    async fn take_in_span<F, Fut>(&self, claim: Claim, turn: F) -> bool
    where
        F: Fn(Turn) -> Fut,
        Fut: Future<Output = Outcome>,
    {
        let standing = match self.backends.table.standing(&claim).await {
            Ok(Some(standing)) => standing,
            Ok(None) => {
                self.backends.release(&claim, UNKNOWN_GROUP).await;
                return false;
            }
            Err(error) => {
                self.trouble
                    .begins("a claimed group cannot be read", &error.into());
                self.backends.release(&claim, RETRY).await;
                return false;
            }
        };
        let shut = standing
            .gates
            .shut_for(claim.lane, standing.now, &self.config);
        if let Some(next) = shut {
            self.finish(&claim, &standing, next, None).await;
            return false;
        }
        if let Some(outcome) = self.turn(&claim, &standing, turn).await {
            self.end(&claim, &standing, &outcome).await;
        }
        true
    }

    /// The turn itself, under a lease that is kept; none when it panicked or lost the lease.
    async fn turn<F, Fut>(&self, claim: &Claim, standing: &Standing, turn: F) -> Option<Outcome>
    where
        F: Fn(Turn) -> Fut,
        Fut: Future<Output = Outcome>,
    {
        let lost = CancellationToken::new();
        let handed = Turn {
            group: claim.group.clone(),
            lane: claim.lane,
            row: standing.lane.clone(),
            lost: lost.clone(),
        };
        // The future is dropped after a panic, so nothing half-done in it is seen again.
        let ran = AssertUnwindSafe(async move { turn(handed).await }).catch_unwind();
        let keeping = async {
            keep(&self.backends, claim, self.config.lease).await;
            lost.cancel();
            std::future::pending::<std::convert::Infallible>().await
        };
        let ran = tokio::select! {
            ran = ran => ran,
            never = keeping => match never {},
        };
        match ran {
            Err(_) => {
                tracing::error!("a turn panicked: its lease is left to lapse");
                None
            }
            Ok(_) if lost.is_cancelled() => {
                tracing::warn!("a turn outlived its lease: what it found is left to the next");
                None
            }
            Ok(outcome) => Some(outcome),
        }
    }

    /// Writes down what a turn found: first the gate, then the lane, then the lease goes back.
    async fn end(&self, claim: &Claim, standing: &Standing, outcome: &Outcome) {
        let mut next = match claim.lane {
            Lane::Work => outcome.next,
            Lane::Pending | Lane::Drift if outcome.next < SPREAD_FROM => outcome.next,
            Lane::Pending | Lane::Drift => self.with_random(|random| spread(outcome.next, random)),
        };
        if claim.lane != Lane::Work {
            next = next.saturating_sub(claim.begun.elapsed());
        }
        match self.gate(claim, standing, outcome).await {
            Ok(shut) => next = next.max(shut),
            Err(error) => self.trouble.begins("a gate cannot be written", &error),
        }
        self.finish(claim, standing, next, Some(outcome)).await;
        if next < self.config.poll {
            self.wakes.wake(claim.lane);
        }
    }

    /// Sets, doubles or opens the group's gate; answers how long it is shut from now.
    async fn gate(
        &self,
        claim: &Claim,
        standing: &Standing,
        outcome: &Outcome,
    ) -> Result<Duration, Error> {
        let Standing { gates, .. } = standing;
        if outcome.gate.is_none() && outcome.error.is_some() {
            return Ok(Duration::ZERO);
        }
        let now = self.db.now_ms().await?;
        let (lane, group) = (claim.lane, &claim.group);
        let change = self.with_random(|random| {
            gates.after(group, lane, outcome.gate, now, &self.config, random)
        });
        let Some(change) = change else {
            return Ok(Duration::ZERO);
        };
        self.backends.table.set_gate(claim, gates, &change).await?;
        let shut = change.until.map_or(0, |until| until - now);
        Ok(Duration::from_millis(u64::try_from(shut).unwrap_or(0)))
    }

    async fn finish(
        &self,
        claim: &Claim,
        standing: &Standing,
        next: Duration,
        outcome: Option<&Outcome>,
    ) {
        let finish = Finish {
            due_at: standing.lane.due_at,
            next,
            outcome,
        };
        match self.backends.finish(claim, &finish).await {
            Ok(true) if outcome.is_some() => self.turns.send_modify(|turns| *turns += 1),
            Ok(true) => {}
            Ok(false) => {
                tracing::info!("a lease had lapsed: what its turn found is left to the next")
            }
            Err(error) => self
                .trouble
                .begins("the end of a turn cannot be written", &error),
        }
    }
}
