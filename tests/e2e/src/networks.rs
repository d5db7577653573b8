//! What a caller wishes of the network service, and what comes of it.

use api::network::v1 as network;
use api::network::v1::Network;
use api::network::v1::network_service_client::NetworkServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::wait::{passes, until};
use crate::{Suite, TENANT};

/// The cloud of a region: `eu-west-1` is AWS's, `europe-west1` GCP's.
fn provider_of(region: &str) -> network::Provider {
    match region.split('-').count() {
        3 => network::Provider::Aws,
        _ => network::Provider::Gcp,
    }
}

/// The wish for a network, which has to say its range or the size of one.
pub fn network_wish(region: &str, name: &str) -> network::CreateNetworkRequest {
    network::CreateNetworkRequest {
        tenant_id: TENANT.to_owned(),
        display_name: name.to_owned(),
        provider: provider_of(region).into(),
        region: region.to_owned(),
        ..Default::default()
    }
}

impl Suite {
    /// A client of the network service.
    pub fn networks(&self) -> NetworkServiceClient<Channel> {
        NetworkServiceClient::new(self.channel("network"))
    }

    async fn try_create_network(
        &self,
        region: &str,
        cidr: &str,
        request_id: &str,
    ) -> Result<Network, Status> {
        let name = format!("net {}", cidr.replace('/', "-"));
        let request = network::CreateNetworkRequest {
            request_id: request_id.to_owned(),
            cidr: cidr.to_owned(),
            ..network_wish(region, &name)
        };
        let answer = self.networks().create_network(request).await?;
        Ok(answer.into_inner().network.expect("a network"))
    }

    /// Wishes a network.
    pub async fn create_network(&self, region: &str, cidr: &str) -> Network {
        self.try_create_network(region, cidr, "")
            .await
            .expect("a network is recorded")
    }

    /// Wishes a network and waits until it is ACTIVE.
    pub async fn network(&self, region: &str, cidr: &str) -> Network {
        let id = self.create_network(region, cidr).await.id;
        self.until_network(&id, network::network::State::Active)
            .await
    }

    /// The same while programs die: asks again with the same request id.
    pub async fn network_whatever_happens(&self, region: &str, cidr: &str) -> Network {
        let ask = async || match self.try_create_network(region, cidr, "the-network").await {
            Err(refused) => {
                assert!(passes(&refused), "{refused:?}");
                Err(refused)
            }
            made => made,
        };
        let id = until("the network", ask, |_| true).await.id;
        self.until_network(&id, network::network::State::Active)
            .await
    }

    /// Waits until a network is in a state.
    pub async fn until_network(&self, id: &str, state: network::network::State) -> Network {
        self.until_network_shown(id, state.as_str_name(), |seen| seen.state() == state)
            .await
    }

    /// Waits until a network shows something.
    pub async fn until_network_shown(
        &self,
        id: &str,
        what: &str,
        will_do: impl Fn(&Network) -> bool,
    ) -> Network {
        let request = network::GetNetworkRequest {
            tenant_id: TENANT.to_owned(),
            network_id: id.to_owned(),
        };
        let ask = async || {
            self.networks()
                .get_network(request.clone())
                .await
                .map(|answer| answer.into_inner().network)
        };
        let seen = until(what, ask, |seen| seen.as_ref().is_some_and(&will_do)).await;
        seen.expect("just seen")
    }

    /// Waits until a network is DELETED.
    pub async fn until_network_gone(&self, id: &str) {
        self.until_network(id, network::network::State::Deleted)
            .await;
    }

    /// Wishes a network gone.
    pub async fn try_delete_network(&self, id: &str) -> Result<Network, Status> {
        let request = network::DeleteNetworkRequest {
            tenant_id: TENANT.to_owned(),
            network_id: id.to_owned(),
            ..Default::default()
        };
        let answer = self.networks().delete_network(request).await?;
        Ok(answer.into_inner().network.expect("a network"))
    }

    /// Wishes a network gone, which must be allowed.
    pub async fn delete_network(&self, id: &str) -> Network {
        self.try_delete_network(id)
            .await
            .expect("the deletion is recorded")
    }

    /// Wishes a network gone together with its peerings.
    pub async fn try_delete_with_peerings(&self, id: &str) -> Result<Network, Status> {
        let request = network::DeleteNetworkRequest {
            tenant_id: TENANT.to_owned(),
            network_id: id.to_owned(),
            cascade_peerings: true,
            ..Default::default()
        };
        let answer = self.networks().delete_network(request).await?;
        Ok(answer.into_inner().network.expect("a network"))
    }

    /// Wishes a network gone together with its peerings, which must be allowed; it waits for them.
    pub async fn delete_with_peerings(&self, id: &str) -> Network {
        let network = self
            .try_delete_with_peerings(id)
            .await
            .expect("the deletion is recorded");
        assert_eq!(network.state(), network::network::State::Deleting);
        network
    }

    /// The same while programs die, or while something is still being detached.
    pub async fn delete_network_whatever_happens(&self, id: &str) {
        until(
            "the deletion",
            async || self.try_delete_network(id).await,
            |_| true,
        )
        .await;
    }

    /// The history of a network, oldest first.
    pub async fn network_events(&self, id: &str) -> Vec<network::NetworkEvent> {
        let request = network::ListNetworkEventsRequest {
            tenant_id: TENANT.to_owned(),
            network_id: id.to_owned(),
            page_size: 1_000,
            ..Default::default()
        };
        let listed = self.networks().list_network_events(request).await;
        listed.expect("a history").into_inner().events
    }

    /// All networks of the tenant.
    pub async fn list_networks(&self) -> Vec<Network> {
        let request = network::ListNetworksRequest {
            tenant_id: TENANT.to_owned(),
            show_deleted: true,
            ..Default::default()
        };
        self.networks()
            .list_networks(request)
            .await
            .expect("a list")
            .into_inner()
            .networks
    }
}
