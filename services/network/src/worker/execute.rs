//! One step: ask the cloud, say what became of the network, commit it.

use std::time::{Duration, Instant};

use queue::Turn;
use runtime::{failpoint, telemetry};

use super::look::gate;
use super::{Halt, Worker};
use crate::domain::{Failure, Network, Step, next_step};
use crate::store::{Error, Origin};

/// A call that makes something has ended this soon after its request was committed: looks for it count from there.
const WINDOW: Duration = Duration::from_secs(10);
/// How often an answer is tried to be recorded beside changes of the owner.
const SETTLE_TRIES: usize = 5;

impl Worker {
    /// Takes the next step; none when nothing is due.
    pub(super) async fn step(
        &self,
        turn: &Turn,
        network: Network,
        halt: &Halt,
    ) -> Result<Option<Network>, Error> {
        let now = self.store.now_ms().await?;
        let step = next_step(&network, now);
        tracing::debug!(step = step.as_str(), state = network.state.as_str(), "step");
        match step {
            Step::Wait(_) => Ok(None),
            Step::Rest if network.work.step_at.is_none() => Ok(None),
            Step::Rest => self.commit(&network, now, Network::rest).await.map(Some),
            Step::Record(state) => self
                .commit(&network, now, |after| after.reached(state, now))
                .await
                .map(Some),
            Step::Place => self.place(&network, halt).await.map(Some),
            Step::Look => self.look(&network, now, halt).await.map(Some),
            Step::Make { part, guarded } => {
                self.make(turn, network, &part, guarded, now, halt).await
            }
            Step::Firewall => self.firewall(&network, now, halt).await.map(Some),
            Step::Remove => self.remove(&network, now, halt).await.map(Some),
        }
    }

    async fn place(&self, network: &Network, halt: &Halt) -> Result<Network, Error> {
        // One at a time: each counts what the one before was given. Other workers wait for the group's lease.
        let _placing = self.placing.lock().await;
        let usage = self.store.usage(network.provider).await?;
        let placed = self.provider.place(network, &usage).await;
        let now = self.store.now_ms().await?;
        match placed {
            Ok(account) => {
                self.commit(network, now, |after| after.placed(account, now))
                    .await
            }
            Err(failure) => self.give_up(network, failure, None, halt).await,
        }
    }

    async fn look(&self, network: &Network, begun: i64, halt: &Halt) -> Result<Network, Error> {
        match self.provider.ensure_vpc(network, "", WINDOW).await {
            Ok(answer) => {
                let now = self.store.now_ms().await?;
                let timing = &self.timing;
                self.settle(network, now, |after| {
                    after.looked(answer.clone(), begun, now, timing);
                })
                .await
            }
            Err(failure) => {
                // What is refused is then the operation that was followed.
                let ended = failure.refused && !network.work.operation_token.is_empty();
                self.give_up(network, failure, ended.then_some(true), halt)
                    .await
            }
        }
    }

    /// Commits the request where a lost answer would matter, then asks for the part.
    async fn make(
        &self,
        turn: &Turn,
        mut network: Network,
        part: &str,
        guarded: bool,
        begun: i64,
        halt: &Halt,
    ) -> Result<Option<Network>, Error> {
        let asked = Instant::now();
        let was_touched = network.work.touched;
        let mut asking = network.clone();
        if asking.requesting(part, guarded, begun) {
            network = self.store.save(&network, asking, &origin(), begun).await?;
            failpoint::hit("network.step.after_requested");
        }
        let left = WINDOW.saturating_sub(asked.elapsed());
        if left.is_zero() || turn.lost().is_cancelled() {
            return Ok(None);
        }
        let made = self.provider.ensure_vpc(&network, part, left).await;
        failpoint::hit("network.step.after_call");
        let after = match made {
            Ok(answer) => {
                let now = self.store.now_ms().await?;
                let timing = &self.timing;
                self.settle(&network, now, |after| {
                    after.looked(answer.clone(), begun, now, timing);
                })
                .await?
            }
            Err(failure) => {
                let unmade = failure.refused.then_some(was_touched);
                self.give_up(&network, failure, unmade, halt).await?
            }
        };
        Ok(Some(after))
    }

    /// Sends the whole firewall. What is wanted is read after the network, so it may be newer than the goal that is
    /// confirmed: then the next one is sent as well.
    async fn firewall(&self, network: &Network, begun: i64, halt: &Halt) -> Result<Network, Error> {
        let wanted = self.store.firewall_wanted(network.id).await?;
        let ensured = self.provider.ensure_firewall(network, &wanted).await;
        failpoint::hit("network.firewall.after_call");
        let now = self.store.now_ms().await?;
        match ensured {
            Ok((complete, token)) => {
                let (goal, timing) = (network.firewall.goal, &self.timing);
                self.settle(network, now, |after| {
                    after.firewall_ensured(goal, complete, token.clone(), begun, now, timing);
                })
                .await
            }
            Err(failure) => {
                self.tell(&failure, halt);
                let jitter = rand::random::<f64>();
                self.settle(network, now, |after| {
                    after.firewall_failed(&failure, now, jitter);
                })
                .await
            }
        }
    }

    async fn remove(&self, network: &Network, begun: i64, halt: &Halt) -> Result<Network, Error> {
        match self.provider.delete_vpc(network).await {
            Ok((removal, token)) => {
                let now = self.store.now_ms().await?;
                let timing = &self.timing;
                self.settle(network, now, |after| {
                    after.removed(removal, token.clone(), begun, now, timing);
                })
                .await
            }
            Err(failure) => self.give_up(network, failure, None, halt).await,
        }
    }

    /// Records a step that could not be done. `unmade`: it was a request, and the cloud surely did not follow it; its value
    /// is whether an earlier one may have been followed.
    async fn give_up(
        &self,
        network: &Network,
        failure: Failure,
        unmade: Option<bool>,
        halt: &Halt,
    ) -> Result<Network, Error> {
        self.tell(&failure, halt);
        let now = self.store.now_ms().await?;
        let jitter = rand::random::<f64>();
        self.settle(network, now, |after| {
            if let Some(was_touched) = unmade {
                after.request_refused(was_touched);
            }
            after.failed(&failure, now, jitter);
        })
        .await
    }

    /// Logs a failure, and ends the turn when the whole group has to wait.
    fn tell(&self, failure: &Failure, halt: &Halt) {
        tracing::info!(
            reason = failure.reason,
            message = failure.message,
            "a step could not be done"
        );
        if let Some(gate) = gate(failure) {
            halt.set(gate);
        }
    }

    /// Commits what the cloud's answer to a call means, also where the owner has changed what is wanted meanwhile: else
    /// many such changes would have the cloud asked again and again.
    async fn settle(
        &self,
        asked: &Network,
        now: i64,
        change: impl Fn(&mut Network),
    ) -> Result<Network, Error> {
        let mut before = asked.clone();
        for _ in 0..SETTLE_TRIES {
            match self.commit(&before, now, &change).await {
                Err(Error::Stale) => {}
                ended => return ended,
            }
            match self.store.read_all(&[asked.id]).await?.pop() {
                Some(fresh) if fresh.still_stands_as(asked) => before = fresh,
                _ => break,
            }
        }
        Err(Error::Stale)
    }

    async fn commit(
        &self,
        before: &Network,
        now: i64,
        change: impl FnOnce(&mut Network),
    ) -> Result<Network, Error> {
        let mut after = before.clone();
        change(&mut after);
        self.store.save(before, after, &origin(), now).await
    }
}

pub(super) fn origin() -> Origin {
    Origin {
        actor: "worker".to_owned(),
        request_id: String::new(),
        trace_id: telemetry::trace_id(),
    }
}
