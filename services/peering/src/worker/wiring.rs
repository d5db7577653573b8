//! The lane drift's look at route tables: one listing of a group's routes, and what it means for each peering that is up.

use std::collections::HashMap;
use std::time::Duration;

use queue::{Gate, LaneRow, Turn};
use runtime::clock::millis;
use tokio_util::sync::CancellationToken;
use types::{PeeringId, ProviderKind};

use super::Worker;
use super::look::{BATCH, gate};
use crate::domain::{Fault, Tables};
use crate::store::{Change, Error};

/// Tables that others made are looked at this often, in milliseconds.
const UNTAGGED: i64 = Duration::from_secs(3_600).as_millis() as i64;

/// What came of a look at the routes.
#[derive(Default)]
pub(super) struct Wired {
    /// Of a complete one: when it began.
    pub(super) wired_at: Option<i64>,
    /// Why it did not show everything.
    pub(super) error: Option<String>,
    /// Whether the cloud asked to be left alone.
    pub(super) gate: Option<Gate>,
}

impl Worker {
    /// Whether the look is to be about the routes too: when they were not looked at for long, and once after the cloud
    /// has had the time to show what it was told since.
    pub(super) fn wants_wiring(&self, row: &LaneRow, told: bool, now: i64) -> bool {
        let interval = millis(self.timing.wiring_interval);
        row.wired_at
            .is_none_or(|wired_at| told || now >= wired_at + interval)
    }

    /// When the cloud took routes that show by now and did not at the last look: after the first, up to the second.
    pub(super) fn told_since(&self, row: &LaneRow, now: i64) -> (i64, i64) {
        let shown = |at: i64| at.saturating_sub(millis(self.timing.absence_grace));
        (shown(row.wired_at.unwrap_or(now)), shown(now))
    }

    /// One look at all route tables of a group. Where the cloud exchanges routes by itself there are none.
    pub(super) async fn look_at_routes(
        &self,
        turn: &Turn,
        stop: &CancellationToken,
    ) -> Result<Wired, Error> {
        let began_at = self.store.now_ms().await?;
        let done = Wired {
            wired_at: Some(began_at),
            ..Wired::default()
        };
        if turn.group.provider != ProviderKind::Aws {
            return Ok(done);
        }
        let wirings = self.store.wirings(&turn.group).await?;
        let last = turn.row.wired_at.unwrap_or(0);
        let with_untagged = last / UNTAGGED != began_at / UNTAGGED;
        let listing = self.provider.observe_routes(&turn.group, with_untagged);
        let listed = tokio::select! {
            () = turn.lost().cancelled() => return Ok(Wired::default()),
            () = stop.cancelled() => return Ok(Wired::default()),
            listed = listing => listed,
        };
        let routes = match listed {
            Ok(Some(routes)) => routes,
            Ok(None) => {
                return Ok(Wired {
                    error: Some("the listing of routes did not complete".to_owned()),
                    ..Wired::default()
                });
            }
            Err(error) => {
                return Ok(Wired {
                    gate: gate(&error),
                    error: Some(error.to_string()),
                    ..Wired::default()
                });
            }
        };
        let tables = Tables { began_at, routes };
        let grace = millis(self.timing.absence_grace);
        let mut found = HashMap::new();
        for wiring in wirings {
            if let Some(fault) = wiring.compare(&tables, grace)
                && (wiring.in_doubt || !fault.is_none())
            {
                found.insert(wiring.id, (wiring.version, fault));
            }
        }
        self.record_routes(turn, found).await?;
        Ok(done)
    }

    /// Commits what changed, in batches.
    async fn record_routes(
        &self,
        turn: &Turn,
        found: HashMap<PeeringId, (i64, Fault)>,
    ) -> Result<(), Error> {
        let mut ids: Vec<PeeringId> = found.keys().copied().collect();
        // In one order, so that two of these never wait for each other.
        ids.sort_unstable_by_key(ToString::to_string);
        for batch in ids.chunks(BATCH) {
            let mut peerings = self.store.read_all(batch).await?;
            peerings.sort_unstable_by_key(|peering| peering.id.to_string());
            let now = self.store.now_ms().await?;
            let mut changes = Vec::new();
            for before in peerings {
                // Somebody has changed it since the look began: what was seen may be older than that.
                let Some((version, fault)) = found.get(&before.id) else {
                    continue;
                };
                if *version != before.version {
                    continue;
                }
                let mut after = before.clone();
                after.routes_seen(fault, now);
                if after != before {
                    if !fault.is_none() {
                        tracing::warn!(peering.id = %before.id, ?fault, "route tables were changed");
                    }
                    changes.push(Change::to(&before, after));
                }
            }
            self.commit(turn, changes, now).await?;
        }
        Ok(())
    }
}
