//! DeletePeering: the wish is recorded, the worker does the rest.

use std::time::Duration;

use api::peering::v1::{DeletePeeringRequest, DeletePeeringResponse};
use queue::Lane;
use runtime::caller::Caller;
use runtime::request_ids::{self};
use runtime::status::Violations;
use tonic::Status;

use super::status::{is_raced, peering_not_found};
use super::subject::{Subject, TRIES, contended, is_as_read};
use super::{Api, cause, convert};
use crate::domain::Peering;
use crate::store::Change;

const METHOD: &str = "DeletePeering";

impl Api {
    pub(super) async fn delete(
        &self,
        caller: &Caller,
        request: DeletePeeringRequest,
    ) -> Result<DeletePeeringResponse, Status> {
        let named = (
            request.tenant_id.as_str(),
            request.peering_id.as_str(),
            request.request_id.as_str(),
        );
        let Subject { scope, id, key } = Subject::read(Violations::new(), METHOD, named, &request)?;
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
            is_as_read(&peering, &request.etag)?;
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
        Err(contended())
    }
}

fn answer(peering: &Peering, covered_at: Option<i64>) -> DeletePeeringResponse {
    DeletePeeringResponse {
        peering: Some(convert::message(peering, covered_at)),
    }
}
