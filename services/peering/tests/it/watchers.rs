//! Many watchers at once, each with its question, across a restart of the service: all is told, in order and once.

use api::peering::v1::peering::State;
use api::peering::v1::peering_service_client::PeeringServiceClient;
use api::peering::v1::watch_peerings_response::Message as Told;
use api::peering::v1::*;
use prost::Message;
use runtime::events::{self, NewEvent};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::Channel;

use crate::suite::{Kind, PATIENCE, Suite, TENANT, on_both_databases};

on_both_databases!(many_watchers_hear_everything_across_a_restart,);

/// Streams of one connection: the service takes a hundred.
const WATCHERS: usize = 80;
const EVENTS: i64 = 600;
/// Events of one transaction.
const BATCH: i64 = 20;
/// Who wrote the events that count.
const WRITER: &str = "writer";

type Client = PeeringServiceClient<Channel>;

fn network(number: i64) -> String {
    format!("net_{:032x}", number % 3)
}

/// What happens as number `number`: every tenth time to `known`, whose own history is shorter than a thousand.
fn event(number: i64, known: &Peering) -> NewEvent {
    let is_known = number % 10 == 0;
    let peering = Peering {
        id: match is_known {
            true => known.id.clone(),
            false => format!("peer_{:032x}", number % 10),
        },
        tenant_id: TENANT.to_owned(),
        network_id: match is_known {
            true => known.network_id.clone(),
            false => network(number),
        },
        display_name: number.to_string(),
        ..Peering::default()
    };
    NewEvent {
        resource_id: peering.id.clone(),
        tenant_id: TENANT.to_owned(),
        version: 1_000 + number,
        kind: "details_changed".to_owned(),
        from_state: String::new(),
        to_state: State::PendingAcceptance.as_str_name().replace("STATE_", ""),
        reason: String::new(),
        message: String::new(),
        raw_state: String::new(),
        actor: WRITER.to_owned(),
        request_id: String::new(),
        trace_id: String::new(),
        payload: peering.encode_to_vec(),
    }
}

async fn write(suite: &Suite, numbers: std::ops::Range<i64>, known: &Peering) {
    let db = suite.database.connect().await;
    let mut next = numbers.start;
    while next < numbers.end {
        let txn = db.begin().await.unwrap();
        for number in next..numbers.end.min(next + BATCH) {
            events::append(&txn, event(number, known), number)
                .await
                .unwrap();
        }
        txn.commit().await.unwrap();
        next += BATCH;
    }
    db.close().await.unwrap();
}

/// One watcher, which goes on behind the last message it had whenever its stream ends.
struct Watcher {
    clients: watch::Receiver<Client>,
    request: WatchPeeringsRequest,
    /// Numbers of the events that count, and their places in the log.
    told: Vec<(i64, i64)>,
}

impl Watcher {
    /// Follows until it was told so many of the events that count.
    async fn follow(
        mut self,
        wanted: usize,
        begun: tokio::sync::mpsc::Sender<()>,
    ) -> Vec<(i64, i64)> {
        'streams: loop {
            let mut client = self.clients.borrow_and_update().clone();
            if let Ok(answer) = client.watch_peerings(self.request.clone()).await {
                let mut messages = answer.into_inner();
                loop {
                    match messages.message().await {
                        Ok(Some(message)) => {
                            self.request.resume_token = message.resume_token;
                            let told = message.message.unwrap();
                            if matches!(told, Told::SnapshotComplete(_)) {
                                begun.send(()).await.unwrap();
                            }
                            self.hear(told);
                            if self.told.len() == wanted {
                                return self.told;
                            }
                        }
                        Ok(None) => panic!("no end without a status"),
                        // Too slow for the others: it goes on at once.
                        Err(ended) if ended.code() == Code::ResourceExhausted => {
                            continue 'streams;
                        }
                        Err(ended) => {
                            assert_eq!(ended.code(), Code::Unavailable, "{ended:?}");
                            break;
                        }
                    }
                }
            }
            self.clients.changed().await.unwrap();
        }
    }

    fn hear(&mut self, told: Told) {
        let Told::Change(change) = told else { return };
        let (peering, event) = (change.peering.unwrap(), change.event.unwrap());
        if event.actor == WRITER {
            let number = peering.display_name.parse().unwrap();
            self.told.push((number, event.sequence));
        }
    }
}

async fn many_watchers_hear_everything_across_a_restart(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let known = suite.create().await;
    suite.until_state(&known.id, State::PendingAcceptance).await;
    let (renew, clients) = watch::channel(suite.api.clone());
    let (begun, mut beginnings) = tokio::sync::mpsc::channel(WATCHERS);
    let (mut watching, mut expected) = (JoinSet::new(), Vec::new());
    for at in 0..WATCHERS {
        let mut request = WatchPeeringsRequest {
            tenant_id: TENANT.to_owned(),
            ..Default::default()
        };
        match at % 4 {
            0 => request.network_id = network(1),
            1 => request.peering_id.clone_from(&known.id),
            _ => {}
        }
        let is_asked = |number: &i64| {
            let payload = event(*number, &known).payload;
            let peering = Peering::decode(payload.as_slice()).unwrap();
            ["", &peering.network_id].contains(&request.network_id.as_str())
                && ["", &peering.id].contains(&request.peering_id.as_str())
        };
        let wanted: Vec<i64> = (0..EVENTS).filter(is_asked).collect();
        let watcher = Watcher {
            clients: clients.clone(),
            request,
            told: Vec::new(),
        };
        let (count, begun) = (wanted.len(), begun.clone());
        watching.spawn(async move { (at, watcher.follow(count, begun).await) });
        expected.push(wanted);
    }
    let all = async {
        for _ in 0..WATCHERS {
            beginnings.recv().await.unwrap();
        }
        write(&suite, 0..EVENTS / 2, &known).await;
        suite.stop().await;
        write(&suite, EVENTS / 2..EVENTS * 3 / 4, &known).await;
        suite.restart().await;
        renew.send(suite.api.clone()).unwrap();
        write(&suite, EVENTS * 3 / 4..EVENTS, &known).await;
        while let Some(ended) = watching.join_next().await {
            let (at, told) = ended.unwrap();
            let numbers: Vec<i64> = told.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, expected[at], "watcher {at}");
            assert!(
                told.is_sorted_by(|one, next| one.1 < next.1),
                "watcher {at}"
            );
        }
    };
    tokio::time::timeout(PATIENCE * 2, all)
        .await
        .expect("all is told in time");
}
