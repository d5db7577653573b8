//! What became of a call that brought no result, and of an operation that ended badly.

use std::error::Error as StdError;
use std::fmt::Display;
use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind, PACED};
use google_cloud_gax::error::rpc::{Code, Status, StatusDetails};
use google_cloud_gax::error::{CredentialsError, Error};

use super::meaning::{
    ERROR, Refusal, UNAUTHORIZED, UNAVAILABLE, is_already, meaning, next_minute, plain,
};
use crate::config::ProjectConfig;
use crate::provider::of_own_call;

/// The longest sentence of the cloud that is passed on, in characters.
const LONGEST: usize = 400;

/// A call that failed: what it means, and the cloud's own words for those who know better in their case.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    status: u16,
    reason: Box<str>,
    words: Box<str>,
    error: CloudError,
}

impl Failure {
    /// No usable answer to `api`: it may have acted.
    pub(super) fn unusable(api: &str, why: impl Display) -> Self {
        let message = format!("{api}: {why}");
        CloudError::unknown_outcome(CloudErrorKind::Unavailable, UNAVAILABLE, message).into()
    }

    /// The cloud was not asked.
    pub(super) fn unsent(api: &str, why: impl Display) -> Self {
        let message = format!("{api}: {why}");
        CloudError::refused(CloudErrorKind::Unavailable, UNAVAILABLE, message).into()
    }

    /// A write that was not sent, since the project has sent enough of them.
    pub(super) fn held_back(api: &str, why: &str, retry_after: Duration) -> Self {
        let message = format!("{api}: not sent: {why}");
        let error = CloudError::refused(CloudErrorKind::Throttled, PACED, message);
        CloudError {
            retry_after: Some(retry_after),
            ..error
        }
        .into()
    }

    /// There are no credentials to ask with.
    pub(super) fn no_credentials(project: &str, why: &str) -> Self {
        let message = format!("project {project}: no credentials: {why}");
        CloudError::refused(CloudErrorKind::Unauthorized, UNAUTHORIZED, message).into()
    }

    /// Whether the cloud answered, if only with a refusal that has its cause in what was asked.
    pub(super) fn is_answer(&self) -> bool {
        match self.error.kind {
            CloudErrorKind::Unavailable => self.is_not_found() || self.is_already(),
            CloudErrorKind::Unauthorized => false,
            _ => true,
        }
    }

    /// Whether the cloud says that the object does not exist, rather than its project.
    pub(super) fn is_not_found(&self) -> bool {
        let says = self.status == 404 || matches!(&*self.reason, "notfound" | "resourcenotfound");
        says && self.error.kind == CloudErrorKind::Unavailable && !self.reason.is_empty()
    }

    /// Whether the object, or a peering of the same two networks, exists already.
    pub(super) fn is_already(&self) -> bool {
        self.error.kind == CloudErrorKind::Unavailable && is_already(&self.reason, &self.words)
    }

    /// Whether it was refused for good.
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self.error.kind,
            CloudErrorKind::Terminal | CloudErrorKind::Unknown
        )
    }

    /// The cloud's own sentence.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// The cloud's reason, else ours: for telemetry.
    pub(super) fn label(&self) -> &str {
        if self.reason.is_empty() {
            &self.error.reason
        } else {
            &self.reason
        }
    }

    /// Tells the operator, once, unless it is what every flow meets.
    pub(super) fn log(&self, api: &str, project: &str) {
        let (reason, message) = (self.label(), &self.error.message);
        match self.error.kind {
            _ if self.is_not_found() || self.is_already() => {
                tracing::debug!(api, project, reason, "the cloud refused a call: {message}");
            }
            CloudErrorKind::Unauthorized
            | CloudErrorKind::Unavailable
            | CloudErrorKind::Unknown => {
                tracing::warn!(
                    api,
                    project,
                    reason,
                    "a call of the cloud failed: {message}"
                );
            }
            _ => tracing::info!(api, project, reason, "the cloud refused a call: {message}"),
        }
    }

    /// What it means for a look when nothing had been written before: the cloud surely did nothing.
    pub(super) fn while_looking(self) -> CloudError {
        of_own_call(self.error, true)
    }

    /// What it means for a look while an operation may run, or once it did something.
    pub(super) fn after_writing(self) -> CloudError {
        of_own_call(self.error, false)
    }

    /// What it means when an operation ended with it: whatever it says, nothing is under way any more.
    pub(super) fn of_operation(self) -> CloudError {
        CloudError {
            refused: true,
            ..self.error
        }
    }

    /// What it means for a write of which it is the answer.
    pub(super) fn of_write(self) -> CloudError {
        self.error
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        Self {
            status: 0,
            reason: Box::default(),
            words: error.message.as_str().into(),
            error,
        }
    }
}

/// Whether the credentials were refused as such.
pub(super) fn is_unauthenticated(error: &Error) -> bool {
    error.http_status_code() == Some(401)
}

/// Whether there was no token to ask with, and will not be with these credentials.
pub(super) fn has_no_token_for_good(error: &Error) -> bool {
    error.is_authentication()
        && find::<CredentialsError>(error).is_none_or(|cause| !cause.is_transient())
}

/// What became of a call to a project that brought no result. `now_ms`: the time, in milliseconds since the epoch.
pub(super) fn classify(api: &str, config: &ProjectConfig, error: &Error, now_ms: i64) -> Failure {
    let project = config.project_id.as_str();
    if let Some(cause) = find::<CredentialsError>(error).filter(|_| error.is_authentication()) {
        return no_token(project, config.impersonate.as_deref(), cause);
    }
    if let Some(status) = error.http_status_code() {
        let said = error.status().map(|said| words(said, status));
        let (reason, message) = said.unwrap_or_default();
        return refusal(api, project, (status, &reason, &message), now_ms);
    }
    if error.is_connect() {
        return Failure::unsent(api, format!("no connection: {}", deepest(error)));
    }
    if error.is_binding() || error.is_serialization() {
        let message = format!("{api}: the request could not be made: {}", deepest(error));
        return CloudError::refused(CloudErrorKind::Unknown, ERROR, message).into();
    }
    if error.is_timeout() {
        return Failure::unusable(api, "no answer in time");
    }
    if error.is_deserialization() {
        return Failure::unusable(api, "the answer is not what the cloud sends");
    }
    Failure::unusable(api, deepest(error))
}

/// What a refusal means: its HTTP status (0: none), its reason or code, and its sentence.
pub(super) fn refusal(
    api: &str,
    project: &str,
    (status, reason, message): (u16, &str, &str),
    now_ms: i64,
) -> Failure {
    let plain = plain(reason);
    let found = meaning(&Refusal {
        project,
        status,
        reason: &plain,
        message,
    });
    let words = shortened(message);
    let sentence = found.sentence.map_or_else(
        || {
            let said = if words.is_empty() {
                "no further word"
            } else {
                &words
            };
            if reason.is_empty() {
                format!("{api}: {said} (HTTP {status})")
            } else {
                format!("{api}: {said} ({reason})")
            }
        },
        |sentence| shortened(&sentence),
    );
    let throttled = found.kind == CloudErrorKind::Throttled;
    Failure {
        status,
        reason: plain.into(),
        words: words.into(),
        error: CloudError {
            kind: found.kind,
            reason: found.reason.to_owned(),
            message: sentence,
            refused: found.refused,
            retry_after: throttled.then(|| next_minute(now_ms)),
        },
    }
}

/// The reason and the sentence of an answer with this HTTP status. The library passes no reason on when the answer has
/// details of another kind: Google's sentence then stands with the reason that the HTTP status is for.
fn words(status: &Status, http: u16) -> (String, String) {
    let reason = status.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) if !info.reason.is_empty() => Some(info.reason.clone()),
        _ => None,
    });
    let reason = reason.unwrap_or_else(|| match status.code {
        Code::Unknown if !status.message.is_empty() => of_http(http).to_owned(),
        Code::Unknown => String::new(),
        code => String::from(code),
    });
    (reason, status.message.clone())
}

fn of_http(status: u16) -> &'static str {
    match status {
        400 => "badRequest",
        403 => "forbidden",
        404 => "notFound",
        409 => "alreadyExists",
        _ => "",
    }
}

/// No token, so the project was never asked.
pub(super) fn no_token(
    project: &str,
    acting_as: Option<&str>,
    error: &CredentialsError,
) -> Failure {
    let text = error.to_string();
    // The answer of the token's issuer follows, and may hold more than belongs into a log.
    let text = shortened(text.split(", body=<").next().unwrap_or_default());
    let mut message = format!("project {project}: no token for the vendor's credentials: {text}");
    if error.is_transient() {
        return CloudError::refused(CloudErrorKind::Unavailable, UNAVAILABLE, message).into();
    }
    if let Some(account) = acting_as {
        message += &format!("; to act as {account} takes iam.serviceAccounts.getAccessToken on it");
    }
    CloudError::refused(CloudErrorKind::Unauthorized, UNAUTHORIZED, message).into()
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        (*error).source()
    })
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost cause, which says most.
pub(super) fn deepest(error: &(dyn StdError + 'static)) -> String {
    let text = causes(error).last().map(ToString::to_string);
    shortened(&text.unwrap_or_default())
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests;
