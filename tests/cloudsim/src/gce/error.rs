//! Refusals as Compute Engine words them.

use serde_json::{Value, json};
use thiserror::Error as ThisError;

/// A refusal, with the HTTP status the real cloud gives it.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{reason}: {message}")]
pub struct Error {
    pub status: u16,
    pub reason: String,
    pub domain: String,
    pub message: String,
}

impl Error {
    pub fn new(status: u16, reason: &str, message: impl Into<String>) -> Self {
        let domain = match reason {
            "rateLimitExceeded" | "quotaExceeded" => "usageLimits",
            _ => "global",
        };
        Error {
            status,
            reason: reason.to_owned(),
            domain: domain.to_owned(),
            message: message.into(),
        }
    }

    /// The JSON that the cloud sends with it.
    pub fn body(&self) -> Value {
        let detail =
            json!({ "message": self.message, "domain": self.domain, "reason": self.reason });
        json!({ "error": { "code": self.status, "message": self.message, "errors": [detail] } })
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Error::new(400, "badRequest", message)
    }

    pub(crate) fn invalid(field: &str, value: &str, rule: &str) -> Self {
        let text = format!("Invalid value for field '{field}': '{value}'. {rule}");
        Error::new(400, "invalid", text)
    }

    pub(crate) fn required(field: &str) -> Self {
        let text = format!("Required field '{field}' not specified");
        Error::new(400, "required", text)
    }

    pub(crate) fn not_found(path: &str) -> Self {
        let text = format!("The resource '{path}' was not found");
        Error::new(404, "notFound", text)
    }

    pub(crate) fn already_exists(path: &str) -> Self {
        let text = format!("The resource '{path}' already exists");
        Error::new(409, "alreadyExists", text)
    }

    pub(crate) fn not_ready(path: &str) -> Self {
        let text = format!("The resource '{path}' is not ready");
        Error::new(400, "resourceNotReady", text)
    }

    pub(crate) fn forbidden(permission: &str, path: &str) -> Self {
        let text = format!("Required '{permission}' permission for '{path}'");
        Error::new(403, "forbidden", text)
    }

    pub(crate) fn quota(metric: &str, limit: usize) -> Self {
        let text = format!("Quota '{metric}' exceeded.  Limit: {limit}.0 globally.");
        Error::new(403, "quotaExceeded", text)
    }
}
