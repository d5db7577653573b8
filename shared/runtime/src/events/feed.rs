//! One reader of the log per process, which hands every numbered event to all watchers of the process.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{Event, last_seq, sequencer, since};
use crate::db::Db;
use crate::status;

/// Events kept for watchers that are behind; who falls further behind reads the log itself.
const KEPT: usize = 1_024;
/// Events read from the log at once.
pub(super) const BATCH: u64 = 256;
/// How long the log is left alone after the database failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How watches behave.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A stream without a message for this long carries a heartbeat.
    pub heartbeat: Duration,
    /// How often the log is looked at for events that another replica numbered.
    pub poll: Duration,
    /// Messages made for a client that did not take them yet.
    pub buffer: usize,
    /// A client that takes none of them for this long is too slow.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            poll: Duration::from_millis(50),
            buffer: 64,
            patience: Duration::from_secs(5),
        }
    }
}

/// The numbered events of a process' database, as they come. Clones are the same feed.
#[derive(Clone)]
pub struct Feed {
    pub(super) db: Db,
    pub(super) pace: Pace,
    told: broadcast::Sender<Told>,
    joined: Arc<Notify>,
    pub(super) ended: CancellationToken,
}

/// What the reader of the log tells the watchers.
#[derive(Clone)]
pub(super) enum Told {
    /// What follows begins behind this number.
    From(i64),
    /// The next event.
    Event(Arc<Event>),
    /// The log cannot be read.
    Failed(Status),
}

impl Feed {
    /// The feed of `db`; nothing is read before [`Feed::run`].
    pub fn new(db: Db, pace: Pace) -> Self {
        Self {
            db,
            pace,
            told: broadcast::Sender::new(KEPT),
            joined: Arc::new(Notify::new()),
            ended: CancellationToken::new(),
        }
    }

    /// Numbers committed events and tells the watchers of them until `stop`, which ends all watches at once.
    ///
    /// Run it in every replica. `written` is to be notified after each transaction that wrote events.
    pub async fn run(self, written: Arc<Notify>, stop: CancellationToken) {
        let numbered = Notify::new();
        let tell = async {
            let _ended = self.ended.clone().drop_guard();
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.tell(&numbered) => {}
            }
        };
        let number = sequencer::run(&self.db, &written, &numbered, stop.clone());
        tokio::join!(tell, number);
    }

    /// How many streams are open.
    pub fn watchers(&self) -> usize {
        self.told.receiver_count()
    }

    /// Hears every event that gets its number from now on.
    pub(super) fn join(&self) -> broadcast::Receiver<Told> {
        let told = self.told.subscribe();
        self.joined.notify_one();
        told
    }

    async fn tell(&self, numbered: &Notify) {
        loop {
            while self.watchers() == 0 {
                self.joined.notified().await;
            }
            if let Err(error) = self.follow(numbered).await {
                self.say(Told::Failed(status::from_db(error)));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Reads the log as it grows, for as long as somebody watches.
    async fn follow(&self, numbered: &Notify) -> Result<(), DbErr> {
        let mut at = last_seq(self.db.read()).await?;
        // Events may have come between the first watcher's own look at the log and this one.
        self.say(Told::From(at));
        while self.watchers() > 0 {
            let events = since(self.db.read(), at, BATCH).await?;
            if events.is_empty() {
                tokio::select! {
                    () = numbered.notified() => {}
                    () = tokio::time::sleep(self.pace.poll) => {}
                }
            }
            for event in events {
                at = event.seq;
                self.say(Told::Event(Arc::new(event)));
            }
        }
        Ok(())
    }

    fn say(&self, what: Told) {
        // Err: the last watcher has just left.
        self.told.send(what).ok();
    }
}
