//! A tenant's quotas and what of them is used.

use api::network::v1::get_tenant_limits_response::Limit;
use api::network::v1::{GetTenantLimitsRequest, GetTenantLimitsResponse};
use runtime::status::Violations;
use tonic::Status;
use types::TenantId;

use super::Api;
use super::networks::unread;
use crate::domain::{DATASTORES_PER_NETWORK, NETWORKS, PEERINGS_PER_NETWORK};

/// Networks whose peerings are counted in one answer.
const MOST_NETWORKS: u64 = 1_000;

impl Api {
    pub(super) async fn tenant_limits(
        &self,
        request: GetTenantLimitsRequest,
    ) -> Result<GetTenantLimitsResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        violations.finish()?;
        let tenant = tenant.ok_or_else(unread)?;
        let limits = self.store.tenant_limits(&tenant, MOST_NETWORKS).await?;
        let limit = |name: &str, (used, limit): (u32, u32), network_id: String| Limit {
            name: name.to_owned(),
            used: i32::try_from(used).unwrap_or(i32::MAX),
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            network_id,
        };
        let networks = limit(NETWORKS, limits.networks, String::new());
        let on_networks = limits.on_networks.into_iter().flat_map(|on| {
            let id = on.network.to_string();
            [
                limit(PEERINGS_PER_NETWORK, on.peerings, id.clone()),
                limit(DATASTORES_PER_NETWORK, on.datastores, id),
            ]
        });
        Ok(GetTenantLimitsResponse {
            limits: [networks].into_iter().chain(on_networks).collect(),
        })
    }
}
