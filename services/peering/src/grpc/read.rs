//! GetPeering, ListPeerings and ListPeeringEvents.

use std::collections::HashMap;

use api::peering::v1::{
    self as proto, GetPeeringRequest, GetPeeringResponse, ListPeeringEventsRequest,
    ListPeeringEventsResponse, ListPeeringsRequest, ListPeeringsResponse,
};
use prost::Message;
use queue::Lane;
use runtime::events;
use runtime::status::Violations;
use tonic::Status;
use types::{GroupId, Invalid, PeeringId, ProviderKind, TenantScope};

use super::convert;
use super::status::peering_not_found;
use super::wish::optional;
use super::{Api, page};
use crate::domain::{Peering, State, Watch};
use crate::store::Filter;

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
        let (filter, after, size) = question(&request)?;
        let limit = u64::try_from(size + 1).unwrap_or(u64::MAX);
        let found = self.store.list(&filter, after, limit).await?;
        let mut covered = HashMap::new();
        let mut answer = ListPeeringsResponse::default();
        let mut bytes = 0;
        for (index, peering) in found.iter().enumerate() {
            let covered_at = self.covered_at_once(peering, &mut covered).await?;
            let message = convert::message(peering, covered_at);
            bytes += message.encoded_len();
            let is_full = index == size || (index > 0 && bytes > page::LARGEST_BYTES);
            if is_full {
                let last = found[index - 1].id.to_string();
                answer.next_page_token = page::token(&filter, &last);
                break;
            }
            answer.peerings.push(message);
        }
        Ok(answer)
    }

    pub(super) async fn events(
        &self,
        request: ListPeeringEventsRequest,
    ) -> Result<ListPeeringEventsResponse, Status> {
        let mut violations = Violations::new();
        let size = violations.check("page_size", page::size(request.page_size));
        let question = ("events", &request.peering_id);
        let after = page::read(&question, &request.page_token);
        let after = after.and_then(|last| match last {
            None => Ok(0),
            Some(text) => text
                .parse::<i64>()
                .map_err(|error| Invalid::field(error.to_string())),
        });
        let after = violations.check("page_token", after);
        violations.finish()?;
        let (Some(size), Some(after)) = (size, after) else {
            return Err(Status::internal("a request was neither taken nor refused"));
        };
        let peering = self.named(&request.tenant_id, &request.peering_id).await?;
        let limit = u64::try_from(size + 1).unwrap_or(u64::MAX);
        let id = peering.id.to_string();
        let found = events::list(self.store.db().read(), &id, after, limit).await;
        let mut found = found.map_err(runtime::status::from_db)?;
        let more = found.len() > size;
        found.truncate(size);
        let last = found
            .last()
            .filter(|_| more)
            .map(|event| event.seq.to_string());
        Ok(ListPeeringEventsResponse {
            events: found.into_iter().map(convert::event).collect(),
            next_page_token: last.map_or_else(String::new, |last| page::token(&question, &last)),
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
        match self.queue.lane(group, lane).await {
            Ok(row) => Ok(row.covered_at),
            // The lanes are made in the transaction that admits the group's first row.
            Err(queue::Error::UnknownGroup(_)) => Ok(None),
            Err(queue::Error::Database(error)) => Err(runtime::status::from_db(error)),
            Err(error) => Err(runtime::status::internal(&error)),
        }
    }
}

/// The lane that looks at a peering.
pub(super) fn lane(peering: &Peering) -> Option<Lane> {
    match peering.state.watch() {
        Watch::Pending => Some(Lane::Pending),
        Watch::Drift => Some(Lane::Drift),
        Watch::None => None,
    }
}

/// What a list asks for, where its page begins, and how long that is.
fn question(request: &ListPeeringsRequest) -> Result<(Filter, Option<PeeringId>, usize), Status> {
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
    let size = violations.check("page_size", page::size(request.page_size));
    let filter = match (scope, network, state, provider) {
        (Some(scope), Some(network), Some(state), Some(provider)) => Some(Filter {
            scope,
            network,
            state,
            provider,
        }),
        _ => None,
    };
    // A token can be judged only together with the filters it was given for.
    let after = filter.as_ref().and_then(|filter| {
        let last = page::read(filter, &request.page_token)
            .and_then(|last| last.map(|last| last.parse()).transpose());
        violations.check("page_token", last)
    });
    violations.finish()?;
    match (filter, after, size) {
        (Some(filter), Some(after), Some(size)) => Ok((filter, after, size)),
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
