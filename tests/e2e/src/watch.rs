//! A client that follows a service's watch, across the service's deaths.

use std::pin::Pin;
use std::time::Duration;

use api::network::v1 as network;
use api::network::v1::Network;
use api::peering::v1 as peering;
use api::peering::v1::Peering;
use tokio::time::{sleep, timeout};
use tonic::{Status, Streaming};

use crate::wait::{PATIENCE, passes};
use crate::{Suite, TENANT};

type Opening<'a, M> = Pin<Box<dyn Future<Output = Result<Streaming<M>, Status>> + 'a>>;

/// One change, and what changed as it was after it.
#[derive(Debug)]
pub struct Told<R> {
    /// The number of its event.
    pub sequence: i64,
    /// What changed.
    pub resource: R,
}

enum Heard<R> {
    Snapshot(R),
    SnapshotComplete,
    Change(Told<R>),
    Heartbeat,
}

/// A watch that goes on behind the last message it had. It reads while somebody waits for something.
pub struct Watch<'a, M, R> {
    open: Box<dyn Fn(String) -> Opening<'a, M> + 'a>,
    read: fn(M) -> (String, Heard<R>),
    stream: Option<Streaming<M>>,
    token: String,
}

impl<M, R: std::fmt::Debug> Watch<'_, M, R> {
    async fn next(&mut self) -> Heard<R> {
        loop {
            let message = match &mut self.stream {
                Some(stream) => stream.message().await,
                None => match (self.open)(self.token.clone()).await {
                    Ok(stream) => {
                        self.stream = Some(stream);
                        continue;
                    }
                    Err(refused) => Err(refused),
                },
            };
            match message {
                Ok(Some(message)) => {
                    let (token, heard) = (self.read)(message);
                    self.token = token;
                    return heard;
                }
                Ok(None) => self.stream = None,
                Err(refused) => {
                    assert!(passes(&refused), "the watch ended: {refused:?}");
                    self.stream = None;
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// What there is at the beginning.
    pub async fn snapshot(&mut self) -> Vec<R> {
        let mut shown = Vec::new();
        loop {
            match self.next().await {
                Heard::Snapshot(resource) => shown.push(resource),
                Heard::SnapshotComplete => return shown,
                Heard::Heartbeat => {}
                Heard::Change(told) => panic!("a change before the snapshot's end: {told:?}"),
            }
        }
    }

    /// The changes up to one after which the resource is as wanted.
    pub async fn until(&mut self, what: &str, is_last: impl Fn(&R) -> bool) -> Vec<Told<R>> {
        let mut told = Vec::new();
        loop {
            let heard = timeout(PATIENCE, self.next()).await;
            let heard = heard.unwrap_or_else(|_| panic!("never told of {what}, but of {told:#?}"));
            match heard {
                Heard::Change(change) => {
                    let is_last = is_last(&change.resource);
                    told.push(change);
                    if is_last {
                        return told;
                    }
                }
                Heard::Heartbeat => {}
                Heard::Snapshot(_) | Heard::SnapshotComplete => panic!("a second snapshot"),
            }
        }
    }
}

impl Suite {
    /// Watches the tenant's networks.
    pub fn watch_networks(&self) -> Watch<'_, network::WatchNetworksResponse, Network> {
        let open = move |resume_token| -> Opening<'_, _> {
            let request = network::WatchNetworksRequest {
                tenant_id: TENANT.to_owned(),
                resume_token,
                ..Default::default()
            };
            Box::pin(async move {
                let watch = self.networks().watch_networks(request).await?;
                Ok(watch.into_inner())
            })
        };
        Watch {
            open: Box::new(open),
            read: network_told,
            stream: None,
            token: String::new(),
        }
    }

    /// Watches the tenant's peerings.
    pub fn watch_peerings(&self) -> Watch<'_, peering::WatchPeeringsResponse, Peering> {
        let open = move |resume_token| -> Opening<'_, _> {
            let request = peering::WatchPeeringsRequest {
                tenant_id: TENANT.to_owned(),
                resume_token,
                ..Default::default()
            };
            Box::pin(async move {
                let watch = self.peerings().watch_peerings(request).await?;
                Ok(watch.into_inner())
            })
        };
        Watch {
            open: Box::new(open),
            read: peering_told,
            stream: None,
            token: String::new(),
        }
    }
}

fn network_told(message: network::WatchNetworksResponse) -> (String, Heard<Network>) {
    use network::watch_networks_response::Message;
    let heard = match message.message.expect("a watch says something") {
        Message::Snapshot(network) => Heard::Snapshot(network),
        Message::SnapshotComplete(_) => Heard::SnapshotComplete,
        Message::Heartbeat(_) => Heard::Heartbeat,
        Message::Change(change) => {
            let event = change.event.expect("a change has an event");
            let resource = change.network.expect("a change has a network");
            assert_eq!(event.to_state(), resource.state(), "as it was after it");
            let sequence = event.sequence;
            Heard::Change(Told { sequence, resource })
        }
    };
    (message.resume_token, heard)
}

fn peering_told(message: peering::WatchPeeringsResponse) -> (String, Heard<Peering>) {
    use peering::watch_peerings_response::Message;
    let heard = match message.message.expect("a watch says something") {
        Message::Snapshot(peering) => Heard::Snapshot(peering),
        Message::SnapshotComplete(_) => Heard::SnapshotComplete,
        Message::Heartbeat(_) => Heard::Heartbeat,
        Message::Change(change) => {
            let event = change.event.expect("a change has an event");
            let resource = change.peering.expect("a change has a peering");
            assert_eq!(event.to_state(), resource.state(), "as it was after it");
            let sequence = event.sequence;
            Heard::Change(Told { sequence, resource })
        }
    };
    (message.resume_token, heard)
}
