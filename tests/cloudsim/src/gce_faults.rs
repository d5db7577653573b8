//! What a fault makes Google's services say.

use crate::faults::FaultKind;
use crate::gce::state::State;
use crate::gce::{self, Call, Error, Method};
use crate::gce_auth;

/// The refusal that takes the place of an answer, if the fault is one; worded for the call of Compute Engine, or for a
/// service that gives out tokens.
pub(crate) fn refusal(
    kind: FaultKind,
    state: &State,
    call: Option<(&Method, &Call)>,
) -> Option<Error> {
    match kind {
        FaultKind::Throttle => Some(throttled(state, call, 403)),
        FaultKind::Throttle429 => Some(throttled(state, call, 429)),
        FaultKind::Error500 => {
            let text = "Internal error. Please try again or contact Google Support. (Code: 'SIM')";
            Some(Error::new(500, "internalError", text))
        }
        FaultKind::Unavailable503 => {
            let text = "The service is currently unavailable.";
            Some(Error::new(503, "backendError", text))
        }
        FaultKind::AuthError => Some(gce_auth::invalid_credentials()),
        FaultKind::Unauthorized => Some(match call {
            Some((method, call)) => Error::forbidden(method.permission, &method.resource(call)),
            None => Error::new(403, "forbidden", "The caller does not have permission"),
        }),
        _ => None,
    }
}

fn throttled(state: &State, call: Option<(&Method, &Call)>, status: u16) -> Error {
    match call {
        Some((_, call)) => gce::rate_limit_exceeded(state, call, status == 429),
        None => Error::new(status, "rateLimitExceeded", "Rate Limit Exceeded"),
    }
}
