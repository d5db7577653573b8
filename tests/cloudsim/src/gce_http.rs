//! A request's way to Compute Engine: which method it calls, who calls, what a fault leaves of it, and its record.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::calls::CallRecord;
use crate::faults::FaultKind;
use crate::gce::{self, Call, Error, Method};
use crate::gce_auth::{self, Refusal};
use crate::gce_faults;
use crate::world::{Face, Reply, World};

/// What every method takes and nothing here depends on.
const STANDARD_QUERY: [&str; 9] = [
    "$alt",
    "$apiVersion",
    "$prettyPrint",
    "$.xgafv",
    "alt",
    "key",
    "prettyPrint",
    "quotaUser",
    "userIp",
];

/// A request as it came.
pub(crate) struct Request<'a> {
    pub(crate) verb: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) host: Option<&'a str>,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// Where a path leads.
enum Target {
    Compute(&'static Method, BTreeMap<String, String>),
    Token,
    /// `generateAccessToken` of the account with this e-mail address.
    Impersonate(String),
}

impl World {
    /// Executes one request to Google, or what its fault leaves of it.
    pub(crate) fn handle_google(&mut self, request: &Request<'_>) -> Reply {
        self.settle_gce();
        match target(request.verb, request.path) {
            Some(Target::Compute(method, path)) => self.compute(method, path, request),
            Some(Target::Token) => self.exchange(request),
            Some(Target::Impersonate(email)) => self.impersonate(&email, request),
            None => {
                let wanted = format!("{} {}", request.verb, request.path);
                let record = self.record("", "", &wanted);
                let text = format!("cloudsim has no {wanted}");
                self.refuse(record, Error::new(501, "notImplemented", text).into())
            }
        }
    }

    fn compute(
        &mut self,
        method: &'static Method,
        mut path: BTreeMap<String, String>,
        request: &Request<'_>,
    ) -> Reply {
        let changes = request.verb != "GET" && !method.name.ends_with(".wait");
        let project = path.remove("project").unwrap_or_default();
        let query = parse_form(request.query.as_bytes());
        let body = parse_body(request.body);
        let mut call = Call {
            method: method.name.to_owned(),
            project,
            path,
            query: query.clone(),
            body: body.as_ref().map_or(Value::Null, Value::clone),
            principal: String::new(),
            base_url: self.base_url.clone(),
        };
        call.query
            .retain(|name, _| !STANDARD_QUERY.contains(&name.as_str()));
        let record = self.compute_record(&call);
        let (identities, now) = (&mut self.state.gcp, self.clock.both());
        let scopes: &[&str] = match changes {
            true => &["compute"],
            false => &["compute", "compute.readonly"],
        };
        match gce_auth::caller(identities, request.authorization, "compute", scopes, now) {
            Ok(bearer) => call.principal = bearer.email,
            Err(error) => return self.refuse(record, error.into()),
        }
        self.finish(record, changes, Some((method, &call)), |world| {
            body?;
            check_format(&query)?;
            let (state, config) = (&mut world.state.gce, &world.state.config);
            Ok(gce::execute(state, config, &call, now.cloud_ms)?)
        })
    }

    fn compute_record(&self, call: &Call) -> CallRecord {
        let mut record = self.record("compute", &call.project, &call.method);
        record.region = call.path.get("region").cloned().unwrap_or_default();
        flatten("", &call.body, &mut record.params);
        record.params.extend(call.query.clone());
        record.params.extend(call.path.clone());
        record
    }

    fn exchange(&mut self, request: &Request<'_>) -> Reply {
        let form = parse_form(request.body);
        let mut record = self.record("oauth2", "", "token");
        record.params = form.clone();
        record.params.remove("assertion");
        let now = self.clock.both();
        let host = request.host.unwrap_or_default();
        let here = [
            format!("http://{host}/token"),
            format!("{}/token", self.base_url),
        ];
        self.finish(record, true, None, |world| {
            gce_auth::exchange(&mut world.state.gcp, &form, &here, now)
        })
    }

    fn impersonate(&mut self, target: &str, request: &Request<'_>) -> Reply {
        let now = self.clock.both();
        let project = self.state.gcp.project_of(target).unwrap_or_default();
        let project = project.to_owned();
        let mut record = self.record("iamcredentials", &project, "generateAccessToken");
        let named = ("serviceAccount".to_owned(), target.to_owned());
        record.params.extend([named]);
        let authorization = request.authorization;
        let identities = &mut self.state.gcp;
        let caller = gce_auth::caller(identities, authorization, "iamcredentials", &["iam"], now);
        let caller = match caller {
            Ok(bearer) => bearer.email,
            Err(error) => return self.refuse(record, error.into()),
        };
        self.finish(record, true, None, |world| {
            gce_auth::impersonate(&mut world.state, &caller, target, request.body, now)
        })
    }

    fn record(&self, service: &str, project: &str, action: &str) -> CallRecord {
        CallRecord {
            time_ms: self.clock.now_ms(),
            service: service.to_owned(),
            account: project.to_owned(),
            action: action.to_owned(),
            ..CallRecord::default()
        }
    }

    /// Executes a call of somebody who is known, unless its fault is against it, and logs it.
    fn finish(
        &mut self,
        mut record: CallRecord,
        changes: bool,
        call: Option<(&Method, &Call)>,
        execute: impl FnOnce(&mut World) -> Result<Value, Refusal>,
    ) -> Reply {
        let fault = self
            .faults
            .take(&record.action, &record.account, &record.region);
        record.fault = fault;
        let is_executed = fault.is_none_or(FaultKind::executes);
        let refusal = fault.and_then(|kind| gce_faults::refusal(kind, &self.state.gce, call));
        if let Some(error) = refusal {
            return self.refuse(record, error.into());
        }
        if !is_executed {
            record.outcome = "not executed".to_owned();
            self.calls.add(record);
            return reply(200, String::new(), fault, false);
        }
        match execute(self) {
            Ok(answer) => {
                record.outcome = "ok".to_owned();
                record.operation = begun_operation(&answer, changes);
                self.calls.add(record);
                reply(200, answer.to_string(), fault, changes)
            }
            Err(refusal) => self.refuse(record, refusal),
        }
    }

    fn refuse(&mut self, mut record: CallRecord, refusal: Refusal) -> Reply {
        record.outcome = refusal.outcome;
        let fault = record.fault;
        self.calls.add(record);
        reply(refusal.status, refusal.body.to_string(), fault, false)
    }

    /// Lets the operations end that are due, and logs each at the time it ended.
    pub(crate) fn settle_gce(&mut self) {
        let now_ms = self.clock.now_ms();
        gce::settle(&mut self.state.gce, &self.state.config, now_ms);
        for done in self.state.gce.take_finished() {
            let mut record = self.record("compute", &done.project, "operation.done");
            record.time_ms = done.time_ms;
            record.operation = done.name;
            record.outcome = done.error.unwrap_or_else(|| "ok".to_owned());
            record.params = BTreeMap::from([
                ("operationType".to_owned(), done.operation_type),
                ("target".to_owned(), done.target),
            ]);
            self.calls.add(record);
        }
    }
}

fn reply(status: u16, body: String, fault: Option<FaultKind>, has_changed: bool) -> Reply {
    Reply {
        status,
        body,
        fault,
        has_changed,
        face: Face::Google,
    }
}

/// The operation that a call began; a call that only looks at one began none.
fn begun_operation(answer: &Value, changes: bool) -> String {
    let is_begun = changes && answer["kind"] == "compute#operation";
    let name = answer["name"].as_str().filter(|_| is_begun);
    name.unwrap_or_default().to_owned()
}

fn target(verb: &str, path: &str) -> Option<Target> {
    if let Some(path) = path.strip_prefix("/compute/v1/") {
        let parts: Vec<&str> = path.split('/').collect();
        return gce::methods()
            .iter()
            .filter(|method| method.verb == verb)
            .find_map(|method| Some(Target::Compute(method, fit(method.path, &parts)?)));
    }
    if (verb, path) == ("POST", "/token") {
        return Some(Target::Token);
    }
    let account = path.strip_prefix("/v1/projects/-/serviceAccounts/")?;
    let email = account.strip_suffix(":generateAccessToken")?;
    (verb == "POST" && !email.contains('/')).then(|| Target::Impersonate(unescape(email)))
}

/// The parameters of a path, if it has the form of the template.
fn fit(template: &str, parts: &[&str]) -> Option<BTreeMap<String, String>> {
    let wanted: Vec<&str> = template.split('/').collect();
    if wanted.len() != parts.len() {
        return None;
    }
    let mut found = BTreeMap::new();
    for (wanted, part) in wanted.into_iter().zip(parts) {
        let name = wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'));
        match name {
            Some(name) => found.insert(name.to_owned(), unescape(part)),
            None if wanted == *part => None,
            None => return None,
        };
    }
    Some(found)
}

/// A part of a path with its percent signs resolved.
fn unescape(part: &str) -> String {
    let form = part.replace('+', "%2B");
    let pair = url::form_urlencoded::parse(form.as_bytes()).next();
    pair.map_or_else(String::new, |(text, _)| text.into_owned())
}

fn parse_form(bytes: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

fn parse_body(bytes: &[u8]) -> Result<Value, Error> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Error::new(400, "parseError", format!("Parse Error: {error}")))
}

fn check_format(query: &BTreeMap<String, String>) -> Result<(), Error> {
    let format = query.get("$alt").or(query.get("alt"));
    match format.and_then(|format| format.split(';').next()) {
        None | Some("json") => Ok(()),
        Some(other) => {
            let text = format!("cloudsim answers json, not {other}.");
            Err(Error::new(400, "invalidParameter", text))
        }
    }
}

/// `{"a": {"b": [1]}}` as `a.b.0` = `1`.
fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let name = |key: &str| match prefix {
        "" => key.to_owned(),
        _ => format!("{prefix}.{key}"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(&name(key), value, into);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                flatten(&name(&n.to_string()), value, into);
            }
        }
        Value::String(text) => {
            into.insert(prefix.to_owned(), text.clone());
        }
        Value::Bool(_) | Value::Number(_) => {
            into.insert(prefix.to_owned(), value.to_string());
        }
    }
}
