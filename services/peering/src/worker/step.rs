//! The lane work: one step of one peering at a time, saved before the next.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use api::cloud::CloudError;
use futures::StreamExt;
use queue::{Gate, Lane, Outcome, Turn};
use runtime::{failpoint, telemetry};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use types::NetworkId;

use super::look::gate;
use super::{Worker, cause};
use crate::clients::refusal;
use crate::domain::progress;
use crate::domain::{Peering, Step, Watch, next_step};
use crate::store::{Asked, Change, Error};

/// Rows of one turn.
const ROWS: i64 = 50;
/// Networks worked on at once; the peerings of one network share its route tables and go one after another.
const NETWORKS: usize = 4;
/// Calls for one peering in one turn, so that the others have theirs.
pub(super) const CALLS: usize = 3;
/// A create goes out within this time of its record, or not at all.
const REQUEST_WINDOW: Duration = Duration::from_secs(10);
/// After a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// One turn, as its rows share it.
pub(super) struct Pass<'a> {
    turn: &'a Turn,
    /// The service ends.
    stop: CancellationToken,
    gate: Mutex<Option<Gate>>,
    error: Mutex<Option<String>>,
}

impl Pass<'_> {
    /// Whether no further call may go out. What is not done stays due.
    pub(super) fn is_over(&self) -> bool {
        self.turn.lost().is_cancelled() || self.stop.is_cancelled() || set(&self.gate).is_some()
    }

    /// Notes what an error of the cloud means for the whole group.
    pub(super) fn note(&self, error: &CloudError) {
        *set(&self.error) = Some(error.to_string());
        if let Some(gate) = gate(error) {
            *set(&self.gate) = Some(gate);
        }
    }
}

/// A note is whole after every write, so a panic elsewhere cannot have spoilt it.
fn set<T>(note: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    note.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// The steps of a group that are due, tenants in turn.
    pub(super) async fn work(&self, turn: Turn, stop: CancellationToken) -> Outcome {
        let pass = Pass {
            turn: &turn,
            stop,
            gate: Mutex::new(None),
            error: Mutex::new(None),
        };
        let next = self.take_steps(&pass).await.unwrap_or_else(|error| {
            tracing::warn!(group = %turn.group, %error, "steps were not taken");
            *set(&pass.error) = Some(error.to_string());
            AFTER_FAILURE
        });
        let (gate, error) = (*set(&pass.gate), set(&pass.error).take());
        Outcome {
            gate,
            error,
            ..Outcome::again(next)
        }
    }

    /// Takes what steps there are, and says when the next one is due.
    async fn take_steps(&self, pass: &Pass<'_>) -> Result<Duration, Error> {
        let group = &pass.turn.group;
        let due = self
            .store
            .due(group, self.store.now_ms().await?, ROWS)
            .await?;
        let failed = futures::stream::iter(by_network(due))
            .map(|peerings| async move {
                for peering in peerings {
                    self.drive(peering, pass).await?;
                }
                Ok::<(), Error>(())
            })
            .buffer_unordered(NETWORKS)
            .filter_map(|result| async { result.err() });
        let failed: Vec<Error> = failed.collect().await;
        if let Some(error) = failed.into_iter().next() {
            return Err(error);
        }
        let now = self.store.now_ms().await?;
        Ok(self
            .store
            .least_step(group)
            .await?
            .map_or(self.timing.idle_interval, |at| {
                Duration::from_millis(u64::try_from(at - now).unwrap_or(0))
            }))
    }

    /// Takes one step after another until none is due, each saved before the next.
    async fn drive(&self, peering: Peering, pass: &Pass<'_>) -> Result<(), Error> {
        let mut peering = peering;
        for _ in 0..=CALLS {
            let now = self.store.now_ms().await?;
            let step = next_step(&peering, now);
            if step == Step::Rest && peering.work.step_at.is_none_or(|at| at > now) {
                return Ok(());
            }
            if pass.is_over() {
                return Ok(());
            }
            let span = tracing::info_span!(
                "step",
                step = step.as_str(),
                peering.id = %peering.id,
                tenant.id = %peering.tenant,
                provider.kind = %peering.peer.provider(),
            );
            match self
                .take(&peering, &step, pass, now)
                .instrument(span)
                .await?
            {
                Some(saved) => peering = saved,
                // Somebody else has changed it: whatever is to be done now, the next turn finds.
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// One step, saved; none when the row has changed meanwhile.
    async fn take(
        &self,
        peering: &Peering,
        step: &Step,
        pass: &Pass<'_>,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        if let Some(traceparent) = &peering.work.traceparent {
            telemetry::link_to(traceparent);
        }
        let saved = match step {
            Step::Rest => return self.save(peering, progress::rested(peering), now).await,
            Step::AwaitLook => self.save(peering, progress::rested(peering), now).await?,
            Step::Request => self.request(peering, pass, now).await?,
            Step::Follow => self.follow(peering, pass, now).await?,
            Step::Hint => return self.save(peering, progress::hinted(peering), now).await,
            Step::Routes => self.routes(peering, pass).await?,
            Step::Delete(id) => self.delete(peering, id, pass, now).await?,
            Step::Clear(former) => self.clear(peering, former, pass, now).await?,
            Step::Options => self.options(peering, pass, now).await?,
            Step::Network => self.ask_network(peering).await?,
            Step::Claims => self.claims(peering).await?,
            Step::Degrade => {
                return self
                    .save(peering, progress::degraded(peering, now), now)
                    .await;
            }
            Step::Detach => self.detach(peering).await?,
        };
        failpoint::hit("peering.step.after_save");
        if matches!(step, Step::AwaitLook | Step::Request | Step::Delete(_)) {
            // The lane may be asleep; what was just done shows soon.
            let lane = match peering.state.watch() {
                Watch::Drift => Lane::Drift,
                Watch::Pending | Watch::None => Lane::Pending,
            };
            let soon = self.timing.pending_interval;
            self.queue.nudge(&pass.turn.group, lane, soon).await;
        }
        Ok(saved)
    }

    async fn request(
        &self,
        peering: &Peering,
        pass: &Pass<'_>,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let begun = Instant::now();
        let requesting = progress::requesting(peering, now);
        let asked = match peering.peer.has_two_halves() {
            true => self.save_request(peering, requesting, now).await?,
            false => self.save_in_turn(peering, requesting, now).await?,
        };
        let asking = match asked {
            Asked::Done(asking) => *asking,
            Asked::Stale => return Ok(None),
            Asked::Busy => return self.put_off(peering, now).await,
            Asked::Waits(waiting) => return Ok(Some(*waiting)),
        };
        failpoint::hit("peering.step.after_requested");
        let left = REQUEST_WINDOW.saturating_sub(begun.elapsed());
        if left.is_zero() || pass.is_over() {
            let not_sent = progress::not_requested(&asking, self.store.now_ms().await?);
            return self.save(&asking, not_sent, now).await;
        }
        let answer = self.provider.ensure_peering(&asking, left).await;
        failpoint::hit("peering.step.after_call");
        if let Err(error) = &answer {
            tracing::info!(%error, refused = error.refused, "the request did not succeed");
            pass.note(error);
        }
        self.save_answer(asking, &Step::Request, &answer, now).await
    }

    /// Reads how far the operation of a request is, or asks again.
    async fn follow(
        &self,
        peering: &Peering,
        pass: &Pass<'_>,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let answer = self.provider.ensure_peering(peering, REQUEST_WINDOW).await;
        failpoint::hit("peering.step.after_call");
        if let Err(error) = &answer {
            tracing::info!(%error, ended = error.refused, "the operation did not succeed");
            pass.note(error);
        }
        self.save_answer(peering.clone(), &Step::Follow, &answer, now)
            .await
    }

    /// Another's operation is in the way.
    pub(super) async fn put_off(
        &self,
        peering: &Peering,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let network = self.store.busy_network(peering).await?;
        let later = progress::put_off(peering, network, now);
        self.save(peering, later, now).await
    }

    async fn delete(
        &self,
        peering: &Peering,
        id: &str,
        pass: &Pass<'_>,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let asking = if peering.removes_anew(now) {
            let removing = progress::removing(peering, now);
            match self.save_request(peering, removing, now).await? {
                Asked::Done(asking) => asking,
                Asked::Stale => return Ok(None),
                Asked::Busy => return self.put_off(peering, now).await,
                Asked::Waits(waiting) => return Ok(Some(*waiting)),
            }
        } else {
            Box::new(peering.clone())
        };
        let peering = &*asking;
        let attempt = peering.attempt;
        let answer = self.provider.delete_peering(peering, id, attempt).await;
        failpoint::hit("peering.step.after_call");
        let now = self.store.now_ms().await?;
        let next = match answer {
            Ok((removal, token)) => progress::removed(peering, removal, &token, now),
            Err(error) => {
                tracing::info!(%error, "the vendor half is not removed");
                pass.note(&error);
                let step = Step::Delete(id.to_owned());
                progress::refused(peering, &step, &refusal(&error), now)
            }
        };
        self.save(peering, next, now).await
    }

    async fn detach(&self, peering: &Peering) -> Result<Option<Peering>, Error> {
        failpoint::hit("peering.delete.before_detach");
        let answer = self.network.detach(peering).await;
        failpoint::hit("peering.delete.after_detach");
        let now = self.store.now_ms().await?;
        let next = match answer {
            Ok(()) => progress::detached(peering, now),
            Err(refusal) => {
                tracing::info!(
                    message = refusal.message,
                    "the network's claims are not given back"
                );
                progress::refused(peering, &Step::Detach, &refusal, now)
            }
        };
        self.save(peering, next, now).await
    }

    pub(super) async fn save(
        &self,
        before: &Peering,
        after: Peering,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        self.save_way(before, vec![after], now).await
    }

    pub(super) async fn save_way(
        &self,
        before: &Peering,
        way: Vec<Peering>,
        now: i64,
    ) -> Result<Option<Peering>, Error> {
        let change = Change {
            before: before.clone(),
            way,
        };
        let mut done = self.store.commit(vec![change], &cause(), now).await?;
        self.nudge_woken(&done.woken).await;
        Ok(done.written.pop())
    }

    /// Writes what has to stand before a call that begins something in the cloud.
    pub(super) async fn save_request(
        &self,
        before: &Peering,
        after: Peering,
        now: i64,
    ) -> Result<Asked, Error> {
        let change = Change::to(before, after);
        self.store.commit_request(change, &cause(), now).await
    }

    /// The same where requests that nobody has accepted yet have to share a few places.
    async fn save_in_turn(
        &self,
        before: &Peering,
        after: Peering,
        now: i64,
    ) -> Result<Asked, Error> {
        let places = self.pool.outstanding(&before.group(), now).await;
        let change = Change::to(before, after);
        self.store
            .commit_request_in_turn(change, places, &cause(), now)
            .await
    }
}

/// Rows by network, each network's in the order in which they came.
fn by_network(peerings: Vec<Peering>) -> Vec<Vec<Peering>> {
    let mut networks: Vec<(NetworkId, Vec<Peering>)> = Vec::new();
    for peering in peerings {
        match networks
            .iter_mut()
            .find(|(network, _)| *network == peering.network)
        {
            Some((_, peerings)) => peerings.push(peering),
            None => networks.push((peering.network, vec![peering])),
        }
    }
    networks.into_iter().map(|(_, peerings)| peerings).collect()
}
