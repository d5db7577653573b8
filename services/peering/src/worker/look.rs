//! The lanes pending and drift: one listing of a group, and what it means for each of its peerings.

use std::collections::HashMap;
use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind, PACED};
use queue::{Gate, Outcome, Turn};
use runtime::clock::millis;
use runtime::failpoint;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use types::PeeringId;

use super::refused::was_refused;
use super::wiring::Wired;
use super::{Worker, cause};
use crate::clients::Scope;
use crate::domain::{Glance, Look, Matching, Peering, Unsettled, Watch, trusted, walk_to};
use crate::store::{Change, Committed, Error};

/// Changed rows of one transaction.
pub(super) const BATCH: usize = 100;
/// After a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// When a lane looks again that has just seen something it does not believe yet.
const DOUBT: Duration = Duration::from_secs(5);

/// A look that came back.
pub(super) struct Looked {
    /// Just before its rows were read.
    pub(super) began_at: i64,
    /// When the lane wants to be looked at again.
    pub(super) next: Duration,
    /// Whether routes are to be looked at too.
    pub(super) wires: bool,
    /// Whether something was missed lately.
    pub(super) in_doubt: bool,
    /// The rows, with what was seen of them.
    pub(super) matching: Matching,
    /// Whether the listing missed nothing; none when the service ends.
    pub(super) listed: Option<Result<bool, CloudError>>,
}

/// What came of recording a look.
#[derive(Default)]
struct Recorded {
    /// What was seen and not believed.
    disbelieved: Option<String>,
    /// Something was missed for the first time.
    in_doubt: bool,
}

impl Worker {
    /// One look at all peerings of a group that a lane watches.
    pub(super) async fn look(&self, turn: Turn, watch: Watch, stop: CancellationToken) -> Outcome {
        let span = tracing::info_span!("look", group = %turn.group, lane = watch.as_str());
        async {
            self.look_at_all(&turn, watch, &stop)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(%error, "a look was not recorded");
                    let error = Some(error.to_string());
                    Outcome {
                        error,
                        ..Outcome::again(AFTER_FAILURE)
                    }
                })
        }
        .instrument(span)
        .await
    }

    async fn look_at_all(
        &self,
        turn: &Turn,
        watch: Watch,
        stop: &CancellationToken,
    ) -> Result<Outcome, Error> {
        if let Some(looked) = self.look_by_sum(turn, watch, stop).await? {
            return self.conclude(turn, watch, looked, stop).await;
        }
        let began_at = self.store.now_ms().await?;
        let glances = self.store.glances(&turn.group, watch).await?;
        let idles = glances.is_empty()
            && (watch == Watch::Pending || !self.seeks_orphans(turn, began_at).await?);
        if idles {
            let covered_at = match watch {
                // Of an empty lane it tells when orphans were looked for.
                Watch::Drift => turn.row.covered_at.or(Some(began_at)),
                _ => Some(began_at),
            };
            return Ok(Outcome {
                covered_at,
                ..Outcome::again(self.timing.idle_interval)
            });
        }
        let next = self.interval(watch, &glances, began_at);
        let (after, until) = self.told_since(&turn.row, began_at);
        let told = |glance: &Glance| {
            glance
                .routes_told_at
                .is_some_and(|at| after < at && at <= until)
        };
        let wires = watch == Watch::Drift
            && !glances.is_empty()
            && self.wants_wiring(&turn.row, glances.iter().any(told), began_at);
        let in_doubt = glances
            .iter()
            .any(|glance| is_fresh(glance.missed_at.max(glance.inactive_at), began_at));
        let is_whole = self.lists_whole(&turn.group, watch).await?;
        // What was told of the rows meanwhile stands beside what a look compares.
        let mut matching = match was_refused(&turn.row.last_error) {
            true => Matching::thorough(glances),
            false => Matching::new(glances),
        };
        let listing = async {
            match is_whole {
                true => self.list(turn, Scope::Whole, &mut matching).await,
                false => self.list_parts(turn, began_at, &mut matching).await,
            }
        };
        let listed = stop.run_until_cancelled(listing).await;
        let looked = Looked {
            began_at,
            next,
            wires,
            in_doubt,
            matching,
            listed,
        };
        self.conclude(turn, watch, looked, stop).await
    }

    /// Records what a look showed, looks at what else is due, and says when the lane is due again.
    async fn conclude(
        &self,
        turn: &Turn,
        watch: Watch,
        looked: Looked,
        stop: &CancellationToken,
    ) -> Result<Outcome, Error> {
        let Looked {
            began_at,
            next,
            wires,
            in_doubt,
            mut matching,
            listed,
        } = looked;
        let Some(listed) = listed else {
            // The service ends, and another may look at once.
            let error = turn.row.last_error.clone();
            return Ok(Outcome {
                error,
                ..Outcome::again(Duration::ZERO)
            });
        };
        let complete = matches!(listed, Ok(true));
        let problem = problem(&listed, &matching);
        if let Err(error) = &listed
            && error.kind == CloudErrorKind::Unauthorized
        {
            self.tell_refused(turn, &matching.into_ids(), error).await?;
            return Ok(Outcome {
                error: problem,
                gate: gate(error),
                ..Outcome::again(next)
            });
        }
        let strays = matching.take_strays();
        let recorded = self
            .record(turn, matching.findings(complete), began_at, complete)
            .await?;
        if watch == Watch::Drift && complete {
            self.see_orphans(turn, strays, began_at, stop).await?;
        }
        let wiring = match wires && complete {
            true => self.look_at_routes(turn, stop).await?,
            false => Wired::default(),
        };
        let error = problem.or(recorded.disbelieved).or(wiring.error);
        let next = match in_doubt || recorded.in_doubt {
            true => next.min(DOUBT),
            false => next,
        };
        // Told when it changes, not once a second.
        if error != turn.row.last_error
            && let Some(error) = &error
        {
            tracing::warn!(error, "a look did not show everything");
        }
        Ok(Outcome {
            next,
            covered_at: complete.then_some(began_at),
            wired_at: wiring.wired_at,
            error,
            gate: listed.err().and_then(|error| gate(&error)).or(wiring.gate),
        })
    }

    /// Commits what changed, in batches.
    async fn record(
        &self,
        turn: &Turn,
        mut findings: Vec<Unsettled>,
        began_at: i64,
        complete: bool,
    ) -> Result<Recorded, Error> {
        let mut recorded = Recorded::default();
        // In one order, so that two of these never wait for each other.
        findings.sort_unstable_by_key(|finding| finding.id.to_string());
        for batch in findings.chunks(BATCH) {
            let ids: Vec<PeeringId> = batch.iter().map(|finding| finding.id).collect();
            let mut peerings = self.store.read_all(&ids).await?;
            peerings.sort_unstable_by_key(|peering| peering.id.to_string());
            let now = self.store.now_ms().await?;
            let found: HashMap<PeeringId, &Unsettled> =
                batch.iter().map(|finding| (finding.id, finding)).collect();
            let mut changes = Vec::new();
            for peering in peerings {
                let Some(finding) = found.get(&peering.id) else {
                    continue;
                };
                // Somebody has changed it since the look began: what was seen may be older than that.
                if peering.version != finding.version {
                    continue;
                }
                if let Some(seen) = finding
                    .seen
                    .as_ref()
                    .filter(|seen| !trusted(&peering, seen))
                {
                    let id = &seen.provider_peering_id;
                    recorded.disbelieved = Some(format!(
                        "{id} shows other VPCs than those of {}",
                        peering.id
                    ));
                    continue;
                }
                let look = Look {
                    began_at,
                    complete,
                    seen: finding.seen.as_ref(),
                };
                let way = walk_to(&peering, &look, &self.rules, now);
                if !way.is_empty() {
                    changes.push(Change {
                        before: peering,
                        way,
                    });
                }
            }
            let written = self.commit(turn, changes, now).await?;
            recorded.in_doubt |= written
                .iter()
                .any(|one| is_fresh(one.work.missed_at.max(one.work.inactive_at), began_at));
        }
        Ok(recorded)
    }

    pub(super) async fn commit(
        &self,
        turn: &Turn,
        changes: Vec<Change>,
        now: i64,
    ) -> Result<Vec<Peering>, Error> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        failpoint::hit("peering.look.before_commit");
        let asked = changes.len();
        let Committed { written, woken } = self.store.commit(changes, &cause(), now).await?;
        if written.len() < asked {
            tracing::debug!(group = %turn.group, stale = asked - written.len(), "looked at again");
        }
        self.nudge_steps(&written, now).await;
        self.nudge_woken(&woken).await;
        Ok(written)
    }

    /// When the lane wants to be looked at again.
    fn interval(&self, watch: Watch, glances: &[Glance], began_at: i64) -> Duration {
        let young = |glance: &Glance| glance.lane_since + millis(self.timing.young) > began_at;
        match watch {
            Watch::Drift => self.timing.drift_interval,
            _ if glances.iter().any(young) => self.timing.pending_interval,
            _ => self.timing.pending_old_interval,
        }
    }
}

/// Whether a first doubt is so young that the next look should not wait for the lane's turn: a second one decides.
fn is_fresh(missed_at: Option<i64>, began_at: i64) -> bool {
    missed_at.is_some_and(|at| at.saturating_add(2 * millis(DOUBT)) > began_at)
}

/// Why a listing did not show everything, for the lane's row.
fn problem(listed: &Result<bool, CloudError>, matching: &Matching) -> Option<String> {
    match (listed, matching.unrecognized()) {
        (Err(error), _) => Some(error.to_string()),
        (Ok(false), _) => Some("the listing did not complete".to_owned()),
        (Ok(true), Some(word)) => {
            Some(format!("the cloud shows a state that nobody knows: {word}"))
        }
        (Ok(true), None) => None,
    }
}

/// Whether an error of the cloud asks to leave the whole group alone.
pub(super) fn gate(error: &CloudError) -> Option<Gate> {
    match error.kind {
        CloudErrorKind::Throttled if error.reason == PACED => {
            Some(Gate::Paced(error.retry_after.unwrap_or(AFTER_FAILURE)))
        }
        CloudErrorKind::Throttled => Some(Gate::Throttled(error.retry_after)),
        CloudErrorKind::Unauthorized => Some(Gate::Unauthorized),
        _ => None,
    }
}
