//! The vendor's routes to peerings, asked for and seen.

use std::future::Future;

use api::cloud::CloudError;
use types::{Cidr, GroupId, NetworkId};

use super::{Page, Pages, VpcRef};

/// Asks for the routes of a VPC.
#[derive(Debug, Clone)]
pub struct EnsureRoutes {
    /// Whose VPC.
    pub vpc: VpcRef,
    /// The cloud's id of it.
    pub vpc_id: String,
    /// The whole wanted set of routes to peerings: destination and the cloud's id of the peering.
    pub wanted: Vec<(Cidr, String)>,
}

/// What the cloud does with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteState {
    /// It stands in every route table.
    Active,
    /// It is not in every route table.
    Missing,
    /// It is there, but its target is not.
    Blackhole,
}

/// A wanted route as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Destination.
    pub cidr: Cidr,
    /// The cloud's id of the peering it leads to.
    pub provider_peering_id: String,
    /// What the cloud does with it.
    pub state: RouteState,
}

/// How far the routes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutesProgress {
    /// The wanted ones.
    pub routes: Vec<Route>,
    /// All wanted ones are in every table, and no other to a peering is left.
    pub complete: bool,
}

/// Asks for the routes of a group.
#[derive(Debug, Clone)]
pub struct ObserveRoutes {
    /// The vendor's account and region.
    pub group: GroupId,
    /// Whose objects they are.
    pub deployment: String,
    /// The networks of interest; empty: the whole group.
    pub network_ids: Vec<NetworkId>,
    /// Route tables that others made in our VPCs are to be looked at too.
    pub with_untagged: bool,
}

/// What a cloud shows of the routes to peerings in one network's VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRoutes {
    /// Whose VPC it is.
    pub network_id: NetworkId,
    /// The cloud's id of it.
    pub vpc_id: String,
    /// All of them, in order of their destinations.
    pub routes: Vec<Route>,
}

/// A look at all routes of a group, in pages.
pub(super) fn pages(
    look: impl Future<Output = Result<Vec<NetworkRoutes>, CloudError>> + Send + 'static,
) -> Pages<NetworkRoutes> {
    Page::of(look, |seen| 5 + 3 * seen.routes.len())
}
