//! The work on networks: claims a group's lane, takes one step after the other for what is due in it, or looks at what
//! stands, and commits what changed.

mod execute;
mod look;
mod orphans;
mod purge;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use queue::{Gate, Lane, Outcome, Queue, Turn};
use runtime::config::QueueConfig;
use runtime::shutdown::Parts;
use runtime::telemetry;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::clients::ProviderAdapter;
use crate::config::Config;
use crate::domain::{Network, State, Timing};
use crate::store::{self, Store};

/// Rows read in one turn.
const ROWS: u64 = 50;
/// Rows worked on at once.
const AT_ONCE: usize = 4;
/// Steps of one row in one turn.
const STEPS: usize = 32;
/// When a group without work, or with a database in trouble, is looked at again.
const IDLE: Duration = Duration::from_secs(60);
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Takes steps.
#[derive(Clone)]
pub(crate) struct Worker {
    store: Store,
    provider: ProviderAdapter,
    queue: Queue,
    timing: Timing,
    pace: QueueConfig,
    purge_interval: Duration,
    placing: Arc<tokio::sync::Mutex<()>>,
}

/// Why the rest of a turn is left for later.
struct Halt {
    /// The service ends.
    stop: CancellationToken,
    /// The cloud asked to be left alone.
    gate: Mutex<Option<Gate>>,
}

impl Halt {
    fn set(&self, gate: Gate) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = Some(gate);
    }

    fn gate(&self) -> Option<Gate> {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_on(&self) -> bool {
        self.stop.is_cancelled() || self.gate().is_some()
    }
}

impl Worker {
    pub(crate) fn new(
        store: Store,
        provider: ProviderAdapter,
        queue: Queue,
        config: &Config,
    ) -> Self {
        Self {
            store,
            provider,
            queue,
            timing: config.timing(),
            pace: config.queue.clone(),
            purge_interval: config.work.purge_interval,
            placing: Arc::default(),
        }
    }

    /// Runs all lanes, and the purge, until the parts stop.
    pub(crate) fn spawn(&self, parts: &mut Parts) {
        for lane in Lane::ALL {
            let (worker, stop) = (self.clone(), parts.stop());
            parts.spawn(async move {
                let (queue, ending) = (worker.queue.clone(), stop.clone());
                let turn = move |turn| worker.clone().turn(turn, ending.clone());
                queue.run(lane, stop, turn).await;
                Ok(())
            });
        }
        let (worker, stop) = (self.clone(), parts.stop());
        parts.spawn(async move {
            worker.purge(stop).await;
            Ok(())
        });
    }

    async fn turn(self, turn: Turn, stop: CancellationToken) -> Outcome {
        match turn.lane {
            Lane::Work => self.work(turn, stop).await,
            // The work itself looks at what is PENDING or DELETING, in its own time.
            Lane::Pending => Outcome::again(self.pace.idle_interval),
            Lane::Drift => self.watch(turn, stop).await,
        }
    }

    /// Works off what is due in the group, and says when the next step is.
    async fn work(self, turn: Turn, stop: CancellationToken) -> Outcome {
        let halt = Halt {
            stop,
            gate: Mutex::default(),
        };
        match self.work_off(&turn, &halt).await {
            Ok(next) => Outcome {
                next,
                gate: halt.gate(),
                ..Outcome::default()
            },
            Err(error) => {
                tracing::warn!(group = %turn.group, error = %chain(&error), "a turn was cut short");
                let error = Some(error.to_string());
                Outcome {
                    next: AFTER_TROUBLE,
                    gate: halt.gate(),
                    error,
                    ..Outcome::default()
                }
            }
        }
    }

    async fn work_off(&self, turn: &Turn, halt: &Halt) -> Result<Duration, store::Error> {
        let now = self.store.now_ms().await?;
        let due = self.store.due(&turn.group, now, ROWS).await?;
        // Placement counts what is placed, so it goes one by one.
        let at_once = if turn.group.account.is_none() {
            1
        } else {
            AT_ONCE
        };
        let mut ended = futures::stream::iter(
            due.into_iter()
                .map(|network| self.advance(turn, network, halt)),
        )
        .buffer_unordered(at_once);
        let mut trouble = None;
        while let Some(result) = ended.next().await {
            trouble = result.err().or(trouble);
        }
        if let Some(error) = trouble {
            return Err(error);
        }
        let Some(next) = self.store.next_due(&turn.group).await? else {
            return Ok(IDLE);
        };
        let now = self.store.now_ms().await?;
        Ok(Duration::from_millis(
            u64::try_from(next - now).unwrap_or(0),
        ))
    }

    /// Takes step after step until the network has to wait, leaves the group, or the turn ends.
    async fn advance(
        &self,
        turn: &Turn,
        network: Network,
        halt: &Halt,
    ) -> Result<(), store::Error> {
        let span = tracing::info_span!(
            "network.work",
            network.id = %network.id,
            tenant.id = %network.tenant,
            provider.kind = %network.provider,
        );
        let traceparent = network.traceparent.clone();
        let work = async {
            if let Some(traceparent) = traceparent {
                telemetry::link_to(&traceparent);
            }
            let mut network = network;
            for _ in 0..STEPS {
                if turn.lost().is_cancelled() || halt.is_on() {
                    break;
                }
                let Some(after) = self.step(turn, network.clone(), halt).await? else {
                    break;
                };
                if after.group() != network.group() {
                    if let Some(group) = after.group() {
                        self.queue.nudge(&group, Lane::Work, Duration::ZERO).await;
                    }
                    break;
                }
                let is_new = after.state == State::Active && network.state != State::Active;
                if let Some(group) = after.group().filter(|_| is_new) {
                    self.queue.nudge(&group, Lane::Drift, Duration::ZERO).await;
                }
                network = after;
            }
            Ok(())
        };
        match work.instrument(span).await {
            // Someone else has changed it meanwhile: what is due of it is read again.
            Err(store::Error::Stale) => Ok(()),
            ended => ended,
        }
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
