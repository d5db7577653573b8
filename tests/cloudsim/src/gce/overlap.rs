//! Address ranges that must not meet: within a network, and across what is peered.

use ipnet::Ipv4Net;

use crate::gce::state::{State, Subnetwork};
use crate::gce::url;

/// What a network in auto mode keeps for itself.
const AUTO: &str = "10.128.0.0/9";

/// A range and the path of what it belongs to.
type Owned = (Ipv4Net, String);

/// Why the two networks cannot be connected: ranges of theirs, or of what either is connected to, overlap.
pub(crate) fn of_networks(state: &State, local: &str, peer: &str) -> Option<String> {
    let (own, theirs) = (ranges(state, local), ranges(state, peer));
    if let Some(((own, resource), (their, _))) = meeting(&own, &theirs) {
        return Some(format!(
            "An IP range in the peer network ({their}) overlaps with an IP range in the local network \
             ({own}) allocated by resource ({resource})."
        ));
    }
    for other in active_peers(state, peer).filter(|other| *other != local) {
        if let Some(((own, resource), (their, _))) = meeting(&own, &ranges(state, other)) {
            return Some(format!(
                "An IP range in the local network ({own}) allocated by resource ({resource}) overlaps with \
                 an IP range ({their}) in an active peer ({other}) of the peer network."
            ));
        }
    }
    for other in active_peers(state, local).filter(|other| *other != peer) {
        if let Some(((their, resource), (range, _))) = meeting(&theirs, &ranges(state, other)) {
            return Some(format!(
                "An IP range in the peer network ({their}) allocated by resource ({resource}) overlaps with \
                 an IP range ({range}) in an active peer ({other}) of the local network."
            ));
        }
    }
    None
}

/// Why the network cannot have these ranges: they meet each other, its own or those of what it is connected to.
pub(crate) fn of_new_ranges(state: &State, new: &Subnetwork) -> Option<String> {
    let path = url::subnetwork(&new.project, &new.region, &new.name);
    let added: Vec<_> = new.ranges().map(|range| (range, path.clone())).collect();
    for (at, (range, _)) in added.iter().enumerate() {
        if added[..at].iter().any(|(other, _)| meet(*range, *other)) {
            return Some(format!(
                "Invalid IPCidrRange: {range} conflicts with another range of the same subnetwork."
            ));
        }
    }
    let others = state.subnetworks_of(&new.network);
    for (_, other) in others.filter(|(other, _)| **other != path) {
        let taken: Vec<_> = other.ranges().map(|range| (range, String::new())).collect();
        if let Some(((range, _), _)) = meeting(&added, &taken) {
            return Some(format!(
                "Invalid IPCidrRange: {range} conflicts with existing subnetwork '{}' in region '{}'.",
                other.name, other.region
            ));
        }
    }
    for peer in active_peers(state, &new.network) {
        let theirs = ranges(state, peer);
        let further = active_peers(state, peer).filter(|other| *other != new.network);
        let further = further.flat_map(|other| ranges(state, other));
        let taken: Vec<_> = theirs.into_iter().chain(further).collect();
        if let Some(((range, _), (their, _))) = meeting(&added, &taken) {
            return Some(format!(
                "Invalid IPCidrRange: {range} conflicts with IP range {their} in an active peer ({peer})."
            ));
        }
    }
    None
}

fn ranges(state: &State, network: &str) -> Vec<Owned> {
    let own = state.subnetworks_of(network);
    let own = own.flat_map(|(path, one)| one.ranges().map(|range| (range, path.clone())));
    let is_auto = |one: &&str| {
        let network = state.networks.get(*one);
        network.is_some_and(|network| network.auto_create_subnetworks)
    };
    let auto = Some(network).filter(is_auto);
    let auto = auto.and_then(|path| Some((AUTO.parse().ok()?, path.to_owned())));
    own.chain(auto).collect()
}

/// The paths of the networks that this one is connected to.
fn active_peers<'a>(state: &'a State, network: &str) -> impl Iterator<Item = &'a str> {
    let network = state.networks.get(network);
    let halves = network.into_iter().flat_map(|network| &network.peerings);
    halves
        .filter(|half| half.active)
        .map(|half| half.peer.as_str())
}

fn meeting<'a>(one: &'a [Owned], other: &'a [Owned]) -> Option<(&'a Owned, &'a Owned)> {
    one.iter().find_map(|mine| {
        let theirs = other.iter().find(|theirs| meet(mine.0, theirs.0))?;
        Some((mine, theirs))
    })
}

fn meet(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}
