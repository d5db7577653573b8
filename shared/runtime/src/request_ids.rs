//! Calls that may be repeated: the first answer to a `request_id`, kept for 24 hours.
//!
//! The answer is stored in the transaction of the change it tells of, so both are there or neither.

use std::fmt::Display;
use std::time::Duration;

use ::types::{Invalid, RequestId};
use prost::Message;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement, Value};
use sea_orm_migration::prelude::*;
use sha2::{Digest, Sha256};
use tonic::{Code, Status};

use crate::clock::millis;
use crate::db::Db;
use crate::status;

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The table `request_id`.
pub fn migration() -> Box<dyn MigrationTrait> {
    Box::new(CreateRequestId)
}

/// What one call is recognised by. Without a `request_id` it is never recognised.
#[derive(Clone, Debug)]
pub struct Key {
    tenant: String,
    method: &'static str,
    request_id: Option<RequestId>,
    body_hash: Vec<u8>,
}

/// Why a call cannot be answered by its `request_id`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The id stands for a request with another body.
    #[error("this request_id was used for another request within the last 24 hours")]
    Reused,
    /// The same call was answered by another task meanwhile: roll back and [`replay`].
    #[error("the same request was answered at the same moment; send it again")]
    Raced,
    /// The stored answer is of another kind than the one asked for.
    #[error("the stored answer cannot be read")]
    Unreadable(#[from] prost::DecodeError),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] DbErr),
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Reused => status::failure(
                Code::InvalidArgument,
                "REQUEST_ID_REUSED",
                error.to_string(),
            ),
            Error::Raced => status::failure(Code::Aborted, "REQUEST_ID_RACED", error.to_string()),
            Error::Unreadable(_) => status::internal(&error),
            Error::Database(cause) => status::from_db(cause),
        }
    }
}

impl Key {
    /// The key of a call of `method` with the given `request_id` field (empty: none) and whole message.
    ///
    /// # Errors
    /// When the id is malformed.
    pub fn new(
        tenant: impl Display,
        method: &'static str,
        request_id: &str,
        message: &impl Message,
    ) -> Result<Self, Invalid> {
        let request_id = match request_id {
            "" => None,
            given => Some(given.parse()?),
        };
        let body_hash = Sha256::digest(message.encode_to_vec()).to_vec();
        Ok(Self {
            tenant: tenant.to_string(),
            method,
            request_id,
            body_hash,
        })
    }

    /// The id, if the call has one.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }
}

/// The answer this call was given within the 24 hours before `now`, if any.
///
/// # Errors
/// [`Error::Reused`] when the id was used with another body.
pub async fn replay<A: Message + Default>(
    conn: &impl ConnectionTrait,
    key: &Key,
    now: i64,
) -> Result<Option<A>, Error> {
    let Some(request_id) = &key.request_id else {
        return Ok(None);
    };
    let sql = "SELECT body_hash, answer FROM request_id \
               WHERE tenant = $1 AND method = $2 AND request_id = $3 AND created_at > $4";
    let values: [Value; 4] = [
        key.tenant.as_str().into(),
        key.method.into(),
        request_id.as_str().into(),
        (now - millis(KEPT)).into(),
    ];
    let ask = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let Some(row) = conn.query_one_raw(ask).await? else {
        return Ok(None);
    };
    if row.try_get_by_index::<Vec<u8>>(0)? != key.body_hash {
        return Err(Error::Reused);
    }
    let answer: Vec<u8> = row.try_get_by_index(1)?;
    Ok(Some(A::decode(answer.as_slice())?))
}

/// Keeps `answer` for repetitions of the call, in the transaction of the change it tells of.
///
/// # Errors
/// [`Error::Raced`] when the id was taken since [`replay`] found nothing.
pub async fn store(
    txn: &DatabaseTransaction,
    key: &Key,
    answer: &impl Message,
    now: i64,
) -> Result<(), Error> {
    let Some(request_id) = &key.request_id else {
        return Ok(());
    };
    let sql = "INSERT INTO request_id (tenant, method, request_id, body_hash, answer, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, method, request_id) DO UPDATE SET body_hash = excluded.body_hash, \
               answer = excluded.answer, created_at = excluded.created_at \
               WHERE request_id.created_at <= $7";
    let values: [Value; 7] = [
        key.tenant.as_str().into(),
        key.method.into(),
        request_id.as_str().into(),
        key.body_hash.clone().into(),
        answer.encode_to_vec().into(),
        now.into(),
        (now - millis(KEPT)).into(),
    ];
    let keep = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    match txn.execute_raw(keep).await?.rows_affected() {
        0 => Err(Error::Raced),
        _ => Ok(()),
    }
}

/// Removes the oldest answers that are too old to be given again, at most `limit`; returns how many.
pub async fn purge(db: &Db, now: i64, limit: u64) -> Result<u64, DbErr> {
    let sql = "DELETE FROM request_id WHERE (tenant, method, request_id) IN (\
               SELECT tenant, method, request_id FROM request_id WHERE created_at <= $1 ORDER BY created_at LIMIT $2) \
               AND created_at <= $1";
    let limit: i64 = limit.try_into().unwrap_or(i64::MAX);
    let old: [Value; 2] = [(now - millis(KEPT)).into(), limit.into()];
    let purge = Statement::from_sql_and_values(db.backend(), sql, old);
    Ok(db.write().execute_raw(purge).await?.rows_affected())
}

struct CreateRequestId;

impl MigrationName for CreateRequestId {
    fn name(&self) -> &str {
        "m0001_request_id"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateRequestId {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("request_id")
            .col(ColumnDef::new("tenant").text().not_null())
            .col(ColumnDef::new("method").text().not_null())
            .col(ColumnDef::new("request_id").text().not_null())
            .col(ColumnDef::new("body_hash").blob().not_null())
            .col(ColumnDef::new("answer").blob().not_null())
            .col(ColumnDef::new("created_at").big_integer().not_null())
            .primary_key(
                Index::create()
                    .col("tenant")
                    .col("method")
                    .col("request_id"),
            )
            .to_owned();
        manager.create_table(table).await?;
        let by_age = Index::create()
            .name("request_id_by_age")
            .table("request_id")
            .col("created_at")
            .to_owned();
        manager.create_index(by_age).await
    }
}
