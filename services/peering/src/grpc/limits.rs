//! GetTenantLimits: what of a tenant's quotas is used.

use api::peering::v1::get_tenant_limits_response::Limit;
use api::peering::v1::{GetTenantLimitsRequest, GetTenantLimitsResponse};
use runtime::status::Violations;
use tonic::Status;
use types::TenantId;

use super::Api;

impl Api {
    pub(super) async fn limits(
        &self,
        request: GetTenantLimitsRequest,
    ) -> Result<GetTenantLimitsResponse, Status> {
        let mut violations = Violations::new();
        let tenant = violations.check("tenant_id", request.tenant_id.parse::<TenantId>());
        violations.finish()?;
        let Some(tenant) = tenant else {
            return Err(Status::internal("a request was neither taken nor refused"));
        };
        let most = self.store.quotas().outstanding_peerings(&tenant);
        let outstanding = Limit {
            name: "outstanding_peerings".to_owned(),
            used: number(self.store.outstanding(&tenant).await?),
            limit: number(most),
        };
        Ok(GetTenantLimitsResponse {
            limits: vec![outstanding],
        })
    }
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
