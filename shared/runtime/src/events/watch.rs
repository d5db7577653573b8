//! A watch: what there is, and then every change of it, in order and each once.
//!
//! A stream begins with pages of what there is (the snapshot) and goes on with the log behind the position
//! that was read before the first page. An event at or below the version that a page showed of its resource
//! is passed over. Every message has a token to go on from there; until the log is past all that the pages
//! can have shown, that token means "start over", since only this stream knows what it has shown.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tonic::{Code, Status};
use types::TenantScope;

use super::feed::{BATCH, Feed, Told};
use super::place::{self, Mark, Start};
use super::{Event, NewEvent, sequencer, since};
use crate::status;

/// Which events a watch tells of.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Of whom.
    pub scope: TenantScope,
    /// Of this resource only.
    pub resource_id: Option<String>,
}

/// One resource of a snapshot.
pub struct Shown<R> {
    /// Its id, as in its events.
    pub id: String,
    /// Its version, as in its events.
    pub version: i64,
    /// The resource.
    pub resource: R,
}

/// Some resources of a snapshot.
pub struct ShownPage<R> {
    /// The resources; there may be none on a page before the last.
    pub shown: Vec<Shown<R>>,
    /// Where the next page begins; none after the last one.
    pub next: Option<String>,
}

/// What a message of a watch tells.
pub enum Item<'a, R> {
    /// A resource as it is.
    Snapshot(R),
    /// All there is has been told.
    SnapshotComplete,
    /// A change.
    Change(&'a Event),
    /// The stream lives, at this time in milliseconds.
    Heartbeat(i64),
}

impl Feed {
    /// Watches: `pages` reads what there is, beginning with none; `tell` makes a message of its token and what
    /// it tells, or none for a change that is filtered out.
    ///
    /// The stream ends with OUT_OF_RANGE RESUME_TOKEN_TOO_OLD when events behind it are gone, RESOURCE_EXHAUSTED
    /// WATCH_TOO_SLOW, UNAVAILABLE when the database fails or the process stops; or with an error of the closures.
    ///
    /// # Errors
    /// OUT_OF_RANGE when the token's place is not in the log; UNAVAILABLE when the database fails.
    pub async fn watch<R, M, S, P, T>(
        &self,
        start: Start,
        watched: Watched,
        pages: S,
        tell: T,
    ) -> Result<BoxStream<'static, Result<M, Status>>, Status>
    where
        R: Send + 'static,
        M: Send + 'static,
        S: Fn(Option<String>) -> P + Send + 'static,
        P: Future<Output = Result<ShownPage<R>, Status>> + Send,
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status> + Send + 'static,
    {
        // First: whatever gets its number after the end was read is heard.
        let told = self.join();
        let end = Mark::end(self.db.read()).await.map_err(status::from_db)?;
        let (at, heard) = match &start.after {
            None => (end, None),
            Some(mark) => {
                let is_in_log = mark.is_in_log(self.db.read(), &end).await;
                if !is_in_log.map_err(status::from_db)? {
                    return Err(too_old());
                }
                (mark.clone(), Some(end.seq))
            }
        };
        let (out, mut messages) = mpsc::channel(self.pace.buffer);
        let watcher = Watcher {
            feed: self.clone(),
            told,
            question: start.question,
            watched,
            tell,
            heartbeat_at: Instant::now() + self.pace.heartbeat,
            out,
            at,
            horizon: i64::MAX,
            shown: HashMap::new(),
            is_complete: false,
        };
        let (ending, end) = oneshot::channel();
        tokio::spawn(async move {
            // Err: nobody reads the stream any more.
            ending.send(watcher.run(pages, heard).await).ok();
        });
        let end = async { Err(end.await.unwrap_or_else(|_| stopping())) };
        Ok(stream::poll_fn(move |context| messages.poll_recv(context))
            .map(|message| Ok(*message))
            .chain(stream::once(end))
            .boxed())
    }
}

/// One stream.
struct Watcher<T, M> {
    feed: Feed,
    told: broadcast::Receiver<Told>,
    question: String,
    watched: Watched,
    tell: T,
    /// In boxes: a channel has room for some dozens at once, and most streams are silent.
    out: mpsc::Sender<Box<M>>,
    heartbeat_at: Instant,
    /// The last event that was told or passed over.
    at: Mark,
    /// Before this number there may be events of what the snapshot has shown.
    horizon: i64,
    /// The versions of the snapshot, until the horizon.
    shown: HashMap<String, i64>,
    is_complete: bool,
}

impl<T, M> Watcher<T, M> {
    /// Tells until something ends it; `heard` is the end of the log of a stream that is resumed.
    async fn run<R, S, P>(mut self, pages: S, heard: Option<i64>) -> Status
    where
        S: Fn(Option<String>) -> P,
        P: Future<Output = Result<ShownPage<R>, Status>>,
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        let (ended, out) = (self.feed.ended.clone(), self.out.clone());
        let work = async {
            match heard {
                None => self.snapshot(pages).await?,
                Some(end) => {
                    (self.horizon, self.is_complete) = (0, true);
                    self.catch_up(end).await?;
                }
            }
            self.follow().await
        };
        tokio::select! {
            biased;
            () = ended.cancelled() => stopping(),
            () = out.closed() => stopping(),
            ended = work => match ended {
                Ok(never) => match never {},
                Err(status) => status,
            },
        }
    }

    async fn snapshot<R, S, P>(&mut self, pages: S) -> Result<(), Status>
    where
        S: Fn(Option<String>) -> P,
        P: Future<Output = Result<ShownPage<R>, Status>>,
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        let mut after = None;
        loop {
            let page = pages(after).await?;
            for one in page.shown {
                self.shown.insert(one.id, one.version);
                self.send(Item::Snapshot(one.resource)).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        // Whatever the pages have shown has its event at or before this number.
        let settled = sequencer::settled(&self.feed.db).await;
        self.horizon = settled.map_err(status::from_db)?;
        // Before the end of the snapshot is told, so that the token there can be a place in the log.
        self.catch_up(self.horizon).await?;
        self.shown = HashMap::new();
        self.complete().await
    }

    /// Tells what the feed tells, and heartbeats.
    async fn follow<R>(&mut self) -> Result<Infallible, Status>
    where
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        loop {
            let told = tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.heartbeat_at) => None,
                told = self.told.recv() => Some(told),
            };
            match told {
                None => {
                    let now = self.feed.db.clock().now_ms();
                    self.send(Item::Heartbeat(now)).await?;
                }
                Some(Ok(Told::From(seq))) => self.catch_up(seq).await?,
                Some(Ok(Told::Event(event))) => {
                    self.catch_up(event.seq - 1).await?;
                    if event.seq > self.at.seq {
                        self.pass(&event).await?;
                    }
                }
                Some(Ok(Told::Failed(status))) => return Err(status),
                // The next event shows what is missing.
                Some(Err(RecvError::Lagged(_))) => {}
                Some(Err(RecvError::Closed)) => return Err(stopping()),
            }
        }
    }

    /// Reads the log itself up to `until` at least.
    async fn catch_up<R>(&mut self, until: i64) -> Result<(), Status>
    where
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        while self.at.seq < until {
            let events = since(self.feed.db.read(), self.at.seq, BATCH)
                .await
                .map_err(status::from_db)?;
            if events.is_empty() {
                return Err(too_old());
            }
            for event in &events {
                if event.seq != self.at.seq + 1 {
                    return Err(too_old());
                }
                self.pass(event).await?;
            }
        }
        Ok(())
    }

    /// Moves on to the next event, and tells of it if it is asked for and news.
    async fn pass<R>(&mut self, event: &Event) -> Result<(), Status>
    where
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        let here = Mark::new(event.seq, &event.hash);
        let NewEvent {
            resource_id,
            version,
            ..
        } = &event.event;
        let is_known = self
            .shown
            .get(resource_id)
            .is_some_and(|shown| version <= shown);
        if is_known || !self.watched.holds(&event.event) {
            self.at = here;
            return Ok(());
        }
        // Its token leads to the place before the change, which a client that is cut off in between has not seen.
        self.complete().await?;
        self.at = here;
        if let Some(message) = self.make(Item::Change(event))? {
            self.push(message).await?;
        }
        Ok(())
    }

    /// Tells that the snapshot is complete, once.
    async fn complete<R>(&mut self) -> Result<(), Status>
    where
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        if std::mem::replace(&mut self.is_complete, true) {
            return Ok(());
        }
        self.send(Item::SnapshotComplete).await
    }

    async fn send<R>(&mut self, item: Item<'_, R>) -> Result<(), Status>
    where
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        match self.make(item)? {
            Some(message) => self.push(message).await,
            None => Ok(()),
        }
    }

    fn make<R>(&self, item: Item<'_, R>) -> Result<Option<Box<M>>, Status>
    where
        T: Fn(String, Item<'_, R>) -> Result<Option<M>, Status>,
    {
        Ok((self.tell)(self.token(), item)?.map(Box::new))
    }

    async fn push(&mut self, message: Box<M>) -> Result<(), Status> {
        let place = tokio::time::timeout(self.feed.pace.patience, self.out.reserve()).await;
        let place = place.map_err(|_| too_slow())?.map_err(|_| stopping())?;
        place.send(message);
        self.heartbeat_at = Instant::now() + self.feed.pace.heartbeat;
        Ok(())
    }

    fn token(&self) -> String {
        match self.at.seq < self.horizon {
            true => place::start_over(&self.question),
            false => self.at.token(&self.question),
        }
    }
}

impl Watched {
    fn holds(&self, event: &NewEvent) -> bool {
        let is_ours = match &self.scope {
            TenantScope::One(tenant) => event.tenant_id == tenant.as_str(),
            TenantScope::All => true,
        };
        let resource = self.resource_id.as_ref();
        is_ours && resource.is_none_or(|id| *id == event.resource_id)
    }
}

fn too_old() -> Status {
    status::failure(
        Code::OutOfRange,
        "RESUME_TOKEN_TOO_OLD",
        "the events after this token are gone; start over without a token",
    )
}

fn too_slow() -> Status {
    status::failure(
        Code::ResourceExhausted,
        "WATCH_TOO_SLOW",
        "the messages of the watch were not read; go on with the last token",
    )
}

fn stopping() -> Status {
    status::failure(
        Code::Unavailable,
        "SERVICE_STOPPING",
        "the service is stopping; go on with the last token",
    )
}
