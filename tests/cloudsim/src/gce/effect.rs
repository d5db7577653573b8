//! What operations change, and what keeps them from it when their time has come.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::gce::config::GcpConfig;
use crate::gce::operation::Failure;
use crate::gce::state::{Firewall, Network, Peering, State, Subnetwork};
use crate::gce::{network, overlap};

/// A change of the resource that an operation targets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Effect {
    PutNetwork(Network),
    DeleteNetwork,
    /// Sets the routing mode.
    PatchNetwork(String),
    AddPeering(Peering),
    RemovePeering(String),
    /// The name, and the settings to change.
    UpdatePeering(String, Map<String, Value>),
    PutSubnetwork(Subnetwork),
    DeleteSubnetwork,
    PutFirewall(Firewall),
    DeleteFirewall,
    /// Of the network whose path is given.
    DeleteDefaultRoute(String),
}

/// Changes the state.
///
/// # Errors
/// What the operation fails with; then nothing has changed.
pub(crate) fn apply(
    state: &mut State,
    config: &GcpConfig,
    target: &str,
    effect: &Effect,
    now_ms: i64,
) -> Result<(), Failure> {
    let home = match effect {
        Effect::PutSubnetwork(one) => Some(&one.network),
        Effect::PutFirewall(one) => Some(&one.network),
        _ => None,
    };
    if let Some(path) = home.filter(|path| !state.networks.contains_key(*path)) {
        let text = format!("The resource '{path}' was not found");
        return Err(Failure::new("RESOURCE_NOT_FOUND", text));
    }
    match effect {
        Effect::PutNetwork(network) => network::put(state, target, network),
        Effect::DeleteNetwork => return delete_network(state, config, target, now_ms),
        Effect::PatchNetwork(routing_mode) => {
            let routing_mode = routing_mode.clone();
            change(state, target, |network| network.routing_mode = routing_mode);
        }
        Effect::AddPeering(half) => return add_peering(state, target, half, now_ms),
        Effect::RemovePeering(name) => remove_peering(state, target, name, now_ms),
        Effect::UpdatePeering(name, settings) => {
            let settings = settings.clone();
            change(state, target, |network| {
                let half = network.peerings.iter_mut().find(|half| half.name == *name);
                if let Some(half) = half {
                    half.settings.extend(settings);
                }
            });
        }
        Effect::PutSubnetwork(subnetwork) => {
            if let Some(text) = overlap::of_new_ranges(state, subnetwork) {
                return Err(Failure::new("INVALID_USAGE", text));
            }
            state
                .subnetworks
                .insert(target.to_owned(), subnetwork.clone());
        }
        Effect::DeleteSubnetwork => {
            state.subnetworks.remove(target);
        }
        Effect::PutFirewall(firewall) => {
            state.firewalls.insert(target.to_owned(), firewall.clone());
        }
        Effect::DeleteFirewall => {
            state.firewalls.remove(target);
        }
        Effect::DeleteDefaultRoute(network) => {
            change(state, network, |network| network.default_route = false);
        }
    }
    Ok(())
}

fn change(state: &mut State, path: &str, change: impl FnOnce(&mut Network)) {
    if let Some(network) = state.networks.get_mut(path) {
        change(network);
    }
}

fn add_peering(state: &mut State, path: &str, half: &Peering, now_ms: i64) -> Result<(), Failure> {
    let peer = state.networks.get(&half.peer);
    let completes = peer.is_some_and(|peer| peer.half_towards(path).is_some());
    if completes && let Some(text) = overlap::of_networks(state, path, &half.peer) {
        return Err(Failure::new("INVALID_USAGE", text));
    }
    let mut half = half.clone();
    half.since_ms = now_ms;
    let peer = half.peer.clone();
    change(state, path, |network| network.peerings.push(half));
    state.relink(path, &peer, now_ms);
    Ok(())
}

fn remove_peering(state: &mut State, path: &str, name: &str, now_ms: i64) {
    let mut removed = Vec::new();
    change(state, path, |network| {
        removed.extend(network.peerings.extract_if(.., |half| half.name == name));
    });
    for half in removed {
        state.relink(path, &half.peer, now_ms);
    }
}

/// Deletes it with its routes and halves. What else is in it keeps it.
fn delete_network(
    state: &mut State,
    config: &GcpConfig,
    path: &str,
    now_ms: i64,
) -> Result<(), Failure> {
    let firewall = state.firewalls.iter().find(|(_, one)| one.network == path);
    let user = firewall.map(|(user, _)| user.clone());
    let own = state.networks.get(path);
    let is_auto = own.is_some_and(|network| network.auto_create_subnetworks);
    let mut subnetworks = state.subnetworks_of(path).filter(|_| !is_auto);
    let user = user.or_else(|| subnetworks.next().map(|(user, _)| user.clone()));
    let half = own.and_then(|network| network.peerings.first());
    let half = half.filter(|_| !config.delete_network_with_peerings);
    let user = user.or_else(|| half.map(|half| format!("{path}/peerings/{}", half.name)));
    drop(subnetworks);
    if let Some(user) = user {
        return Err(Failure::in_use(path, &user));
    }
    state.subnetworks.retain(|_, one| one.network != path);
    if let Some(network) = state.networks.remove(path) {
        for half in network.peerings {
            state.relink(path, &half.peer, now_ms);
        }
    }
    Ok(())
}
