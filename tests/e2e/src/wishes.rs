//! What a caller wishes of the suite, and how it waits for what comes of it.

use std::time::Duration;

use api::network::v1 as network;
use api::network::v1::Network;
use api::network::v1::network_service_client::NetworkServiceClient;
use api::peering::v1 as peering;
use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use api::peering::v1::peering_service_client::PeeringServiceClient;
use serde_json::{Value, json};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::{CUSTOMER, Suite, TENANT, VENDOR};

/// Far above what anything takes, the minutes in which absence ripens included.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two questions while something is waited for that tells nobody.
const PAUSE: Duration = Duration::from_millis(50);

/// A peering or its id.
pub trait Named {
    /// The id.
    fn id(&self) -> &str;
}

impl Named for Peering {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for String {
    fn id(&self) -> &str {
        self
    }
}

/// Asks until there is an answer that will do; says what was seen last when none comes.
async fn until<T: std::fmt::Debug, E: std::fmt::Debug>(
    what: &str,
    ask: impl AsyncFn() -> Result<T, E>,
    will_do: impl Fn(&T) -> bool,
) -> T {
    let started = tokio::time::Instant::now();
    loop {
        let seen = ask().await;
        match seen {
            Ok(seen) if will_do(&seen) => return seen,
            seen if started.elapsed() > PATIENCE => {
                panic!("waited in vain for {what}; last seen: {seen:#?}")
            }
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Whether a program that is being started again may have caused it.
fn passes(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Cancelled
            | Code::Unknown
    )
}

impl Suite {
    /// A client of the network service.
    pub fn networks(&self) -> NetworkServiceClient<Channel> {
        NetworkServiceClient::new(self.channel("network"))
    }

    /// A client of the peering service.
    pub fn peerings(&self) -> PeeringServiceClient<Channel> {
        PeeringServiceClient::new(self.channel("peering"))
    }

    async fn try_create_network(
        &self,
        region: &str,
        cidr: &str,
        request_id: &str,
    ) -> Result<Network, Status> {
        let request = network::CreateNetworkRequest {
            tenant_id: TENANT.to_owned(),
            request_id: request_id.to_owned(),
            display_name: format!("net {}", cidr.replace('/', "-")),
            provider: network::Provider::Aws.into(),
            region: region.to_owned(),
            cidr: cidr.to_owned(),
            ..Default::default()
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

    async fn until_network(&self, id: &str, state: network::network::State) -> Network {
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
        let seen = until(state.as_str_name(), ask, |seen| {
            seen.as_ref().is_some_and(|seen| seen.state() == state)
        })
        .await;
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

    /// The same while programs die, or while something is still being detached.
    pub async fn delete_network_whatever_happens(&self, id: &str) {
        until(
            "the deletion",
            async || self.try_delete_network(id).await,
            |_| true,
        )
        .await;
    }

    /// All networks of the tenant.
    pub async fn list_networks(&self) -> Vec<Network> {
        let request = network::ListNetworksRequest {
            tenant_id: TENANT.to_owned(),
            ..Default::default()
        };
        self.networks()
            .list_networks(request)
            .await
            .expect("a list")
            .into_inner()
            .networks
    }

    /// Wishes a peering with a VPC of the customer's.
    pub async fn try_peer_in(
        &self,
        network: &Network,
        region: &str,
        vpc: &str,
        cidr: &str,
        request_id: &str,
    ) -> Result<Peering, Status> {
        let peer = peering::AwsPeer {
            account_id: CUSTOMER.to_owned(),
            region: region.to_owned(),
            vpc_id: vpc.to_owned(),
            cidrs: vec![cidr.to_owned()],
        };
        let request = peering::CreatePeeringRequest {
            tenant_id: TENANT.to_owned(),
            request_id: request_id.to_owned(),
            network_id: network.id.clone(),
            display_name: format!("to {vpc}"),
            peer: Some(peering::create_peering_request::Peer::Aws(peer)),
            ..Default::default()
        };
        let answer = self.peerings().create_peering(request).await?;
        Ok(answer.into_inner().peering.expect("a peering"))
    }

    /// Wishes a peering in the network's region.
    pub async fn try_peer(
        &self,
        network: &Network,
        vpc: &str,
        cidr: &str,
        request_id: &str,
    ) -> Result<Peering, Status> {
        self.try_peer_in(network, &network.region, vpc, cidr, request_id)
            .await
    }

    /// Wishes a peering in the network's region, which must be recorded.
    pub async fn peer(&self, network: &Network, vpc: &str, cidr: &str) -> Peering {
        self.try_peer(network, vpc, cidr, "")
            .await
            .expect("a peering is recorded")
    }

    /// Wishes a peering with a VPC in `region`, which must be recorded.
    pub async fn peer_in(&self, network: &Network, region: &str, vpc: &str, cidr: &str) -> Peering {
        self.try_peer_in(network, region, vpc, cidr, "")
            .await
            .expect("a peering is recorded")
    }

    /// The same while programs die: asks again with the same request id.
    pub async fn peer_whatever_happens(&self, network: &Network, vpc: &str, cidr: &str) -> Peering {
        let ask = async || match self.try_peer(network, vpc, cidr, "the-peering").await {
            Err(refused) => {
                assert!(passes(&refused), "{refused:?}");
                Err(refused)
            }
            made => made,
        };
        until("the peering", ask, |_| true).await
    }

    async fn try_get(&self, id: &str) -> Result<Peering, Status> {
        let request = peering::GetPeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
        };
        let answer = self.peerings().get_peering(request).await?;
        Ok(answer.into_inner().peering.expect("a peering"))
    }

    /// The peering as it is now.
    pub async fn get(&self, peering: &impl Named) -> Peering {
        self.try_get(peering.id())
            .await
            .expect("the peering is there")
    }

    /// All peerings of the tenant.
    pub async fn list_peerings(&self) -> Vec<Peering> {
        let request = peering::ListPeeringsRequest {
            tenant_id: TENANT.to_owned(),
            ..Default::default()
        };
        let ask = async || self.peerings().list_peerings(request.clone()).await;
        until("a list", ask, |_| true).await.into_inner().peerings
    }

    /// Waits until the peering is in a state.
    pub async fn until(&self, peering: &impl Named, state: State) -> Peering {
        self.until_shown(peering, state.as_str_name(), |seen| seen.state() == state)
            .await
    }

    /// Waits until the peering shows something.
    pub async fn until_shown(
        &self,
        peering: &impl Named,
        what: &str,
        will_do: impl Fn(&Peering) -> bool,
    ) -> Peering {
        until(what, async || self.try_get(peering.id()).await, will_do).await
    }

    /// Has the cloud looked at until that look came back.
    pub async fn refreshed(&self, id: &str) -> Peering {
        let request = peering::RefreshPeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
        };
        let ask = async || {
            self.peerings()
                .refresh_peering(request.clone())
                .await
                .map(tonic::Response::into_inner)
        };
        let seen = until("a fresh look", ask, |seen| {
            seen.fresh || is_settled(seen.peering.as_ref())
        })
        .await;
        seen.peering.expect("a peering")
    }

    /// Waits until the peering is in a state that only the drift lane would notice, by refreshing.
    pub async fn until_refreshed(&self, peering: &impl Named, state: State) -> Peering {
        let ask = async || Ok::<_, Status>(self.refreshed(peering.id()).await);
        until(state.as_str_name(), ask, |seen| seen.state() == state).await
    }

    /// The states of a peering's history, oldest first.
    pub async fn history(&self, peering: &impl Named) -> Vec<State> {
        let request = peering::ListPeeringEventsRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: peering.id().to_owned(),
            ..Default::default()
        };
        let events = self
            .peerings()
            .list_peering_events(request)
            .await
            .expect("a history")
            .into_inner()
            .events;
        let mut states: Vec<State> = events.iter().map(|event| event.to_state()).collect();
        states.dedup();
        states
    }

    async fn try_delete_peering(&self, id: &str) -> Result<Peering, Status> {
        let request = peering::DeletePeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
            ..Default::default()
        };
        let answer = self.peerings().delete_peering(request).await?;
        Ok(answer.into_inner().peering.expect("a peering"))
    }

    /// Wishes a peering gone.
    pub async fn delete_peering(&self, peering: &impl Named) -> Peering {
        self.try_delete_peering(peering.id())
            .await
            .expect("the deletion is recorded")
    }

    /// The same while programs die.
    pub async fn delete_whatever_happens(&self, peering: &impl Named) {
        until(
            "the deletion",
            async || self.try_delete_peering(peering.id()).await,
            |_| true,
        )
        .await;
    }

    /// How many objects a listing of boto3 shows.
    pub async fn count(
        &self,
        account: &str,
        region: &str,
        call: &str,
        member: &str,
        args: Value,
    ) -> usize {
        let listed = self
            .customer
            .call(account, region, call, args)
            .await
            .expect("a listing");
        listed[member].as_array().map_or(0, Vec::len)
    }

    /// The ids of all that the vendor's account still holds with our tags, ended peerings apart.
    pub async fn left_in_the_cloud(&self, region: &str) -> Vec<String> {
        let mut left = Vec::new();
        for (call, member, id) in [
            ("describe_vpcs", "Vpcs", "VpcId"),
            ("describe_subnets", "Subnets", "SubnetId"),
            ("describe_security_groups", "SecurityGroups", "GroupId"),
            (
                "describe_vpc_peering_connections",
                "VpcPeeringConnections",
                "VpcPeeringConnectionId",
            ),
        ] {
            let listed = self
                .customer
                .call(VENDOR, region, call, json!({}))
                .await
                .expect("a listing");
            for object in listed[member].as_array().expect("a list") {
                let tags = object["Tags"]
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                let ours = tags.iter().any(|tag| {
                    tag["Key"]
                        .as_str()
                        .is_some_and(|key| key.starts_with("peerway:"))
                });
                let ended = ["deleted", "deleting", "rejected", "expired", "failed"];
                let ended = ended
                    .iter()
                    .any(|status| object["Status"]["Code"] == **status);
                if ours && !ended {
                    left.push(object[id].as_str().expect("an id").to_owned());
                }
            }
        }
        left
    }
}

/// Whether no lane looks at the peering any more, so that no look will ever be fresh.
fn is_settled(peering: Option<&Peering>) -> bool {
    peering.is_some_and(|peering| {
        matches!(
            peering.state(),
            State::Rejected | State::Expired | State::Failed | State::Deleted
        )
    })
}
