//! What EC2's errors mean: every code that is known, and what follows from a silence.

use std::error::Error;
use std::io;
use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};

/// The longest sentence of the cloud that is passed on; encoded authorization failures run to kilobytes.
const LONGEST: usize = 400;
/// After throttling: EC2's buckets refill by the second and it names no delay.
const THROTTLE_DELAY: Duration = Duration::from_secs(1);

pub(super) const UNAVAILABLE: &str = "CLOUD_UNAVAILABLE";
pub(super) const UNAUTHORIZED: &str = "CLOUD_UNAUTHORIZED";
/// Another operation is in the way.
pub(super) const IN_PROGRESS: &str = "CLOUD_OPERATION_IN_PROGRESS";
/// A quota of the vendor's account that has no reason of its own.
const LIMIT: &str = "CLOUD_LIMIT";
/// The cloud refuses the request for good, for a cause that no other reason names.
const REFUSED: &str = "CLOUD_REFUSED";
/// An error that nobody has classified yet.
const ERROR: &str = "CLOUD_ERROR";

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

    /// Whether the cloud's code is one of these.
    pub(super) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    /// Whether the cloud answered, if only with a refusal that has its cause in what was asked.
    pub(super) fn is_answer(&self) -> bool {
        !matches!(
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
        CloudError {
            refused: true,
            ..self.not_final()
        }
    }

    /// What it means when something has been written already.
    pub(super) fn after_writing(self) -> CloudError {
        CloudError {
            refused: false,
            ..self.not_final()
        }
    }

    /// A refusal of the adapter's own look or mark says nothing about what the caller asked for.
    fn not_final(self) -> CloudError {
        match self.error.kind {
            CloudErrorKind::Terminal => CloudError {
                kind: CloudErrorKind::Unknown,
                reason: ERROR.to_owned(),
                ..self.error
            },
            _ => self.error,
        }
    }

    /// What it means for a write of which it is the answer.
    pub(super) fn of_write(self) -> CloudError {
        self.error
    }
}

/// What became of a call that brought no result.
pub(super) fn classify<E>(api: &str, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match &error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let meta = answer.err();
            from_code(api, status, meta.code().unwrap_or_default(), meta.message())
        }
        SdkError::ResponseError(_) => Failure::unusable(api, deepest(&error)),
        SdkError::TimeoutError(_) => Failure::unusable(api, "no answer in time"),
        SdkError::DispatchFailure(_) => not_sent(api, &error),
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
fn not_sent(api: &str, error: &(dyn Error + 'static)) -> Failure {
    if let Some(cause) = find::<CredentialsError>(error) {
        return no_credentials(api, cause);
    }
    let mut failure = Failure::unusable(api, format!("no connection: {}", deepest(error)));
    let refused = find::<io::Error>(error)
        .is_some_and(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
    failure.error.refused = refused;
    failure
}

/// No credentials, so EC2 was never asked.
fn no_credentials(api: &str, error: &CredentialsError) -> Failure {
    // The role was refused by STS, in whose words the cause stands.
    if let Some(meta) = find::<ErrorMetadata>(error) {
        let code = meta.code().unwrap_or_default();
        return Failure {
            code: String::new(),
            error: from_code("AssumeRole", 400, code, meta.message()).while_looking(),
        };
    }
    let message = format!("{api}: no credentials: {}", deepest(error));
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

fn from_code(api: &str, status: u16, code: &str, message: Option<&str>) -> Failure {
    let message: String = message
        .unwrap_or("no further word")
        .chars()
        .take(LONGEST)
        .collect();
    let shown = if code.is_empty() {
        format!("HTTP {status}")
    } else {
        code.to_owned()
    };
    let message = format!("{api}: {message} ({shown})");
    let (kind, reason, refused) = meaning(status, code);
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

/// What a code means wherever it comes up, its reason, and whether the cloud surely did nothing.
fn meaning(status: u16, code: &str) -> (CloudErrorKind, &'static str, bool) {
    use CloudErrorKind::*;
    match code {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "EC2ThrottledException"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "SlowDown" => (Throttled, "CLOUD_THROTTLED", true),

        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "AuthFailure"
        | "Blocked"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "OptInRequired"
        | "PendingVerification"
        | "RegionDisabledException"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => (Unauthorized, UNAUTHORIZED, true),

        "VpcLimitExceeded" => (Quota, "VPC_LIMIT", true),
        "OutstandingVpcPeeringConnectionLimitExceeded" => (Quota, "OUTSTANDING_LIMIT", true),
        "VpcPeeringConnectionsPerVpcLimitExceeded"
        | "ActiveVpcPeeringConnectionPerVpcLimitExceeded" => (Quota, "ACTIVE_LIMIT", true),
        "RouteLimitExceeded" => (Quota, "ROUTE_TABLE_FULL", true),
        "RulesPerSecurityGroupLimitExceeded" => (Quota, "ALLOW_LIST_FULL", true),
        "LimitExceeded"
        | "ResourceLimitExceeded"
        | "SecurityGroupLimitExceeded"
        | "SubnetLimitExceeded"
        | "TagLimitExceeded" => (Quota, LIMIT, true),

        "DependencyViolation" => (InProgress, "NETWORK_NOT_EMPTY", true),
        "IncorrectState"
        | "InvalidState"
        | "InvalidStateTransition"
        | "InvalidVpcState"
        | "OperationConflict"
        | "PriorRequestNotComplete" => (InProgress, IN_PROGRESS, true),

        "VpcPeeringConnectionAlreadyExists" => (Terminal, "DUPLICATE_PEERING", true),
        "InvalidParameter"
        | "InvalidParameterCombination"
        | "InvalidParameterValue"
        | "InvalidAction"
        | "InvalidRequest"
        | "InvalidQueryParameter"
        | "InvalidSubnet.Range"
        | "InvalidVpcRange"
        | "InvalidVpc.Range"
        | "MalformedQueryString"
        | "MissingAction"
        | "MissingParameter"
        | "OperationNotPermitted"
        | "UnknownParameter"
        | "Unsupported"
        | "UnsupportedOperation"
        | "UnsupportedProtocol"
        | "ValidationError" => (Terminal, REFUSED, true),
        malformed if malformed.ends_with(".Malformed") => (Terminal, REFUSED, true),

        // It stands, though the last look did not show it yet: the caller has to look again.
        "InvalidSubnet.Conflict" | "InvalidGroup.Duplicate" | "RouteAlreadyExists" => {
            (Unavailable, UNAVAILABLE, false)
        }
        // Made a moment ago and not visible everywhere, or gone: a later look tells which.
        missing if missing.ends_with(".NotFound") => (Unavailable, UNAVAILABLE, true),

        "InsufficientAddressCapacity"
        | "InternalError"
        | "InternalFailure"
        | "RequestTimeout"
        | "ServiceUnavailable"
        | "Unavailable" => (Unavailable, UNAVAILABLE, false),
        // Somebody on the way answered, or nobody: EC2 always sends a code.
        "" => (Unavailable, UNAVAILABLE, false),
        _ if status >= 500 => (Unavailable, UNAVAILABLE, false),
        _ => (Unknown, ERROR, true),
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
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: &str) -> (CloudErrorKind, String, bool) {
        let error = from_code("CreateVpc", status, code, Some("words")).of_write();
        (error.kind, error.reason, error.refused)
    }

    #[test]
    fn throttling_is_a_refusal_even_as_a_503() {
        use CloudErrorKind::Throttled;
        assert_eq!(
            of(503, "RequestLimitExceeded"),
            (Throttled, "CLOUD_THROTTLED".into(), true)
        );
        assert_eq!(of(503, "SlowDown").0, Throttled);
    }

    #[test]
    fn a_server_error_leaves_the_outcome_open() {
        for (status, code) in [
            (500, "InternalError"),
            (503, "Unavailable"),
            (502, ""),
            (599, "New"),
        ] {
            assert_eq!(
                of(status, code),
                (CloudErrorKind::Unavailable, UNAVAILABLE.into(), false)
            );
        }
    }

    #[test]
    fn a_refusal_nobody_has_classified_did_nothing() {
        assert_eq!(
            of(400, "SomethingNew"),
            (CloudErrorKind::Unknown, "CLOUD_ERROR".into(), true)
        );
        // Without a code it was not EC2 that answered.
        assert!(!of(400, "").2);
    }

    #[test]
    fn quotas_are_told_apart() {
        for (code, reason) in [
            (
                "OutstandingVpcPeeringConnectionLimitExceeded",
                "OUTSTANDING_LIMIT",
            ),
            ("VpcPeeringConnectionsPerVpcLimitExceeded", "ACTIVE_LIMIT"),
            (
                "ActiveVpcPeeringConnectionPerVpcLimitExceeded",
                "ACTIVE_LIMIT",
            ),
            ("VpcLimitExceeded", "VPC_LIMIT"),
            ("RouteLimitExceeded", "ROUTE_TABLE_FULL"),
        ] {
            assert_eq!(of(400, code), (CloudErrorKind::Quota, reason.into(), true));
        }
    }

    #[test]
    fn a_look_that_is_refused_ends_nothing_for_good() {
        let look = || from_code("DescribeVpcs", 400, "InvalidParameterValue", Some("words"));
        assert_eq!(look().of_write().kind, CloudErrorKind::Terminal);
        for error in [look().while_looking(), look().after_writing()] {
            assert_eq!(error.kind, CloudErrorKind::Unknown);
        }
    }

    #[test]
    fn long_sentences_are_shortened() {
        let error = from_code(
            "CreateVpc",
            403,
            "UnauthorizedOperation",
            Some(&"x".repeat(9000)),
        );
        assert!(error.message().len() < 500);
    }
}
