//! A vendor's and a customer's VPC, to be linked.

use api::provider::v1::{DeletePeeringRequest, Removal};
use aws_sdk_ec2::types::Tag;
use types::PeeringId;

use crate::support::*;

pub(crate) struct Pair {
    pub(crate) suite: Suite,
    pub(crate) vendor_vpc: String,
    pub(crate) peer_vpc: String,
    pub(crate) peering: PeeringId,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        let suite = Suite::start().await;
        let vendor_vpc = suite.vendor_vpc("10.20.0.0/16").await;
        let peer_vpc = suite.customer_vpc("10.30.0.0/16").await;
        Self {
            suite,
            vendor_vpc,
            peer_vpc,
            peering: PeeringId::generate(),
        }
    }

    pub(crate) fn request(&self, attempt: i32) -> api::provider::v1::EnsurePeeringRequest {
        peering_request(self.peering, attempt, &self.vendor_vpc, &self.peer_vpc)
    }

    pub(crate) async fn delete(&self, id: &str) -> Result<Removal, tonic::Status> {
        let request = DeletePeeringRequest {
            r#ref: Some(peering_ref(self.peering, 1)),
            provider_peering_id: id.to_owned(),
            vendor_vpc_id: self.vendor_vpc.clone(),
            operation_token: String::new(),
            request_time: Some(api::timestamp(REQUEST_AT)),
        };
        Ok(self
            .suite
            .client()
            .delete_peering(request)
            .await?
            .into_inner()
            .removal())
    }

    /// Requests the same pair past the adapter, with these tags.
    pub(crate) async fn request_by_hand(&self, tags: &[(&str, &str)]) -> String {
        let vendor = self.suite.vendor();
        let made = vendor
            .create_vpc_peering_connection()
            .vpc_id(&self.vendor_vpc)
            .peer_vpc_id(&self.peer_vpc)
            .peer_owner_id(CUSTOMER)
            .peer_region(REGION)
            .send()
            .await
            .unwrap();
        let id = made
            .vpc_peering_connection
            .unwrap()
            .vpc_peering_connection_id
            .unwrap();
        if !tags.is_empty() {
            let tags = tags
                .iter()
                .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
            let call = vendor
                .create_tags()
                .resources(&id)
                .set_tags(Some(tags.collect()));
            call.send().await.unwrap();
        }
        id
    }

    pub(crate) fn count(&self) -> usize {
        self.suite.cloud.state(|state| state.peerings.len())
    }
}
