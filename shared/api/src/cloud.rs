//! How the provider-adapter tells its callers what went wrong at a cloud: one error type, both ways over the wire.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain that every error of the suite names in its `ErrorInfo`.
pub const ERROR_DOMAIN: &str = "peerway";

/// The reason of a write that the adapter kept to itself, since the account has sent its share of them: [`Throttled`] by
/// nobody but us.
///
/// [`Throttled`]: CloudErrorKind::Throttled
pub const PACED: &str = "WRITES_PACED";

const OUTCOME: &str = "outcome";

/// What a caller has to make of an error; see the codes in `provider_service.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudErrorKind {
    /// The cloud refuses for good: the same request will never do.
    Terminal,
    /// A quota of the cloud is used up.
    Quota,
    /// Too many calls; later.
    Throttled,
    /// Another operation is in the way; later.
    InProgress,
    /// The vendor's credentials do not suffice.
    Unauthorized,
    /// No usable answer: nothing may be concluded.
    Unavailable,
    /// The request itself is malformed: a fault of the caller.
    Invalid,
    /// An error that nobody has classified yet.
    Unknown,
}

/// An error of a cloud, in neutral words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct CloudError {
    /// What to make of it.
    pub kind: CloudErrorKind,
    /// Stable code, such as `PEER_IDENTITY_INVALID`.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
    /// The cloud surely did nothing; otherwise it may have acted, and the caller has to look.
    pub refused: bool,
    /// When to come back, if the cloud said so.
    pub retry_after: Option<Duration>,
}

impl CloudError {
    /// An error after which the cloud may have acted or not.
    pub fn unknown_outcome(
        kind: CloudErrorKind,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            reason: reason.into(),
            message: message.into(),
            refused: false,
            retry_after: None,
        }
    }

    /// An error after which the cloud surely did nothing.
    pub fn refused(
        kind: CloudErrorKind,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            refused: true,
            ..Self::unknown_outcome(kind, reason, message)
        }
    }

    /// What a status of the provider-adapter means. A status without our `ErrorInfo` never came from it (a broken
    /// connection, a deadline): nothing may be concluded.
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let ours = details
            .error_info()
            .filter(|info| info.domain == ERROR_DOMAIN);
        let Some(info) = ours else {
            let message = format!("the provider-adapter gave no answer: {}", status.message());
            return Self::unknown_outcome(
                CloudErrorKind::Unavailable,
                "CLOUD_UNAVAILABLE",
                message,
            );
        };
        let kind = match status.code() {
            Code::FailedPrecondition => CloudErrorKind::Terminal,
            Code::ResourceExhausted if ["CLOUD_THROTTLED", PACED].contains(&&*info.reason) => {
                CloudErrorKind::Throttled
            }
            Code::ResourceExhausted => CloudErrorKind::Quota,
            Code::Aborted => CloudErrorKind::InProgress,
            Code::PermissionDenied => CloudErrorKind::Unauthorized,
            Code::InvalidArgument | Code::Unimplemented => CloudErrorKind::Invalid,
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
                CloudErrorKind::Unavailable
            }
            _ => CloudErrorKind::Unknown,
        };
        Self {
            kind,
            reason: info.reason.clone(),
            message: status.message().to_owned(),
            refused: info
                .metadata
                .get(OUTCOME)
                .is_some_and(|outcome| outcome == "refused"),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

impl From<CloudError> for Status {
    fn from(error: CloudError) -> Self {
        let code = match error.kind {
            CloudErrorKind::Terminal => Code::FailedPrecondition,
            CloudErrorKind::Quota | CloudErrorKind::Throttled => Code::ResourceExhausted,
            CloudErrorKind::InProgress => Code::Aborted,
            CloudErrorKind::Unauthorized => Code::PermissionDenied,
            CloudErrorKind::Unavailable => Code::Unavailable,
            CloudErrorKind::Invalid => Code::InvalidArgument,
            CloudErrorKind::Unknown => Code::Unknown,
        };
        let outcome = if error.refused { "refused" } else { "unknown" };
        let metadata = HashMap::from([(OUTCOME.to_owned(), outcome.to_owned())]);
        let mut details = ErrorDetails::with_error_info(error.reason, ERROR_DOMAIN, metadata);
        if let Some(delay) = error.retry_after {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(code, error.message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_back_over_the_wire() {
        use CloudErrorKind::*;
        for kind in [
            Terminal,
            Quota,
            Throttled,
            InProgress,
            Unauthorized,
            Unavailable,
            Invalid,
            Unknown,
        ] {
            let reason = if kind == Throttled {
                "CLOUD_THROTTLED"
            } else {
                "SOME_REASON"
            };
            let refused = CloudError::refused(kind, reason, "a sentence");
            let error = CloudError {
                retry_after: Some(Duration::from_secs(3)),
                ..refused
            };
            assert_eq!(CloudError::from_status(&Status::from(error.clone())), error);
        }
    }

    #[test]
    fn a_status_of_somebody_else_concludes_nothing() {
        for status in [
            Status::failed_precondition("no"),
            Status::cancelled("Timeout expired"),
            Status::internal(""),
        ] {
            let error = CloudError::from_status(&status);
            assert_eq!(
                (error.kind, error.refused),
                (CloudErrorKind::Unavailable, false)
            );
        }
    }
}
