//! RenewPeering: a new attempt is recorded in the place of an ended one, the worker does the rest.

use std::time::Duration;

use api::peering::v1::{RenewPeeringRequest, RenewPeeringResponse};
use queue::Lane;
use runtime::caller::Caller;
use runtime::request_ids::{self};
use runtime::status::Violations;
use tonic::Status;

use super::status::{is_raced, not_ended, peering_deleted, peering_not_found};
use super::subject::{Subject, TRIES, contended, is_as_read};
use super::{Api, cause, convert};
use crate::domain::{Peering, may_peer};
use crate::store::Change;

const METHOD: &str = "RenewPeering";

impl Api {
    pub(super) async fn renew(
        &self,
        caller: &Caller,
        request: RenewPeeringRequest,
    ) -> Result<RenewPeeringResponse, Status> {
        let named = (
            request.tenant_id.as_str(),
            request.peering_id.as_str(),
            request.request_id.as_str(),
        );
        let Subject { scope, id, key } = Subject::read(Violations::new(), METHOD, named, &request)?;
        for _ in 0..TRIES {
            let now = self.store.now_ms().await?;
            let peering = self.store.find(&scope, id).await?;
            // After the row was read: whoever has renewed it meanwhile has stored the answer with the change.
            if let Some(answer) = request_ids::replay(self.store.db().read(), &key, now).await? {
                return Ok(answer);
            }
            let peering = peering.ok_or_else(|| peering_not_found(id))?;
            is_as_read(&peering, &request.etag)?;
            let renewed = self.renewed(caller, &peering, now).await?;
            let change = Change::to(&peering, renewed);
            let told = |peering: &Peering| RenewPeeringResponse {
                peering: Some(convert::message(peering, None)),
            };
            let answer = match self
                .store
                .commit_answer(change, &cause(caller), &key, told, now)
                .await
            {
                Err(error) if is_raced(&error) => continue,
                answer => answer?,
            };
            if let Some(answer) = answer {
                self.wake(&peering).await?;
                return Ok(answer);
            }
        }
        Err(contended())
    }

    /// The peering with a new attempt, if nothing that can be known here forbids it.
    async fn renewed(
        &self,
        caller: &Caller,
        peering: &Peering,
        now: i64,
    ) -> Result<Peering, Status> {
        if peering.is_unwanted() {
            return Err(peering_deleted(peering));
        }
        if !peering.state.has_ended() {
            return Err(not_ended(peering));
        }
        let network = self.network.get(&peering.tenant, peering.network).await?;
        let policy = self.policy(now).await?;
        may_peer(&peering.peer, &network, &policy)?;
        let covered_at = self.covered_at(peering).await?;
        let mut renewed = peering.clone();
        renewed.renew(&network, covered_at, now);
        renewed.work.traceparent.clone_from(&caller.traceparent);
        Ok(renewed)
    }

    /// Has the worker take the first step of the new attempt now, and look soon.
    async fn wake(&self, before: &Peering) -> Result<(), Status> {
        // The network may have been placed anew, so that the group is another one.
        let recorded = self.store.read(before.id).await?;
        let group = recorded.as_ref().unwrap_or(before).group();
        self.queue.nudge(&group, Lane::Work, Duration::ZERO).await;
        self.queue.nudge(&group, Lane::Pending, self.soon).await;
        Ok(())
    }
}
