//! Places in the log, and the tokens that name them.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use types::Invalid;

use super::{entity, purge, sequencer};
use crate::hash::hex;
use crate::page;
use crate::status::Violations;

/// The key in a token that means "start over".
const START_OVER: &str = "start";
/// Bytes of a hash that are enough to know one log from another.
const PROOF: usize = 8;

/// Where a watch begins. `question` is the watch with its filters: a token goes on with no other.
pub struct Start {
    pub(super) question: String,
    pub(super) after: Option<Mark>,
}

/// A place in the log, behind an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) seq: i64,
    /// The beginning of the event's hash; empty before the first event.
    proof: String,
}

impl Start {
    /// Where the request wants to begin; what is wrong with its token joins `violations`.
    pub fn asked(violations: &mut Violations, resume_token: &str, question: String) -> Self {
        let after = violations
            .check("resume_token", read(&question, resume_token))
            .flatten();
        Self { question, after }
    }
}

fn read(question: &str, token: &str) -> Result<Option<Mark>, Invalid> {
    let refused = "must be the resume_token of a message of a watch with the same filters";
    let refused = || Invalid::field(refused);
    if token.is_empty() {
        return Ok(None);
    }
    let key = page::open(question, token).ok_or_else(refused)?;
    if key == START_OVER {
        return Ok(None);
    }
    let (seq, proof) = key.split_once('.').ok_or_else(refused)?;
    let (seq, proof) = (seq.parse().map_err(|_| refused())?, proof.to_owned());
    Ok(Some(Mark { seq, proof }))
}

impl Mark {
    pub(super) fn new(seq: i64, hash: &[u8]) -> Self {
        let proof = hex(hash.get(..PROOF).unwrap_or(hash));
        Self { seq, proof }
    }

    /// The token of this place, for `question`.
    pub(super) fn token(&self, question: &str) -> String {
        page::write(question, &format!("{}.{}", self.seq, self.proof))
    }

    /// The end of the log.
    pub(super) async fn end(conn: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let end = sequencer::position(conn).await?;
        Ok(Self::new(end.seq, &end.hash))
    }

    /// Whether the log goes on behind this mark: `end` is not before it, nothing behind it was purged, and what follows
    /// was chained to it.
    pub(super) async fn is_in_log(
        &self,
        conn: &impl ConnectionTrait,
        end: &Self,
    ) -> Result<bool, DbErr> {
        if end.seq <= self.seq {
            return Ok(end == self);
        }
        if purge::purged(conn).await? > self.seq {
            return Ok(false);
        }
        let next = entity::Entity::find()
            .filter(entity::COLUMN.seq.eq(self.seq + 1))
            .one(conn)
            .await?;
        let before = next.and_then(|row| row.prev_hash);
        Ok(before.is_some_and(|hash| Self::new(self.seq, &hash) == *self))
    }
}

/// The token of no place.
pub(super) fn start_over(question: &str) -> String {
    page::write(question, START_OVER)
}
