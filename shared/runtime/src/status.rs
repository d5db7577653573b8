//! Errors as callers see them: a code, a sentence, and a machine-readable reason.

use std::collections::HashMap;
use std::error::Error;

use sea_orm::{DbErr, RuntimeErr, SqlErr};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use types::Invalid;

/// The domain of every reason of this suite.
pub const DOMAIN: &str = "peerway";

/// A failure with its stable `reason` (`google.rpc.ErrorInfo`).
pub fn failure(code: Code, reason: &str, message: impl Into<String>) -> Status {
    failure_with(code, reason, message, &[])
}

/// A failure with its reason and facts for machines, such as both of two ranges that overlap.
pub fn failure_with(
    code: Code,
    reason: &str,
    message: impl Into<String>,
    metadata: &[(&str, &str)],
) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, owned(metadata));
    Status::with_error_details(code, message, details)
}

fn owned(metadata: &[(&str, &str)]) -> HashMap<String, String> {
    metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// An RPC that this release does not serve.
pub fn unimplemented(rpc: &str) -> Status {
    failure(
        Code::Unimplemented,
        "NOT_SERVED",
        format!("{rpc} is not served by this release"),
    )
}

/// INTERNAL with a fixed text; the cause, with its own causes, is logged here and nowhere else.
pub fn internal(error: &dyn Error) -> Status {
    let mut causes = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push_str(": ");
        causes.push_str(&cause.to_string());
        next = cause.source();
    }
    tracing::error!(error = causes, "a call failed");
    failure(
        Code::Internal,
        "INTERNAL",
        "something went wrong inside the service; it was logged",
    )
}

/// UNAVAILABLE when the database cannot be reached or asks to try again, else [`internal`].
pub fn from_db(error: DbErr) -> Status {
    if !is_outage(&error) {
        return internal(&error);
    }
    tracing::warn!(%error, "the database does not answer");
    failure(
        Code::Unavailable,
        "DATABASE_UNAVAILABLE",
        "the service's database does not answer",
    )
}

/// Whether the same statement may well succeed in a moment.
fn is_outage(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            match &**cause {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| passes(&code)),
                _ => false,
            }
        }
        _ => false,
    }
}

/// PostgreSQL: connection lost, going down, out of resources, serialization; SQLite: busy, locked.
fn passes(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57") && code.len() == 5
        || matches!(code, "40001" | "40P01" | "5" | "6" | "261" | "517" | "10")
}

/// Whether a unique key refused the row.
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

/// The reason a status carries, if it is one of this suite's.
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// Gathers what is wrong with a request, so that the caller learns all of it at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

#[derive(Debug)]
struct Violation {
    field: String,
    reason: String,
    message: String,
}

impl Violations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value, or none and a violation of `field`.
    pub fn check<T>(&mut self, field: impl Into<String>, parsed: Result<T, Invalid>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.add(field, invalid.reason, invalid.message);
                None
            }
        }
    }

    /// Adds a violation of `field` (a path such as `aws.cidrs[1]`).
    pub fn add(
        &mut self,
        field: impl Into<String>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) {
        let (field, reason, message) = (field.into(), reason.into(), message.into());
        self.0.push(Violation {
            field,
            reason,
            message,
        });
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// INVALID_ARGUMENT with every violation, or nothing. The reason is the violation's own when there
    /// is exactly one, else INVALID_FIELD.
    pub fn finish(self) -> Result<(), Status> {
        let reason = match self.0.as_slice() {
            [] => return Ok(()),
            [only] => only.reason.clone(),
            _ => "INVALID_FIELD".to_owned(),
        };
        let said: Vec<String> = self
            .0
            .iter()
            .map(|one| format!("{}: {}", one.field, one.message))
            .collect();
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, DOMAIN, HashMap::new());
        details.set_bad_request(
            self.0
                .into_iter()
                .map(|one| FieldViolation {
                    field: one.field,
                    description: one.message,
                    reason: one.reason,
                    localized_message: None,
                })
                .collect::<Vec<_>>(),
        );
        Err(Status::with_error_details(
            Code::InvalidArgument,
            said.join("; "),
            details,
        ))
    }
}
