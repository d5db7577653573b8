//! The queue on `check_lane` itself: the truth about due times, and leases where Redis has none.

use std::time::{Duration, Instant};

use runtime::clock::millis as ms;
use runtime::db::Db;
use sea_orm::{DbErr, QueryResult, Value};
use types::GroupId;

use super::{Claim, Claims, Depth, Kind};
use crate::gate::{Change, Gates};
use crate::schema::{self, LaneRow, rows, run, text};
use crate::{Lane, Outcome};

#[derive(Debug)]
pub(crate) struct Table {
    db: Db,
    lease: Duration,
}

/// A claimed lane and its group, read before the turn reads its rows.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) lane: LaneRow,
    pub(crate) gates: Gates,
    /// The database's time of the reading.
    pub(crate) now: i64,
}

/// The end of a claim.
#[derive(Debug)]
pub(crate) struct Finish<'a> {
    /// `due_at` as it stood when the turn began: when it is another now, something came up meanwhile.
    pub(crate) due_at: i64,
    /// When the lane is due again, from now.
    pub(crate) next: Duration,
    /// What the turn found; none when the group was not looked at.
    pub(crate) outcome: Option<&'a Outcome>,
}

impl Table {
    pub(crate) fn new(db: Db, lease: Duration) -> Self {
        Self { db, lease }
    }

    pub(crate) async fn claim(&self, lane: Lane, n: usize, nonce: &str) -> Result<Claims, DbErr> {
        let begun = Instant::now();
        let now = self.db.now_ms().await?;
        // Reads first: most of the time nothing is due, and SQLite has one writer only.
        let sql = "SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) AS next \
                   FROM check_lane WHERE lane = $1";
        let found = rows(self.db.read(), sql, [lane.as_str().into()]).await?;
        let next: Option<i64> = found
            .first()
            .map_or(Ok(None), |row| row.try_get("", "next"))?;
        let wait = next.map(|next| until(now, next));
        if wait != Some(Duration::ZERO) {
            return Ok(Claims {
                taken: Vec::new(),
                wait,
            });
        }
        let skip = if self.db.is_postgres() {
            "FOR UPDATE SKIP LOCKED"
        } else {
            ""
        };
        let sql = format!(
            "WITH due AS (SELECT group_id FROM check_lane \
               WHERE lane = $1 AND due_at <= $2 AND lease_until <= $2 ORDER BY due_at LIMIT $3 {skip}) \
             UPDATE check_lane SET lease_nonce = $4, lease_until = $5, nudged = FALSE \
             WHERE lane = $1 AND group_id IN (SELECT group_id FROM due) RETURNING group_id, due_at"
        );
        let values: [Value; 5] = [
            lane.as_str().into(),
            now.into(),
            i64::try_from(n).unwrap_or(i64::MAX).into(),
            nonce.into(),
            (now + ms(self.lease)).into(),
        ];
        let mut taken = Vec::new();
        for row in rows(self.db.write(), &sql, values).await? {
            let due_at: i64 = row.try_get("", "due_at")?;
            let group = group(&row)?;
            let claim = Claim {
                group,
                lane,
                nonce: nonce.to_owned(),
                from: Kind::Table,
                begun,
            };
            taken.push((due_at, claim));
        }
        taken.sort_by_key(|(due_at, _)| *due_at);
        let taken = taken.into_iter().map(|(_, claim)| claim).collect();
        Ok(Claims { taken, wait })
    }

    pub(crate) async fn extend(&self, claim: &Claim) -> Result<bool, DbErr> {
        let now = self.db.now_ms().await?;
        let sql = "UPDATE check_lane SET lease_until = $4 \
                   WHERE group_id = $1 AND lane = $2 AND lease_nonce = $3";
        let [group, lane, nonce] = key(claim);
        let until = (now + ms(self.lease)).into();
        let done = run(self.db.write(), sql, [group, lane, nonce, until]).await?;
        Ok(done.rows_affected() == 1)
    }

    pub(crate) async fn release(&self, claim: &Claim) -> Result<(), DbErr> {
        let sql = "UPDATE check_lane SET lease_nonce = NULL, lease_until = 0 \
                   WHERE group_id = $1 AND lane = $2 AND lease_nonce = $3";
        run(self.db.write(), sql, key(claim)).await?;
        Ok(())
    }

    /// Writes what a turn found, and gives back a lease that stands here. Answers how long until the lane is
    /// due; none when the lease was another's already, or the group is gone.
    pub(crate) async fn settle(
        &self,
        claim: &Claim,
        finish: &Finish<'_>,
    ) -> Result<Option<Duration>, DbErr> {
        let now = self.db.now_ms().await?;
        let [group, lane, nonce] = key(claim);
        let due_at = (now + ms(finish.next)).into();
        let mut values = vec![group, lane, now.into(), due_at, finish.due_at.into()];
        let mut sql = "UPDATE check_lane SET nudged = FALSE, due_at = CASE WHEN nudged THEN $3 \
                       WHEN due_at = $5 OR due_at > $4 THEN $4 ELSE due_at END"
            .to_owned();
        if let Some(outcome) = finish.outcome {
            // A due time pulled forward meanwhile may stand for a write after which the wiring is unknown.
            sql += ", covered_at = CASE WHEN covered_at >= $6 THEN covered_at \
                      ELSE COALESCE($6, covered_at) END, \
                    wired_at = CASE WHEN due_at = $5 THEN COALESCE($7, wired_at) ELSE wired_at END, \
                    last_error = $8";
            values.extend([outcome.covered_at.into(), outcome.wired_at.into()]);
            values.push(outcome.error.clone().into());
        }
        let place = values.len() + 1;
        sql += &match claim.from {
            Kind::Table => format!(
                ", lease_nonce = NULL, lease_until = 0 \
                 WHERE group_id = $1 AND lane = $2 AND lease_nonce = ${place}"
            ),
            Kind::Redis => " WHERE group_id = $1 AND lane = $2".to_owned(),
        };
        if claim.from == Kind::Table {
            values.push(nonce);
        }
        sql += " RETURNING due_at";
        let written = rows(self.db.write(), &sql, values).await?;
        let due_at: Option<i64> = written
            .first()
            .map(|row| row.try_get("", "due_at"))
            .transpose()?;
        Ok(due_at.map(|due_at| until(now, due_at)))
    }

    pub(crate) async fn nudge(
        &self,
        group: &GroupId,
        lane: Lane,
        delay: Duration,
    ) -> Result<(), DbErr> {
        let now = self.db.now_ms().await?;
        schema::hasten(self.db.write(), group, lane, now + ms(delay)).await
    }

    /// A claimed lane with its group; none when they were purged.
    pub(crate) async fn standing(&self, claim: &Claim) -> Result<Option<Standing>, DbErr> {
        let now = self.db.now_ms().await?;
        let sql = "SELECT l.due_at, l.covered_at, l.wired_at, l.last_error, g.read_gate_until, \
                     g.read_gate_ms, g.write_gate_until, g.write_gate_ms, g.suspended_at \
                   FROM check_lane l JOIN check_group g ON g.group_id = l.group_id \
                   WHERE l.group_id = $1 AND l.lane = $2";
        let [group, lane, _] = key(claim);
        let found = rows(self.db.read(), sql, [group, lane]).await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        Ok(Some(Standing {
            lane: LaneRow::read(row)?,
            gates: Gates::read(row)?,
            now,
        }))
    }

    /// Writes a gate, unless another turn wrote it meanwhile.
    pub(crate) async fn set_gate(
        &self,
        claim: &Claim,
        seen: &Gates,
        change: &Change,
    ) -> Result<(), DbErr> {
        let (sql, values) = change.statement(&claim.group, claim.lane, seen);
        run(self.db.write(), &sql, values).await?;
        Ok(())
    }

    pub(crate) async fn depth(&self, lane: Lane) -> Result<Depth, DbErr> {
        let now = self.db.now_ms().await?;
        let sql = "SELECT COUNT(*), MIN(due_at) FROM check_lane \
                   WHERE lane = $1 AND due_at <= $2 AND lease_until <= $2";
        let found = rows(self.db.read(), sql, [lane.as_str().into(), now.into()]).await?;
        let Some(row) = found.first() else {
            return Err(DbErr::RecordNotFound("a count".to_owned()));
        };
        let first: Option<i64> = row.try_get_by_index(1)?;
        Ok(Depth {
            overdue: row.try_get_by_index(0)?,
            lag: first.map_or(Duration::ZERO, |first| until(first, now)),
        })
    }

    /// All groups of a lane, with the milliseconds until they are due; negative when they are overdue.
    pub(crate) async fn due(&self, lane: Lane) -> Result<Vec<(GroupId, i64)>, DbErr> {
        let now = self.db.now_ms().await?;
        let sql = "SELECT group_id, due_at FROM check_lane WHERE lane = $1 ORDER BY due_at";
        let found = rows(self.db.read(), sql, [lane.as_str().into()]).await?;
        let due = found
            .iter()
            .map(|row| Ok((group(row)?, row.try_get::<i64>("", "due_at")? - now)));
        due.collect()
    }
}

fn key(claim: &Claim) -> [Value; 3] {
    [
        text(&claim.group),
        claim.lane.as_str().into(),
        claim.nonce.clone().into(),
    ]
}

/// What remains until `at`; nothing when it has passed.
fn until(now: i64, at: i64) -> Duration {
    Duration::from_millis(u64::try_from(at - now).unwrap_or(0))
}

fn group(row: &QueryResult) -> Result<GroupId, DbErr> {
    let name: String = row.try_get("", "group_id")?;
    name.parse()
        .map_err(|error: types::Invalid| DbErr::Type(error.to_string()))
}
