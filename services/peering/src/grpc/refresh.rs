//! RefreshPeering: asks for a look now, and waits a little for it.

use std::time::Duration;

use api::peering::v1::{RefreshPeeringRequest, RefreshPeeringResponse};
use runtime::status::Violations;
use tonic::Status;
use types::{PeeringId, TenantId, TenantScope};

use super::status::peering_not_found;
use super::{Api, convert};
use crate::worker::covered::lane;

/// Turns of other replicas show in the database only.
const RECHECK: Duration = Duration::from_millis(100);

impl Api {
    pub(super) async fn refresh(
        &self,
        request: RefreshPeeringRequest,
    ) -> Result<RefreshPeeringResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        let id = violations.check("peering_id", request.peering_id.parse::<PeeringId>());
        violations.finish()?;
        let (Some(tenant), Some(id)) = (tenant, id) else {
            return Err(Status::internal("a request was neither taken nor refused"));
        };
        let scope = TenantScope::One(tenant);
        let asked_at = self.store.now_ms().await?;
        let find = || async {
            let found = self.store.find(&scope, id).await?;
            found.ok_or_else(|| peering_not_found(id))
        };
        let mut peering = find().await?;
        let mut fresh = false;
        if let Some(lane) = lane(&peering) {
            let mut turns = self.queue.turns();
            let group = peering.group();
            self.queue.nudge(&group, lane, Duration::ZERO).await;
            let looked_at = async {
                loop {
                    if self.lane_covered_at(&group, lane).await? >= Some(asked_at) {
                        return Ok::<(), Status>(());
                    }
                    // Either way: ask again.
                    let _ = tokio::time::timeout(RECHECK, turns.changed()).await;
                }
            };
            fresh = match tokio::time::timeout(self.refresh_wait, looked_at).await {
                Ok(looked_at) => looked_at.map(|()| true)?,
                Err(_) => false,
            };
            peering = find().await?;
        }
        let covered_at = self.covered_at(&peering).await?;
        Ok(RefreshPeeringResponse {
            peering: Some(convert::message(&peering, covered_at)),
            fresh,
        })
    }
}
