//! The routes to peerings that a group's route tables hold, as the provider-adapter lists them.

use std::collections::HashMap;

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::ObserveRoutesRequest;
use types::{GroupId, NetworkId};

use super::guide::seen_route;
use super::provider::{ProviderClient, cloud_error};
use crate::domain::SeenRoute;

impl ProviderClient {
    /// The routes to peerings of a group by network and VPC; none when the listing did not show everything.
    /// `with_untagged` also looks at tables that others made.
    pub async fn observe_routes(
        &self,
        group: &GroupId,
        with_untagged: bool,
    ) -> Result<Option<HashMap<(NetworkId, String), Vec<SeenRoute>>>, CloudError> {
        let request = ObserveRoutesRequest {
            group: api::provider_group(group),
            deployment: self.deployment.clone(),
            network_ids: Vec::new(),
            with_untagged,
        };
        let answer = self.client.clone().observe_routes(request).await;
        let mut pages = answer.map_err(cloud_error)?.into_inner();
        let mut routes: HashMap<_, Vec<_>> = HashMap::new();
        let mut is_complete = false;
        loop {
            let page = tokio::time::timeout(self.page_timeout, pages.message()).await;
            let page = page.map_err(|_| {
                CloudError::unknown_outcome(
                    CloudErrorKind::Unavailable,
                    "CLOUD_UNAVAILABLE",
                    format!("the next page took longer than {:?}", self.page_timeout),
                )
            })?;
            let Some(page) = page.map_err(cloud_error)? else {
                return Ok(is_complete.then_some(routes));
            };
            is_complete = page.complete;
            for shown in page.observations {
                // What is not ours is nobody's.
                let Ok(network) = shown.network_id.parse() else {
                    continue;
                };
                let found = shown.routes.into_iter().filter_map(seen_route);
                routes
                    .entry((network, shown.vpc_id))
                    .or_default()
                    .extend(found);
            }
        }
    }
}
