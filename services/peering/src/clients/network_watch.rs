//! What the network service tells of networks as they change, and which ones it lists as being deleted.

use api::network::v1::network::State;
use api::network::v1::watch_networks_response::Message;
use api::network::v1::{
    ListNetworksRequest, Network, NetworkEvent, WatchNetworksRequest, WatchNetworksResponse,
};
use tonic::{Code, Status, Streaming};
use types::NetworkId;

use super::NetworkClient;
use super::network_facts::firewall;
use crate::domain::NetworkNews;

/// Networks of one page.
const ROWS: i32 = 1_000;
/// Everybody's.
const ALL_TENANTS: &str = "-";

/// A page of the networks that are being deleted.
pub struct DeletionsPage {
    /// The networks.
    pub networks: Vec<NetworkId>,
    /// What asks for the page after it; empty on the last one.
    pub next: String,
}

/// A watch of all networks, read one message at a time: what was not asked for yet waits in the network service.
pub struct NetworkWatch(Streaming<WatchNetworksResponse>);

/// One message of the watch.
pub struct Told {
    /// Goes on behind this message.
    pub resume_token: String,
    /// It tells what stood when the watch began.
    pub is_snapshot: bool,
    /// The network that is being deleted, if it tells of one.
    pub deleting: Option<NetworkId>,
    /// What it tells of a network that stands.
    pub news: Option<NetworkNews>,
}

impl NetworkClient {
    /// Networks of all tenants that are being deleted; `token` is empty for the first page.
    pub async fn deletions(&self, token: &str) -> Result<DeletionsPage, Status> {
        let request = ListNetworksRequest {
            tenant_id: ALL_TENANTS.to_owned(),
            page_size: ROWS,
            page_token: token.to_owned(),
            state: State::Deleting
                .as_str_name()
                .trim_start_matches("STATE_")
                .to_owned(),
            ..Default::default()
        };
        let answer = self.0.clone().list_networks(request).await?.into_inner();
        if !answer.next_page_token.is_empty() && answer.next_page_token == token {
            return Err(Status::new(
                Code::Internal,
                "a page of networks leads to itself",
            ));
        }
        Ok(DeletionsPage {
            networks: answer.networks.iter().filter_map(deleting).collect(),
            next: answer.next_page_token,
        })
    }

    /// Watches the networks of all tenants: from behind `resume_token` on, or with all that stand when it is empty.
    pub async fn watch_networks_of_all(&self, resume_token: &str) -> Result<NetworkWatch, Status> {
        let request = WatchNetworksRequest {
            tenant_id: ALL_TENANTS.to_owned(),
            resume_token: resume_token.to_owned(),
            ..Default::default()
        };
        let watch = self.0.clone().watch_networks(request).await?;
        Ok(NetworkWatch(watch.into_inner()))
    }
}

impl NetworkWatch {
    /// The next message; none when the watch has ended.
    pub async fn next(&mut self) -> Result<Option<Told>, Status> {
        Ok(self.0.message().await?.map(read))
    }
}

fn read(answer: WatchNetworksResponse) -> Told {
    let is_snapshot = matches!(&answer.message, Some(Message::Snapshot(_)));
    let (network, has_moved) = match answer.message {
        Some(Message::Snapshot(network)) => (Some(network), true),
        // While it is DELETING, each peering that leaves it makes a change of its own.
        Some(Message::Change(change)) => {
            let stays = |event: NetworkEvent| event.from_state == event.to_state;
            (change.network, !change.event.is_some_and(stays))
        }
        Some(Message::SnapshotComplete(_) | Message::Heartbeat(_)) | None => (None, false),
    };
    Told {
        resume_token: answer.resume_token,
        is_snapshot,
        deleting: network.as_ref().filter(|_| has_moved).and_then(deleting),
        news: network.as_ref().and_then(news),
    }
}

/// The network, if it is being deleted: whatever was asked for, an ACTIVE one's peerings stay.
fn deleting(network: &Network) -> Option<NetworkId> {
    if network.state() != State::Deleting {
        return None;
    }
    id(network)
}

/// What peerings depend on, of a network that stands.
fn news(network: &Network) -> Option<NetworkNews> {
    if network.state() != State::Active {
        return None;
    }
    Some(NetworkNews {
        id: id(network)?,
        display_name: network.display_name.clone(),
        firewall: firewall(network),
        allow_list_version: network.allow_list_version,
    })
}

fn id(network: &Network) -> Option<NetworkId> {
    let skip = |error| tracing::error!(network.id = network.id, %error, "a network is left alone");
    network.id.parse().map_err(skip).ok()
}
