//! Removing what belongs to no peering.

use api::cloud::CloudError;
use api::provider::v1::{DeletePeeringRequest, PeeringRef};
use types::GroupId;

use super::provider::{ProviderClient, cloud_error, removal};
use crate::domain::Sighting;
use crate::domain::progress::Removal;

impl ProviderClient {
    /// Removes what was seen, if it still carries the same tags. `wished_at` is the same for every try, in milliseconds.
    ///
    /// # Errors
    /// The cloud's refusal, or silence.
    pub async fn delete_orphan(
        &self,
        group: &GroupId,
        seen: &Sighting,
        wished_at: i64,
    ) -> Result<Removal, CloudError> {
        let request = DeletePeeringRequest {
            r#ref: Some(PeeringRef {
                group: api::provider_group(group),
                deployment: self.deployment.clone(),
                peering_id: seen.peering.map(|id| id.to_string()).unwrap_or_default(),
                attempt: seen.attempt,
            }),
            provider_peering_id: seen.provider_peering_id.clone(),
            vendor_vpc_id: seen.vendor_vpc.clone(),
            operation_token: String::new(),
            request_time: Some(api::timestamp(wished_at)),
        };
        let answer = self.client.clone().delete_peering(request).await;
        let answer = answer.map_err(cloud_error)?.into_inner();
        Ok(removal(answer.removal()))
    }
}
