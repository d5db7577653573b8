//! Where Google's bearer tokens come from: OAuth's token endpoint, and IAM Credentials for one account as another.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cloud::State;
use crate::gce::Error;
use crate::gce_token::{Bearer, Doubt, Flaw, Identities, LIFETIME_MS, words};
use crate::time::{Now, timestamp};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What Google's own clients sign an assertion for, wherever they send it.
const TOKEN_AUDIENCE: &str = "https://oauth2.googleapis.com/token";

/// A refusal with the body it goes out with; `outcome` is for the log of calls.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) outcome: String,
    pub(crate) body: Value,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let mut body = error.body();
        if let Some(status) = front_status(&error) {
            body["error"]["status"] = json!(status);
        }
        if error.status == 401 {
            let detail = &mut body["error"]["errors"][0];
            detail["message"] = json!(match error.reason.as_str() {
                "required" => "Login Required.",
                _ => "Invalid Credentials",
            });
            detail["location"] = json!("Authorization");
            detail["locationType"] = json!("header");
        }
        Refusal {
            status: error.status,
            outcome: error.reason,
            body,
        }
    }
}

/// The status that only those refusals carry which come from before Compute Engine itself.
fn front_status(error: &Error) -> Option<&'static str> {
    match (error.status, error.reason.as_str()) {
        (401, _) => Some("UNAUTHENTICATED"),
        (403, "rateLimitExceeded" | "insufficientPermissions") => Some("PERMISSION_DENIED"),
        (429, _) => Some("RESOURCE_EXHAUSTED"),
        (503, _) => Some("UNAVAILABLE"),
        _ => None,
    }
}

/// Who calls a service such as `compute`, which takes tokens of these scopes.
pub(crate) fn caller(
    identities: &mut Identities,
    authorization: Option<&str>,
    service: &str,
    scopes: &[&str],
    now: Now,
) -> Result<Bearer, Error> {
    let bearer = identities
        .bearer(authorization, now.cloud_ms, now.machine_ms)
        .map_err(unauthenticated)?;
    if bearer.reaches(service, scopes) {
        return Ok(bearer);
    }
    let text = "Request had insufficient authentication scopes.";
    Err(Error::new(403, "insufficientPermissions", text))
}

fn unauthenticated(doubt: Doubt) -> Error {
    let (reason, what) = match doubt {
        Doubt::Missing => (
            "required",
            "Request is missing required authentication credential.",
        ),
        Doubt::Invalid => (
            "authError",
            "Request had invalid authentication credentials.",
        ),
    };
    let text = format!(
        "{what} Expected OAuth 2 access token, login cookie or other valid authentication credential. \
         See https://developers.google.com/identity/sign-in/web/devconsole-project."
    );
    Error::new(401, reason, text)
}

/// What an expired, revoked or unknown token gets.
pub(crate) fn invalid_credentials() -> Error {
    unauthenticated(Doubt::Invalid)
}

/// `POST /token`: an opaque token for an assertion that the account signed, for Google or one of these URLs.
pub(crate) fn exchange(
    identities: &mut Identities,
    form: &BTreeMap<String, String>,
    here: &[String],
    now: Now,
) -> Result<Value, Refusal> {
    let field = |name: &str| form.get(name).filter(|value| !value.is_empty());
    let grant = field("grant_type").ok_or_else(|| {
        oauth(
            "invalid_request",
            "Required parameter is missing: grant_type",
        )
    })?;
    if grant != JWT_BEARER {
        let text = format!("Invalid grant_type: {grant}");
        return Err(oauth("unsupported_grant_type", &text));
    }
    let assertion = field("assertion").ok_or_else(|| {
        oauth(
            "invalid_request",
            "Required parameter is missing: assertion",
        )
    })?;
    let claims = identities
        .verify(assertion, now.machine_ms)
        .map_err(|flaw| oauth("invalid_grant", flaw_text(flaw)))?;
    let audience = claims.aud.unwrap_or_default();
    if audience != TOKEN_AUDIENCE && !here.contains(&audience) {
        return Err(oauth(
            "invalid_grant",
            "Invalid JWT: Failed audience check.",
        ));
    }
    if claims.sub.is_some_and(|sub| sub != claims.iss) {
        let text = "Client is unauthorized to retrieve access tokens using this method, or client not authorized \
                    for any of the scopes requested.";
        return Err(oauth("unauthorized_client", text));
    }
    let scopes = words(&claims.scope.unwrap_or_default());
    if scopes.is_empty() {
        let text = "Invalid OAuth scope or ID token audience provided.";
        return Err(oauth("invalid_scope", text));
    }
    let token = identities.issue(&claims.iss, scopes, now.cloud_ms + LIFETIME_MS);
    Ok(json!({ "access_token": token, "expires_in": LIFETIME_MS / 1000, "token_type": "Bearer" }))
}

fn oauth(code: &str, text: &str) -> Refusal {
    Refusal {
        status: 400,
        outcome: code.to_owned(),
        body: json!({ "error": code, "error_description": text }),
    }
}

fn flaw_text(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Malformed => "Invalid JWT",
        Flaw::UnknownAccount => "Invalid grant: account not found",
        Flaw::Signature => "Invalid JWT Signature.",
        Flaw::Times => {
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
             Check your iat and exp values in the JWT claim."
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    delegates: Option<Vec<String>>,
    scope: Option<Vec<String>>,
    lifetime: Option<String>,
}

/// `generateAccessToken`: an opaque token of `target` for somebody who may have it. Each of the chain of delegates,
/// the caller first, needs the permission in the project of the next.
pub(crate) fn impersonate(
    state: &mut State,
    caller: &str,
    target: &str,
    body: &[u8],
    now: Now,
) -> Result<Value, Refusal> {
    let wanted: Wanted = serde_json::from_slice(body).map_err(|error| {
        let text = format!("Invalid JSON payload received. {error}");
        rpc(400, "INVALID_ARGUMENT", &text)
    })?;
    let scopes = wanted.scope.unwrap_or_default();
    if scopes.is_empty() {
        return Err(rpc(400, "INVALID_ARGUMENT", "The scope field is required."));
    }
    let seconds = lifetime_s(wanted.lifetime.as_deref())?;
    let mut holder = caller;
    let delegates = wanted.delegates.unwrap_or_default();
    for next in delegates.iter().map(String::as_str).chain([target]) {
        let next = next.rsplit('/').next().unwrap_or_default();
        may_have_token(state, holder, next)?;
        holder = next;
    }
    let lifetime_ms = (seconds * 1000.0) as i64;
    let token = state.gcp.issue(target, scopes, now.cloud_ms + lifetime_ms);
    // The client holds this against its own clock; Python's reads whole seconds only.
    let mut expiry = timestamp((now.machine_ms + lifetime_ms) / 1000 * 1000);
    expiry.truncate("2026-01-01T00:00:00".len());
    Ok(json!({ "accessToken": token, "expireTime": format!("{expiry}Z") }))
}

fn may_have_token(state: &State, holder: &str, account: &str) -> Result<(), Refusal> {
    let permission = "iam.serviceAccounts.getAccessToken";
    let Some(project) = state.gcp.project_of(account) else {
        let text = format!("Not found; Gaia id not found for email {account}");
        return Err(rpc(404, "NOT_FOUND", &text));
    };
    if state.gce.allows(project, holder, permission) {
        return Ok(());
    }
    let text = format!("Permission '{permission}' denied on resource (or it may not exist).");
    Err(rpc(403, "PERMISSION_DENIED", &text))
}

/// Seconds out of `3600s`; an hour at most, and that when nothing is said.
fn lifetime_s(text: Option<&str>) -> Result<f64, Refusal> {
    let seconds = text.map_or(Some(3600.0), |text| text.strip_suffix('s')?.parse().ok());
    seconds
        .filter(|seconds| *seconds > 0.0 && *seconds <= 3600.0)
        .ok_or_else(|| {
            let text = "The access token lifetime cannot exceed 3600s.";
            rpc(400, "INVALID_ARGUMENT", text)
        })
}

/// A refusal in the form of the younger APIs.
fn rpc(status: u16, code: &str, message: &str) -> Refusal {
    Refusal {
        status,
        outcome: code.to_owned(),
        body: json!({ "error": { "code": status, "message": message, "status": code } }),
    }
}
