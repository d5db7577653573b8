//! What Compute Engine's refusals mean. The reasons of answers (`rateLimitExceeded`) and the codes of operations
//! (`RATE_LIMIT_EXCEEDED`) are the same words in two spellings; where several causes share one, the sentence tells.

use std::time::Duration;

use api::cloud::CloudErrorKind;

use super::url;

/// A refusal as the cloud worded it.
pub(super) struct Refusal<'a> {
    /// The project asked.
    pub(super) project: &'a str,
    /// The HTTP status; 0 when an operation names none.
    pub(super) status: u16,
    /// Its reason or code, as [`plain`] spells it; may be empty.
    pub(super) reason: &'a str,
    /// Its sentence.
    pub(super) message: &'a str,
}

/// What follows from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) kind: CloudErrorKind,
    pub(super) reason: &'static str,
    /// The cloud surely did nothing.
    pub(super) refused: bool,
    /// A sentence in the place of the cloud's own.
    pub(super) sentence: Option<String>,
}

pub(super) const UNAVAILABLE: &str = "CLOUD_UNAVAILABLE";
pub(super) const THROTTLED: &str = "CLOUD_THROTTLED";
pub(super) const UNAUTHORIZED: &str = "CLOUD_UNAUTHORIZED";
pub(super) const IN_PROGRESS: &str = "CLOUD_OPERATION_IN_PROGRESS";
pub(super) const REFUSED: &str = "CLOUD_REFUSED";
/// An error that nobody has classified yet.
pub(super) const ERROR: &str = "CLOUD_ERROR";
pub(super) const DUPLICATE: &str = "DUPLICATE_PEERING";

const MINUTE_MS: i64 = 60_000;

/// A reason or code in one spelling: without case and underscores.
pub(super) fn plain(reason: &str) -> String {
    reason.replace('_', "").to_ascii_lowercase()
}

/// The cloud counts calls by the minute and begins anew with each full one.
pub(super) fn next_minute(now_ms: i64) -> Duration {
    let left = MINUTE_MS - now_ms.rem_euclid(MINUTE_MS);
    Duration::from_millis(left.unsigned_abs())
}

/// Whether something of that name, or a peering of the same two networks, exists already.
pub(super) fn is_already(reason: &str, message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    matches!(
        reason,
        "alreadyexists" | "resourcealreadyexists" | "duplicate"
    ) || message.contains("already exists")
        || message.contains("already a peering")
        || message.contains("already peered")
}

/// What a refusal means wherever it comes up.
pub(super) fn meaning(refusal: &Refusal<'_>) -> Meaning {
    use CloudErrorKind::*;
    let of = |kind, reason, refused| Meaning {
        kind,
        reason,
        refused,
        sentence: None,
    };
    let text = refusal.message.to_ascii_lowercase();
    if is_throttling(refusal, &text) {
        return of(Throttled, THROTTLED, true);
    }
    if is_busy(refusal, &text) {
        return of(InProgress, IN_PROGRESS, true);
    }
    if matches!(refusal.reason, "quotaexceeded" | "limitexceeded") || is_peering_limit(&text) {
        let (reason, said) = (quota(refusal.message), refusal.message);
        let whose = match reason {
            "ACTIVE_LIMIT" => ", or the customer in its own",
            _ => "",
        };
        let who = format!(
            "the vendor has to ask for more in project {}",
            refusal.project
        );
        return Meaning {
            sentence: Some(format!("{said} ({who}{whose})")),
            ..of(Quota, reason, true)
        };
    }
    // A policy of the organisation, which no permission lifts.
    if text.contains("constraints/") && text.contains("violated") {
        return of(Terminal, REFUSED, true);
    }
    if let Some(sentence) = unauthorized(refusal, &text) {
        return Meaning {
            sentence: Some(sentence),
            ..of(Unauthorized, UNAUTHORIZED, true)
        };
    }
    if text.contains("overlap") {
        let ours = text.contains("active peer") && text.contains("of the local network");
        let reason = if ours {
            "CIDR_OVERLAP_SIBLING"
        } else {
            "CIDR_OVERLAP_PEER"
        };
        return of(Terminal, reason, true);
    }
    if is_already(refusal.reason, refusal.message) {
        // It stands, though the last look did not show it yet: the caller has to look again.
        return of(Unavailable, UNAVAILABLE, false);
    }
    match refusal.reason {
        // Whoever stopped waiting cannot tell what was done.
        "deadlineexceeded" | "cancelled" | "timeout" => of(Unavailable, UNAVAILABLE, false),
        _ if matches!(refusal.status, 408 | 499) => of(Unavailable, UNAVAILABLE, false),
        "resourceinusebyanotherresource" | "resourceinuse" => {
            of(InProgress, "NETWORK_NOT_EMPTY", true)
        }
        // Made a moment ago and not visible everywhere, or gone: a later look tells which.
        "notfound" | "resourcenotfound" => of(Unavailable, UNAVAILABLE, true),
        _ if refusal.status == 404 => of(Unavailable, UNAVAILABLE, true),
        "internalerror" | "backenderror" | "internal" | "unavailable" => {
            of(Unavailable, UNAVAILABLE, false)
        }
        _ if refusal.status >= 500 => of(Unavailable, UNAVAILABLE, false),
        // Somebody on the way answered, or nobody: Compute Engine always gives a reason.
        "" => of(Unavailable, UNAVAILABLE, false),
        "badrequest" | "required" | "parseerror" => of(Terminal, REFUSED, true),
        invalid if invalid.starts_with("invalid") => of(Terminal, REFUSED, true),
        _ => of(Unknown, ERROR, true),
    }
}

fn is_throttling(refusal: &Refusal<'_>, text: &str) -> bool {
    refusal.status == 429
        || matches!(
            refusal.reason,
            "toomanyrequests" | "concurrentoperationsquotaexceeded"
        )
        // Of calls, be it by the minute or the day; without a further word it is one of objects.
        || (refusal.reason.ends_with("limitexceeded") && refusal.reason != "limitexceeded")
        || (refusal.reason.contains("quotaexceeded") && text.contains("per minute"))
}

/// Whether something else has to end first.
fn is_busy(refusal: &Refusal<'_>, text: &str) -> bool {
    text.contains("operation in progress")
        || matches!(
            refusal.reason,
            "resourcenotready" | "resourceoperationrateexceeded"
        )
        || (refusal.reason == "badrequest" && text.contains("try again later"))
}

fn is_peering_limit(text: &str) -> bool {
    text.contains("peerings_per_network") && text.contains("exceed")
}

/// Which quota: its metric stands in the sentence, beside those of other objects whose names contain it, and beside
/// the paths of objects.
fn quota(message: &str) -> &'static str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let mut words = message.split(|c| !is_part(c));
    let is_networks = |word: &str| {
        let metric = word.trim_end_matches('.');
        matches!(metric, "NETWORKS" | "compute.googleapis.com/networks")
            || metric.starts_with("NETWORKS-per-project")
    };
    if message
        .to_ascii_lowercase()
        .contains("peerings_per_network")
    {
        "ACTIVE_LIMIT"
    } else if words.any(is_networks) {
        "VPC_LIMIT"
    } else {
        "CLOUD_LIMIT"
    }
}

/// Says what the vendor's credentials lack; none when they are not the cause.
fn unauthorized(refusal: &Refusal<'_>, text: &str) -> Option<String> {
    let project = refusal.project;
    if refusal.status == 401 {
        return Some(format!(
            "project {project} does not accept the vendor's credentials"
        ));
    }
    if matches!(refusal.reason, "accessnotconfigured" | "servicedisabled") {
        return Some(format!(
            "the Compute Engine API is not enabled for project {project}: the vendor has to enable \
             compute.googleapis.com there"
        ));
    }
    let gone = format!("projects/{project}'");
    let names_it = text.contains(&gone) || url::is_named(text, &format!("project {project}"));
    let missing = text.contains("not found") || text.contains("failed to find project");
    if names_it && missing && matches!(refusal.status, 0 | 400 | 403 | 404) {
        return Some(format!(
            "project {project} does not exist, or the vendor's credentials may not see it"
        ));
    }
    let denied =
        refusal.status == 403 || matches!(refusal.reason, "forbidden" | "permissionserror");
    denied.then(|| match permission(refusal.message) {
        Some((permission, resource)) => {
            format!("the vendor's credentials lack {permission} on {resource}")
        }
        None => format!(
            "project {project} refuses the vendor's credentials: {}",
            refusal.message
        ),
    })
}

/// The permission and the resource in a sentence that quotes both, in this order.
fn permission(message: &str) -> Option<(&str, &str)> {
    let mut quoted = message.split('\'').skip(1).step_by(2);
    let (permission, resource) = (quoted.next()?, quoted.next()?);
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'.';
    let is_permission = permission.matches('.').count() >= 2 && permission.bytes().all(fits);
    is_permission.then_some((
        permission,
        resource.trim_start_matches("//compute.googleapis.com/"),
    ))
}

#[cfg(test)]
mod tests;
