//! The provider-adapter: the one door to the clouds.

use std::collections::HashSet;
use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::provider_service_client::ProviderServiceClient;
use api::provider::v1::{
    self as proto, DeletePeeringRequest, EnsurePeeringOptionsRequest, EnsurePeeringRequest,
    EnsureRoutesRequest, ObservePeeringsRequest, ObservePeeringsResponse, PeeringObservation,
    PeeringRef, Route, VpcRef, observe_peerings_request::Attempt, peering_observation, route,
};
use runtime::client::Client;
use tonic::{Request, Status, Streaming};
use types::{Cidr, GroupId, PeeringId};

use crate::domain::progress::{Refusal, RefusalKind, Removal};
use crate::domain::{CloudState, Options, Peering, Sighting, WantedRoute};

/// Calls the provider-adapter. Clones share the connection.
#[derive(Clone)]
pub struct ProviderClient {
    pub(super) client: ProviderServiceClient<Client>,
    pub(super) deployment: String,
    pub(super) page_timeout: Duration,
}

/// How far the route tables of a network are.
#[derive(Debug, Clone)]
pub struct Routes {
    /// Nothing is left to do.
    pub is_complete: bool,
    /// Wanted routes that are not in every table.
    pub missing: Vec<WantedRoute>,
}

/// Which of a group's peerings a listing has to show; it may show more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Whole,
    /// Those that wait for the other side.
    Outstanding,
    /// Those with these ids of the cloud's.
    Ids(Vec<String>),
    /// Those whose tags name one of these.
    Peerings(Vec<PeeringId>),
}

/// A listing under way.
pub struct Listing {
    pages: Streaming<ObservePeeringsResponse>,
    deployment: String,
    page_timeout: Duration,
}

/// A part of a listing.
#[derive(Debug)]
pub struct Page {
    /// What it shows.
    pub sightings: Vec<Sighting>,
    /// It is the last one, and the listing missed nothing.
    pub is_complete: bool,
}

impl ProviderClient {
    /// Calls through `client` for the peerings of `deployment`; a page of a listing may take `page_timeout`.
    pub fn new(client: Client, deployment: &str, page_timeout: Duration) -> Self {
        // A create whose answer is lost has to be looked for; sending it again would not be looking. What routes are
        // wanted, or what is to be deleted, may be another thing by the time a call is sent again: the worker does.
        let client = client
            .streaming(&["ObservePeerings", "ObserveRoutes"])
            .once(&[
                "EnsurePeering",
                "EnsureRoutes",
                "EnsurePeeringOptions",
                "DeletePeering",
            ]);
        Self {
            client: ProviderServiceClient::new(client),
            deployment: deployment.to_owned(),
            page_timeout,
        }
    }

    /// Requests the vendor half, or reads the operation of the peering's token, within `deadline`. Answers with what
    /// the cloud shows, if anything yet, and a token while the cloud still works on it.
    pub async fn ensure_peering(
        &self,
        peering: &Peering,
        deadline: Duration,
    ) -> Result<(Option<Sighting>, String), CloudError> {
        let mut request = Request::new(EnsurePeeringRequest {
            r#ref: Some(self.peering_ref(peering, peering.attempt)),
            network_id: peering.network.to_string(),
            vendor_vpc_id: peering.vendor.vpc_id.clone(),
            peer: Some(peer(peering)),
            operation_token: peering.work.operation_token.clone(),
            request_time: peering.work.requested_at.map(api::timestamp),
            options: Some(options(peering)),
        });
        request.set_timeout(deadline);
        let answer = self
            .client
            .clone()
            .ensure_peering(request)
            .await
            .map_err(cloud_error)?;
        let answer = answer.into_inner();
        let seen = answer
            .observation
            .map(|observation| sighting(observation, &self.deployment));
        Ok((seen, answer.operation_token))
    }

    /// Makes the options of the vendor half as wanted, or reads the operation of the peering's token. Answers whether
    /// they are, and with a token while the cloud still works on it.
    pub async fn ensure_peering_options(
        &self,
        peering: &Peering,
    ) -> Result<(bool, String), CloudError> {
        let request = EnsurePeeringOptionsRequest {
            r#ref: Some(self.peering_ref(peering, peering.attempt)),
            provider_peering_id: peering.provider_peering_id.clone().unwrap_or_default(),
            vendor_vpc_id: peering.vendor.vpc_id.clone(),
            peer: Some(peer(peering)),
            options: Some(options(peering)),
            operation_token: peering.work.operation_token.clone(),
            request_time: Some(api::timestamp(
                peering.work.busy_since.unwrap_or(peering.update_at),
            )),
        };
        let answer = self
            .client
            .clone()
            .ensure_peering_options(request)
            .await
            .map_err(cloud_error)?;
        let answer = answer.into_inner();
        Ok((answer.complete, answer.operation_token))
    }

    /// Removes the vendor half of this id, which that attempt made. Answers how far that is, and with a token to be handed back.
    pub async fn delete_peering(
        &self,
        peering: &Peering,
        provider_peering_id: &str,
        attempt: i32,
    ) -> Result<(Removal, String), CloudError> {
        let request = DeletePeeringRequest {
            r#ref: Some(self.peering_ref(peering, attempt)),
            provider_peering_id: provider_peering_id.to_owned(),
            vendor_vpc_id: peering.vendor.vpc_id.clone(),
            operation_token: peering.work.operation_token.clone(),
            // Whatever is repeated of the same wish carries the same time.
            request_time: Some(api::timestamp(
                peering.work.busy_since.unwrap_or(peering.update_at),
            )),
        };
        let answer = self
            .client
            .clone()
            .delete_peering(request)
            .await
            .map_err(cloud_error)?;
        let answer = answer.into_inner();
        Ok((removal(answer.removal()), answer.operation_token))
    }

    /// Moves the route tables of the peering's network towards holding exactly the routes in `wanted`.
    pub async fn ensure_routes(
        &self,
        peering: &Peering,
        wanted: &[WantedRoute],
    ) -> Result<Routes, CloudError> {
        let routes = wanted.iter().map(|one| Route {
            cidr: one.cidr.to_string(),
            provider_peering_id: one.provider_peering_id.clone(),
            ..Default::default()
        });
        let request = EnsureRoutesRequest {
            r#ref: Some(VpcRef {
                group: api::provider_group(&peering.group()),
                deployment: self.deployment.clone(),
                network_id: peering.network.to_string(),
                region: peering.vendor.region.to_string(),
            }),
            vpc_id: peering.vendor.vpc_id.clone(),
            wanted: routes.collect(),
        };
        let answer = self
            .client
            .clone()
            .ensure_routes(request)
            .await
            .map_err(cloud_error)?;
        let answer = answer.into_inner();
        let missing: HashSet<(&str, &str)> = answer
            .routes
            .iter()
            .filter(|route| route.state() == route::State::Missing)
            .map(|route| (route.cidr.as_str(), route.provider_peering_id.as_str()))
            .collect();
        let is_missing = |one: &&WantedRoute| {
            let cidr = one.cidr.to_string();
            missing.contains(&(cidr.as_str(), one.provider_peering_id.as_str()))
        };
        Ok(Routes {
            is_complete: answer.complete,
            missing: wanted.iter().filter(is_missing).cloned().collect(),
        })
    }

    /// Begins a listing of a group's peerings. `expected` are attempts whose id in the cloud is not known.
    pub async fn observe(
        &self,
        group: &GroupId,
        scope: Scope,
        expected: impl IntoIterator<Item = (PeeringId, i32)>,
    ) -> Result<Listing, CloudError> {
        let attempt = |(id, attempt): (PeeringId, i32)| Attempt {
            peering_id: id.to_string(),
            attempt,
        };
        let outstanding_only = scope == Scope::Outstanding;
        let (provider_peering_ids, peering_ids) = match scope {
            Scope::Whole | Scope::Outstanding => Default::default(),
            Scope::Ids(ids) => (ids, Vec::new()),
            Scope::Peerings(ids) => (Vec::new(), ids.iter().map(ToString::to_string).collect()),
        };
        let request = ObservePeeringsRequest {
            group: api::provider_group(group),
            deployment: self.deployment.clone(),
            provider_peering_ids,
            peering_ids,
            outstanding_only,
            expected: expected.into_iter().map(attempt).collect(),
            ..Default::default()
        };
        let answer = self
            .client
            .clone()
            .observe_peerings(request)
            .await
            .map_err(cloud_error)?;
        Ok(Listing {
            pages: answer.into_inner(),
            deployment: self.deployment.clone(),
            page_timeout: self.page_timeout,
        })
    }

    fn peering_ref(&self, peering: &Peering, attempt: i32) -> PeeringRef {
        PeeringRef {
            group: api::provider_group(&peering.group()),
            deployment: self.deployment.clone(),
            peering_id: peering.id.to_string(),
            attempt,
        }
    }
}

impl Listing {
    /// The next part; none at the end.
    pub async fn next(&mut self) -> Result<Option<Page>, CloudError> {
        let page = tokio::time::timeout(self.page_timeout, self.pages.message()).await;
        let page = page.map_err(|_| {
            CloudError::unknown_outcome(
                CloudErrorKind::Unavailable,
                "CLOUD_UNAVAILABLE",
                format!("the next page took longer than {:?}", self.page_timeout),
            )
        })?;
        Ok(page.map_err(cloud_error)?.map(|page| Page {
            is_complete: page.complete,
            sightings: page
                .observations
                .into_iter()
                .map(|observation| sighting(observation, &self.deployment))
                .collect(),
        }))
    }
}

pub(super) fn removal(answered: proto::Removal) -> Removal {
    match answered {
        proto::Removal::Deleted => Removal::Deleted,
        proto::Removal::Absent => Removal::Absent,
        proto::Removal::InProgress | proto::Removal::Unspecified => Removal::InProgress,
    }
}

fn peer(peering: &Peering) -> proto::Peer {
    proto::Peer {
        account_id: peering.peer.account().to_owned(),
        region: peering.peer.region().to_owned(),
        vpc_id: peering.peer.vpc().to_owned(),
    }
}

pub(super) fn options(peering: &Peering) -> proto::PeeringOptions {
    let options = peering.options;
    proto::PeeringOptions {
        resolve_dns: options.resolve_dns,
        import_custom_routes: options.import_custom_routes,
        export_custom_routes: options.export_custom_routes,
    }
}

/// What an error of a cloud means for a step.
pub fn refusal(error: &CloudError) -> Refusal {
    let kind = match error.kind {
        CloudErrorKind::Terminal => RefusalKind::Terminal,
        CloudErrorKind::Quota => RefusalKind::Quota,
        CloudErrorKind::InProgress => RefusalKind::InProgress,
        CloudErrorKind::Throttled | CloudErrorKind::Unavailable => RefusalKind::Passing,
        CloudErrorKind::Unauthorized => RefusalKind::Unauthorized,
        CloudErrorKind::Invalid | CloudErrorKind::Unknown => RefusalKind::Unknown,
    };
    Refusal {
        kind,
        reason: error.reason.clone(),
        message: error.message.clone(),
        certain: error.refused,
    }
}

pub(super) fn cloud_error(status: Status) -> CloudError {
    CloudError::from_status(&status)
}

pub(super) fn sighting(observation: PeeringObservation, deployment: &str) -> Sighting {
    use peering_observation::State;
    let state = match observation.state() {
        State::Unspecified | State::Unrecognized => CloudState::Unrecognized,
        State::Provisioning => CloudState::Provisioning,
        State::PendingAcceptance => CloudState::PendingAcceptance,
        State::Active => CloudState::Active,
        State::Rejected => CloudState::Rejected,
        State::Expired => CloudState::Expired,
        State::Failed => CloudState::Failed,
        State::Deleting => CloudState::Deleting,
        State::Deleted => CloudState::Deleted,
        State::Inactive => CloudState::Inactive,
    };
    let ours = observation.deployment == deployment;
    let peer = observation.peer.unwrap_or_default();
    let mut cidrs: Vec<Cidr> = (observation.peer_cidrs.iter())
        .filter_map(|cidr| cidr.parse().ok())
        .collect();
    cidrs.sort();
    Sighting {
        peering: observation.peering_id.parse().ok().filter(|_| ours),
        provider_peering_id: observation.provider_peering_id,
        attempt: observation.attempt,
        state,
        reason: observation.reason,
        message: observation.message,
        raw_state: observation.raw_state,
        expire_at: observation.expire_time.as_ref().map(api::millis),
        vendor_vpc: observation.vendor_vpc_id,
        peer: (peer.account_id, peer.region, peer.vpc_id),
        peer_cidrs: cidrs,
        options: observation.options.map(|options| Options {
            resolve_dns: options.resolve_dns,
            import_custom_routes: options.import_custom_routes,
            export_custom_routes: options.export_custom_routes,
        }),
    }
}
