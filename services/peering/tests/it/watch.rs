//! WatchPeerings, as its callers see it.

use std::time::Duration;

use api::peering::v1::peering::State;
use api::peering::v1::watch_peerings_response::{Change, Message};
use api::peering::v1::*;
use tonic::{Code, Status, Streaming};

use crate::suite::{Kind, Suite, TENANT, on_both_databases, reason, request};

on_both_databases!(
    a_watch_tells_a_peerings_life_as_its_history_does,
    what_is_not_admitted_is_not_watched,
    a_watch_goes_on_after_a_restart_of_the_service,
    a_watch_follows_one_network_or_one_peering,
    a_snapshot_shows_what_is_not_deleted,
    what_cannot_be_watched_is_refused,
);

/// Long enough for a slow machine, never waited out when all is well.
const PATIENCE: Duration = Duration::from_secs(120);

fn ours() -> WatchPeeringsRequest {
    WatchPeeringsRequest {
        tenant_id: TENANT.to_owned(),
        ..Default::default()
    }
}

/// A stream and the token of its last message.
struct Watch {
    messages: Streaming<WatchPeeringsResponse>,
    token: String,
}

impl Watch {
    async fn open(suite: &Suite, request: WatchPeeringsRequest) -> Result<Self, Status> {
        let token = request.resume_token.clone();
        let answer = suite.api.clone().watch_peerings(request).await?;
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
    async fn snapshot(&mut self) -> Vec<Peering> {
        let mut shown = Vec::new();
        loop {
            match self.try_next().await.unwrap() {
                Message::Snapshot(peering) => shown.push(peering),
                Message::SnapshotComplete(_) => return shown,
                other => panic!("{other:?} in a snapshot"),
            }
        }
    }

    async fn change(&mut self) -> (Peering, PeeringEvent) {
        loop {
            match self.try_next().await.unwrap() {
                Message::Change(Change { peering, event }) => {
                    return (peering.unwrap(), event.unwrap());
                }
                Message::Heartbeat(_) => {}
                other => panic!("{other:?} is no change"),
            }
        }
    }

    /// All changes up to the one into `state`.
    async fn until(&mut self, state: State) -> Vec<(Peering, PeeringEvent)> {
        let mut changes = Vec::new();
        loop {
            changes.push(self.change().await);
            if changes.last().unwrap().1.to_state() == state {
                return changes;
            }
        }
    }
}

fn numbers<'a>(events: impl IntoIterator<Item = &'a PeeringEvent>) -> Vec<i64> {
    events.into_iter().map(|event| event.sequence).collect()
}

async fn a_watch_tells_a_peerings_life_as_its_history_does(kind: Kind) {
    let suite = Suite::start(kind).await;
    let mut watch = Watch::open(&suite, ours()).await.unwrap();
    assert!(watch.snapshot().await.is_empty());
    let active = suite.active().await;
    suite.delete(&active.id).await.unwrap();
    let changes = watch.until(State::Deleted).await;
    let (first, created) = &changes[0];
    assert_eq!(
        (created.from_state(), created.to_state()),
        (State::Unspecified, State::Provisioning)
    );
    assert_eq!(first.display_name, active.display_name);
    for (peering, event) in &changes {
        assert_eq!(peering.id, event.peering_id);
        assert_eq!(peering.state(), event.to_state());
        // What is told of a condition has the condition's own reason.
        let is_own = event.kind != "CONDITION_CHANGED";
        assert!(!is_own || peering.reason == event.reason, "{event:?}");
    }
    let history = suite.events(&active.id, State::Deleted).await;
    assert_eq!(
        numbers(changes.iter().map(|(_, event)| event)),
        numbers(&history)
    );
}

async fn what_is_not_admitted_is_not_watched(kind: Kind) {
    let suite = Suite::start(kind).await;
    let network = suite.network.add(TENANT);
    suite.network.attaching.shut();
    let creating = tokio::spawn({
        let api = suite.api.clone();
        let wish = request(&network);
        async move { api.clone().create_peering(wish).await }
    });
    suite.network.attaching.until_reached().await;
    let mut watch = Watch::open(&suite, ours()).await.unwrap();
    assert!(watch.snapshot().await.is_empty());
    suite.network.attaching.open();
    let created = creating.await.unwrap().unwrap().into_inner();
    assert_eq!(watch.change().await.0.id, created.peering.unwrap().id);
}

async fn a_watch_goes_on_after_a_restart_of_the_service(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let mut watch = Watch::open(&suite, ours()).await.unwrap();
    watch.snapshot().await;
    let created = suite.create().await;
    let mut told = watch.until(State::PendingAcceptance).await;
    suite.stop().await;
    let ended = watch.try_next().await.unwrap_err();
    assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
    suite.cloud.accept(&created.id);
    suite.restart().await;
    let mut resumed = ours();
    resumed.resume_token = watch.token;
    let mut watch = Watch::open(&suite, resumed).await.unwrap();
    told.extend(watch.until(State::Active).await);
    let history = suite.events(&created.id, State::Active).await;
    let told = numbers(told.iter().map(|(_, event)| event));
    assert_eq!(told, numbers(&history)[..told.len()]);
}

async fn a_watch_follows_one_network_or_one_peering(kind: Kind) {
    let suite = Suite::start(kind).await;
    let first = suite.create().await;
    let mut of_network = ours();
    of_network.network_id = first.network_id.clone();
    let mut of_peering = ours();
    of_peering.peering_id = first.id.clone();
    let mut of_all = ours();
    of_all.tenant_id = "-".to_owned();
    let mut of_other = ours();
    of_other.tenant_id = "globex".to_owned();
    let mut watches = Vec::new();
    for request in [of_network, of_peering, of_all] {
        let mut watch = Watch::open(&suite, request).await.unwrap();
        let shown = watch.snapshot().await;
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].id, first.id);
        watches.push(watch);
    }
    let mut other = Watch::open(&suite, of_other).await.unwrap();
    assert!(other.snapshot().await.is_empty());
    let second = suite.create().await;
    suite
        .until_state(&second.id, State::PendingAcceptance)
        .await;
    suite.delete(&first.id).await.unwrap();
    for (at, watch) in watches.iter_mut().enumerate() {
        let mut seen = Vec::new();
        loop {
            let (peering, event) = watch.change().await;
            seen.push(peering.id.clone());
            if peering.id == first.id && event.to_state() == State::Deleted {
                break;
            }
        }
        assert_eq!(seen.contains(&second.id), at == 2, "{seen:?}");
    }
    let network = suite.network.add("globex");
    let mut wish = request(&network);
    wish.tenant_id = "globex".to_owned();
    let theirs = suite.create_with(wish).await.unwrap();
    assert_eq!(other.change().await.0.id, theirs.id);
}

async fn a_snapshot_shows_what_is_not_deleted(kind: Kind) {
    let suite = Suite::start(kind).await;
    let gone = suite.create().await;
    suite.delete(&gone.id).await.unwrap();
    suite.until_state(&gone.id, State::Deleted).await;
    let stays = suite.create().await;
    let stays = suite.until_state(&stays.id, State::PendingAcceptance).await;
    let mut watch = Watch::open(&suite, ours()).await.unwrap();
    let shown = watch.snapshot().await;
    assert_eq!(shown.len(), 1);
    let of_get = (&stays.id, &stays.etag, &stays.provider_peering_id);
    let of_watch = (&shown[0].id, &shown[0].etag, &shown[0].provider_peering_id);
    assert_eq!(of_watch, of_get);
}

async fn what_cannot_be_watched_is_refused(kind: Kind) {
    let suite = Suite::start(kind).await;
    let peering = suite.create().await;
    let refused = async |request| Watch::open(&suite, request).await.err().unwrap();
    let wrong = WatchPeeringsRequest {
        tenant_id: String::new(),
        network_id: "net_x".to_owned(),
        peering_id: "peer_x".to_owned(),
        resume_token: "x".to_owned(),
    };
    let wrong = refused(wrong).await;
    assert_eq!(wrong.code(), Code::InvalidArgument);
    for field in ["tenant_id", "network_id", "peering_id", "resume_token"] {
        assert!(wrong.message().contains(field), "{wrong}");
    }
    let mut foreign = ours();
    foreign.tenant_id = "globex".to_owned();
    foreign.peering_id = peering.id.clone();
    let foreign = refused(foreign).await;
    assert_eq!(foreign.code(), Code::NotFound);
    assert_eq!(reason(&foreign), "PEERING_NOT_FOUND");
    let mut watch = Watch::open(&suite, ours()).await.unwrap();
    watch.snapshot().await;
    let mut other = ours();
    other.network_id = peering.network_id;
    other.resume_token = watch.token;
    let other = refused(other).await;
    assert_eq!(other.code(), Code::InvalidArgument);
    assert!(other.message().starts_with("resume_token: "), "{other}");
}
