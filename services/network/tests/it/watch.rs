//! WatchNetworks, as its callers see it.

use std::time::Duration;

use api::network::v1::network::State;
use api::network::v1::watch_networks_response::{Change, Message};
use api::network::v1::*;
use tonic::{Code, Status, Streaming};

use crate::on_each_database;
use crate::suite::{Suite, peering, reason};

/// Long enough for a slow machine, never waited out when all is well.
const PATIENCE: Duration = Duration::from_secs(120);

/// All networks of the tenant `acme`.
fn ours() -> WatchNetworksRequest {
    WatchNetworksRequest {
        tenant_id: "acme".to_owned(),
        ..WatchNetworksRequest::default()
    }
}

/// A stream and the token of its last message.
struct Watch {
    messages: Streaming<WatchNetworksResponse>,
    token: String,
}

impl Watch {
    async fn open(suite: &Suite, request: WatchNetworksRequest) -> Result<Self, Status> {
        let token = request.resume_token.clone();
        let answer = suite.client.clone().watch_networks(request).await?;
        let messages = answer.into_inner();
        Ok(Self { messages, token })
    }

    async fn try_next(&mut self) -> Result<Message, Status> {
        let next = tokio::time::timeout(PATIENCE, self.messages.message());
        let message = next
            .await
            .expect("a message in time")?
            .expect("no end without a status");
        self.token = message.resume_token;
        Ok(message.message.expect("a message tells something"))
    }

    /// All that is shown before the end of the snapshot.
    async fn snapshot(&mut self) -> Vec<Network> {
        let mut shown = Vec::new();
        loop {
            match self.try_next().await.unwrap() {
                Message::Snapshot(network) => shown.push(network),
                Message::SnapshotComplete(_) => return shown,
                other => panic!("{other:?} in a snapshot"),
            }
        }
    }

    async fn change(&mut self) -> (Network, NetworkEvent) {
        loop {
            match self.try_next().await.unwrap() {
                Message::Change(Change { network, event }) => {
                    return (network.unwrap(), event.unwrap());
                }
                Message::Heartbeat(_) => {}
                other => panic!("{other:?} is no change"),
            }
        }
    }

    /// All changes up to the one into `state`.
    async fn until(&mut self, state: State) -> Vec<(Network, NetworkEvent)> {
        let mut changes = Vec::new();
        loop {
            let (network, event) = self.change().await;
            let is_last = event.kind == "STATE_CHANGED" && event.to_state() == state;
            changes.push((network, event));
            if is_last {
                return changes;
            }
        }
    }
}

/// The numbers of a network's history.
async fn history(suite: &Suite, id: &str) -> Vec<i64> {
    let request = ListNetworkEventsRequest {
        tenant_id: "acme".to_owned(),
        network_id: id.to_owned(),
        page_size: 1_000,
        ..ListNetworkEventsRequest::default()
    };
    let answer = suite.client.clone().list_network_events(request).await;
    let events = answer.unwrap().into_inner().events;
    events.iter().map(|event| event.sequence).collect()
}

fn numbers(changes: &[(Network, NetworkEvent)]) -> Vec<i64> {
    changes.iter().map(|(_, event)| event.sequence).collect()
}

on_each_database! {
    async fn a_watch_tells_a_networks_life_as_its_history_does(suite: Suite) {
        let mut watch = Watch::open(&suite, ours()).await.unwrap();
        assert!(watch.snapshot().await.is_empty());
        let network = suite.active("main", "10.20.0.0/16").await;
        let claim = peering(&network.id, 1, &["10.1.0.0/16"]);
        suite.attach(claim.clone()).await.unwrap();
        suite.detach(&claim).await.unwrap();
        suite.delete(&network.id).await.unwrap();
        let changes = watch.until(State::Deleted).await;
        for (network, event) in &changes {
            assert_eq!(network.id, event.network_id);
            assert_eq!(network.state(), event.to_state());
        }
        let (_, created) = &changes[0];
        assert_eq!(created.kind, "CREATED");
        let told = |kind: &str| {
            let of_kind = changes.iter().filter(|(_, event)| event.kind == kind);
            of_kind.map(|(network, event)| (network.peering_count, event.to_state())).collect::<Vec<_>>()
        };
        let states = [(0, State::Active), (0, State::Deleting), (0, State::Deleted)];
        assert_eq!(told("STATE_CHANGED"), states);
        assert_eq!(told("ATTACHED"), [(1, State::Active)]);
        assert_eq!(told("DETACHED"), [(0, State::Active)]);
        assert_eq!(numbers(&changes), history(&suite, &network.id).await);
    }

    async fn a_watch_goes_on_after_a_restart_of_the_service(suite: Suite) {
        let mut suite = suite;
        let mut watch = Watch::open(&suite, ours()).await.unwrap();
        watch.snapshot().await;
        let network = suite.create("main", "10.20.0.0/16").await;
        let mut told = watch.until(State::Active).await;
        suite.restart(|_| {}).await;
        // Whatever came before the stop was noticed is told before the end.
        let ended = loop {
            match watch.try_next().await {
                Ok(Message::Change(Change { network, event })) => told.push((network.unwrap(), event.unwrap())),
                Ok(other) => panic!("{other:?}"),
                Err(ended) => break ended,
            }
        };
        assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
        suite.delete(&network.id).await.unwrap();
        let resumed = WatchNetworksRequest { resume_token: watch.token, ..ours() };
        let mut watch = Watch::open(&suite, resumed).await.unwrap();
        told.extend(watch.until(State::Deleted).await);
        assert_eq!(numbers(&told), history(&suite, &network.id).await);
    }

    async fn a_watch_follows_one_network_or_all(suite: Suite) {
        let first = suite.active("first", "10.20.0.0/16").await;
        let gone = suite.create("gone", "10.30.0.0/16").await;
        suite.delete(&gone.id).await.unwrap();
        suite.until(&gone.id, State::Deleted).await;
        let one = WatchNetworksRequest { network_id: first.id.clone(), ..ours() };
        let all = WatchNetworksRequest { tenant_id: "-".to_owned(), ..ours() };
        let other = WatchNetworksRequest { tenant_id: "globex".to_owned(), ..ours() };
        let mut one = Watch::open(&suite, one).await.unwrap();
        let mut all = Watch::open(&suite, all).await.unwrap();
        let mut other = Watch::open(&suite, other).await.unwrap();
        for watch in [&mut one, &mut all] {
            let shown = watch.snapshot().await;
            assert_eq!(shown.len(), 1, "DELETED ones are not shown");
            assert_eq!((shown[0].id.as_str(), shown[0].state()), (first.id.as_str(), State::Active));
        }
        assert!(other.snapshot().await.is_empty());
        let second = suite.active("second", "10.40.0.0/16").await;
        suite.delete(&first.id).await.unwrap();
        let ids = |changes: Vec<(Network, NetworkEvent)>| changes.into_iter().map(|(network, _)| network.id);
        assert!(ids(one.until(State::Deleted).await).all(|id| id == first.id));
        assert!(ids(all.until(State::Deleted).await).any(|id| id == second.id));
        let theirs = CreateNetworkRequest { tenant_id: "globex".to_owned(), ..crate::suite::wish("main", "10.20.0.0/16") };
        let theirs = suite.client.clone().create_network(theirs).await.unwrap().into_inner().network.unwrap();
        assert_eq!(other.change().await.0.id, theirs.id);
    }

    async fn what_cannot_be_watched_is_refused(suite: Suite) {
        let network = suite.create("main", "10.20.0.0/16").await;
        let refused = async |request| Watch::open(&suite, request).await.err().unwrap();
        let wrong = WatchNetworksRequest {
            tenant_id: String::new(),
            network_id: "net_x".to_owned(),
            resume_token: "x".to_owned(),
        };
        let wrong = refused(wrong).await;
        assert_eq!(wrong.code(), Code::InvalidArgument);
        for field in ["tenant_id", "network_id", "resume_token"] {
            assert!(wrong.message().contains(field), "{wrong}");
        }
        let foreign = WatchNetworksRequest { tenant_id: "globex".to_owned(), network_id: network.id.clone(), ..ours() };
        let foreign = refused(foreign).await;
        assert_eq!((foreign.code(), reason(&foreign).as_str()), (Code::NotFound, "NETWORK_NOT_FOUND"));
        let mut watch = Watch::open(&suite, ours()).await.unwrap();
        watch.snapshot().await;
        let other = WatchNetworksRequest { network_id: network.id, resume_token: watch.token, ..ours() };
        let other = refused(other).await;
        assert_eq!(other.code(), Code::InvalidArgument);
        assert!(other.message().starts_with("resume_token: "), "{other}");
    }
}
