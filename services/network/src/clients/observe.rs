//! The listing of all VPCs of a group.

use api::provider::v1 as proto;
use tonic::Streaming;
use types::{GroupId, NetworkId};

use super::provider::{ProviderAdapter, failure, seen};
use crate::domain::{Failure, FailureKind, Sighting};

/// A listing under way.
pub(crate) struct Listing {
    pages: Streaming<proto::ObserveVpcsResponse>,
    page_timeout: std::time::Duration,
}

/// A part of a listing.
pub(crate) struct Page {
    /// What it shows, and of which network.
    pub(crate) sightings: Vec<(NetworkId, Sighting)>,
    /// It is the last one, and the listing missed nothing.
    pub(crate) is_complete: bool,
}

impl ProviderAdapter {
    /// Begins a listing of the VPCs of a group, `with_wiring` of their parts and firewalls too.
    pub(crate) async fn observe(
        &self,
        group: &GroupId,
        with_wiring: bool,
    ) -> Result<Listing, Failure> {
        let request = proto::ObserveVpcsRequest {
            group: api::provider_group(group),
            deployment: self.deployment.clone(),
            with_wiring,
        };
        let answer = self.client.clone().observe_vpcs(request).await;
        Ok(Listing {
            pages: answer.map_err(failure)?.into_inner(),
            page_timeout: self.page_timeout,
        })
    }
}

impl Listing {
    /// The next part; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Page>, Failure> {
        let page = tokio::time::timeout(self.page_timeout, self.pages.message()).await;
        let page = page.map_err(|_| Failure {
            kind: FailureKind::Unavailable,
            reason: "CLOUD_UNAVAILABLE".to_owned(),
            message: format!("the next page took longer than {:?}", self.page_timeout),
            refused: false,
            retry_after: None,
        })?;
        Ok(page.map_err(failure)?.map(|page| Page {
            is_complete: page.complete,
            sightings: page.observations.into_iter().filter_map(sighting).collect(),
        }))
    }
}

/// None: an id that is no network's, which nobody here can know.
fn sighting(shown: proto::observe_vpcs_response::Observation) -> Option<(NetworkId, Sighting)> {
    let sighting = Sighting {
        vpc: seen(shown.vpc.unwrap_or_default()),
        cidrs: shown.firewall_cidrs.into_iter().collect(),
        ports: shown.firewall_ports.into_iter().collect(),
        drift: shown.drift,
    };
    Some((shown.network_id.parse().ok()?, sighting))
}
