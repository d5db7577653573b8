//! What became of a call that failed: what its code means for the caller, and what follows from a silence.

use std::error::Error;
use std::io;
use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind, PACED};

use crate::provider::of_own_call;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use http_body_util::LengthLimitError;

use super::code::{ERROR, UNAUTHORIZED, UNAVAILABLE, meaning};
use super::unauthorized::{self, ASSUME_ROLE};

/// The longest sentence of the cloud that is passed on; encoded authorization failures run to kilobytes.
const LONGEST: usize = 400;
/// After throttling: EC2's buckets refill by the second and it names no delay.
const THROTTLE_DELAY: Duration = Duration::from_secs(1);

/// The label of an answer that is larger than what is read of one; no code of EC2's looks like it.
const OVERSIZE: &str = "the answer is too large";

/// A call that failed: what it means, and the cloud's own code for those who know better in their case.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    code: String,
    error: CloudError,
}

impl Failure {
    /// No usable answer to `api`: it may have acted.
    pub(super) fn unusable(api: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("{api}: {why}");
        Self {
            code: String::new(),
            error: CloudError::unknown_outcome(CloudErrorKind::Unavailable, UNAVAILABLE, message),
        }
    }

    /// A write that was not sent, since the account has sent enough of them.
    pub(super) fn held_back(api: &str, why: &str, retry_after: Duration) -> Self {
        let message = format!("{api}: not sent: {why}");
        let error = CloudError::refused(CloudErrorKind::Throttled, PACED, message);
        Self {
            code: String::new(),
            error: CloudError {
                retry_after: Some(retry_after),
                ..error
            },
        }
    }

    /// The answer to `api` is larger than what is read of one.
    pub(super) fn oversize(api: &str) -> Self {
        Self {
            code: OVERSIZE.to_owned(),
            ..Self::unusable(api, OVERSIZE)
        }
    }

    /// Whether there was an answer, larger than what is read of one.
    pub(super) fn is_oversize(&self) -> bool {
        self.code == OVERSIZE
    }

    /// Whether the cloud's code is one of these.
    pub(super) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    /// Whether the cloud answered, if only with a refusal that has its cause in what was asked.
    pub(super) fn is_answer(&self) -> bool {
        self.is_not_found()
            || !matches!(
                self.error.kind,
                CloudErrorKind::Unavailable | CloudErrorKind::Unauthorized
            )
    }

    /// Whether the credentials were refused.
    pub(super) fn is_unauthorized(&self) -> bool {
        self.error.kind == CloudErrorKind::Unauthorized
    }

    /// Whether the cloud says that an object does not exist.
    pub(super) fn is_not_found(&self) -> bool {
        self.code.ends_with(".NotFound")
    }

    /// The cloud's code, else the reason: for telemetry.
    pub(super) fn label(&self) -> &str {
        if self.code.is_empty() {
            &self.error.reason
        } else {
            &self.code
        }
    }

    /// The sentence that goes with it.
    pub(super) fn message(&self) -> &str {
        &self.error.message
    }

    /// What it means when nothing had been written before: the cloud surely did nothing.
    pub(super) fn while_looking(self) -> CloudError {
        of_own_call(self.error, true)
    }

    /// What it means when something has been written already.
    pub(super) fn after_writing(self) -> CloudError {
        of_own_call(self.error, false)
    }

    /// What it means for a write of which it is the answer.
    pub(super) fn of_write(self) -> CloudError {
        self.error
    }
}

/// What became of a call in the vendor's `account` that brought no result.
pub(super) fn classify<E>(account: &str, api: &str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match &error {
        _ if find::<LengthLimitError>(&error).is_some() => Failure::oversize(api),
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let meta = answer.err();
            let code = meta.code().unwrap_or_default();
            from_code(account, api, status, code, meta.message())
        }
        SdkError::ResponseError(_) => Failure::unusable(api, deepest(&error)),
        SdkError::TimeoutError(_) => Failure::unusable(api, "no answer in time"),
        SdkError::DispatchFailure(_) => not_sent(account, api, &error),
        _ => Failure {
            code: String::new(),
            error: CloudError::refused(
                CloudErrorKind::Unknown,
                ERROR,
                format!("{api}: the request could not be made: {}", deepest(&error)),
            ),
        },
    }
}

/// The request did not go out, or the connection broke: only the cause tells which.
fn not_sent(account: &str, api: &str, error: &(dyn Error + 'static)) -> Failure {
    if let Some(cause) = find::<CredentialsError>(error) {
        return no_credentials(account, api, cause);
    }
    let mut failure = Failure::unusable(api, format!("no connection: {}", deepest(error)));
    let refused = find::<io::Error>(error)
        .is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
    failure.error.refused = refused;
    failure
}

/// No credentials, so EC2 was never asked.
fn no_credentials(account: &str, api: &str, error: &CredentialsError) -> Failure {
    // The role was refused by STS, in whose words the cause stands.
    if let Some(meta) = find::<ErrorMetadata>(error) {
        let code = meta.code().unwrap_or_default();
        return Failure {
            code: String::new(),
            error: from_code(account, ASSUME_ROLE, 400, code, meta.message()).while_looking(),
        };
    }
    let message = format!(
        "{api}: no credentials for account {account}: {}",
        deepest(error)
    );
    let (kind, reason) = match error {
        CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_) => {
            (CloudErrorKind::Unavailable, UNAVAILABLE)
        }
        _ => (CloudErrorKind::Unauthorized, UNAUTHORIZED),
    };
    Failure {
        code: String::new(),
        error: CloudError::refused(kind, reason, message),
    }
}

fn from_code(account: &str, api: &str, status: u16, code: &str, message: Option<&str>) -> Failure {
    let said = message.unwrap_or("no further word");
    let (kind, reason, refused) = meaning(status, code);
    let message = match (kind, code) {
        (CloudErrorKind::Unauthorized, _) => unauthorized::message(account, api, code, said),
        (_, "") => format!("{api}: {} (HTTP {status})", shortened(said)),
        _ => format!("{api}: {} ({code})", shortened(said)),
    };
    let error = CloudError {
        kind,
        reason: reason.to_owned(),
        message,
        refused,
        retry_after: (kind == CloudErrorKind::Throttled).then_some(THROTTLE_DELAY),
    };
    Failure {
        code: code.to_owned(),
        error,
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        (*error).source()
    })
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost cause, which says most.
fn deepest(error: &(dyn Error + 'static)) -> String {
    let text = causes(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default();
    shortened(&text)
}

/// As much of a sentence of the cloud as is passed on.
pub(super) fn shortened(said: &str) -> String {
    said.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(api: &str, code: &str, said: &str) -> Failure {
        from_code("111122223333", api, 400, code, Some(said))
    }

    #[test]
    fn a_look_that_is_refused_ends_nothing_for_good() {
        let look = || of("DescribeVpcs", "InvalidParameterValue", "words");
        assert_eq!(look().of_write().kind, CloudErrorKind::Terminal);
        for error in [look().while_looking(), look().after_writing()] {
            assert_eq!(error.kind, CloudErrorKind::Unknown);
        }
    }

    #[test]
    fn an_object_that_is_not_found_is_an_answer() {
        assert!(of("DeleteVpc", "InvalidVpcID.NotFound", "words").is_answer());
        assert!(!of("DeleteVpc", "InternalError", "words").is_answer());
        assert!(!of("DeleteVpc", "UnauthorizedOperation", "words").is_answer());
    }

    #[test]
    fn only_throttling_says_when_to_come_back() {
        let delay = |code| of("DescribeVpcs", code, "words").of_write().retry_after;
        assert_eq!(delay("RequestLimitExceeded"), Some(THROTTLE_DELAY));
        assert_eq!(delay("InternalError"), None);
    }

    #[test]
    fn long_sentences_are_shortened() {
        let long = "x".repeat(9000);
        for code in ["InvalidParameterValue", "AuthFailure"] {
            assert!(of("CreateVpc", code, &long).message().len() < 500);
        }
    }
}
