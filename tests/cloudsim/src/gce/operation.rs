//! Operations: a change that has been asked for, from then until it is `DONE`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ec2::wildcard;
use crate::gce::config::GcpConfig;
use crate::gce::effect::{self, Effect};
use crate::gce::state::State;
use crate::gce::url::{self, link};
use crate::gce::view::timestamp;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    pub id: u64,
    pub name: String,
    pub project: String,
    pub region: Option<String>,
    /// Such as `insert` or `addPeering`.
    pub operation_type: String,
    /// The path of what it changes.
    pub target: String,
    pub target_id: u64,
    pub user: String,
    pub request_id: Option<String>,
    pub insert_ms: i64,
    pub due_ms: i64,
    pub done: bool,
    pub failure: Option<Failure>,
    /// The networks on which no other peering operation may begin before this one is `DONE`.
    pub locks: Vec<String>,
    pub fault: Option<OpFaultKind>,
    pub(crate) effect: Effect,
    pub(crate) applied: bool,
    /// The order in which operations began.
    pub(crate) seq: u64,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

/// What is to go wrong with operations that begin from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpFault {
    /// An operation type such as `addPeering`, or a pattern.
    #[serde(default = "any")]
    pub operation_type: String,
    /// A project, or a pattern.
    #[serde(default = "any")]
    pub project: String,
    pub kind: OpFaultKind,
    /// How many operations it hits; `None` is until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpFaultKind {
    /// Ends with this error and changes nothing.
    Fail { code: String, message: String },
    /// Never ends, until the fault is cleared.
    Hang,
    /// Cannot be found; `effect` says whether it changes something all the same.
    Vanish { effect: bool },
}

/// An operation that became `DONE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finished {
    pub name: String,
    pub operation_type: String,
    pub project: String,
    /// The path of what it changed.
    pub target: String,
    /// The error code, if it failed.
    pub error: Option<String>,
    pub time_ms: i64,
}

fn any() -> String {
    "*".to_owned()
}

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Failure {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn in_use(path: &str, by: &str) -> Self {
        let text = format!("The network resource '{path}' is already being used by '{by}'");
        Failure::new("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", text)
    }

    /// The HTTP status and text that the operation shows beside it.
    fn http(&self) -> (u16, &'static str) {
        match self.code.as_str() {
            "QUOTA_EXCEEDED" => (403, "FORBIDDEN"),
            "RESOURCE_NOT_FOUND" => (404, "NOT FOUND"),
            "RESOURCE_ALREADY_EXISTS" => (409, "CONFLICT"),
            "INTERNAL_ERROR" => (500, "INTERNAL SERVER ERROR"),
            "SERVICE_UNAVAILABLE" => (503, "SERVICE UNAVAILABLE"),
            _ => (400, "BAD REQUEST"),
        }
    }
}

impl Operation {
    pub(crate) fn path(&self) -> String {
        url::operation(&self.project, self.region.as_deref(), &self.name)
    }

    pub(crate) fn hangs(&self) -> bool {
        self.fault == Some(OpFaultKind::Hang)
    }

    /// Whether a call can find it.
    pub(crate) fn is_seen(&self) -> bool {
        !matches!(self.fault, Some(OpFaultKind::Vanish { .. }))
    }

    fn status(&self, config: &GcpConfig, now_ms: i64) -> &'static str {
        match () {
            () if self.done => "DONE",
            () if now_ms < self.insert_ms + config.pending_ms => "PENDING",
            () => "RUNNING",
        }
    }

    /// As the cloud shows it.
    pub(crate) fn view(&self, config: &GcpConfig, base_url: &str, now_ms: i64) -> Value {
        let status = self.status(config, now_ms);
        let mut view = json!({
            "kind": "compute#operation",
            "id": self.id.to_string(),
            "name": self.name,
            "operationType": self.operation_type,
            "status": status,
            "progress": if self.done { 100 } else { 0 },
            "user": self.user,
            "insertTime": timestamp(self.insert_ms),
            "targetLink": link(base_url, &self.target),
            "targetId": self.target_id.to_string(),
            "selfLink": link(base_url, &self.path()),
        });
        let mut put = |name: &str, value: Value| view[name] = value;
        if let Some(region) = &self.region {
            let path = format!("projects/{}/regions/{region}", self.project);
            put("region", json!(link(base_url, &path)));
        }
        if let Some(request_id) = &self.request_id {
            put("clientOperationId", json!(request_id));
        }
        if status != "PENDING" {
            put(
                "startTime",
                json!(timestamp(self.insert_ms + config.pending_ms)),
            );
        }
        if self.done {
            put("endTime", json!(timestamp(self.due_ms)));
        }
        if let Some(failure) = self.failure.as_ref().filter(|_| self.done) {
            let (status, text) = failure.http();
            let detail = json!({ "code": failure.code, "message": failure.message });
            put("error", json!({ "errors": [detail] }));
            put("httpErrorStatusCode", json!(status));
            put("httpErrorMessage", json!(text));
        }
        view
    }

    /// Takes the fault that waits for it, unless it has one.
    pub(crate) fn take_fault(&mut self, state: &mut State) {
        let fits = |fault: &&mut OpFault| {
            wildcard(&fault.operation_type, &self.operation_type)
                && wildcard(&fault.project, &self.project)
        };
        if self.fault.is_none()
            && let Some(fault) = state.op_faults.iter_mut().find(fits)
        {
            fault.times = fault.times.map(|times| times.saturating_sub(1));
            self.fault = Some(fault.kind.clone());
            state.op_faults.retain(|fault| fault.times != Some(0));
        }
    }

    /// Does what was asked for, unless that is done or must not be.
    fn apply(&mut self, state: &mut State, config: &GcpConfig, now_ms: i64) {
        if self.applied {
            return;
        }
        self.applied = true;
        self.failure = match &self.fault {
            Some(OpFaultKind::Fail { code, message }) => Some(Failure::new(code, message)),
            Some(OpFaultKind::Vanish { effect: false }) => None,
            _ => effect::apply(state, config, &self.target, &self.effect, now_ms).err(),
        };
    }
}

/// Puts a new operation on record, under the name of the request that began it.
pub(crate) fn begin<'a>(
    state: &'a mut State,
    config: &GcpConfig,
    mut operation: Operation,
    request: Option<String>,
    now_ms: i64,
) -> &'a Operation {
    if config.effect_before_done && !operation.hangs() {
        operation.apply(state, config, now_ms);
    }
    let path = operation.path();
    if let Some(request) = request {
        state.requests.insert(request, path.clone());
    }
    state.unfinished.insert(path.clone());
    state.operations.entry(path).or_insert(operation)
}

/// Finishes the operations that are due, each at its own time.
pub(crate) fn settle(state: &mut State, config: &GcpConfig, now_ms: i64) {
    let mut due = Vec::new();
    for path in &state.unfinished {
        let operation = &state.operations[path];
        if !operation.hangs() && operation.due_ms <= now_ms {
            due.push((operation.due_ms, operation.seq, path.clone()));
        }
    }
    due.sort();
    for (due_ms, _, path) in due {
        let Some(mut operation) = state.operations.remove(&path) else {
            continue;
        };
        operation.apply(state, config, due_ms);
        operation.done = true;
        state.finished.push(Finished {
            name: operation.name.clone(),
            operation_type: operation.operation_type.clone(),
            project: operation.project.clone(),
            target: operation.target.clone(),
            error: operation
                .failure
                .as_ref()
                .map(|failure| failure.code.clone()),
            time_ms: due_ms,
        });
        state.unfinished.remove(&path);
        state.operations.insert(path, operation);
    }
}

impl State {
    /// Forgets the operation faults; what hangs goes on and is due at `now_ms`, what vanished stays away.
    pub fn clear_op_faults(&mut self, now_ms: i64) {
        self.op_faults.clear();
        for operation in self.operations.values_mut().filter(|one| one.hangs()) {
            operation.fault = None;
            operation.due_ms = operation.due_ms.max(now_ms);
        }
    }

    /// The operations that are not `DONE`.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &Operation> {
        self.unfinished.iter().map(|path| &self.operations[path])
    }
}
