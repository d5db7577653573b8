//! What operators see of the queue, and what they do to it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::{DbErr, QueryResult};
use types::GroupId;

use crate::backend::Held;
use crate::schema::{self, rows, run, text};
use crate::{Error, Lane, LaneRow, Queue};

/// Over how many seconds claims are counted.
const WINDOW: u64 = 60;

/// One lane over all groups.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LaneFigures {
    /// Which lane.
    pub lane: Lane,
    /// Groups in it.
    pub groups: i64,
    /// Groups that are due and that no worker holds.
    pub overdue: i64,
    /// How long the most overdue of them has been so.
    pub lag: Duration,
    /// Claims of this process, over the last minute.
    pub claims_per_second: f64,
}

/// A group as it stands. Times are milliseconds since the epoch, the database's.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupView {
    /// Which group.
    pub group: GroupId,
    /// No looks before this; none when the gate is open.
    pub read_gate_until: Option<i64>,
    /// No writes before this; none when the gate is open.
    pub write_gate_until: Option<i64>,
    /// Since when an operator holds it.
    pub suspended_at: Option<i64>,
    /// Why it is suspended or gated.
    pub reason: Option<String>,
    /// Its three lanes.
    pub lanes: Vec<LaneView>,
}

/// A group's lane as it stands where the queue stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneView {
    /// Which lane.
    pub lane: Lane,
    /// When it is claimed next: while a worker holds it, when its lease ends.
    pub due_at: i64,
    /// Whether a worker holds it.
    pub leased: bool,
    /// What the table says.
    pub row: LaneRow,
}

impl Queue {
    /// The queue's name, such as `status-check`.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The figures of each lane.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn figures(&self) -> Result<Vec<LaneFigures>, Error> {
        let sql = "SELECT COUNT(*) FROM check_lane WHERE lane = $1";
        let mut figures = Vec::new();
        for lane in Lane::ALL {
            let found = rows(self.0.db.read(), sql, [lane.as_str().into()]).await?;
            let groups = found
                .first()
                .map_or(Ok(0), |row| row.try_get_by_index::<i64>(0))?;
            let depth = self.0.backends.depth(lane).await?;
            figures.push(LaneFigures {
                lane,
                groups,
                overdue: depth.overdue,
                lag: depth.lag,
                claims_per_second: self.0.rates.per_second(lane),
            });
        }
        Ok(figures)
    }

    /// Groups behind `after`, ordered by id, at most `limit`.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn groups(&self, after: Option<&str>, limit: u64) -> Result<Vec<GroupView>, Error> {
        let sql = "SELECT * FROM check_group WHERE group_id > $1 ORDER BY group_id LIMIT $2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [after.unwrap_or_default().into(), limit.into()];
        let found = rows(self.0.db.read(), sql, values).await?;
        self.views(&found).await
    }

    /// One group.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], or when the database failed.
    pub async fn group(&self, group: &GroupId) -> Result<GroupView, Error> {
        let sql = "SELECT * FROM check_group WHERE group_id = $1";
        let found = rows(self.0.db.read(), sql, [text(group)]).await?;
        let mut views = self.views(&found).await?;
        views
            .pop()
            .ok_or_else(|| Error::UnknownGroup(group.clone()))
    }

    /// Stops all looks and steps of a group until [`Queue::resume`]; turns under way end as usual. Said again, it only
    /// changes the reason.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], or when the database failed.
    pub async fn suspend(&self, group: &GroupId, reason: &str) -> Result<(), Error> {
        let now = self.0.db.now_ms().await?;
        let sql = "UPDATE check_group SET suspended_at = COALESCE(suspended_at, $2), reason = $3 \
                   WHERE group_id = $1";
        let values = [text(group), now.into(), reason.into()];
        let done = run(self.0.db.write(), sql, values).await?;
        known(group, done.rows_affected())
    }

    /// Lets a suspended group go on, all lanes at once; one that is not suspended is left as it is.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], or when the database failed.
    pub async fn resume(&self, group: &GroupId) -> Result<(), Error> {
        let now = self.0.db.now_ms().await?;
        let txn = self.0.db.begin().await?;
        let sql = "UPDATE check_group SET suspended_at = NULL, reason = NULL \
                   WHERE group_id = $1 AND suspended_at IS NOT NULL";
        let resumed = run(&txn, sql, [text(group)]).await?.rows_affected() > 0;
        if !resumed {
            txn.rollback().await?;
            return self.group(group).await.map(drop);
        }
        for lane in Lane::ALL {
            schema::hasten(&txn, group, lane, now).await?;
        }
        txn.commit().await?;
        for lane in Lane::ALL {
            self.nudge(group, lane, Duration::ZERO).await;
        }
        Ok(())
    }

    /// Makes a group's lane due now. Its gate and a suspension hold all the same.
    ///
    /// # Errors
    /// [`Error::UnknownGroup`], or when the database failed.
    pub async fn reschedule(&self, group: &GroupId, lane: Lane) -> Result<(), Error> {
        self.lane(group, lane).await?;
        let now = self.0.db.now_ms().await?;
        schema::hasten(self.0.db.write(), group, lane, now).await?;
        self.nudge(group, lane, Duration::ZERO).await;
        Ok(())
    }

    /// Removes groups that no row of the service's table `entries`, and no orphan, names in its `group_id`, at most
    /// `limit`; returns how many. What an operator has suspended stays.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn purge_groups(&self, entries: &'static str, limit: u64) -> Result<u64, Error> {
        let unnamed: String = [entries, "orphan"]
            .iter()
            .map(|table| {
                format!(
                    " AND NOT EXISTS (SELECT 1 FROM {table} AS entry \
                     WHERE entry.group_id = check_group.group_id)"
                )
            })
            .collect();
        let sql = format!(
            "SELECT group_id FROM check_group WHERE suspended_at IS NULL{unnamed} LIMIT $1"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut removed = 0;
        for row in rows(self.0.db.read(), &sql, [limit.into()]).await? {
            let group = group_of(&row)?;
            let txn = self.0.db.begin().await?;
            schema::lock_group(&txn, &group).await?;
            run(
                &txn,
                "DELETE FROM check_lane WHERE group_id = $1",
                [text(&group)],
            )
            .await?;
            let sql = format!(
                "DELETE FROM check_group WHERE group_id = $1 AND suspended_at IS NULL{unnamed}"
            );
            // An entry that came meanwhile is seen here, or by the foreign key.
            match run(&txn, &sql, [text(&group)]).await {
                Ok(done) if done.rows_affected() == 1 => {
                    txn.commit().await?;
                    removed += 1;
                }
                Ok(_) => txn.rollback().await?,
                Err(error) => {
                    tracing::debug!(%group, %error, "a group is in use again");
                    txn.rollback().await?;
                }
            }
        }
        Ok(removed)
    }

    /// The groups of these rows, with their lanes.
    async fn views(&self, found: &[QueryResult]) -> Result<Vec<GroupView>, Error> {
        let now = self.0.db.now_ms().await?;
        let gate = |row: &QueryResult, name| {
            let until: Option<i64> = row.try_get("", name)?;
            Ok::<_, DbErr>(until.filter(|until| *until > now))
        };
        let mut views = Vec::with_capacity(found.len());
        for row in found {
            views.push(GroupView {
                group: group_of(row)?,
                read_gate_until: gate(row, "read_gate_until")?,
                write_gate_until: gate(row, "write_gate_until")?,
                suspended_at: row.try_get("", "suspended_at")?,
                reason: row.try_get("", "reason")?,
                lanes: Vec::new(),
            });
        }
        let (Some(first), Some(last)) = (views.first(), views.last()) else {
            return Ok(views);
        };
        let sql = "SELECT group_id, due_at, covered_at, wired_at, last_error, lease_until \
                   FROM check_lane WHERE lane = $1 AND group_id >= $2 AND group_id <= $3";
        let (first, last) = (text(&first.group), text(&last.group));
        let groups: Vec<GroupId> = views.iter().map(|view| view.group.clone()).collect();
        for lane in Lane::ALL {
            let held = self.0.backends.held(lane, &groups).await?;
            let values = [lane.as_str().into(), first.clone(), last.clone()];
            let mut lanes = HashMap::new();
            for row in rows(self.0.db.read(), sql, values).await? {
                let until: i64 = row.try_get("", "lease_until")?;
                lanes.insert(group_of(&row)?, (LaneRow::read(&row)?, until));
            }
            for (index, view) in views.iter_mut().enumerate() {
                let held = held.as_ref().and_then(|held| held.get(index));
                if let Some((row, until)) = lanes.remove(&view.group) {
                    view.lanes.push(LaneView::of(lane, row, until, held, now));
                }
            }
        }
        Ok(views)
    }
}

impl LaneView {
    /// In Redis, when it holds the lane; else in the table, where a lease ends at `lease_until`.
    fn of(lane: Lane, row: LaneRow, lease_until: i64, held: Option<&Held>, now: i64) -> Self {
        let (due_at, leased) = match held {
            Some(held) => (held.left.map_or(row.due_at, |left| now + left), held.leased),
            None => (row.due_at.max(lease_until), lease_until > now),
        };
        Self {
            lane,
            due_at,
            leased,
            row,
        }
    }
}

fn known(group: &GroupId, affected: u64) -> Result<(), Error> {
    match affected {
        0 => Err(Error::UnknownGroup(group.clone())),
        _ => Ok(()),
    }
}

fn group_of(row: &QueryResult) -> Result<GroupId, DbErr> {
    let name: String = row.try_get("", "group_id")?;
    name.parse()
        .map_err(|error: types::Invalid| DbErr::Type(error.to_string()))
}

/// How many claims this process made in each of the last seconds, by lane.
#[derive(Debug)]
pub(crate) struct Rates {
    began: Instant,
    lanes: Mutex<[Rate; 3]>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            lanes: Mutex::default(),
        }
    }
}

impl Rates {
    pub(crate) fn count(&self, lane: Lane, claims: usize) {
        let second = self.began.elapsed().as_secs();
        self.of(lane, |rate| rate.count(second, claims));
    }

    fn per_second(&self, lane: Lane) -> f64 {
        let second = self.began.elapsed().as_secs();
        self.of(lane, |rate| rate.per_second(second))
    }

    fn of<T>(&self, lane: Lane, act: impl FnOnce(&mut Rate) -> T) -> T {
        // Counts are whole between two calls, so a panic elsewhere cannot have spoilt them.
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let [work, pending, drift] = &mut *lanes;
        act(match lane {
            Lane::Work => work,
            Lane::Pending => pending,
            Lane::Drift => drift,
        })
    }
}

/// Counts by second, the seconds since the process began.
#[derive(Debug, Default)]
struct Rate(VecDeque<(u64, usize)>);

impl Rate {
    fn count(&mut self, second: u64, claims: usize) {
        self.forget(second);
        match self.0.back_mut() {
            Some((last, count)) if *last == second => *count += claims,
            _ if claims > 0 => self.0.push_back((second, claims)),
            _ => {}
        }
    }

    fn per_second(&mut self, second: u64) -> f64 {
        self.forget(second);
        let claims: usize = self.0.iter().map(|(_, count)| count).sum();
        // A process that began just now has had fewer seconds.
        claims as f64 / (second + 1).min(WINDOW) as f64
    }

    fn forget(&mut self, second: u64) {
        while self.0.front().is_some_and(|(at, _)| at + WINDOW <= second) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_the_last_minute_and_no_second_that_was_not() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(0), 0.0);
        rate.count(0, 3);
        rate.count(0, 1);
        assert_eq!(rate.per_second(0), 4.0);
        assert_eq!(rate.per_second(1), 2.0);
        rate.count(59, 56);
        assert_eq!(rate.per_second(59), 1.0);
        // The first second is over a minute ago.
        assert_eq!(rate.per_second(60), 56.0 / 60.0);
        assert_eq!(rate.per_second(200), 0.0);
        rate.count(200, 0);
        assert_eq!(rate.per_second(200), 0.0);
    }
}
