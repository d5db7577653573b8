//! GetPeering and ListPeeringEvents, and when what is shown was seen.

use std::collections::HashMap;

use api::peering::v1::{
    GetPeeringRequest, GetPeeringResponse, ListPeeringEventsRequest, ListPeeringEventsResponse,
    PeeringEvent,
};
use queue::Lane;
use runtime::events;
use runtime::page::Page;
use runtime::status::Violations;
use tonic::Status;
use types::{GroupId, PeeringId, TenantScope};

use super::Api;
use super::convert;
use super::status::peering_not_found;
use crate::domain::Peering;
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
    pub(super) async fn covered_at_once(
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
