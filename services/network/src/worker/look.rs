//! The lane drift: one listing of a group's VPCs, and what it means for each network that stands.

use std::collections::HashMap;
use std::time::Duration;

use api::cloud::PACED;
use queue::{Gate, Lane, LaneRow, Outcome, Turn};
use runtime::clock::millis;
use runtime::failpoint;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use types::NetworkId;

use super::execute::origin;
use super::{AFTER_TROUBLE, Worker, chain};
use crate::domain::{
    Failure, FailureKind, FirewallWanted, Glance, Look, Network, Sighting, Verdict, judge,
};
use crate::store::Error;

/// Changed rows of one transaction.
const BATCH: usize = 100;
/// The queue moves an interval by up to a tenth: a look that is to decide must not come early.
const SPREAD: f64 = 1.12;

/// What a listing showed of each network, and whether it missed nothing.
#[derive(Default)]
struct Shown {
    sightings: HashMap<NetworkId, Vec<Sighting>>,
    complete: bool,
    failure: Option<Failure>,
}

/// A network for which a look means something.
struct Found {
    version: i64,
    verdict: Verdict,
}

impl Worker {
    /// One look at all networks of a group that stand.
    pub(super) async fn watch(&self, turn: Turn, stop: CancellationToken) -> Outcome {
        let span = tracing::info_span!("look", group = %turn.group);
        let look = async {
            self.look_at_all(&turn, &stop)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(error = %chain(&error), "a look was not recorded");
                    Outcome {
                        error: Some(error.to_string()),
                        ..Outcome::again(AFTER_TROUBLE)
                    }
                })
        };
        look.instrument(span).await
    }

    async fn look_at_all(&self, turn: &Turn, stop: &CancellationToken) -> Result<Outcome, Error> {
        let began_at = self.store.now_ms().await?;
        let glances = self.store.glances(&turn.group).await?;
        if glances.is_empty() && !self.seeks_orphans(turn, began_at).await? {
            return Ok(Outcome {
                // Of an empty lane it tells when orphans were looked for.
                covered_at: turn.row.covered_at.or(Some(began_at)),
                wired_at: Some(began_at),
                ..Outcome::again(self.pace.idle_interval)
            });
        }
        let wired = !glances.is_empty() && self.wants_wiring(&turn.row, &glances, began_at);
        let wanted = match wired {
            true => self.store.firewalls_wanted(&turn.group).await?,
            false => HashMap::new(),
        };
        let Some(shown) = stop.run_until_cancelled(self.list(turn, wired)).await else {
            // The service ends, and another may look at once.
            let error = turn.row.last_error.clone();
            return Ok(Outcome {
                error,
                ..Outcome::again(Duration::ZERO)
            });
        };
        let look = Look {
            began_at,
            complete: shown.complete,
            wired,
            grace: self.pace.absence_grace,
        };
        let missed_at = self.record(turn, &glances, &look, &shown, &wanted).await?;
        if shown.complete {
            self.see_orphans(turn, &glances, &shown.sightings, began_at)
                .await?;
        }
        let error = problem(&shown);
        // Told when it changes, not once a minute.
        if error != turn.row.last_error
            && let Some(error) = &error
        {
            tracing::warn!(error, "a look did not show everything");
        }
        let covered_at = look.complete.then_some(began_at);
        Ok(Outcome {
            next: self.next_look(missed_at, began_at),
            covered_at,
            wired_at: covered_at.filter(|_| wired),
            error,
            gate: shown.failure.as_ref().and_then(gate),
        })
    }

    /// Whether the look is to be about the parts and firewalls too: when they were not looked at for long, when some are
    /// in doubt, and once after the cloud has had the time to show what we told it since.
    fn wants_wiring(&self, row: &LaneRow, glances: &[Glance], now: i64) -> bool {
        let Some(wired_at) = row.wired_at else {
            return true;
        };
        let told = |glance: &Glance| {
            let shows_at = glance
                .told_at
                .map(|at| at + millis(self.pace.absence_grace));
            shows_at.is_some_and(|at| wired_at < at && at <= now)
        };
        now >= wired_at + millis(self.pace.wiring_interval)
            || glances
                .iter()
                .any(|glance| told(glance) || !glance.missed.is_empty())
    }

    /// Reads the listing page by page. What came before a failure or the lease's loss is kept.
    async fn list(&self, turn: &Turn, wired: bool) -> Shown {
        let mut shown = Shown::default();
        let mut listing = match self.provider.observe(&turn.group, wired).await {
            Ok(listing) => listing,
            Err(failure) => {
                shown.failure = Some(failure);
                return shown;
            }
        };
        loop {
            let page = tokio::select! {
                () = turn.lost().cancelled() => return shown,
                page = listing.next() => page,
            };
            match page {
                Ok(Some(page)) => {
                    for (id, sighting) in page.sightings {
                        shown.sightings.entry(id).or_default().push(sighting);
                    }
                    shown.complete = page.is_complete;
                    if page.is_complete {
                        return shown;
                    }
                }
                Ok(None) => return shown,
                Err(failure) => {
                    shown.failure = Some(failure);
                    return shown;
                }
            }
        }
    }

    /// Commits what changed, in batches. Answers since when the longest missed is in doubt.
    async fn record(
        &self,
        turn: &Turn,
        glances: &[Glance],
        look: &Look,
        shown: &Shown,
        wanted: &HashMap<NetworkId, FirewallWanted>,
    ) -> Result<Option<i64>, Error> {
        let nobody = FirewallWanted::default();
        let mut found: HashMap<NetworkId, Found> = HashMap::new();
        let mut missed_at = None;
        for glance in glances {
            let seen = shown
                .sightings
                .get(&glance.id)
                .map_or(&[][..], Vec::as_slice);
            let verdict = judge(
                glance,
                look,
                seen,
                wanted.get(&glance.id).unwrap_or(&nobody),
            );
            missed_at = [missed_at, verdict.missed_at].into_iter().flatten().min();
            if !verdict.is_settled(glance) {
                let version = glance.version;
                found.insert(glance.id, Found { version, verdict });
            }
        }
        let mut ids: Vec<NetworkId> = found.keys().copied().collect();
        ids.sort_unstable_by_key(ToString::to_string);
        for batch in ids.chunks(BATCH) {
            let networks = self.store.read_all(batch).await?;
            let now = self.store.now_ms().await?;
            let mut changes = Vec::new();
            for before in networks {
                // Somebody has changed it since the look began: what was seen may be older than that.
                let found = found.remove(&before.id);
                let Some(found) = found.filter(|found| found.version == before.version) else {
                    continue;
                };
                let mut after = before.clone();
                after.observed(found.verdict, now);
                if after != before {
                    changes.push((before, after));
                }
            }
            self.commit_all(turn, changes, now).await?;
        }
        Ok(missed_at)
    }

    async fn commit_all(
        &self,
        turn: &Turn,
        changes: Vec<(Network, Network)>,
        now: i64,
    ) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        failpoint::hit("network.look.before_commit");
        let asked = changes.len();
        let saved = self.store.save_all(changes, &origin(), now).await?;
        failpoint::hit("network.look.after_commit");
        if saved.len() < asked {
            tracing::debug!(stale = asked - saved.len(), "looked at again");
        }
        let least = saved.iter().filter_map(Network::due_at).min();
        if let Some(at) = least {
            let delay = Duration::from_millis(u64::try_from(at - now).unwrap_or(0));
            self.queue.nudge(&turn.group, Lane::Work, delay).await;
        }
        Ok(())
    }

    /// In its turn, or when what is in doubt can be decided.
    fn next_look(&self, missed_at: Option<i64>, began_at: i64) -> Duration {
        let turn = self.pace.drift_interval;
        let Some(missed_at) = missed_at else {
            return turn;
        };
        let left = missed_at + millis(self.pace.absence_grace) - began_at;
        match u64::try_from(left) {
            Ok(left) if left > 0 => Duration::from_millis(left)
                .mul_f64(SPREAD)
                .min(turn.mul_f64(SPREAD)),
            _ => turn,
        }
    }
}

/// Why a listing did not show everything, for the lane's row.
fn problem(shown: &Shown) -> Option<String> {
    match &shown.failure {
        Some(failure) => Some(format!("{}: {}", failure.reason, failure.message)),
        None if shown.complete => None,
        None => Some("the listing did not complete".to_owned()),
    }
}

/// How long our own share of the writes is waited for when nobody says.
const PACE: Duration = Duration::from_secs(1);

/// Whether a failure asks to leave the whole group alone.
pub(super) fn gate(failure: &Failure) -> Option<Gate> {
    match failure.kind {
        FailureKind::Throttled if failure.reason == PACED => {
            Some(Gate::Paced(failure.retry_after.unwrap_or(PACE)))
        }
        FailureKind::Throttled => Some(Gate::Throttled(failure.retry_after)),
        FailureKind::Unauthorized => Some(Gate::Unauthorized),
        _ => None,
    }
}
