//! GetPeering, ListPeerings and ListPeeringEvents.

use std::collections::HashMap;

use api::peering::v1::{
    self as proto, GetPeeringRequest, GetPeeringResponse, ListPeeringEventsRequest,
    ListPeeringEventsResponse, ListPeeringsRequest, ListPeeringsResponse, PeeringEvent,
};
use queue::Lane;
use runtime::events;
use runtime::page::Page;
use runtime::status::Violations;
use tonic::Status;
use types::{GroupId, Invalid, PeeringId, ProviderKind, TenantScope};

use super::Api;
use super::convert;
use super::status::peering_not_found;
use super::wish::optional;
use crate::domain::{Peering, State};
use crate::store::Filter;
use crate::worker::covered::{covered_at, lane};

impl Api {
    pub(super) async fn get(
        &self,
        request: GetPeeringRequest,
    ) -> Result<GetPeeringResponse, Status> {
        let peering = self.named(&request.tenant_id, &request.peering_id).await?;
        let covered_at = self.covered_at(&peering).await?;
        Ok(GetPeeringResponse {
            peering: Some(convert::message(&peering, covered_at)),
        })
    }

    pub(super) async fn list(
        &self,
        request: ListPeeringsRequest,
    ) -> Result<ListPeeringsResponse, Status> {
        let (filter, page) = question(&request)?;
        let after = page.after.as_deref().and_then(|id| id.parse().ok());
        let found = self.store.list(&filter, after, page.wanted()).await?;
        let mut covered = HashMap::new();
        let mut peerings = Vec::with_capacity(found.len());
        for peering in &found {
            let covered_at = self.covered_at_once(peering, &mut covered).await?;
            peerings.push(convert::message(peering, covered_at));
        }
        let (peerings, next_page_token) = page.cut(peerings, |peering| peering.id.clone());
        Ok(ListPeeringsResponse {
            peerings,
            next_page_token,
        })
    }

    pub(super) async fn events(
        &self,
        request: ListPeeringEventsRequest,
    ) -> Result<ListPeeringEventsResponse, Status> {
        let mut violations = Violations::new();
        let question = format!("events {} {}", request.tenant_id, request.peering_id);
        let page = Page::asked(
            &mut violations,
            request.page_size,
            &request.page_token,
            question,
        );
        violations.finish()?;
        let peering = self.named(&request.tenant_id, &request.peering_id).await?;
        let after = page
            .after
            .as_deref()
            .and_then(|seq| seq.parse().ok())
            .unwrap_or(0);
        let id = peering.id.to_string();
        let found = events::list(self.store.db().read(), &id, after, page.wanted()).await;
        let found = found.map_err(runtime::status::from_db)?;
        let events = found.into_iter().map(convert::event).collect();
        let (events, next_page_token) =
            page.cut(events, |event: &PeeringEvent| event.sequence.to_string());
        Ok(ListPeeringEventsResponse {
            events,
            next_page_token,
        })
    }

    /// The peering that a request names.
    pub(super) async fn named(&self, tenant: &str, id: &str) -> Result<Peering, Status> {
        let mut violations = Violations::new();
        let scope = violations.check("tenant_id", tenant.parse::<TenantScope>());
        let id = violations.check("peering_id", id.parse::<PeeringId>());
        violations.finish()?;
        let (Some(scope), Some(id)) = (scope, id) else {
            return Err(Status::internal("a request was neither taken nor refused"));
        };
        self.store
            .find(&scope, id)
            .await?
            .ok_or_else(|| peering_not_found(id))
    }

    /// The last complete look of the lane that watches the peering.
    pub(super) async fn covered_at(&self, peering: &Peering) -> Result<Option<i64>, Status> {
        let Some(lane) = lane(peering) else {
            return Ok(None);
        };
        self.lane_covered_at(&peering.group(), lane).await
    }

    /// The same for many peerings, each lane read once.
    async fn covered_at_once(
        &self,
        peering: &Peering,
        known: &mut HashMap<(GroupId, Lane), Option<i64>>,
    ) -> Result<Option<i64>, Status> {
        let Some(lane) = lane(peering) else {
            return Ok(None);
        };
        let place = (peering.group(), lane);
        if let Some(covered_at) = known.get(&place) {
            return Ok(*covered_at);
        }
        let covered_at = self.lane_covered_at(&place.0, lane).await?;
        known.insert(place, covered_at);
        Ok(covered_at)
    }

    pub(super) async fn lane_covered_at(
        &self,
        group: &GroupId,
        lane: Lane,
    ) -> Result<Option<i64>, Status> {
        covered_at(&self.queue, group, lane)
            .await
            .map_err(|error| match error {
                queue::Error::Database(error) => runtime::status::from_db(error),
                error => runtime::status::internal(&error),
            })
    }
}

/// What a list asks for, and which page of it.
fn question(request: &ListPeeringsRequest) -> Result<(Filter, Page), Status> {
    let mut violations = Violations::new();
    let scope = violations.check("tenant_id", request.tenant_id.parse());
    let network = optional(&mut violations, "network_id", &request.network_id);
    let state = match request.state.as_str() {
        "" => Some(None),
        name => violations
            .check("state", State::from_filter(name))
            .map(Some),
    };
    let provider = violations.check("provider", provider(request.provider));
    let ListPeeringsRequest {
        tenant_id,
        network_id,
        state: named,
        provider: number,
        ..
    } = request;
    let asked = format!("peerings {tenant_id} {network_id} {named} {number}");
    let page = Page::asked(
        &mut violations,
        request.page_size,
        &request.page_token,
        asked,
    );
    violations.finish()?;
    match (scope, network, state, provider) {
        (Some(scope), Some(network), Some(state), Some(provider)) => {
            let filter = Filter {
                scope,
                network,
                state,
                provider,
            };
            Ok((filter, page))
        }
        _ => Err(Status::internal("a request was neither taken nor refused")),
    }
}

fn provider(given: i32) -> Result<Option<ProviderKind>, Invalid> {
    match proto::Provider::try_from(given) {
        Ok(proto::Provider::Unspecified) => Ok(None),
        Ok(provider) => ProviderKind::try_from(provider).map(Some),
        Err(_) => Err(Invalid::field(format!("there is no provider {given}"))),
    }
}
