//! Watches in numbers: what an idle one costs, and how long many take to be told a lot, across a restart of the service.
//!
//! The events are written into the database itself. Each watcher checks that it hears every one of them, in order and
//! once; what it does not is an error and no figure.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use api::peering::v1::peering_service_client::PeeringServiceClient;
use api::peering::v1::watch_peerings_response::Message as Told;
use api::peering::v1::{Peering, WatchPeeringsRequest, WatchPeeringsResponse};
use prost::Message;
use runtime::db::Db;
use runtime::events::{self, NewEvent};
use testkit::{Process, TestDatabase, binary};
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};

use crate::figures::Figure;
use crate::memory::{peak_kib, resident_kib};

const TENANT: &str = "acme";
/// The service takes a hundred streams on one connection.
const PER_CONNECTION: usize = 50;
/// Peerings that the events are about, in turn.
const PEERINGS: i64 = 100;
/// Events of one transaction.
const BATCH: i64 = 100;
/// Until what a start or the snapshots left behind has been given back.
const SETTLE: Duration = Duration::from_secs(10);
/// Between attempts to reach a service that is starting.
const RETRY: Duration = Duration::from_millis(50);
/// Longer than any run takes.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Takes each figure `runs` times, with so many watchers and events.
pub(crate) async fn measure(
    runs: usize,
    watchers: usize,
    events: i64,
) -> anyhow::Result<Vec<Figure>> {
    let figure = |key, what| Figure {
        key,
        what,
        runs: Vec::new(),
    };
    println!("{watchers} watchers, {events} events each, on PostgreSQL");
    let mut idle = figure("idle_watcher_kib", "resident memory of one idle watcher");
    let mut took = figure(
        "told_s",
        "first event written to last watcher told, with a restart in between",
    );
    let mut rate = figure("told_per_s", "events told, of all watchers together");
    let mut first = figure("peak_before_restart_mib", "resident memory at most");
    let mut second = figure("peak_after_restart_mib", "the same, of its successor");
    let mut slow = figure("cut_off", "streams ended with WATCH_TOO_SLOW, and resumed");
    for _ in 0..runs {
        let mut bench = Bench::start().await?;
        let before = resident_kib(bench.process.pid())?;
        let watching = bench.watch(watchers).await?;
        tokio::time::sleep(SETTLE).await;
        let with = resident_kib(bench.process.pid())?;
        idle.runs.push((with - before) / watchers as f64);

        let began = Instant::now();
        let told = bench.tell(watching, events);
        let told = tokio::time::timeout(PATIENCE, told).await??;
        let seconds = began.elapsed().as_secs_f64();
        took.runs.push(seconds);
        rate.runs.push(watchers as f64 * events as f64 / seconds);
        first.runs.push(told.peak_kib / 1_024.0);
        second.runs.push(peak_kib(bench.process.pid())? / 1_024.0);
        slow.runs.push(f64::from(told.cut_off));
    }
    Ok(vec![idle, took, rate, first, second, slow])
}

/// The peering service on an empty database, without its neighbours: no cloud is asked here.
struct Bench {
    address: SocketAddr,
    db: Db,
    process: Process,
    database: TestDatabase,
}

/// What came of telling all watchers.
struct Outcome {
    /// Of the service before its restart.
    peak_kib: f64,
    cut_off: u32,
}

impl Bench {
    async fn start() -> anyhow::Result<Self> {
        let database = testkit::postgres().await;
        let held = TcpListener::bind("127.0.0.1:0").context("a free port")?;
        let address = held.local_addr()?;
        drop(held);
        let migrated = program("migrate", &database, address);
        ensure!(migrated.wait().await.success(), "{}", migrated.logs());
        let process = program("serve", &database, address);
        process.port(address).await;
        let db = database.connect().await;
        tokio::time::sleep(SETTLE).await;
        Ok(Self {
            address,
            db,
            process,
            database,
        })
    }

    /// Opens so many watches, each past its snapshot.
    async fn watch(&self, watchers: usize) -> anyhow::Result<Vec<Watcher>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
        let mut watching = Vec::with_capacity(watchers);
        for _ in 0..watchers.div_ceil(PER_CONNECTION) {
            let channel = endpoint.connect_lazy();
            for _ in watching.len()..watchers.min(watching.len() + PER_CONNECTION) {
                let mut watcher = Watcher::new(channel.clone());
                watcher.snapshot().await?;
                watching.push(watcher);
            }
        }
        Ok(watching)
    }

    /// Writes events, half before and half after a restart, until every watcher was told all of them.
    async fn tell(&mut self, watching: Vec<Watcher>, events: i64) -> anyhow::Result<Outcome> {
        let mut following = JoinSet::new();
        for watcher in watching {
            following.spawn(watcher.follow(events));
        }
        write(&self.db, 1..=events / 2).await?;
        let peak_kib = peak_kib(self.process.pid())?;
        self.process.terminate().await;
        self.process = program("serve", &self.database, self.address);
        self.process.port(self.address).await;
        write(&self.db, events / 2 + 1..=events).await?;
        let mut cut_off = 0;
        while let Some(followed) = following.join_next().await {
            cut_off += followed??;
        }
        Ok(Outcome { peak_kib, cut_off })
    }
}

fn program(argument: &str, database: &TestDatabase, address: SocketAddr) -> Process {
    let settings = [
        ("SERVER__LISTEN", address.to_string()),
        ("DATABASE__URL", database.url().to_owned()),
    ]
    .map(|(name, value)| (format!("PEERWAY_PEERING__{name}"), value));
    let mut command = Command::new(binary("peering"));
    Process::spawn(command.arg(argument).envs(settings))
}

/// Writes events of these numbers.
async fn write(db: &Db, numbers: std::ops::RangeInclusive<i64>) -> anyhow::Result<()> {
    let (mut next, last) = (*numbers.start(), *numbers.end());
    while next <= last {
        let now = db.now_ms().await?;
        let txn = db.begin().await?;
        for number in next..=last.min(next + BATCH - 1) {
            events::append(&txn, event(number), now).await?;
        }
        txn.commit().await?;
        next += BATCH;
    }
    Ok(())
}

/// An event as large as most are.
fn event(number: i64) -> NewEvent {
    let id = format!("peer_{:032x}", number % PEERINGS);
    let message = "The peering waits for the customer to accept it in the account 222222222222.";
    let peering = Peering {
        id: id.clone(),
        tenant_id: TENANT.to_owned(),
        network_id: format!("net_{:032x}", 1),
        display_name: format!("apps {number}"),
        reason: "WAITING_FOR_CUSTOMER".to_owned(),
        message: message.to_owned(),
        provider_peering_id: "pcx-0123456789abcdef0".to_owned(),
        ..Peering::default()
    };
    NewEvent {
        resource_id: id,
        tenant_id: TENANT.to_owned(),
        version: number / PEERINGS + 1,
        kind: "state_changed".to_owned(),
        from_state: "PROVISIONING".to_owned(),
        to_state: "PENDING_ACCEPTANCE".to_owned(),
        reason: peering.reason.clone(),
        message: message.to_owned(),
        raw_state: "pending-acceptance".to_owned(),
        actor: "worker".to_owned(),
        request_id: String::new(),
        trace_id: String::new(),
        payload: peering.encode_to_vec(),
    }
}

/// A client that goes on behind the last message it had.
struct Watcher {
    client: PeeringServiceClient<Channel>,
    stream: Option<Streaming<WatchPeeringsResponse>>,
    token: String,
    /// The number of the last event it was told.
    at: i64,
    cut_off: u32,
}

impl Watcher {
    fn new(channel: Channel) -> Self {
        Self {
            client: PeeringServiceClient::new(channel),
            stream: None,
            token: String::new(),
            at: 0,
            cut_off: 0,
        }
    }

    /// The next message, of a new stream if the last one ended.
    async fn next(&mut self) -> Result<Option<Told>, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let request = WatchPeeringsRequest {
                    tenant_id: TENANT.to_owned(),
                    resume_token: self.token.clone(),
                    ..WatchPeeringsRequest::default()
                };
                let answer = self.client.watch_peerings(request).await?;
                self.stream.insert(answer.into_inner())
            }
        };
        let Some(message) = stream.message().await? else {
            return Ok(None);
        };
        self.token = message.resume_token;
        Ok(message.message)
    }

    async fn snapshot(&mut self) -> anyhow::Result<()> {
        while !matches!(self.next().await?, Some(Told::SnapshotComplete(_))) {}
        Ok(())
    }

    /// Hears all events up to the one of number `last`; answers how often it was cut off.
    async fn follow(mut self, last: i64) -> anyhow::Result<u32> {
        while self.at < last {
            match self.next().await {
                Ok(Some(Told::Change(change))) => {
                    let told = change.event.context("a change without its event")?.sequence;
                    ensure!(told == self.at + 1, "{told} was told after {}", self.at);
                    self.at = told;
                }
                Ok(Some(_)) => {}
                Ok(None) => self.stream = None,
                Err(ended) => {
                    ensure!(ended.code() != Code::OutOfRange, "{ended}");
                    self.cut_off += u32::from(ended.code() == Code::ResourceExhausted);
                    self.stream = None;
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        Ok(self.cut_off)
    }
}
