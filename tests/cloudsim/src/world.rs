//! The cloud with what surrounds it in one process: clock, faults, log of calls; and a request's way through them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::auth;
use crate::calls::Calls;
use crate::cloud::{self, Call, Caller, Error, Service, State};
use crate::config::Config;
use crate::ec2::query::Query;
use crate::ec2::xml;
use crate::faults::{FaultKind, Faults};
use crate::sts;
use crate::time::Clock;

/// More bytes than any client should read of one answer.
const OVERSIZE: usize = 16 << 20;

/// Shared by the server, the handle and the task that saves.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) changed: Notify,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn new(world: World) -> Self {
        Shared {
            world: Mutex::new(world),
            changed: Notify::new(),
            stop: CancellationToken::new(),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) state: State,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
    /// Where it is served, such as `http://127.0.0.1:1234`.
    pub(crate) base_url: String,
    /// What a reset goes back to.
    first_config: Config,
}

/// What is kept in the file.
#[derive(Serialize, Deserialize)]
struct Saved {
    clock: Clock,
    state: State,
}

/// A request to AWS as it came.
pub(crate) struct Request<'a> {
    pub(crate) authorization: Option<&'a str>,
    pub(crate) token: Option<&'a str>,
    pub(crate) body: &'a [u8],
    pub(crate) id: &'a str,
}

/// An answer to be written, and the fault on the way, if any.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) fault: Option<FaultKind>,
    pub(crate) has_changed: bool,
    pub(crate) face: Face,
}

/// Whose manner an answer is written in.
#[derive(Clone, Copy)]
pub(crate) enum Face {
    Aws,
    Google,
}

impl World {
    pub(crate) fn new(config: Config, seed: u64) -> Self {
        let mut world = World {
            clock: Clock::default(),
            state: State::new(config.clone(), seed),
            faults: Faults::default(),
            calls: Calls::default(),
            base_url: String::new(),
            first_config: config,
        };
        world.put_first_projects();
        world
    }

    /// Makes Google's projects that the configuration names.
    fn put_first_projects(&mut self) {
        for project in &self.first_config.gcp.projects {
            self.state.gce.put_project(project, None);
        }
    }

    /// Goes on where `file` ended, if it exists; the configuration stays the given one.
    pub(crate) fn load(&mut self, file: &Path) -> std::io::Result<()> {
        let bytes = match std::fs::read(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        let saved: Saved = serde_json::from_slice(&bytes)?;
        self.clock = saved.clock;
        self.state = saved.state;
        self.state.config = self.first_config.clone();
        self.put_first_projects();
        Ok(())
    }

    pub(crate) fn save(&self) -> serde_json::Result<Vec<u8>> {
        let (clock, state) = (self.clock, self.state.clone());
        serde_json::to_vec(&Saved { clock, state })
    }

    pub(crate) fn reset(&mut self) {
        let seed = self.state.ec2.seed;
        let base_url = std::mem::take(&mut self.base_url);
        *self = World::new(self.first_config.clone(), seed);
        self.base_url = base_url;
    }

    /// Lets what is due happen, for those who look past the API.
    pub(crate) fn settle(&mut self) {
        let now_ms = self.clock.now_ms();
        crate::ec2::peering::settle(&mut self.state.ec2, &self.state.config, now_ms);
        self.settle_gce();
    }

    /// Executes one request to AWS, or what its fault leaves of it.
    pub(crate) fn handle(&mut self, request: &Request<'_>) -> Reply {
        let mut params: BTreeMap<String, String> = url::form_urlencoded::parse(request.body)
            .into_owned()
            .collect();
        let action = params.remove("Action").unwrap_or_default();
        let version = params.remove("Version");
        let query = Query::new(params);
        let now_ms = self.clock.now_ms();
        let (authorization, token) = (request.authorization, request.token);
        match auth::identify(authorization, token, &self.state.sts, now_ms) {
            Ok(identity) => {
                let call = Call {
                    service: identity.service,
                    action,
                    query,
                    principal: identity.principal,
                };
                self.answer(&identity.caller, &call, version.as_deref(), request.id)
            }
            Err(error) => {
                let outcome = (error.code.as_str(), None);
                self.calls
                    .push(now_ms, None, &action, query.params(), outcome);
                let service = match version.as_deref() {
                    Some("2011-06-15") => Service::Sts,
                    _ => Service::Ec2,
                };
                refusal(service, &error, request.id, None)
            }
        }
    }

    /// Executes a call of somebody who is known, and logs it.
    fn answer(&mut self, caller: &Caller, call: &Call, version: Option<&str>, id: &str) -> Reply {
        let now_ms = self.clock.now_ms();
        let fault = self
            .faults
            .take(&call.action, &caller.account, &caller.region);
        let is_executed = fault.is_none_or(FaultKind::executes);
        let result = match fault.and_then(FaultKind::refusal) {
            Some(error) => Err(error),
            None if !is_executed => Ok(None),
            None => check_version(call, version)
                .and_then(|()| cloud::cloud(&mut self.state, caller, call, now_ms))
                .map(Some),
        };
        let outcome = match &result {
            Ok(Some(_)) => "ok",
            Ok(None) => "not executed",
            Err(error) => &error.code,
        };
        let by = Some((caller, call.service));
        self.calls.push(
            now_ms,
            by,
            &call.action,
            call.query.params(),
            (outcome, fault),
        );
        let nodes = match result {
            Ok(answer) => answer.map(|answer| answer.0).unwrap_or_default(),
            Err(error) => return refusal(call.service, &error, id, fault),
        };
        let mut body = match call.service {
            Service::Ec2 => xml::response(&call.action, id, &nodes),
            Service::Sts => sts::response(&call.action, id, &nodes),
        };
        if is_oversize(fault, call) {
            body.push_str(&" ".repeat(OVERSIZE));
        }
        Reply {
            status: 200,
            body,
            fault,
            has_changed: is_executed && !call.action.starts_with("Describe"),
            face: Face::Aws,
        }
    }
}

/// Whether a fault makes the answer too large.
fn is_oversize(fault: Option<FaultKind>, call: &Call) -> bool {
    let size = call.query.get("MaxResults");
    let size = size.and_then(|size| size.parse::<u32>().ok());
    matches!((fault, size), (Some(FaultKind::Oversize { above }), Some(size)) if size > above)
}

fn refusal(service: Service, error: &Error, request_id: &str, fault: Option<FaultKind>) -> Reply {
    let body = match service {
        Service::Ec2 => xml::failure(&error.code, &error.message, request_id),
        Service::Sts => sts::failure(error, request_id),
    };
    Reply {
        status: error.status,
        body,
        fault,
        has_changed: false,
        face: Face::Aws,
    }
}

fn check_version(call: &Call, version: Option<&str>) -> Result<(), Error> {
    if call.action.is_empty() {
        return Err(Error::new(
            "MissingAction",
            "The request is missing the Action parameter",
        ));
    }
    let (spoken, name) = match call.service {
        Service::Ec2 => ("2016-11-15", "AmazonEC2"),
        Service::Sts => ("2011-06-15", "AWSSecurityTokenService"),
    };
    match version {
        Some(version) if version == spoken => Ok(()),
        Some(version) => {
            let text =
                format!("The requested version ({version}) of service {name} does not exist");
            Err(Error::new("NoSuchVersion", text))
        }
        None => Err(Error::new(
            "MissingParameter",
            "The request must contain the parameter Version",
        )),
    }
}
