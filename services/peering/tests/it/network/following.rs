//! Networks on their way out: the list and the watch that tell of them.

use api::network::v1::watch_networks_response::{Change, Message, SnapshotComplete};
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::*;

/// Networks of a page.
const ROWS: usize = 2;
/// The token of a snapshot that is not complete.
const UNFINISHED: &str = "unfinished";

/// What happened to networks, and how it is told.
#[derive(Default)]
pub(super) struct Log {
    changes: Vec<Change>,
    /// Changes that are not known any more.
    forgotten: usize,
    /// Watches that have begun before the latest cut end.
    cuts: usize,
    watch_away: Option<Code>,
    list_away: Option<Code>,
    careless: bool,
}

impl State {
    fn change(&mut self, id: &str, to: network::State, kind: &str) {
        let network = self.networks.get_mut(id).unwrap();
        let event = NetworkEvent {
            network_id: id.to_owned(),
            from_state: network.state,
            to_state: to.into(),
            kind: kind.to_owned(),
            ..Default::default()
        };
        network.set_state(to);
        self.log.changes.push(Change {
            network: Some(network.clone()),
            event: Some(event),
        });
    }

    pub(super) fn tell_of_detachment(&mut self, network: &str) {
        let state = self.networks[network].state();
        self.change(network, state, "DETACHED");
    }
}

impl ScriptedNetwork {
    /// Has a network wait in DELETING.
    pub(crate) fn delete(&self, network: &str) {
        let state = network::State::Deleting;
        self.state().change(network, state, "STATE_CHANGED");
        self.moved.send_modify(|count| *count += 1);
    }

    /// Tells of a network as it is now.
    pub(crate) fn report(&self, network: &str) {
        let mut state = self.state();
        let now = state.networks[network].state();
        state.change(network, now, "UPDATED");
        drop(state);
        self.moved.send_modify(|count| *count += 1);
    }

    /// Forgets a network.
    pub(crate) fn purge(&self, network: &str) {
        self.state().networks.remove(network);
    }

    /// Something stands on a network that is no peering.
    pub(crate) fn attach_datastore(&self, network: &str, id: &str) {
        let datastore = Attachment {
            network_id: network.to_owned(),
            kind: attachment::Kind::Datastore.into(),
            id: id.to_owned(),
            ..Default::default()
        };
        self.state().attached.insert(id.to_owned(), datastore);
    }

    /// Ends all watches, and answers new ones with this; none: serves them again.
    pub(crate) fn set_watch_away(&self, code: Option<Code>) {
        self.state().log.watch_away = code;
        self.cut_watches();
    }

    /// Ends all watches.
    pub(crate) fn cut_watches(&self) {
        self.state().log.cuts += 1;
        self.moved.send_modify(|count| *count += 1);
    }

    /// No token of a watch is good any more.
    pub(crate) fn forget_changes(&self) {
        let mut state = self.state();
        state.log.forgotten = state.log.changes.len() + 1;
        // The next token lies behind what is forgotten.
        state.log.changes.push(Change::default());
    }

    /// Answers lists with this; none: serves them again.
    pub(crate) fn set_list_away(&self, code: Option<Code>) {
        self.state().log.list_away = code;
    }

    /// Lists show all networks, whatever is asked for.
    pub(crate) fn set_careless(&self) {
        self.state().log.careless = true;
    }

    /// Returns once so many watches were asked for; answers with their tokens.
    pub(crate) async fn until_watched(&self, count: usize) -> Vec<String> {
        let mut watched_from = self.watched_from.subscribe();
        let enough = watched_from.wait_for(|tokens| tokens.len() >= count).await;
        enough.unwrap().clone()
    }

    /// Returns once so many more lists than now were asked for, and the one before the last was answered and read.
    pub(crate) async fn until_listed(&self, more: usize) {
        let mut listed = self.listed.subscribe();
        let wanted = *listed.borrow() + more;
        listed.wait_for(|count| *count >= wanted).await.unwrap();
    }

    pub(super) fn page(
        &self,
        request: &ListNetworksRequest,
    ) -> Result<ListNetworksResponse, Status> {
        assert_eq!(
            (request.tenant_id.as_str(), request.state.as_str()),
            ("-", "DELETING")
        );
        let state = self.state();
        self.listed
            .send_modify(|count| *count += usize::from(request.page_token.is_empty()));
        if let Some(code) = state.log.list_away {
            return Err(Status::new(code, "away"));
        }
        let shown = state.networks.values().filter(|network| {
            let wanted = state.log.careless || network.state() == network::State::Deleting;
            wanted && network.id > request.page_token
        });
        let networks: Vec<Network> = shown.take(ROWS).cloned().collect();
        let last = networks.last().filter(|_| networks.len() == ROWS);
        Ok(ListNetworksResponse {
            next_page_token: last.map(|network| network.id.clone()).unwrap_or_default(),
            networks,
        })
    }

    pub(super) fn follow(
        &self,
        request: WatchNetworksRequest,
    ) -> Result<BoxStream<'static, Result<WatchNetworksResponse, Status>>, Status> {
        assert_eq!(request.tenant_id, "-");
        let token = request.resume_token;
        let state = self.state();
        self.watched_from
            .send_modify(|tokens| tokens.push(token.clone()));
        if let Some(code) = state.log.watch_away {
            return Err(Status::new(code, "away"));
        }
        let begun = Begun {
            cuts: state.log.cuts,
            at: token.parse().unwrap_or(state.log.changes.len()),
            snapshot: match token.parse::<usize>() {
                Ok(_) => None,
                Err(_) => Some(state.networks.values().cloned().collect()),
            },
        };
        if begun.at < state.log.forgotten {
            let reason = "RESUME_TOKEN_TOO_OLD";
            return Err(failure(Code::OutOfRange, reason, "start over"));
        }
        let (to, messages) = mpsc::channel(1);
        tokio::spawn(self.clone().tell(begun, to));
        Ok(ReceiverStream::new(messages).boxed())
    }

    /// Ends when nobody listens any more.
    async fn tell(
        self,
        begun: Begun,
        to: mpsc::Sender<Result<WatchNetworksResponse, Status>>,
    ) -> Option<()> {
        let say = |token: String, message| {
            to.send(Ok(WatchNetworksResponse {
                resume_token: token,
                message: Some(message),
            }))
        };
        let mut at = begun.at;
        let mut moved = self.moved.subscribe();
        if let Some(snapshot) = begun.snapshot {
            for network in snapshot {
                let message = Message::Snapshot(network);
                say(UNFINISHED.to_owned(), message).await.ok()?;
            }
            let message = Message::SnapshotComplete(SnapshotComplete {});
            say(at.to_string(), message).await.ok()?;
        }
        loop {
            moved.borrow_and_update();
            let (is_cut, change) = {
                let state = self.state();
                let is_cut = state.log.cuts > begun.cuts;
                (is_cut, state.log.changes.get(at).cloned())
            };
            if is_cut {
                return to.send(Err(Status::unavailable("cut"))).await.ok();
            }
            match change {
                Some(change) => {
                    at += 1;
                    say(at.to_string(), Message::Change(change)).await.ok()?;
                }
                None => moved.changed().await.ok()?,
            }
        }
    }
}

/// A watch as it was asked for.
struct Begun {
    cuts: usize,
    at: usize,
    snapshot: Option<Vec<Network>>,
}
