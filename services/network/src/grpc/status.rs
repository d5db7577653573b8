//! Errors as the contract names them: each variant with its code and reason, in this file only.

use std::collections::HashMap;

use runtime::status::{DOMAIN, Violations, failure, failure_with, from_db, internal};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, PreconditionViolation, StatusExt};

use crate::domain::{self, Blockers, Finding, Overlap};
use crate::store;

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
            RangeTaken(finding) => taken(&finding, message),
            NoFreeBlock(_) => failure(Code::ResourceExhausted, "NO_FREE_BLOCK", message),
            Overlap(overlap) => overlapping(&overlap, message),
        }
    }
}

fn overlapping(overlap: &Overlap, message: String) -> Status {
    let reason = if overlap.with_network {
        "CIDR_OVERLAP_PEER"
    } else {
        "CIDR_OVERLAP_SIBLING"
    };
    let (cidr, other_cidr) = (overlap.cidr.to_string(), overlap.other_cidr.to_string());
    let metadata = [
        ("cidr", cidr.as_str()),
        ("owner", overlap.owner.as_str()),
        ("other_cidr", other_cidr.as_str()),
        ("other_owner", overlap.other_owner.as_str()),
        ("other_id", overlap.other_id.as_str()),
    ];
    failure_with(Code::FailedPrecondition, reason, message, &metadata)
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

fn taken(finding: &Finding, message: String) -> Status {
    let other_cidr = finding.other_cidr.map(|other| other.to_string());
    let metadata = [
        ("cidr", finding.cidr.as_str()),
        ("owner", finding.owner.as_str()),
        ("other_cidr", other_cidr.as_deref().unwrap_or_default()),
        ("other_owner", finding.other_owner.as_str()),
        ("other_id", finding.other_id.as_str()),
    ];
    failure_with(Code::FailedPrecondition, finding.reason, message, &metadata)
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
