//! What EC2's and STS's error codes mean: every one that is known.

use api::cloud::CloudErrorKind;

pub(super) const UNAVAILABLE: &str = "CLOUD_UNAVAILABLE";
pub(super) const THROTTLED: &str = "CLOUD_THROTTLED";
pub(super) const UNAUTHORIZED: &str = "CLOUD_UNAUTHORIZED";
/// Another operation is in the way.
pub(super) const IN_PROGRESS: &str = "CLOUD_OPERATION_IN_PROGRESS";
/// A quota of the vendor's account that has no reason of its own.
const LIMIT: &str = "CLOUD_LIMIT";
/// The cloud refuses the request for good, for a cause that no other reason names.
const REFUSED: &str = "CLOUD_REFUSED";
/// An error that nobody has classified yet.
pub(super) const ERROR: &str = "CLOUD_ERROR";

/// What a code means wherever it comes up, its reason, and whether the cloud surely did nothing.
pub(super) fn meaning(status: u16, code: &str) -> (CloudErrorKind, &'static str, bool) {
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
        | "SlowDown" => (Throttled, THROTTLED, true),

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

#[cfg(test)]
mod tests {
    use super::*;
    use CloudErrorKind::*;

    #[test]
    fn throttling_is_a_refusal_even_as_a_503() {
        for code in ["RequestLimitExceeded", "SlowDown"] {
            assert_eq!(meaning(503, code), (Throttled, "CLOUD_THROTTLED", true));
        }
    }

    #[test]
    fn a_server_error_leaves_the_outcome_open() {
        for (status, code) in [
            (500, "InternalError"),
            (503, "Unavailable"),
            (502, ""),
            (599, "New"),
        ] {
            assert_eq!(meaning(status, code), (Unavailable, UNAVAILABLE, false));
        }
    }

    #[test]
    fn a_refusal_nobody_has_classified_did_nothing() {
        assert_eq!(meaning(400, "SomethingNew"), (Unknown, ERROR, true));
        // Without a code it was not EC2 that answered.
        assert!(!meaning(400, "").2);
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
            ("RulesPerSecurityGroupLimitExceeded", "ALLOW_LIST_FULL"),
        ] {
            assert_eq!(meaning(400, code), (Quota, reason, true));
        }
    }
}
