//! The routes to peerings that a network's tables shall hold, and how far the tables are.

use types::Cidr;

use super::peering::Peering;

/// One route, wanted in every table of a network.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WantedRoute {
    /// Its destination.
    pub cidr: Cidr,
    /// The cloud's id of the peering that it leads to.
    pub provider_peering_id: String,
}

/// The routes that lead to these peerings, sorted, so that the same wish always looks the same.
pub fn wanted_routes(peerings: &[Peering]) -> Vec<WantedRoute> {
    let mut wanted: Vec<_> = peerings
        .iter()
        .flat_map(|peering| {
            let id = peering.provider_peering_id.clone().unwrap_or_default();
            let ranges = peering.held_ranges().into_iter();
            ranges.map(move |cidr| WantedRoute {
                cidr,
                provider_peering_id: id.clone(),
            })
        })
        .collect();
    wanted.sort();
    wanted
}

/// How far the tables of a peering's network are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routing {
    /// What is wanted is in place, and nothing else is left.
    Done,
    /// Trying again led no further; of the peering's own ranges these are missing.
    Stuck(Vec<Cidr>),
    /// There is more to do.
    More,
    /// What is wanted has changed since it was asked for.
    Overtaken,
}
