//! What the provider-adapter says of a peering without changing it: the customer's steps, and looks at one peering.

use std::collections::BTreeMap;

use api::cloud::CloudError;
use api::provider::v1::{
    self as proto, DescribeStepsRequest, DescribeStepsResponse, GetLimitsRequest,
    ObservePeeringsRequest, ObserveRoutesRequest, PeeringFacts, route,
};
use types::Cidr;

use super::provider::{ProviderClient, cloud_error, options, sighting};
use crate::domain::{
    ConditionStatus, NetworkFacts, Peering, RouteState, SeenRoute, Sighting, Usage, conditions,
};

impl ProviderClient {
    /// The customer's steps for a peering. `former` is the id of the attempt before; none: there was none.
    pub async fn describe(
        &self,
        peering: &Peering,
        network: &NetworkFacts,
        former: Option<String>,
    ) -> Result<DescribeStepsResponse, CloudError> {
        let request = DescribeStepsRequest {
            facts: Some(facts(peering, network, former)),
        };
        let answer = self.client.clone().describe_steps(request).await;
        Ok(answer.map_err(cloud_error)?.into_inner())
    }

    /// What the cloud shows of one peering now, its ranges too; none when a complete listing does not show it.
    pub async fn look_at(&self, peering: &Peering) -> Result<Option<Sighting>, CloudError> {
        let id = peering.provider_peering_id.clone().unwrap_or_default();
        let request = ObservePeeringsRequest {
            group: api::provider_group(&peering.group()),
            deployment: self.deployment.clone(),
            provider_peering_ids: vec![id.clone()],
            expected: Vec::new(),
            with_peer_cidrs: true,
            region: peering.vendor.region.to_string(),
            vendor_vpc_id: peering.vendor.vpc_id.clone(),
            ..Default::default()
        };
        let answer = self.client.clone().observe_peerings(request).await;
        let mut pages = answer.map_err(cloud_error)?.into_inner();
        let (mut seen, mut is_complete) = (None, false);
        while let Some(page) = pages.message().await.map_err(cloud_error)? {
            is_complete = page.complete;
            let found = page
                .observations
                .into_iter()
                .map(|observation| sighting(observation, &self.deployment))
                .find(|one| one.provider_peering_id == id);
            seen = seen.or(found);
        }
        match seen {
            None if !is_complete => Err(incomplete("peerings")),
            seen => Ok(seen),
        }
    }

    /// The routes to peerings that the tables of the peering's network hold now.
    pub async fn routes_of(&self, peering: &Peering) -> Result<Vec<SeenRoute>, CloudError> {
        let network = peering.network.to_string();
        let request = ObserveRoutesRequest {
            group: api::provider_group(&peering.group()),
            deployment: self.deployment.clone(),
            network_ids: vec![network.clone()],
            with_untagged: true,
        };
        let answer = self.client.clone().observe_routes(request).await;
        let mut pages = answer.map_err(cloud_error)?.into_inner();
        let (mut found, mut is_complete) = (Vec::new(), false);
        while let Some(page) = pages.message().await.map_err(cloud_error)? {
            is_complete = page.complete;
            let own = page.observations.into_iter();
            let own =
                own.filter(|one| one.network_id == network && one.vpc_id == peering.vendor.vpc_id);
            found.extend(own.flat_map(|one| one.routes).filter_map(seen_route));
        }
        match is_complete {
            true => Ok(found),
            false => Err(incomplete("route tables")),
        }
    }

    /// What is used of the limits of the peering's vendor account.
    pub async fn limits_of(&self, peering: &Peering) -> Result<Vec<Usage>, CloudError> {
        let request = GetLimitsRequest {
            provider: proto::Provider::from(peering.peer.provider()).into(),
            without_usage: false,
            group: api::provider_group(&peering.group()),
        };
        let answer = self.client.clone().get_limits(request).await;
        let limits = answer.map_err(cloud_error)?.into_inner().limits;
        let group = api::provider_group(&peering.group());
        Ok(limits
            .into_iter()
            .filter(|limit| limit.group == group)
            .filter_map(|limit| {
                Some(Usage {
                    name: limit.name,
                    used: u32::try_from(limit.used).ok(),
                    limit: u32::try_from(limit.limit).ok()?,
                })
            })
            .collect())
    }
}

/// The commands that verify, of each step of a description.
pub fn verify_commands(steps: &DescribeStepsResponse) -> BTreeMap<String, Vec<String>> {
    let shell = |commands: &[proto::Command]| -> Vec<String> {
        commands.iter().map(|one| one.shell.clone()).collect()
    };
    let steps = steps.steps.iter();
    steps
        .map(|step| (step.code.clone(), shell(&step.verify)))
        .collect()
}

fn incomplete(what: &str) -> CloudError {
    CloudError::unknown_outcome(
        api::cloud::CloudErrorKind::Unavailable,
        "CLOUD_UNAVAILABLE",
        format!("the listing of {what} did not complete"),
    )
}

pub(super) fn seen_route(route: proto::Route) -> Option<SeenRoute> {
    let state = match route.state() {
        route::State::Active => RouteState::Active,
        route::State::Blackhole => RouteState::Blackhole,
        route::State::Missing | route::State::Unspecified => RouteState::Missing,
    };
    Some(SeenRoute {
        cidr: route.cidr.parse::<Cidr>().ok()?,
        provider_peering_id: route.provider_peering_id,
        state,
    })
}

fn facts(peering: &Peering, network: &NetworkFacts, former: Option<String>) -> PeeringFacts {
    let known = |name: &str| {
        let mut all = peering.conditions.iter();
        let condition = all.find(|one| one.name == name)?;
        holds(condition.status)
    };
    let ranges = peering.ranges();
    PeeringFacts {
        provider: proto::Provider::from(peering.peer.provider()).into(),
        state: peering.state.as_str().to_owned(),
        reason: peering.reason.clone(),
        message: peering.message.clone(),
        provider_peering_id: peering.provider_peering_id.clone().unwrap_or_default(),
        vendor_account_id: peering.vendor.account_id.clone(),
        vendor_vpc_id: peering.vendor.vpc_id.clone(),
        vendor_region: peering.vendor.region.to_string(),
        vendor_cidr: peering.vendor.cidr.to_string(),
        peer: Some(proto::Peer {
            account_id: peering.peer.account().to_owned(),
            region: peering.peer.region().to_owned(),
            vpc_id: peering.peer.vpc().to_owned(),
        }),
        peer_cidrs: ranges.iter().map(ToString::to_string).collect(),
        ports: network.ports.iter().copied().map(i32::from).collect(),
        attempt: peering.attempt,
        allow_listed: !ranges.is_empty() && network.not_allowed(ranges).is_empty(),
        expire_time: peering.expire_at.map(api::timestamp),
        options: Some(options(peering)),
        endpoints: network.endpoints.clone(),
        routes_ready: known(conditions::ROUTES_READY),
        firewall_ready: holds(network.firewall.0),
        former_provider_peering_id: former.unwrap_or_default(),
        was_active: peering.activate_at.is_some(),
    }
}

fn holds(status: ConditionStatus) -> Option<bool> {
    match status {
        ConditionStatus::True => Some(true),
        ConditionStatus::False => Some(false),
        ConditionStatus::Unknown => None,
    }
}
