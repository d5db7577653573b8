//! Writing changes, with the events that tell of them.

use std::collections::BTreeMap;

use prost::Message;
use queue::Lane;
use runtime::events::{self, NewEvent};
use runtime::request_ids::{self, Key};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use types::GroupId;

use super::entity::peering::{Column, Entity};
use super::{Error, Store, busy, labels, row};
use crate::domain::{Admission, Peering, Watch, frees_place, tell};

/// Who or what causes a change.
#[derive(Debug, Clone)]
pub struct Cause {
    /// A principal, or `worker`.
    pub actor: String,
    /// The id of the call.
    pub request_id: String,
    /// The trace of the call or step.
    pub trace_id: String,
}

/// One row's change: what was read, and all it became since, in order.
#[derive(Debug, Clone)]
pub struct Change {
    /// The peering as it was read.
    pub before: Peering,
    /// What it became, the last one to stay; each with a history of its own.
    pub way: Vec<Peering>,
}

impl Change {
    /// A change in one step.
    pub fn to(before: &Peering, after: Peering) -> Self {
        Self {
            before: before.clone(),
            way: vec![after],
        }
    }

    /// Numbers the versions of the way, and dates what its owner can see.
    pub(super) fn stamped(mut self, now: i64) -> Self {
        let mut before = self.before.clone();
        for after in &mut self.way {
            after.version = before.version + 1;
            if before.differs_visibly(after) {
                after.update_at = now;
            }
            before = after.clone();
        }
        self
    }

    /// The peering as it stays.
    pub(super) fn last(&self) -> &Peering {
        self.way.last().unwrap_or(&self.before)
    }
}

/// What became of changes.
#[derive(Debug, Default)]
pub struct Committed {
    /// The peerings that were written; whose row has changed meanwhile is missing here.
    pub written: Vec<Peering>,
    /// Groups with peerings whose step became due because of it.
    pub woken: Vec<GroupId>,
}

/// What became of the change before a call that begins something in a cloud.
#[derive(Debug)]
pub enum Asked {
    /// It is written, and the call may go out.
    Done(Box<Peering>),
    /// The row has changed meanwhile.
    Stale,
    /// Another peering's operation holds one of the networks.
    Busy,
    /// There is no place for it yet, and that is written instead.
    Waits(Box<Peering>),
}

/// How soon after a peering came into the lane pending it is looked at, in milliseconds.
const FIRST_LOOK: i64 = 1_000;

/// Has the lane pending look at a peering that has just come into it, also when the process ends before it can say so:
/// a lane without peerings sleeps for a minute.
pub(super) async fn expect_a_look(
    txn: &DatabaseTransaction,
    peering: &Peering,
    now: i64,
) -> Result<(), Error> {
    let at = now.saturating_add(FIRST_LOOK);
    Ok(queue::hasten(txn, &peering.group(), Lane::Pending, at).await?)
}

impl Store {
    /// Writes changes in one transaction, each only if its row is as it was read. None of them may begin anything in a
    /// cloud.
    pub async fn commit(
        &self,
        changes: Vec<Change>,
        cause: &Cause,
        now: i64,
    ) -> Result<Committed, Error> {
        let mut done = Committed::default();
        let mut freed: BTreeMap<GroupId, usize> = BTreeMap::new();
        let txn = self.db.begin().await?;
        for change in changes {
            let change = change.stamped(now);
            if self.write(&txn, &change, cause, now).await? {
                done.written.push(change.last().clone());
                done.woken.extend(give_back(&txn, &change, now).await?);
                if frees_place(&change.before, change.last()) {
                    *freed.entry(change.before.group()).or_default() += 1;
                }
            }
        }
        for (group, places) in freed {
            self.wake(&txn, &group, places, now).await?;
            done.woken.push(group);
        }
        if done.written.is_empty() {
            txn.rollback().await?;
        } else {
            txn.commit().await?;
            self.written.notify_one();
        }
        Ok(done)
    }

    /// Writes the change before a call that begins something in a cloud, if its networks are free.
    pub async fn commit_request(
        &self,
        change: Change,
        cause: &Cause,
        now: i64,
    ) -> Result<Asked, Error> {
        let change = change.stamped(now);
        let txn = self.db.begin().await?;
        // The networks before the row: whoever frees networks holds rows already, and may wait for nobody here.
        if change.before.work.busy_since.is_none() && !busy::claim(&txn, change.last(), now).await?
        {
            txn.rollback().await?;
            return Ok(Asked::Busy);
        }
        if !self.write(&txn, &change, cause, now).await? {
            txn.rollback().await?;
            return Ok(Asked::Stale);
        }
        txn.commit().await?;
        self.written.notify_one();
        Ok(Asked::Done(Box::new(change.last().clone())))
    }

    /// Writes one change with the answer to the call that asked for it; none when the row has changed meanwhile.
    pub async fn commit_answer<A: Message>(
        &self,
        change: Change,
        cause: &Cause,
        key: &Key,
        answer: impl FnOnce(&Peering) -> A,
        now: i64,
    ) -> Result<Option<A>, Error> {
        let change = change.stamped(now);
        let txn = self.db.begin().await?;
        if !self.write(&txn, &change, cause, now).await? {
            txn.rollback().await?;
            return Ok(None);
        }
        give_back(&txn, &change, now).await?;
        let answer = answer(change.last());
        if let Err(error) = request_ids::store(&txn, key, &answer, now).await {
            txn.rollback().await?;
            return Err(error.into());
        }
        txn.commit().await?;
        self.written.notify_one();
        Ok(Some(answer))
    }

    /// Keeps the answer to a call that had nothing to change.
    pub async fn keep_answer(
        &self,
        key: &Key,
        answer: &impl Message,
        now: i64,
    ) -> Result<(), Error> {
        if key.request_id().is_none() {
            return Ok(());
        }
        let txn = self.db.begin().await?;
        request_ids::store(&txn, key, answer, now).await?;
        Ok(txn.commit().await?)
    }

    /// The row by compare-and-set, then its events; false when the row has changed meanwhile.
    pub(super) async fn write(
        &self,
        txn: &DatabaseTransaction,
        change: &Change,
        cause: &Cause,
        now: i64,
    ) -> Result<bool, Error> {
        let group = change.last().group();
        if group != change.before.group() {
            queue::ensure_group(txn, &group, now).await?;
        }
        if !update(txn, &change.before, change.last()).await? {
            return Ok(false);
        }
        if change.before.labels != change.last().labels {
            labels::put(txn, change.last()).await?;
        }
        let mut before = &change.before;
        for after in &change.way {
            if before.differs_visibly(after) {
                self.tell(txn, Some(before), after, cause, now).await?;
            }
            before = after;
        }
        let after = change.last();
        if after.state.watch() == Watch::Pending && change.before.state.watch() != Watch::Pending {
            expect_a_look(txn, after, now).await?;
        }
        Ok(true)
    }

    /// Writes the event of one change.
    pub(super) async fn tell(
        &self,
        txn: &DatabaseTransaction,
        before: Option<&Peering>,
        after: &Peering,
        cause: &Cause,
        now: i64,
    ) -> Result<(), Error> {
        let told = tell(before, after);
        let event = NewEvent {
            resource_id: after.id.to_string(),
            tenant_id: after.tenant.to_string(),
            version: after.version,
            kind: told.kind.as_str().to_owned(),
            from_state: before.map_or_else(String::new, |before| before.state.to_string()),
            to_state: after.state.to_string(),
            reason: told.reason,
            message: told.message,
            raw_state: after.raw_state.clone(),
            actor: cause.actor.clone(),
            request_id: cause.request_id.clone(),
            trace_id: cause.trace_id.clone(),
            payload: (self.snapshot)(after),
        };
        Ok(events::append(txn, event, now).await?)
    }
}

/// Gives the networks back whose operation has ended by this change, and has the steps run that waited for them.
async fn give_back(
    txn: &DatabaseTransaction,
    change: &Change,
    now: i64,
) -> Result<Vec<GroupId>, Error> {
    let (before, after) = (&change.before.work, &change.last().work);
    debug_assert!(before.busy_since.is_some() || after.busy_since.is_none());
    if before.busy_since.is_some() && after.busy_since.is_none() {
        return Ok(busy::release(txn, &change.before, now).await?);
    }
    Ok(Vec::new())
}

/// Writes `after` if the row is as `before` was read.
pub(super) async fn update(
    txn: &DatabaseTransaction,
    before: &Peering,
    after: &Peering,
) -> Result<bool, Error> {
    let saved = Entity::update_many()
        .set(row::write(after)?)
        .filter(Column::Id.eq(before.id.to_string()))
        .filter(Column::Version.eq(before.version))
        .filter(Column::Admission.eq(before.work.admission.as_str()))
        .exec(txn)
        .await?;
    debug_assert!(after.version > before.version && before.work.admission != Admission::Withdrawn);
    Ok(saved.rows_affected == 1)
}
