//! The table `event` as rows.

#![expect(
    unreachable_pub,
    reason = "the derive makes public items and wants a public model"
)]

use sea_orm::entity::prelude::*;
use sea_orm::{ActiveValue, DatabaseTransaction};

use super::{Event, NewEvent};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub insert_id: i64,
    pub seq: Option<i64>,
    pub resource_id: String,
    pub tenant_id: String,
    pub kind: String,
    pub version: i64,
    pub from_state: String,
    pub to_state: String,
    pub reason: String,
    pub message: String,
    pub raw_state: String,
    pub actor: String,
    pub request_id: String,
    pub trace_id: String,
    pub payload: Vec<u8>,
    pub created_at: i64,
    pub prev_hash: Option<Vec<u8>>,
    pub hash: Option<Vec<u8>>,
}

impl ActiveModelBehavior for ActiveModel {}

/// An event's place in the chain.
pub(super) struct Link {
    pub(super) seq: i64,
    pub(super) prev_hash: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

impl Model {
    /// The event, if it has its number.
    pub(super) fn numbered(self) -> Option<Event> {
        Some(Event {
            seq: self.seq?,
            created_at: self.created_at,
            hash: self.hash.clone()?,
            event: self.into_new(),
        })
    }

    /// What was written.
    pub(super) fn into_new(self) -> NewEvent {
        NewEvent {
            resource_id: self.resource_id,
            tenant_id: self.tenant_id,
            version: self.version,
            kind: self.kind,
            from_state: self.from_state,
            to_state: self.to_state,
            reason: self.reason,
            message: self.message,
            raw_state: self.raw_state,
            actor: self.actor,
            request_id: self.request_id,
            trace_id: self.trace_id,
            payload: self.payload,
        }
    }
}

/// Writes one row, with its place in the chain where that is known already.
pub(super) async fn insert(
    txn: &DatabaseTransaction,
    event: &NewEvent,
    now: i64,
    link: Option<Link>,
) -> Result<(), DbErr> {
    let event = event.clone();
    let (seq, prev_hash, hash) = match link {
        Some(link) => (Some(link.seq), Some(link.prev_hash), Some(link.hash)),
        None => (None, None, None),
    };
    let row = ActiveModel {
        insert_id: ActiveValue::NotSet,
        seq: ActiveValue::Set(seq),
        resource_id: ActiveValue::Set(event.resource_id),
        tenant_id: ActiveValue::Set(event.tenant_id),
        kind: ActiveValue::Set(event.kind),
        version: ActiveValue::Set(event.version),
        from_state: ActiveValue::Set(event.from_state),
        to_state: ActiveValue::Set(event.to_state),
        reason: ActiveValue::Set(event.reason),
        message: ActiveValue::Set(event.message),
        raw_state: ActiveValue::Set(event.raw_state),
        actor: ActiveValue::Set(event.actor),
        request_id: ActiveValue::Set(event.request_id),
        trace_id: ActiveValue::Set(event.trace_id),
        payload: ActiveValue::Set(event.payload),
        created_at: ActiveValue::Set(now),
        prev_hash: ActiveValue::Set(prev_hash),
        hash: ActiveValue::Set(hash),
    };
    Entity::insert(row).exec_without_returning(txn).await?;
    Ok(())
}
