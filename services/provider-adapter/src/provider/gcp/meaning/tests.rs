//! Every refusal that is known, and what follows from it.

use super::*;
use CloudErrorKind::*;

fn of(status: u16, reason: &str, message: &str) -> Meaning {
    let reason = plain(reason);
    meaning(&Refusal {
        project: "acme-prod",
        status,
        reason: &reason,
        message,
    })
}

#[test]
fn every_known_refusal_has_its_meaning() {
    let per_minute = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'.";
    let in_progress =
        "There is a peering operation in progress on the local or peer network. Try again later.";
    for (status, reason, message, kind, ours) in [
        (403, "rateLimitExceeded", "x", Throttled, "CLOUD_THROTTLED"),
        (
            403,
            "userRateLimitExceeded",
            "x",
            Throttled,
            "CLOUD_THROTTLED",
        ),
        (
            403,
            "RATE_LIMIT_EXCEEDED",
            "x",
            Throttled,
            "CLOUD_THROTTLED",
        ),
        (429, "", "x", Throttled, "CLOUD_THROTTLED"),
        (
            403,
            "quotaExceeded",
            per_minute,
            Throttled,
            "CLOUD_THROTTLED",
        ),
        (
            403,
            "quotaExceeded",
            "Quota 'NETWORKS' exceeded.  Limit: 5.0 globally.",
            Quota,
            "VPC_LIMIT",
        ),
        (
            0,
            "QUOTA_EXCEEDED",
            "Quota 'NETWORKS' exceeded.",
            Quota,
            "VPC_LIMIT",
        ),
        (
            403,
            "quotaExceeded",
            "Quota 'SUBNETWORKS' exceeded.",
            Quota,
            "CLOUD_LIMIT",
        ),
        (
            403,
            "quotaExceeded",
            "Quota 'PEERINGS_PER_NETWORK' exceeded.",
            Quota,
            "ACTIVE_LIMIT",
        ),
        (
            400,
            "badRequest",
            in_progress,
            InProgress,
            "CLOUD_OPERATION_IN_PROGRESS",
        ),
        (
            400,
            "resourceNotReady",
            "The resource 'x' is not ready",
            InProgress,
            "CLOUD_OPERATION_IN_PROGRESS",
        ),
        (
            400,
            "resourceInUseByAnotherResource",
            "x",
            InProgress,
            "NETWORK_NOT_EMPTY",
        ),
        (
            0,
            "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",
            "x",
            InProgress,
            "NETWORK_NOT_EMPTY",
        ),
        (
            401,
            "authError",
            "Invalid Credentials",
            Unauthorized,
            UNAUTHORIZED,
        ),
        (403, "accessNotConfigured", "x", Unauthorized, UNAUTHORIZED),
        (403, "forbidden", "x", Unauthorized, UNAUTHORIZED),
        (
            404,
            "notFound",
            "The resource 'projects/acme-prod' was not found",
            Unauthorized,
            UNAUTHORIZED,
        ),
        (
            400,
            "invalid",
            "Failed to find project acme-prod",
            Unauthorized,
            UNAUTHORIZED,
        ),
        (
            404,
            "notFound",
            "The resource 'projects/acme-prod/global/networks/n' was not found",
            Unavailable,
            UNAVAILABLE,
        ),
        (
            409,
            "alreadyExists",
            "The resource 'x' already exists",
            Unavailable,
            UNAVAILABLE,
        ),
        (
            0,
            "INVALID_USAGE",
            "An IP range in the peer network (10.0.0.0/8) overlaps with an IP range in the local network (10.0.0.0/24).",
            Terminal,
            "CIDR_OVERLAP_PEER",
        ),
        (
            0,
            "INVALID_USAGE",
            "An IP range in the peer network (10.0.0.0/8) overlaps with an IP range (10.1.0.0/16) in an active peer (x) of the local network.",
            Terminal,
            "CIDR_OVERLAP_SIBLING",
        ),
        (
            0,
            "INVALID_USAGE",
            "An IP range in the local network overlaps with an IP range in an active peer (x) of the peer network.",
            Terminal,
            "CIDR_OVERLAP_PEER",
        ),
        // Of overlap the sentence tells, whatever the reason.
        (
            409,
            "alreadyExists",
            "An IP range in the peer network overlaps with an IP range in the local network.",
            Terminal,
            "CIDR_OVERLAP_PEER",
        ),
        (400, "invalid", "x", Terminal, REFUSED),
        (0, "INVALID_FIELD_VALUE", "x", Terminal, REFUSED),
        (503, "backendError", "x", Unavailable, UNAVAILABLE),
        (502, "", "x", Unavailable, UNAVAILABLE),
        (400, "somethingNew", "x", Unknown, ERROR),
    ] {
        let found = of(status, reason, message);
        assert_eq!(
            (found.kind, found.reason),
            (kind, ours),
            "{status} {reason} {message}"
        );
    }
}

#[test]
fn calls_that_come_too_fast_are_told_from_objects_that_are_too_many() {
    let path = "Quota 'ROUTES' exceeded for projects/acme-prod/global/networks/n.";
    for (reason, message, kind, ours) in [
        ("dailyLimitExceeded", "x", Throttled, "CLOUD_THROTTLED"),
        ("concurrentLimitExceeded", "x", Throttled, "CLOUD_THROTTLED"),
        ("limitExceeded", "x", Quota, "CLOUD_LIMIT"),
        ("quotaExceeded", path, Quota, "CLOUD_LIMIT"),
        (
            "quotaExceeded",
            "Quota 'NETWORKS-per-project' exceeded.",
            Quota,
            "VPC_LIMIT",
        ),
        (
            "quotaExceeded",
            "Quota 'SUBNETWORKS-per-project' exceeded.",
            Quota,
            "CLOUD_LIMIT",
        ),
        (
            "quotaExceeded",
            "Quota exceeded for metric 'compute.googleapis.com/networks'.",
            Quota,
            "VPC_LIMIT",
        ),
        (
            "RESOURCE_OPERATION_RATE_EXCEEDED",
            "x",
            InProgress,
            IN_PROGRESS,
        ),
    ] {
        let found = of(403, reason, message);
        assert_eq!(
            (found.kind, found.reason),
            (kind, ours),
            "{reason} {message}"
        );
    }
}

#[test]
fn what_is_busy_is_asked_later_and_what_a_policy_forbids_never() {
    let policy = "Constraint constraints/compute.restrictVpcPeering violated for project 123.";
    for (status, reason, message, kind, ours) in [
        (
            400,
            "badRequest",
            "Busy. Try again later.",
            InProgress,
            IN_PROGRESS,
        ),
        (400, "badRequest", "x", Terminal, REFUSED),
        (403, "forbidden", policy, Terminal, REFUSED),
        (412, "conditionNotMet", policy, Terminal, REFUSED),
        (403, "forbidden", "x", Unauthorized, UNAUTHORIZED),
    ] {
        let found = of(status, reason, message);
        assert_eq!(
            (found.kind, found.reason),
            (kind, ours),
            "{reason} {message}"
        );
        assert!(found.refused);
    }
    // In the cloud's own words.
    assert_eq!(of(403, "forbidden", policy).sentence, None);
}

#[test]
fn only_our_own_project_is_said_to_be_missing() {
    let missing = |project: &str| {
        let words = format!("Failed to find project {project}");
        of(400, "invalid", &words).kind
    };
    assert_eq!(missing("acme-prod"), Unauthorized);
    assert_eq!(missing("acme-prod."), Unauthorized);
    for other in ["customer-prod", "acme-prod-2"] {
        assert_eq!(missing(other), Terminal, "{other}");
    }
}

#[test]
fn only_silence_and_faults_of_the_cloud_leave_the_outcome_open() {
    for (status, reason) in [
        (500, "internalError"),
        (503, "new"),
        (400, ""),
        (408, "x"),
        (499, "x"),
        (400, "DEADLINE_EXCEEDED"),
        (400, "CANCELLED"),
        (400, "timeout"),
        (409, "alreadyExists"),
    ] {
        assert!(!of(status, reason, "x").refused, "{status} {reason}");
    }
    for (status, reason) in [(403, "forbidden"), (400, "somethingNew"), (404, "notFound")] {
        assert!(of(status, reason, "x").refused, "{status} {reason}");
    }
}

#[test]
fn a_missing_permission_is_named_with_its_resource() {
    let words = "Required 'compute.networks.addPeering' permission for 'projects/acme-prod/global/networks/n'";
    assert_eq!(
        of(403, "forbidden", words).sentence.unwrap(),
        "the vendor's credentials lack compute.networks.addPeering on projects/acme-prod/global/networks/n"
    );
    let words = "Permission 'compute.networks.list' denied on resource '//compute.googleapis.com/projects/acme-prod' (or it may not exist).";
    assert_eq!(
        of(403, "IAM_PERMISSION_DENIED", words).sentence.unwrap(),
        "the vendor's credentials lack compute.networks.list on projects/acme-prod"
    );
    let other = of(
        403,
        "forbidden",
        "It's the 'organisation policy' that 'forbids' this",
    );
    assert!(
        other
            .sentence
            .unwrap()
            .contains("refuses the vendor's credentials")
    );
}

#[test]
fn calls_are_possible_again_with_the_next_full_minute() {
    assert_eq!(next_minute(59_000), Duration::from_secs(1));
    assert_eq!(next_minute(60_000), Duration::from_secs(60));
    assert_eq!(next_minute(61_500), Duration::from_millis(58_500));
}
