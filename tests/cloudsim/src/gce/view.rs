//! How networks, halves, subnetworks and firewalls look in answers.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::gce::state::{Firewall, Network, Peering, State, Subnetwork};
use crate::gce::url::{self, link};
use crate::time;

const SEVEN_HOURS_MS: i64 = 25_200_000;

/// An instant as Compute Engine writes it: in Pacific time.
pub(crate) fn timestamp(ms: i64) -> String {
    let local = time::timestamp(ms - SEVEN_HOURS_MS);
    format!("{}-07:00", local.trim_end_matches('Z'))
}

/// The subnetworks of each network, by path.
pub(crate) type Index<'a> = HashMap<&'a str, Vec<&'a str>>;

pub(crate) fn index(state: &State) -> Index<'_> {
    let mut index = Index::new();
    for (path, subnetwork) in &state.subnetworks {
        index.entry(&subnetwork.network).or_default().push(path);
    }
    index
}

pub(crate) fn network(base_url: &str, path: &str, one: &Network, index: &Index<'_>) -> Value {
    let id_path = url::network(&one.project, &one.id.to_string());
    let mut view = json!({
        "kind": "compute#network",
        "id": one.id.to_string(),
        "creationTimestamp": timestamp(one.created_ms),
        "name": one.name,
        "selfLink": link(base_url, path),
        "selfLinkWithId": link(base_url, &id_path),
        "autoCreateSubnetworks": one.auto_create_subnetworks,
        "routingConfig": { "routingMode": one.routing_mode, "bgpBestPathSelectionMode": "LEGACY" },
        "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
        "mtu": one.mtu,
    });
    if !one.description.is_empty() {
        view["description"] = json!(one.description);
    }
    if let Some(paths) = index.get(path) {
        let links = paths.iter().map(|path| link(base_url, path));
        view["subnetworks"] = links.collect();
    }
    if !one.peerings.is_empty() {
        let halves = one.peerings.iter().map(|half| peering(base_url, half));
        view["peerings"] = halves.collect();
    }
    view
}

fn peering(base_url: &str, half: &Peering) -> Value {
    let (state, details) = match half.active {
        true => ("ACTIVE", "Connected."),
        false => ("INACTIVE", "Waiting for peer network to connect."),
    };
    let mut view = Value::Object(half.settings.clone());
    view["name"] = json!(half.name);
    view["network"] = json!(link(base_url, &half.peer));
    view["state"] = json!(state);
    view["stateDetails"] = json!(format!("[{}]: {details}", timestamp(half.since_ms)));
    view
}

pub(crate) fn subnetwork(base_url: &str, path: &str, one: &Subnetwork) -> Value {
    let region = format!("projects/{}/regions/{}", one.project, one.region);
    let gateway = one.cidr.hosts().next().map(|address| address.to_string());
    let mut view = json!({
        "kind": "compute#subnetwork",
        "id": one.id.to_string(),
        "creationTimestamp": timestamp(one.created_ms),
        "name": one.name,
        "network": link(base_url, &one.network),
        "ipCidrRange": one.cidr.to_string(),
        "gatewayAddress": gateway,
        "region": link(base_url, &region),
        "selfLink": link(base_url, path),
        "privateIpGoogleAccess": one.private_google_access,
        "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
        "purpose": "PRIVATE",
        "stackType": "IPV4_ONLY",
        "fingerprint": "AAAAAAAAAAA=",
    });
    if !one.description.is_empty() {
        view["description"] = json!(one.description);
    }
    if !one.secondary.is_empty() {
        let range = |(name, range): &(String, ipnet::Ipv4Net)| json!({ "rangeName": name, "ipCidrRange": range.to_string() });
        view["secondaryIpRanges"] = one.secondary.iter().map(range).collect();
    }
    view
}

pub(crate) fn firewall(base_url: &str, path: &str, one: &Firewall) -> Value {
    let mut view = Value::Object(one.rule.clone());
    view["kind"] = json!("compute#firewall");
    view["id"] = json!(one.id.to_string());
    view["creationTimestamp"] = json!(timestamp(one.created_ms));
    view["name"] = json!(one.name);
    view["network"] = json!(link(base_url, &one.network));
    view["selfLink"] = json!(link(base_url, path));
    view
}

impl State {
    /// The networks of a project with their peerings, as `networks.get` shows them.
    pub fn networks_of(&self, project: &str, base_url: &str) -> Vec<Value> {
        let index = index(self);
        let own = self
            .networks
            .iter()
            .filter(|(_, one)| one.project == project);
        own.map(|(path, one)| network(base_url, path, one, &index))
            .collect()
    }
}
