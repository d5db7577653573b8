//! CreatePeering: checks, then the admission.
//!
//! The row is written first and seen by nobody; the network claims its ranges; then one transaction makes it part of
//! the world. A crash between these leaves a row that the same request resumes and a sweep withdraws.

use std::time::Duration;

use api::peering::v1::{CreatePeeringRequest, CreatePeeringResponse};
use queue::Lane;
use runtime::caller::Caller;
use runtime::failpoint;
use runtime::request_ids::{self, Key};
use runtime::status::Violations;
use tonic::{Code, Status};

use super::convert;
use super::status::{aborted, in_progress, name_taken, network_away, pair_taken};
use super::wish;
use super::{Api, cause};
use crate::clients::AttachError;
use crate::domain::{Admission, Peering, Policy, Wish, admissible};
use crate::store::{Admitted, Inserted};
use crate::worker::admission::withdraw;

pub(super) const METHOD: &str = "CreatePeering";
/// Times that a create begins anew because another was faster.
const TRIES: usize = 5;

impl Api {
    pub(super) async fn create(
        &self,
        caller: &Caller,
        request: CreatePeeringRequest,
    ) -> Result<CreatePeeringResponse, Status> {
        if request.validate_only {
            return self.preflight(&request).await;
        }
        let wish = wish::read(&request)?;
        let mut violations = Violations::new();
        let key = Key::new(&wish.tenant, METHOD, &request.request_id, &request);
        let key = violations.check("request_id", key);
        violations.finish()?;
        let Some(key) = key else {
            return Err(Status::internal("a request id was lost"));
        };
        let hash = wish::hash(&request);
        for _ in 0..TRIES {
            if let Some(answer) = self.replay(&key).await? {
                return Ok(answer);
            }
            let Some(peering) = self.record(caller, &wish, &key, &hash).await? else {
                continue;
            };
            if let Some(answer) = self.admit(caller, &key, &peering).await? {
                return Ok(answer);
            }
        }
        Err(aborted(
            "CREATE_CONTENDED",
            "other creates were faster each time; send it again",
        ))
    }

    pub(super) async fn replay(&self, key: &Key) -> Result<Option<CreatePeeringResponse>, Status> {
        let now = self.store.now_ms().await?;
        Ok(request_ids::replay(self.store.db().read(), key, now).await?)
    }

    /// The unadmitted row of this wish, made now or by an earlier try; none when the world has changed meanwhile.
    async fn record(
        &self,
        caller: &Caller,
        wish: &Wish,
        key: &Key,
        hash: &str,
    ) -> Result<Option<Peering>, Status> {
        if let Some(unfinished) = self.unfinished(wish, hash).await? {
            return Ok(Some(unfinished));
        }
        let network = self.network.get(&wish.tenant, wish.network).await?;
        let now = self.store.now_ms().await?;
        let policy = self.policy(now).await?;
        let mut peering = admissible(wish.clone(), &network, &policy, now)?;
        peering.work.traceparent.clone_from(&caller.traceparent);
        let (other, refusal): (_, fn(&Peering) -> Status) =
            match self.store.insert(&peering, hash).await? {
                Inserted::Done => {
                    failpoint::hit("peering.create.after_insert");
                    return Ok(Some(peering));
                }
                Inserted::Moved => return Ok(None),
                Inserted::PairTaken(other) => (other, pair_taken),
                Inserted::NameTaken(other) => (other, name_taken),
            };
        if other.work.admission == Admission::Admitted {
            // It may be this very request, answered since the replay found nothing.
            return match self.replay(key).await? {
                Some(_) => Ok(None),
                None => Err(refusal(&other)),
            };
        }
        let same_request = peering.work.create_request_id.is_some()
            && peering.work.create_request_id == other.work.create_request_id;
        if same_request && other.tenant == peering.tenant {
            return Ok(None);
        }
        Err(in_progress())
    }

    pub(super) async fn policy(&self, now: i64) -> Result<Policy, Status> {
        if self.allow_vendor_peer {
            return Ok(Policy::Anybody);
        }
        Ok(Policy::Customers(self.pool.accounts(now).await?))
    }

    async fn unfinished(&self, wish: &Wish, hash: &str) -> Result<Option<Peering>, Status> {
        let Some(request_id) = &wish.request_id else {
            return Ok(None);
        };
        let found = self
            .store
            .unfinished(wish.tenant.as_str(), request_id.as_str())
            .await?;
        let Some((peering, recorded)) = found else {
            return Ok(None);
        };
        if recorded != hash {
            return Err(request_ids::Error::Reused.into());
        }
        if peering.work.admission == Admission::Withdrawn {
            return Err(withdrawn());
        }
        Ok(Some(peering))
    }

    /// Has the network claim the ranges, then makes the row part of the world; none when another did, or withdrew it.
    async fn admit(
        &self,
        caller: &Caller,
        key: &Key,
        peering: &Peering,
    ) -> Result<Option<CreatePeeringResponse>, Status> {
        match self.network.attach(peering).await {
            Ok(()) => {}
            Err(AttachError::Unanswered(status)) => return Err(network_away(status.message())),
            Err(AttachError::Refused(status)) => {
                // An earlier try may have been taken, so it is detached before the row goes.
                withdraw(&self.store, &self.network, peering).await?;
                return Err(passed_on(*status));
            }
        }
        failpoint::hit("peering.create.after_attach");
        let findings = self.warnings(peering).await;
        let now = self.store.now_ms().await?;
        let answer = |peering: &Peering| CreatePeeringResponse {
            peering: Some(convert::message(peering, None)),
            findings,
        };
        match self
            .store
            .admit(peering, &cause(caller), key, answer, now)
            .await?
        {
            Admitted::Done(admitted, answer) => {
                failpoint::hit("peering.create.after_admit");
                self.queue
                    .nudge(&admitted.group(), Lane::Work, Duration::ZERO)
                    .await;
                Ok(Some(answer))
            }
            Admitted::Lost => match self.store.read(peering.id).await? {
                Some(now) if now.work.admission == Admission::Admitted => Ok(None),
                _ => Err(withdrawn()),
            },
        }
    }
}

/// The network service's verdict, as it is, but for one that says that we have given up ourselves.
fn passed_on(status: Status) -> Status {
    match runtime::status::reason(&status).as_deref() {
        Some("ATTACHMENT_DETACHED") if status.code() == Code::FailedPrecondition => withdrawn(),
        _ => status,
    }
}

fn withdrawn() -> Status {
    aborted(
        "CREATE_WITHDRAWN",
        "this create took too long and was given up; send it again",
    )
}
