//! What a caller wishes of the peering service, and what comes of it.

use api::network::v1::{Network, Provider};
use api::peering::v1 as peering;
use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use api::peering::v1::peering_service_client::PeeringServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::wait::{passes, until};
use crate::{CUSTOMER, CUSTOMER_PROJECT, Suite, TENANT};

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

/// The wish for a peering with a VPC of the customer's in `region`, of which GCP knows nothing.
pub fn wish(
    network: &Network,
    region: &str,
    vpc: &str,
    cidr: &str,
) -> peering::CreatePeeringRequest {
    let cidrs = vec![cidr.to_owned()];
    let peer = match network.provider() {
        Provider::Gcp => peering::create_peering_request::Peer::Gcp(peering::GcpPeer {
            project_id: CUSTOMER_PROJECT.to_owned(),
            network_name: vpc.to_owned(),
            cidrs,
        }),
        _ => peering::create_peering_request::Peer::Aws(peering::AwsPeer {
            account_id: CUSTOMER.to_owned(),
            region: region.to_owned(),
            vpc_id: vpc.to_owned(),
            cidrs,
        }),
    };
    peering::CreatePeeringRequest {
        tenant_id: network.tenant_id.clone(),
        network_id: network.id.clone(),
        display_name: format!("to {vpc}"),
        peer: Some(peer),
        ..Default::default()
    }
}

impl Suite {
    /// A client of the peering service.
    pub fn peerings(&self) -> PeeringServiceClient<Channel> {
        PeeringServiceClient::new(self.channel("peering"))
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
        let request = peering::CreatePeeringRequest {
            request_id: request_id.to_owned(),
            ..wish(network, region, vpc, cidr)
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

    /// All peerings of the tenant, deleted ones too.
    pub async fn list_peerings(&self) -> Vec<Peering> {
        let request = peering::ListPeeringsRequest {
            tenant_id: TENANT.to_owned(),
            show_deleted: true,
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

    async fn try_refresh(&self, id: &str) -> Result<peering::RefreshPeeringResponse, Status> {
        let request = peering::RefreshPeeringRequest {
            tenant_id: TENANT.to_owned(),
            peering_id: id.to_owned(),
        };
        let answer = self.peerings().refresh_peering(request).await?;
        Ok(answer.into_inner())
    }

    /// Has the cloud looked at, whatever comes of it.
    pub async fn refresh(&self, peering: &impl Named) {
        self.try_refresh(peering.id())
            .await
            .expect("a refresh is asked for");
    }

    /// Has the cloud looked at until that look came back.
    pub async fn refreshed(&self, id: &str) -> Peering {
        let ask = async || self.try_refresh(id).await;
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

    /// Has the customer accept a waiting peering, or make its half, and waits until it is ACTIVE.
    pub async fn accepted(&self, waiting: &Peering) -> Peering {
        match waiting.peer.as_ref().expect("a peer") {
            peering::peering::Peer::Aws(aws) => {
                let pcx = &waiting.provider_peering_id;
                self.customer.accept(&aws.region, pcx).await;
            }
            peering::peering::Peer::Gcp(gcp) => {
                let vendor = waiting.vendor.as_ref().expect("the vendor's side");
                let google = self.google();
                google
                    .peer(&gcp.network_name, &vendor.account_id, &vendor.vpc_id)
                    .await;
            }
        }
        self.until(waiting, State::Active).await
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
