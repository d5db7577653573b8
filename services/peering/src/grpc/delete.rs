//! DeletePeering: the wish is recorded, the worker does the rest.

use std::time::Duration;

use api::peering::v1::{DeletePeeringRequest, DeletePeeringResponse};
use queue::Lane;
use runtime::caller::Caller;
use runtime::request_ids::{self, Key};
use runtime::status::Violations;
use tonic::Status;
use types::{PeeringId, TenantId, TenantScope};

use super::status::{aborted, is_raced, peering_not_found};
use super::{Api, cause, convert};
use crate::domain::Peering;
use crate::store::Change;

const METHOD: &str = "DeletePeering";
/// The worker may write between the read and the write; more often than this in a row it does not.
const TRIES: usize = 10;

impl Api {
    pub(super) async fn delete(
        &self,
        caller: &Caller,
        request: DeletePeeringRequest,
    ) -> Result<DeletePeeringResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        let id = violations.check("peering_id", request.peering_id.parse::<PeeringId>());
        let key = Key::new(&request.tenant_id, METHOD, &request.request_id, &request);
        let key = violations.check("request_id", key);
        violations.finish()?;
        let (Some(tenant), Some(id), Some(key)) = (tenant, id, key) else {
            return Err(Status::internal("a request was neither taken nor refused"));
        };
        let scope = TenantScope::One(tenant);
        for _ in 0..TRIES {
            let now = self.store.now_ms().await?;
            if let Some(answer) = request_ids::replay(self.store.db().read(), &key, now).await? {
                return Ok(answer);
            }
            let peering = self.store.find(&scope, id).await?;
            let peering = peering.ok_or_else(|| peering_not_found(id))?;
            let covered_at = self.covered_at(&peering).await?;
            if peering.is_unwanted() {
                let answer = answer(&peering, covered_at);
                match self.store.keep_answer(&key, &answer, now).await {
                    Ok(()) => return Ok(answer),
                    Err(error) if is_raced(&error) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            if !request.etag.is_empty() && request.etag != convert::etag(&peering) {
                return Err(aborted(
                    "ETAG_MISMATCH",
                    "the peering has changed since it was read; read it again",
                ));
            }
            let mut deleting = peering.clone();
            deleting.delete(covered_at, now);
            deleting.work.traceparent.clone_from(&caller.traceparent);
            let change = Change::to(&peering, deleting);
            let told = |peering: &Peering| answer(peering, None);
            let answer = match self
                .store
                .commit_answer(change, &cause(caller), &key, told, now)
                .await
            {
                Err(error) if is_raced(&error) => continue,
                answer => answer?,
            };
            if let Some(answer) = answer {
                self.queue
                    .nudge(&peering.group(), Lane::Work, Duration::ZERO)
                    .await;
                self.queue
                    .nudge(&peering.group(), Lane::Pending, self.soon)
                    .await;
                return Ok(answer);
            }
        }
        Err(aborted(
            "PEERING_CONTENDED",
            "the peering changed each time it was read; send it again",
        ))
    }
}

fn answer(peering: &Peering, covered_at: Option<i64>) -> DeletePeeringResponse {
    DeletePeeringResponse {
        peering: Some(convert::message(peering, covered_at)),
    }
}
