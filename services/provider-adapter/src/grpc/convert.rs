//! From the adapter's words to the contract's.

use api::provider::v1;

use crate::provider::{
    Limit, NetworkRoutes, Page, PeeringObservation, PeeringState, Removal, Route, RouteState,
    RoutesProgress, Underway, Vpc, VpcObservation, VpcProgress,
};

/// The code of a firewall among what has drifted.
const FIREWALL: &str = "firewall";

/// What became of a deletion.
pub(super) fn removal(removal: Removal) -> v1::Removal {
    match removal {
        Removal::Deleted => v1::Removal::Deleted,
        Removal::Absent => v1::Removal::Absent,
        Removal::InProgress => v1::Removal::InProgress,
    }
}

impl From<Underway<VpcProgress>> for v1::EnsureVpcResponse {
    fn from(answer: Underway<VpcProgress>) -> Self {
        let progress = answer.now;
        Self {
            vpc: Some(progress.vpc.into()),
            next_part: progress.next_part.unwrap_or_default(),
            guarded: progress.guarded,
            operation_token: answer.operation_token,
        }
    }
}

impl From<Vpc> for v1::Vpc {
    fn from(vpc: Vpc) -> Self {
        Self {
            vpc_id: vpc.id.unwrap_or_default(),
            subnets: vpc
                .subnets
                .into_iter()
                .map(|subnet| v1::vpc::Subnet {
                    id: subnet.id,
                    zone: subnet.zone,
                    zone_id: subnet.zone_id,
                    cidr: subnet.cidr.to_string(),
                })
                .collect(),
            security_group_id: vpc.security_group_id.unwrap_or_default(),
            parts: vpc.parts,
        }
    }
}

impl From<Page<VpcObservation>> for v1::ObserveVpcsResponse {
    fn from(page: Page<VpcObservation>) -> Self {
        Self {
            observations: page.items.into_iter().map(Into::into).collect(),
            complete: page.complete,
        }
    }
}

impl From<VpcObservation> for v1::observe_vpcs_response::Observation {
    fn from(seen: VpcObservation) -> Self {
        let (cidrs, ports) = (seen.firewall.cidrs, seen.firewall.ports);
        let odd = (!seen.firewall.is_plain).then_some(FIREWALL);
        let drift = seen.drift.into_iter().chain(odd);
        Self {
            network_id: seen.network_id.to_string(),
            vpc: Some(seen.vpc.into()),
            firewall_cidrs: cidrs.iter().map(ToString::to_string).collect(),
            firewall_ports: ports.into_iter().map(Into::into).collect(),
            drift: drift.map(str::to_owned).collect(),
        }
    }
}

impl From<Page<PeeringObservation>> for v1::ObservePeeringsResponse {
    fn from(page: Page<PeeringObservation>) -> Self {
        Self {
            observations: page.items.into_iter().map(Into::into).collect(),
            complete: page.complete,
        }
    }
}

impl From<PeeringObservation> for v1::PeeringObservation {
    fn from(seen: PeeringObservation) -> Self {
        Self {
            provider_peering_id: seen.provider_peering_id,
            deployment: seen.deployment,
            peering_id: seen.peering_id,
            attempt: seen.attempt,
            state: v1::peering_observation::State::from(seen.state).into(),
            reason: seen.reason.to_owned(),
            message: seen.message,
            raw_state: seen.raw_state,
            expire_time: seen.expire_at.map(api::timestamp),
            vendor_vpc_id: seen.vendor_vpc_id,
            peer: Some(v1::Peer {
                account_id: seen.peer.account_id,
                region: seen.peer.region,
                vpc_id: seen.peer.vpc_id,
            }),
            peer_cidrs: seen.peer_cidrs,
            options: seen.options.map(|options| v1::PeeringOptions {
                resolve_dns: options.resolve_dns,
                import_custom_routes: options.import_custom_routes,
                export_custom_routes: options.export_custom_routes,
            }),
        }
    }
}

impl From<PeeringState> for v1::peering_observation::State {
    fn from(state: PeeringState) -> Self {
        match state {
            PeeringState::Unrecognized => Self::Unrecognized,
            PeeringState::Provisioning => Self::Provisioning,
            PeeringState::PendingAcceptance => Self::PendingAcceptance,
            PeeringState::Active => Self::Active,
            PeeringState::Rejected => Self::Rejected,
            PeeringState::Expired => Self::Expired,
            PeeringState::Failed => Self::Failed,
            PeeringState::Deleting => Self::Deleting,
            PeeringState::Deleted => Self::Deleted,
            PeeringState::Inactive => Self::Inactive,
        }
    }
}

impl From<RoutesProgress> for v1::EnsureRoutesResponse {
    fn from(progress: RoutesProgress) -> Self {
        Self {
            routes: progress.routes.into_iter().map(Into::into).collect(),
            complete: progress.complete,
            operation_token: String::new(),
        }
    }
}

impl From<Page<NetworkRoutes>> for v1::ObserveRoutesResponse {
    fn from(page: Page<NetworkRoutes>) -> Self {
        let observations = page.items.into_iter().map(|seen| {
            let routes = seen.routes.into_iter().map(Into::into);
            v1::observe_routes_response::Observation {
                network_id: seen.network_id.to_string(),
                vpc_id: seen.vpc_id,
                routes: routes.collect(),
            }
        });
        Self {
            observations: observations.collect(),
            complete: page.complete,
        }
    }
}

impl From<Route> for v1::Route {
    fn from(route: Route) -> Self {
        let state = match route.state {
            RouteState::Active => v1::route::State::Active,
            RouteState::Missing => v1::route::State::Missing,
            RouteState::Blackhole => v1::route::State::Blackhole,
        };
        Self {
            cidr: route.cidr.to_string(),
            provider_peering_id: route.provider_peering_id,
            state: state.into(),
        }
    }
}

impl From<Limit> for v1::AccountLimit {
    fn from(limit: Limit) -> Self {
        let pinned = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        let source = match limit.from_cloud {
            true => v1::account_limit::Source::Cloud,
            false => v1::account_limit::Source::Config,
        };
        Self {
            group: api::provider_group(&limit.group),
            name: limit.name.to_owned(),
            used: limit.used.map_or(-1, pinned),
            limit: pinned(limit.limit),
            source: source.into(),
        }
    }
}
