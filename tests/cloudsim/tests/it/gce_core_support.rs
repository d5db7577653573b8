//! A cloud with two projects and a clock, and short ways to call it.

use std::collections::BTreeMap;

use cloudsim::Config;
use cloudsim::gce::state::{OpFault, OpFaultKind, State};
use cloudsim::gce::{Call, Error, execute, settle};
use serde_json::{Value, json};

pub(crate) const VENDOR: &str = "vendor";
pub(crate) const CUSTOMER: &str = "customer";
pub(crate) const ROBOT: &str = "robot@vendor.iam.gserviceaccount.com";
pub(crate) const REGION: &str = "europe-west1";
pub(crate) const BASE: &str = "http://127.0.0.1:1";
/// 2026-05-01T00:00:00Z.
pub(crate) const START_MS: i64 = 1_777_593_600_000;

pub(crate) struct Cloud {
    pub(crate) state: State,
    pub(crate) config: Config,
    pub(crate) now_ms: i64,
}

/// Both projects, in which the robot may do everything.
pub(crate) fn cloud() -> Cloud {
    let mut state = State::new(42);
    state.set_permissions(VENDOR, ROBOT, &["compute.*"]);
    state.set_permissions(CUSTOMER, ROBOT, &["*"]);
    Cloud {
        state,
        config: Config::default(),
        now_ms: START_MS,
    }
}

/// With a network `n` of the vendor.
pub(crate) fn with_network() -> Cloud {
    let mut cloud = cloud();
    cloud.network(VENDOR, "n");
    cloud
}

pub(crate) fn custom(name: &str) -> Value {
    json!({ "name": name, "autoCreateSubnetworks": false })
}

pub(crate) fn half(name: &str, project: &str, network: &str) -> Value {
    let network = format!("projects/{project}/global/networks/{network}");
    json!({ "networkPeering": { "name": name, "network": network, "exchangeSubnetRoutes": true } })
}

/// With the vendor's network `v` and the customer's `c`.
pub(crate) fn both() -> Cloud {
    let mut cloud = cloud();
    cloud.network(VENDOR, "v");
    cloud.network(CUSTOMER, "c");
    cloud
}

/// Puts both halves in place; what comes back is about the second.
pub(crate) fn connect(
    cloud: &mut Cloud,
    name: &str,
    (project, network): (&str, &str),
    (peer_project, peer): (&str, &str),
) -> Result<(), (String, String)> {
    let there = cloud.done(
        "networks.addPeering",
        project,
        &[("network", network)],
        half(name, peer_project, peer),
    );
    there.unwrap();
    cloud.done(
        "networks.addPeering",
        peer_project,
        &[("network", peer)],
        half(name, project, network),
    )
}

/// The states of a network's halves.
pub(crate) fn state(cloud: &mut Cloud, project: &str, network: &str) -> String {
    let states = cloud.peering_states(project, network);
    states
        .into_iter()
        .map(|(_, state)| state)
        .collect::<Vec<_>>()
        .join(" ")
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn map(pairs: Pairs<'_>) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

impl Cloud {
    pub(crate) fn call(
        &mut self,
        method: &str,
        project: &str,
        path: Pairs<'_>,
        query: Pairs<'_>,
        body: Value,
    ) -> Result<Value, Error> {
        let call = Call {
            method: method.to_owned(),
            project: project.to_owned(),
            path: map(path),
            query: map(query),
            body,
            principal: ROBOT.to_owned(),
            base_url: BASE.to_owned(),
        };
        execute(&mut self.state, &self.config, &call, self.now_ms)
    }

    pub(crate) fn ok_with(
        &mut self,
        method: &str,
        project: &str,
        path: Pairs<'_>,
        query: Pairs<'_>,
        body: Value,
    ) -> Value {
        self.call(method, project, path, query, body).unwrap()
    }

    pub(crate) fn ok(
        &mut self,
        method: &str,
        project: &str,
        path: Pairs<'_>,
        body: Value,
    ) -> Value {
        self.ok_with(method, project, path, &[], body)
    }

    pub(crate) fn error_with(
        &mut self,
        method: &str,
        project: &str,
        path: Pairs<'_>,
        query: Pairs<'_>,
        body: Value,
    ) -> Error {
        self.call(method, project, path, query, body).unwrap_err()
    }

    /// The status and the reason of the refusal.
    pub(crate) fn refused(
        &mut self,
        method: &str,
        project: &str,
        path: Pairs<'_>,
        body: Value,
    ) -> (u16, String) {
        let error = self.error_with(method, project, path, &[], body);
        (error.status, error.reason)
    }

    pub(crate) fn settle_after(&mut self, ms: i64) {
        self.now_ms += ms;
        settle(&mut self.state, &self.config, self.now_ms);
    }

    /// Calls, and waits for the operation. `Err` is the code of its error.
    pub(crate) fn done(
        &mut self,
        method: &str,
        project: &str,
        path: Pairs<'_>,
        body: Value,
    ) -> Result<(), (String, String)> {
        let operation = self.ok(method, project, path, body);
        self.settle_after(1000);
        let operation = self.look(project, &operation);
        assert_eq!(operation["status"], "DONE");
        let text = |name| {
            operation["error"]["errors"][0][name]
                .as_str()
                .map(str::to_owned)
        };
        match (text("code"), text("message")) {
            (Some(code), Some(message)) => Err((code, message)),
            _ => Ok(()),
        }
    }

    /// The operation as it is now.
    pub(crate) fn look(&mut self, project: &str, operation: &Value) -> Value {
        let name = operation["name"].as_str().unwrap();
        match operation["region"].as_str() {
            Some(region) => {
                let region = region.rsplit('/').next().unwrap();
                let path = [("region", region), ("operation", name)];
                self.ok("regionOperations.get", project, &path, Value::Null)
            }
            None => self.ok(
                "globalOperations.get",
                project,
                &[("operation", name)],
                Value::Null,
            ),
        }
    }

    pub(crate) fn network(&mut self, project: &str, name: &str) {
        self.done("networks.insert", project, &[], custom(name))
            .unwrap();
    }

    /// A subnetwork called like its range.
    pub(crate) fn subnetwork(&mut self, project: &str, network: &str, cidr: &str) {
        let name = format!("s-{}", cidr.replace(['.', '/'], "-"));
        let network = format!("projects/{project}/global/networks/{network}");
        let body = json!({ "name": name, "network": network, "ipCidrRange": cidr });
        self.done("subnetworks.insert", project, &[("region", REGION)], body)
            .unwrap();
    }

    pub(crate) fn get_network(&mut self, project: &str, name: &str) -> Value {
        self.ok("networks.get", project, &[("network", name)], Value::Null)
    }

    pub(crate) fn fault(&mut self, operation_type: &str, kind: OpFaultKind, times: u32) {
        self.state.op_faults.push(OpFault {
            operation_type: operation_type.to_owned(),
            project: "*".to_owned(),
            kind,
            times: Some(times),
        });
    }

    /// Names and states of a network's halves.
    pub(crate) fn peering_states(&mut self, project: &str, network: &str) -> Vec<(String, String)> {
        let network = self.get_network(project, network);
        let halves = network["peerings"].as_array().cloned().unwrap_or_default();
        let text = |half: &Value, name: &str| half[name].as_str().unwrap().to_owned();
        let halves = halves.iter();
        halves
            .map(|half| (text(half, "name"), text(half, "state")))
            .collect()
    }

    /// The names in the first page of a listing.
    pub(crate) fn names(&mut self, method: &str, project: &str) -> Vec<String> {
        names_in(&self.ok(method, project, &[], Value::Null))
    }
}

pub(crate) fn names_in(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
    items.iter().map(name).collect()
}
