//! What failures mean to callers.

use super::*;
use std::time::Duration;

fn of(status: u16, reason: &str, message: &str) -> Failure {
    refusal(
        "networks.insert",
        "acme-prod",
        (status, reason, message),
        59_000,
    )
}

#[test]
fn throttling_says_when_to_come_back() {
    let error = of(403, "rateLimitExceeded", "Rate Limit Exceeded").of_write();
    assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
    assert!(error.refused);
    assert_eq!(of(404, "notFound", "x").of_write().retry_after, None);
}

#[test]
fn an_object_that_is_missing_is_told_from_its_project() {
    let object = "The resource 'projects/acme-prod/global/networks/n' was not found";
    assert!(of(404, "notFound", object).is_not_found());
    assert!(of(404, "notFound", object).is_answer());
    let project = of(
        404,
        "notFound",
        "The resource 'projects/acme-prod' was not found",
    );
    assert!(!project.is_not_found() && !project.is_answer());
    // A page of somebody on the way.
    assert!(!of(404, "", "").is_not_found());
}

#[test]
fn an_answer_without_reason_is_understood_by_its_http_status() {
    use CloudErrorKind::*;
    let help = || [StatusDetails::Help(Default::default())];
    let said = |text: &str| Status::default().set_message(text).set_details(help());
    let busy = "There is a peering operation in progress on the local or peer network.";
    let overlap = "An IP range in the peer network overlaps with an IP range in the local network.";
    for (http, text, kind, refused) in [
        (400, "x", Terminal, true),
        (403, "x", Unauthorized, true),
        (404, "The resource 'x' was not found", Unavailable, true),
        (409, "x", Unavailable, false),
        (409, busy, InProgress, true),
        (403, busy, InProgress, true),
        (409, overlap, Terminal, true),
        (400, "The resource 'x' already exists", Unavailable, false),
    ] {
        let (reason, message) = words(&said(text), http);
        let error = of(http, &reason, &message).of_write();
        assert_eq!(
            (error.kind, error.refused),
            (kind, refused),
            "{http} {text}"
        );
    }
    let (reason, message) = words(&said("gone"), 404);
    assert!(of(404, &reason, &message).is_not_found());
    // A body that is not Google's tells nothing.
    assert_eq!(words(&Status::default(), 404).0, "");
    // And a status that is told stands.
    let told = said("x").set_code(Code::NotFound);
    assert_eq!(words(&told, 400).0, "NOT_FOUND");
}

#[test]
fn a_look_that_is_refused_ends_nothing_for_good() {
    let look = || of(400, "invalid", "x");
    assert_eq!(look().of_write().kind, CloudErrorKind::Terminal);
    for error in [look().while_looking(), look().after_writing()] {
        assert_eq!(error.kind, CloudErrorKind::Unknown);
    }
    assert!(!of(403, "forbidden", "x").after_writing().refused);
}

#[test]
fn credentials_that_fail_tell_no_more_than_needed() {
    let error = CredentialsError::from_msg(false, "cannot fetch token, body=<secret>");
    let failure = no_token("acme-prod", None, &error).of_write();
    assert_eq!(failure.kind, CloudErrorKind::Unauthorized);
    assert!(
        failure.refused && !failure.message.contains("secret"),
        "{failure}"
    );
    let error = CredentialsError::from_msg(true, "busy");
    assert_eq!(
        no_token("acme-prod", None, &error).of_write().kind,
        CloudErrorKind::Unavailable
    );
}

#[test]
fn long_sentences_are_shortened() {
    let message = of(400, "invalid", &"x".repeat(9000)).of_write().message;
    assert!(message.len() < 500);
}
