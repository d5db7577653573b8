//! The Compute Engine face: which methods there are, what they take, and who answers them.

pub mod config;
mod effect;
mod error;
mod firewall;
mod list;
mod methods;
mod network;
mod operation;
mod operation_calls;
mod overlap;
mod peering;
mod plant;
mod project;
mod rates;
mod region;
mod route;
mod schema;
pub mod state;
mod subnetwork;
mod url;
mod view;

use std::collections::BTreeMap;

use serde_json::Value;

pub use error::Error;
pub use methods::{Method, methods};
pub use region::REGIONS;

use crate::config::Config;
use crate::gce::config::{GcpConfig, GcpQuotas};
use crate::gce::effect::Effect;
use crate::gce::operation::{Failure, OpFaultKind, Operation};
use crate::gce::rates::Group;
use crate::gce::state::State;

/// A parsed request.
#[derive(Clone, Debug)]
pub struct Call {
    /// The discovery document's name without `compute.`, such as `networks.addPeering`.
    pub method: String,
    pub project: String,
    /// The other parameters of the path by the discovery document's names: `network`, `region`, `operation`…
    pub path: BTreeMap<String, String>,
    /// Without those that every method takes, such as `alt` and `key`.
    pub query: BTreeMap<String, String>,
    /// `Null` without a body.
    pub body: Value,
    /// The e-mail address of the service account that calls.
    pub principal: String,
    /// Where the cloud is served, such as `http://127.0.0.1:1234`; links begin with it.
    pub base_url: String,
}

/// What a method works on.
pub(crate) struct Context<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) config: &'a GcpConfig,
    pub(crate) call: &'a Call,
    pub(crate) now_ms: i64,
}

/// A change that a call asks for.
pub(crate) struct Change {
    pub(crate) operation_type: &'static str,
    pub(crate) target: String,
    pub(crate) target_id: u64,
    pub(crate) effect: Effect,
    /// The networks that it keeps from other peering operations.
    pub(crate) locks: Vec<String>,
    /// What it is going to fail with.
    pub(crate) failure: Option<Failure>,
}

impl Change {
    pub(crate) fn new(
        operation_type: &'static str,
        target: &str,
        target_id: u64,
        effect: Effect,
    ) -> Self {
        Change {
            operation_type,
            target: target.to_owned(),
            target_id,
            effect,
            locks: Vec::new(),
            failure: None,
        }
    }
}

/// Executes one call. Nothing but `state` changes, and on an error not even that (the rate windows apart).
///
/// # Errors
/// What the real cloud would refuse.
pub fn execute(
    state: &mut State,
    config: &Config,
    call: &Call,
    now_ms: i64,
) -> Result<Value, Error> {
    let config = &config.gcp;
    operation::settle(state, config, now_ms);
    let method = methods::find(&call.method).ok_or_else(|| {
        let text = format!("The method {} was not found.", call.method);
        Error::new(404, "notFound", text)
    })?;
    let Some(project) = state.projects.get(&call.project) else {
        let path = format!("projects/{}", call.project);
        return Err(match config.missing_project_status {
            403 => Error::forbidden(method.permission, &path),
            _ => Error::not_found(&path),
        });
    };
    let consumer = (call.project.as_str(), project.number);
    state
        .windows
        .take(&config.rates, consumer, method.group, now_ms)?;
    method.check(call)?;
    let context = &mut Context {
        state,
        config,
        call,
        now_ms,
    };
    context.allowed(method.permission, &method.resource(call))?;
    if let Some(operation) = context.repeated()? {
        return Ok(operation);
    }
    (method.run)(context)
}

/// Finishes the operations that are due.
pub fn settle(state: &mut State, config: &Config, now_ms: i64) {
    operation::settle(state, &config.gcp, now_ms);
}

/// The refusal that a call beyond its project's rate gets.
pub fn rate_limit_exceeded(state: &State, call: &Call, answer_429: bool) -> Error {
    let number = state
        .projects
        .get(&call.project)
        .map_or(0, |one| one.number);
    let group = methods::find(&call.method).map_or(Group::Read, |method| method.group);
    rates::limit_exceeded(group, number, answer_429)
}

impl Context<'_> {
    /// A parameter of the path, which the method's template has.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.call.path.get(name).map_or("", String::as_str)
    }

    pub(crate) fn quotas(&self) -> &GcpQuotas {
        let project = self.state.projects.get(&self.call.project);
        let own = project.and_then(|project| project.quotas.as_ref());
        own.unwrap_or(&self.config.quotas)
    }

    /// # Errors
    /// When the caller lacks the permission in the call's project.
    pub(crate) fn allowed(&self, permission: &str, path: &str) -> Result<(), Error> {
        let call = self.call;
        match self
            .state
            .allows(&call.project, &call.principal, permission)
        {
            true => Ok(()),
            false => Err(Error::forbidden(permission, path)),
        }
    }

    /// # Errors
    /// When an operation of one of these types, or of any without types, changes the resource right now.
    pub(crate) fn ready(&self, path: &str, types: &[&str]) -> Result<(), Error> {
        let busy = self.state.unfinished().any(|operation| {
            let counts = types.is_empty() || types.contains(&operation.operation_type.as_str());
            operation.target == path && counts
        });
        if busy {
            Err(Error::not_ready(path))
        } else {
            Ok(())
        }
    }

    /// How many resources with such paths are there or being made, checked against the quota.
    pub(crate) fn within(
        &self,
        (metric, limit): (&str, usize),
        there: usize,
        is_one: impl Fn(&Effect) -> bool,
    ) -> Result<(), Error> {
        let mine = self.state.unfinished();
        let mine = mine.filter(|one| one.project == self.call.project && !one.applied);
        let coming = mine.filter(|one| is_one(&one.effect)).count();
        if there + coming >= limit {
            return Err(Error::quota(metric, limit));
        }
        Ok(())
    }

    /// The name of the request as operations know it.
    fn request(&self) -> Option<String> {
        let id = self.call.query.get("requestId")?.to_ascii_lowercase();
        Some(format!("{}/{}/{id}", self.call.project, self.call.method))
    }

    /// The operation that the same request has begun before.
    fn repeated(&self) -> Result<Option<Value>, Error> {
        if let Some(id) = self.call.query.get("requestId").filter(|id| !is_uuid(id)) {
            let rule = "Must be a valid UUID that is not zero.";
            return Err(Error::invalid("requestId", id, rule));
        }
        let path = self.request().and_then(|id| self.state.requests.get(&id));
        let operation = path.and_then(|path| self.state.operations.get(path));
        Ok(operation.map(|one| one.view(self.config, &self.call.base_url, self.now_ms)))
    }

    /// Begins an operation, and answers with it.
    pub(crate) fn begin(&mut self, change: Change) -> Value {
        let delay_ms = match change.locks.is_empty() {
            true => self.config.operation_ms,
            false => self.config.peering_operation_ms,
        };
        let id = self.state.next_id();
        let request = self.request();
        let failure = change.failure.map(|failure| OpFaultKind::Fail {
            code: failure.code,
            message: failure.message,
        });
        let mut operation = Operation {
            id,
            name: format!(
                "operation-{}-{:013x}-{:08x}-{:08x}",
                self.now_ms,
                id >> 12,
                self.state.next_id() as u32,
                id as u32
            ),
            project: self.call.project.clone(),
            region: self.call.path.get("region").cloned(),
            operation_type: change.operation_type.to_owned(),
            target: change.target,
            target_id: change.target_id,
            user: self.call.principal.clone(),
            request_id: self.call.query.get("requestId").cloned(),
            insert_ms: self.now_ms,
            due_ms: self.now_ms + delay_ms,
            done: false,
            failure: None,
            locks: change.locks,
            fault: failure,
            effect: change.effect,
            applied: false,
            seq: self.state.last_id,
        };
        operation.take_fault(self.state);
        operation::begin(self.state, self.config, operation, request, self.now_ms).view(
            self.config,
            &self.call.base_url,
            self.now_ms,
        )
    }
}

/// Whether it is a UUID other than zero.
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let digits = text.chars().filter(|c| *c != '-');
    lengths.eq([8, 4, 4, 4, 12])
        && digits.clone().all(|c| c.is_ascii_hexdigit())
        && digits.clone().any(|c| c != '0')
}
