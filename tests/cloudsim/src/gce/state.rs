//! What the Compute Engine face knows.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ec2::wildcard;
use crate::gce::config::GcpQuotas;
use crate::gce::rates::Windows;

pub use crate::gce::operation::{Failure, Finished, OpFault, OpFaultKind, Operation};
pub use crate::gce::plant::Plant;

/// Everything, by resource path such as `projects/p/global/networks/n`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub seed: u64,
    pub projects: BTreeMap<String, Project>,
    pub networks: BTreeMap<String, Network>,
    pub subnetworks: BTreeMap<String, Subnetwork>,
    pub firewalls: BTreeMap<String, Firewall>,
    pub operations: BTreeMap<String, Operation>,
    pub op_faults: Vec<OpFault>,
    /// The paths of the operations that are not `DONE`.
    pub(crate) unfinished: BTreeSet<String>,
    /// `project/method/requestId` to the operation that it began.
    pub(crate) requests: BTreeMap<String, String>,
    pub(crate) last_id: u64,
    #[serde(skip)]
    pub(crate) finished: Vec<Finished>,
    #[serde(skip)]
    pub(crate) windows: Windows,
}

/// A project, the quotas that differ from the defaults, and who may do what in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    pub number: u64,
    pub quotas: Option<GcpQuotas>,
    /// Principal to permissions; `compute.*` and `*` are patterns.
    pub iam: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Network {
    pub id: u64,
    pub project: String,
    pub name: String,
    pub description: String,
    pub auto_create_subnetworks: bool,
    pub routing_mode: String,
    pub mtu: u64,
    /// Whether the route to the internet that comes with a network is still there.
    pub default_route: bool,
    pub created_ms: i64,
    pub peerings: Vec<Peering>,
}

/// One network's half of a peering.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peering {
    pub name: String,
    /// The path of the other network, which need not exist.
    pub peer: String,
    /// The flags and settings as `networks.get` shows them.
    pub settings: Map<String, Value>,
    /// Whether the other half is there.
    pub active: bool,
    /// Since when that is so.
    pub since_ms: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subnetwork {
    pub id: u64,
    pub project: String,
    pub region: String,
    pub name: String,
    pub description: String,
    /// The path of its network.
    pub network: String,
    pub cidr: Ipv4Net,
    /// Names and ranges.
    pub secondary: Vec<(String, Ipv4Net)>,
    pub private_google_access: bool,
    pub created_ms: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Firewall {
    pub id: u64,
    pub project: String,
    pub name: String,
    /// The path of its network.
    pub network: String,
    /// The rule itself, as `firewalls.get` shows it.
    pub rule: Map<String, Value>,
    pub created_ms: i64,
}

impl State {
    /// An empty cloud.
    pub fn new(seed: u64) -> Self {
        State {
            seed,
            ..State::default()
        }
    }

    /// The operations that became `DONE` since the last time this was asked.
    pub fn take_finished(&mut self) -> Vec<Finished> {
        std::mem::take(&mut self.finished)
    }

    /// Makes the project, or changes its quotas.
    pub fn put_project(&mut self, id: &str, quotas: Option<GcpQuotas>) -> &mut Project {
        let number = 100_000_000_000 + self.projects.len() as u64;
        let project = self.projects.entry(id.to_owned()).or_default();
        if project.number == 0 {
            project.number = number;
        }
        if quotas.is_some() {
            project.quotas = quotas;
        }
        project
    }

    /// Sets what a principal may do in a project, which is made if need be.
    pub fn set_permissions(&mut self, project: &str, principal: &str, permissions: &[&str]) {
        let project = self.put_project(project, None);
        let permissions = permissions.iter().map(|&one| one.to_owned()).collect();
        project.iam.insert(principal.to_owned(), permissions);
    }

    /// Whether the principal has the permission in the project.
    pub fn allows(&self, project: &str, principal: &str, permission: &str) -> bool {
        let granted = self
            .projects
            .get(project)
            .and_then(|project| project.iam.get(principal));
        granted.is_some_and(|granted| granted.iter().any(|one| wildcard(one, permission)))
    }

    /// A number that the same seed gives again.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        mixed(self.seed.wrapping_add(self.last_id)) >> 1
    }

    /// The id of a project that may be named by its number.
    pub(crate) fn project_id<'a>(&'a self, named: &'a str) -> &'a str {
        let by_number = |number: u64| {
            let found = self.projects.iter().find(|(_, one)| one.number == number);
            found.map(|(id, _)| id.as_str())
        };
        named.parse().ok().and_then(by_number).unwrap_or(named)
    }

    pub(crate) fn subnetworks_of<'a>(
        &'a self,
        network: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Subnetwork)> {
        let own = move |(_, subnetwork): &(_, &Subnetwork)| subnetwork.network == network;
        self.subnetworks.iter().filter(own)
    }

    /// Sets the state of the halves between two networks to whether both are there.
    pub(crate) fn relink(&mut self, one: &str, other: &str, now_ms: i64) {
        let has_half = |from: &str, to: &str| {
            let network = self.networks.get(from);
            network.is_some_and(|network| network.half_towards(to).is_some())
        };
        let both = has_half(one, other) && has_half(other, one);
        for (from, to) in [(one, other), (other, one)] {
            let network = self.networks.get_mut(from);
            let halves = network
                .into_iter()
                .flat_map(|network| &mut network.peerings);
            for half in halves.filter(|half| half.peer == to && half.active != both) {
                half.active = both;
                half.since_ms = now_ms;
            }
        }
    }
}

impl Network {
    pub(crate) fn half_towards(&self, peer: &str) -> Option<&Peering> {
        self.peerings.iter().find(|half| half.peer == peer)
    }
}

impl Subnetwork {
    /// The primary range and then the secondary ones.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Ipv4Net> {
        let secondary = self.secondary.iter().map(|(_, range)| *range);
        std::iter::once(self.cidr).chain(secondary)
    }
}

/// Spreads a counter over all 64 bits: two rounds of shift and multiply.
fn mixed(seed: u64) -> u64 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        bits = (bits ^ (bits >> 30)).wrapping_mul(factor);
    }
    bits ^ (bits >> 31)
}
