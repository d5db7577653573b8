//! Errors as the contract names them: each variant with its code and reason, in this file only.

use std::collections::HashMap;

use runtime::status::{DOMAIN, Violations, failure, failure_with, from_db, internal};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, PreconditionViolation, StatusExt};

use crate::domain::{self, Blockers, Overlap};
use crate::store;

/// How many bytes of conflicts a refusal tells: details are a header, and some clients take no more than 8 KiB of those.
const MOST_WORDS: usize = 4_096;

impl From<store::Error> for Status {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Refused(refused) => refused.into(),
            store::Error::RequestId(cause) => cause.into(),
            store::Error::Stale => failure(Code::Aborted, "LOST_RACE", error.to_string()),
            store::Error::Corrupt(_) => internal(&error),
            store::Error::Database(cause) => from_db(cause),
        }
    }
}

impl From<domain::Error> for Status {
    fn from(error: domain::Error) -> Self {
        use domain::Error::*;
        let message = error.to_string();
        match error {
            NetworkNotFound(_) => failure(Code::NotFound, "NETWORK_NOT_FOUND", message),
            NameInUse(_) => failure(Code::AlreadyExists, "NAME_IN_USE", message),
            EtagMismatch { .. } => failure(Code::Aborted, "ETAG_MISMATCH", message),
            NetworkInUse(blockers) => in_use(&blockers, message),
            NetworkDeleted { id, state } => {
                let (id, state) = (id.to_string(), state.as_str());
                let metadata = [("network_id", id.as_str()), ("state", state)];
                failure_with(
                    Code::FailedPrecondition,
                    "NETWORK_DELETED",
                    message,
                    &metadata,
                )
            }
            QuotaExceeded { quota, used, limit } => {
                exhausted("QUOTA_EXCEEDED", quota, (used, limit), message)
            }
            AllowListFull { used, limit, .. } => {
                exhausted("ALLOW_LIST_FULL", "allow_list", (used, limit), message)
            }
            NetworkNotActive { id, state } => {
                let (id, state) = (id.to_string(), state.as_str());
                let metadata = [("network_id", id.as_str()), ("state", state)];
                let code = Code::FailedPrecondition;
                failure_with(code, "NETWORK_NOT_ACTIVE", message, &metadata)
            }
            AttachmentDetached { .. } => {
                failure(Code::FailedPrecondition, "ATTACHMENT_DETACHED", message)
            }
            InvalidAttachment {
                field,
                reason,
                rule,
            }
            | InvalidEntry {
                field,
                reason,
                rule,
            } => {
                let mut violations = Violations::new();
                violations.add(field, reason, rule);
                violations
                    .finish()
                    .err()
                    .unwrap_or_else(|| failure(Code::InvalidArgument, reason, message))
            }
            NoFreeBlock(_) => failure(Code::ResourceExhausted, "NO_FREE_BLOCK", message),
            Overlap(conflicts) => overlapping(&conflicts, message),
        }
    }
}

/// Ranges in each other's way: the first pair as facts, and each pair in words with the id in the way.
fn overlapping(conflicts: &[Overlap], message: String) -> Status {
    let Some(first) = conflicts.first() else {
        return internal(&domain::Error::Overlap(Vec::new()));
    };
    let metadata = [
        ("cidr", first.cidr.to_string()),
        ("owner", first.owner.clone()),
        ("other_cidr", first.other_cidr.to_string()),
        ("other_owner", first.other_owner.clone()),
        ("other_id", first.other_id.clone()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value));
    let mut details = ErrorDetails::with_error_info(first.reason, DOMAIN, metadata);
    let mut size = 0;
    let violations = conflicts
        .iter()
        .map(|one| PreconditionViolation::new(one.reason, one.other_id.as_str(), one.sentence()));
    let violations = violations.take_while(|one| {
        size += one.r#type.len() + one.subject.len() + one.description.len();
        size <= MOST_WORDS
    });
    details.set_precondition_failure(violations.collect::<Vec<_>>());
    Status::with_error_details(Code::FailedPrecondition, message, details)
}

/// Something of which there may be no more, with how many there are and may be.
fn exhausted(reason: &str, quota: &str, (used, limit): (u32, u32), message: String) -> Status {
    let metadata = [
        ("quota", quota.to_owned()),
        ("used", used.to_string()),
        ("limit", limit.to_string()),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value));
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    details.add_quota_failure_violation(quota, message.clone());
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// Names the first things in the way, and how many there are.
fn in_use(blockers: &Blockers, message: String) -> Status {
    const REASON: &str = "NETWORK_IN_USE";
    let metadata = HashMap::from([("total".to_owned(), blockers.total.to_string())]);
    let mut details = ErrorDetails::with_error_info(REASON, DOMAIN, metadata);
    let violations = blockers.first.iter().map(|(kind, id)| {
        PreconditionViolation::new(kind.as_str(), id, format!("{kind} {id} is attached"))
    });
    details.set_precondition_failure(violations.collect::<Vec<_>>());
    Status::with_error_details(Code::FailedPrecondition, message, details)
}
