//! What peerings depend on of a network, asked of the network service.

use std::collections::BTreeSet;

use api::network::v1::{
    GetNetworkRequest, ListAllowListEntriesRequest, ListAttachmentsRequest, Network, attachment,
    condition,
};
use tonic::Status;
use types::{Cidr, NetworkId, TenantId};

use super::network::{NetworkClient, NetworkError, nonsense, unanswered};
use crate::domain::{ConditionStatus, NetworkFacts, conditions};

/// Reasons of a firewall's condition that pass by themselves: a change on its way, and a cloud that does not answer now.
const PASSING: [&str; 5] = [
    "FIREWALL_PENDING",
    "CLOUD_UNAVAILABLE",
    "CLOUD_THROTTLED",
    "WRITES_PACED",
    "CLOUD_OPERATION_IN_PROGRESS",
];
/// Entries or attachments of one page.
const PAGE: i32 = 1_000;

impl NetworkClient {
    /// What a tenant's network is to its peerings.
    pub async fn facts(
        &self,
        tenant: &TenantId,
        id: NetworkId,
    ) -> Result<NetworkFacts, NetworkError> {
        // The network first: what changes after it has a later version, and is asked for again.
        let request = GetNetworkRequest {
            tenant_id: tenant.to_string(),
            network_id: id.to_string(),
        };
        let answer = self.0.clone().get_network(request).await;
        let answer = answer.map_err(|status| unanswered(id, &status))?;
        let network = answer
            .into_inner()
            .network
            .ok_or_else(|| nonsense("no network"))?;
        let failed = |status: Status| unanswered(id, &status);
        let allowed = async { self.allowed(tenant, id).await.map_err(failed) };
        let reached = async { self.datastores(tenant, id).await.map_err(failed) };
        let (allowed, (ports, endpoints)) = tokio::try_join!(allowed, reached)?;
        Ok(NetworkFacts {
            firewall: firewall(&network),
            display_name: network.display_name,
            allow_list_version: network.allow_list_version,
            allowed: allowed
                .iter()
                .map(|cidr| cidr.parse().map_err(nonsense))
                .collect::<Result<Vec<Cidr>, _>>()?,
            ports: ports
                .into_iter()
                .map(|port| u16::try_from(port).map_err(nonsense))
                .collect::<Result<_, _>>()?,
            endpoints: endpoints.into_iter().collect(),
        })
    }

    /// The ranges of the allow list.
    async fn allowed(&self, tenant: &TenantId, id: NetworkId) -> Result<Vec<String>, Status> {
        let mut allowed = Vec::new();
        let mut request = ListAllowListEntriesRequest {
            tenant_id: tenant.to_string(),
            network_id: id.to_string(),
            page_size: PAGE,
            page_token: String::new(),
        };
        loop {
            let mut client = self.0.clone();
            let answer = client.list_allow_list_entries(request.clone());
            let answer = answer.await?.into_inner();
            allowed.extend(answer.entries.into_iter().map(|entry| entry.cidr));
            if answer.next_page_token.is_empty() {
                return Ok(allowed);
            }
            request.page_token = answer.next_page_token;
        }
    }

    /// The ports and names of the datastores.
    async fn datastores(
        &self,
        tenant: &TenantId,
        id: NetworkId,
    ) -> Result<(BTreeSet<i32>, BTreeSet<String>), Status> {
        let (mut ports, mut names) = (BTreeSet::new(), BTreeSet::new());
        let mut request = ListAttachmentsRequest {
            tenant_id: tenant.to_string(),
            network_id: id.to_string(),
            page_size: PAGE,
            page_token: String::new(),
        };
        loop {
            let mut client = self.0.clone();
            let answer = client.list_attachments(request.clone());
            let answer = answer.await?.into_inner();
            for one in answer.attachments {
                if one.kind() == attachment::Kind::Datastore {
                    ports.extend(one.ports);
                    names.extend(Some(one.private_name).filter(|name| !name.is_empty()));
                }
            }
            if answer.next_page_token.is_empty() {
                return Ok((ports, names));
            }
            request.page_token = answer.next_page_token;
        }
    }
}

/// Whether the vendor's firewall carries the allow list, with reason and sentence.
pub(super) fn firewall(network: &Network) -> (ConditionStatus, String, String) {
    let mut all = network.conditions.iter();
    let Some(found) = all.find(|one| one.r#type == conditions::FIREWALL_READY) else {
        return (ConditionStatus::Unknown, String::new(), String::new());
    };
    let status = match found.status() {
        condition::Status::True => ConditionStatus::True,
        condition::Status::False if PASSING.contains(&found.reason.as_str()) => {
            ConditionStatus::Unknown
        }
        condition::Status::False => ConditionStatus::False,
        condition::Status::Unknown | condition::Status::Unspecified => ConditionStatus::Unknown,
    };
    (status, found.reason.clone(), found.message.clone())
}
