//! The vendor's and the customer's projects at GCP, and what tests do to them behind everybody's back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloudsim::gce::config::GcpQuotas;
use cloudsim::gce::state::{OpFault, OpFaultKind};
use cloudsim::{CallRecord, Cloudsim, Fault, FaultKind};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::Suite;
use crate::cloud::Simulated;

/// The vendor's project for `europe-west1`.
pub const VENDOR_PROJECT: &str = "peerway-vendor";
/// The vendor's project for `us-east1`.
pub const FAR_PROJECT: &str = "peerway-vendor-far";
/// The project that peerings lead to.
pub const CUSTOMER_PROJECT: &str = "acme-prod";

/// Where the vendor's projects take networks.
pub(crate) const PROJECTS: [(&str, &str); 2] =
    [(VENDOR_PROJECT, "europe-west1"), (FAR_PROJECT, "us-east1")];

/// All that the vendor's service account may do, and so all that Peerway needs.
pub const VENDOR_PERMISSIONS: [&str; 19] = [
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.firewalls.get",
    "compute.firewalls.list",
    "compute.firewalls.update",
    "compute.globalOperations.get",
    "compute.networks.addPeering",
    "compute.networks.create",
    "compute.networks.delete",
    "compute.networks.get",
    "compute.networks.list",
    "compute.networks.removePeering",
    "compute.networks.updatePolicy",
    "compute.projects.get",
    "compute.regionOperations.get",
    "compute.subnetworks.create",
    "compute.subnetworks.delete",
    "compute.subnetworks.get",
    "compute.subnetworks.list",
];

/// The e-mail address of the vendor's service account, which works in both projects.
fn vendor_account(key: &Value) -> &str {
    key["client_email"]
        .as_str()
        .expect("a key names its account")
}

/// Makes the projects and their service accounts; the key files, the vendor's first.
pub(crate) fn projects(cloud: &Cloudsim, folder: &Path, wrong_key: bool) -> [PathBuf; 2] {
    let mut vendor = cloud.gcp_service_account(VENDOR_PROJECT, "peerway", &VENDOR_PERMISSIONS);
    cloud.gcp_project(FAR_PROJECT);
    cloud.gcp_permissions(FAR_PROJECT, vendor_account(&vendor), &VENDOR_PERMISSIONS);
    let customer = cloud.gcp_service_account(CUSTOMER_PROJECT, "customer", &["compute.*"]);
    if wrong_key {
        vendor["private_key"] = customer["private_key"].clone();
    }
    [("vendor", vendor), ("customer", customer)].map(|(name, key)| {
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, key.to_string()).expect("a key file is written");
        file
    })
}

/// The end of a network's URL: `projects/P/global/networks/N`, whatever stands before it.
fn path_of(url: &str) -> &str {
    url.find("projects/").map_or(url, |at| &url[at..])
}

impl Simulated {
    /// The next `times` calls of `method` in a project of the vendor's go wrong.
    pub fn fault_in_project(&self, project: &str, method: &str, kind: FaultKind, times: u32) {
        self.0.fault(Fault {
            account: Some(project.to_owned()),
            ..Fault::times(method, kind, times)
        });
    }

    /// The vendor's calls of `method` in a project go wrong until faults are cleared.
    pub fn fault_in_project_always(&self, project: &str, method: &str, kind: FaultKind) {
        self.0.fault(Fault {
            account: Some(project.to_owned()),
            ..Fault::always(method, kind)
        });
    }

    /// What becomes of the next operation of a type in a project.
    pub fn operation_fault(&self, project: &str, operation_type: &str, kind: OpFaultKind) {
        self.0.gcp_operation_fault(OpFault {
            operation_type: operation_type.to_owned(),
            project: project.to_owned(),
            kind,
            times: Some(1),
        });
    }

    /// Lets operations that hang end.
    pub fn clear_operation_faults(&self) {
        self.0.clear_gcp_operation_faults();
    }

    /// Takes a permission from the vendor's service account in a project.
    pub fn forbid(&self, project: &str, permission: &str) {
        let left: Vec<&str> = VENDOR_PERMISSIONS
            .into_iter()
            .filter(|one| *one != permission)
            .collect();
        let account = format!("peerway@{VENDOR_PROJECT}.iam.gserviceaccount.com");
        self.0.gcp_permissions(project, &account, &left);
    }

    /// Gives a project other quotas.
    pub fn quotas(&self, project: &str, quotas: GcpQuotas) {
        self.0.gcp_quotas(project, quotas);
    }

    /// Removes a project as if it never was.
    pub fn forget_project(&self, project: &str) {
        let known = self.0.gcp_state(|state| state.projects.remove(project));
        assert!(known.is_some(), "there is no {project}");
    }

    /// Makes every token invalid that was given out or used so far.
    ///
    /// A token that is signed once more within the same second is the same one: those in use have to be older.
    pub async fn revoke_tokens(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let begun = now.expect("a time after 1970").subsec_millis();
        sleep(Duration::from_millis(u64::from(1_000 - begun))).await;
        self.0.gcp_revoke_tokens();
    }

    /// The networks of a project with their peerings, as the cloud shows them.
    pub fn networks(&self, project: &str) -> Vec<Value> {
        self.0.gcp_networks(project)
    }

    /// The ranges of all subnets of a project.
    pub fn subnet_ranges(&self, project: &str) -> Vec<String> {
        self.0.gcp_state(|state| {
            let subnets = state.subnetworks.values();
            let subnets = subnets.filter(|subnet| subnet.project == project);
            subnets.map(|subnet| subnet.cidr.to_string()).collect()
        })
    }

    /// Removes a network with all that belongs to it as if it never was.
    pub fn vanish_network(&self, project: &str, name: &str) {
        let network = format!("projects/{project}/global/networks/{name}");
        let known = self.0.gcp_state(|state| {
            state.subnetworks.retain(|_, one| one.network != network);
            state.firewalls.retain(|_, one| one.network != network);
            state.networks.remove(&network)
        });
        assert!(known.is_some(), "there is no {network}");
    }

    /// The halves of all networks of a project.
    pub fn halves(&self, project: &str) -> Vec<Value> {
        let networks = self.networks(project);
        let halves = networks
            .iter()
            .filter_map(|network| network["peerings"].as_array());
        halves.flatten().cloned().collect()
    }

    /// The calls so far of `method` in a project, oldest first.
    pub fn calls_in(&self, project: &str, method: &str) -> Vec<CallRecord> {
        let mut calls = self.0.calls_of(method);
        calls.retain(|call| call.account == project && call.action != "operation.done");
        calls
    }

    /// Waits until `method` was called in a project `times` times.
    pub async fn until_called_in(&self, project: &str, method: &str, times: usize) {
        let began = Instant::now();
        while self.calls_in(project, method).len() < times {
            assert!(
                began.elapsed() < Duration::from_secs(100),
                "nobody called {method} in {project} {times} times"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many operations on the peerings of one network were unfinished at once, at most.
    pub fn most_unfinished_on_a_network(&self) -> usize {
        most_unfinished(&self.0.calls_of("*"))
    }
}

/// A peering's operation counts for the network that has the half and for the one that it leads to.
fn most_unfinished(calls: &[CallRecord]) -> usize {
    let mut unfinished: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    // A removal names its half only, not where that leads.
    let mut leads_to: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut done = BTreeSet::new();
    let mut most = 0;
    for call in calls {
        let operation = call.operation.as_str();
        if call.action == "operation.done" {
            unfinished.values_mut().for_each(|all| {
                all.remove(operation);
            });
            done.insert(operation);
        }
        let adds = call.action == "networks.addPeering";
        let begins = adds || call.action == "networks.removePeering";
        // The same request again is answered with the same operation, which may be done.
        if !begins || operation.is_empty() || done.contains(operation) {
            continue;
        }
        let text = |name: &str| call.params.get(name).cloned().unwrap_or_default();
        let name = if adds { "networkPeering.name" } else { "name" };
        let network = format!(
            "projects/{}/global/networks/{}",
            call.account,
            text("network")
        );
        let half = (network.clone(), text(name));
        if adds {
            let peer = path_of(&text("networkPeering.network")).to_owned();
            leads_to.insert(half.clone(), peer);
        }
        let peer = leads_to.get(&half).cloned();
        for network in [Some(network), peer].into_iter().flatten() {
            let all = unfinished.entry(network).or_default();
            all.insert(operation);
            most = most.max(all.len());
        }
    }
    most
}

impl Suite {
    /// All that the vendor's projects still hold, as Google's client lists it: kind and name.
    pub async fn left_in_the_projects(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (project, region) in PROJECTS {
            for service in ["networks", "subnetworks", "firewalls"] {
                let mut request = json!({"project": project});
                if service == "subnetworks" {
                    request["region"] = json!(region);
                }
                let listed = self
                    .google()
                    .call(VENDOR_PROJECT, service, "list", request)
                    .await;
                let listed = listed.expect("a listing");
                let names = listed.as_array().expect("a list").iter();
                left.extend(
                    names.map(|one| format!("{service}/{}", one["name"].as_str().expect("a name"))),
                );
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(operation: &str, action: &str, params: &[(&str, &str)]) -> CallRecord {
        let params = params.iter();
        CallRecord {
            account: "vendor".to_owned(),
            action: action.to_owned(),
            params: params
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            operation: operation.to_owned(),
            ..CallRecord::default()
        }
    }

    fn added(operation: &str, network: &str, peer: &str) -> CallRecord {
        let peer = format!("https://host/compute/v1/projects/acme/global/networks/{peer}");
        let params = [
            ("network", network),
            ("networkPeering.name", "half"),
            ("networkPeering.network", &peer),
        ];
        begun(operation, "networks.addPeering", &params)
    }

    fn done(operation: &str) -> CallRecord {
        begun(operation, "operation.done", &[])
    }

    #[test]
    fn operations_that_overlap_on_a_network_are_counted() {
        let one_by_one = [added("1", "n", "a"), done("1"), added("2", "n", "b")];
        assert_eq!(most_unfinished(&one_by_one), 1);
        let elsewhere = [added("1", "n", "a"), added("2", "m", "b")];
        assert_eq!(most_unfinished(&elsewhere), 1);
        let at_once = [added("1", "n", "a"), added("2", "n", "b")];
        assert_eq!(most_unfinished(&at_once), 2);
        let towards_one = [added("1", "n", "a"), added("2", "m", "a")];
        assert_eq!(most_unfinished(&towards_one), 2);
        let removed = [("network", "n"), ("name", "half")];
        let removed = begun("2", "networks.removePeering", &removed);
        let while_removed = [
            added("1", "n", "a"),
            done("1"),
            removed,
            added("3", "m", "a"),
        ];
        assert_eq!(most_unfinished(&while_removed), 2);
        let again = [
            added("1", "n", "a"),
            added("1", "n", "a"),
            done("1"),
            added("1", "n", "a"),
        ];
        assert_eq!(most_unfinished(&again), 1);
    }
}
