//! The pure core: a call by somebody at some time, over a state.

use serde::{Deserialize, Serialize};
use thiserror::Error as ThisError;

use crate::config::Config;
use crate::ec2;
use crate::ec2::xml::Node;
use crate::gce;
use crate::gce_token::Identities;
use crate::rates::Buckets;
use crate::sts::{self, Sessions};

/// Everything the simulated cloud knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub config: Config,
    pub ec2: ec2::state::State,
    pub gce: gce::state::State,
    /// Who may call Google's services.
    pub gcp: Identities,
    pub sts: Sessions,
    #[serde(skip)]
    pub(crate) buckets: Buckets,
}

/// Who calls, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Caller {
    pub account: String,
    pub region: String,
}

impl Caller {
    pub fn new(account: &str, region: &str) -> Self {
        Caller {
            account: account.to_owned(),
            region: region.to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Ec2,
    Sts,
}

/// A parsed request.
#[derive(Clone, Debug)]
pub struct Call {
    pub service: Service,
    pub action: String,
    pub query: ec2::query::Query,
    /// The ARN of whoever signed it.
    pub principal: String,
}

/// What a successful call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(pub Vec<Node>);

/// A refusal, with the HTTP status the real cloud gives it.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("{code}: {message}")]
pub struct Error {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Error {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        let status = match code {
            "AuthFailure" => 401,
            "MissingAuthenticationToken"
            | "UnauthorizedOperation"
            | "AccessDenied"
            | "ExpiredToken" => 403,
            "InvalidClientTokenId" | "SignatureDoesNotMatch" => 403,
            "DryRunOperation" => 412,
            "InternalError" => 500,
            "RequestLimitExceeded" | "Unavailable" => 503,
            _ => 400,
        };
        Error {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

impl State {
    /// An empty cloud.
    pub fn new(config: Config, seed: u64) -> Self {
        let mut state = State {
            config,
            ..State::default()
        };
        state.ec2.seed = seed;
        state.gce.seed = seed;
        state
    }
}

/// Executes one call. Nothing but `state` changes, and on an error not even that (the rate buckets apart).
///
/// # Errors
/// What the real cloud would refuse.
pub fn cloud(
    state: &mut State,
    caller: &Caller,
    call: &Call,
    now_ms: i64,
) -> Result<Answer, Error> {
    match call.service {
        Service::Ec2 => {
            state
                .buckets
                .take(&state.config.rates, caller, &call.action, now_ms)?;
            ec2::execute(&mut state.ec2, &state.config, caller, call, now_ms)
        }
        Service::Sts => sts::execute(state, caller, call, now_ms),
    }
}
