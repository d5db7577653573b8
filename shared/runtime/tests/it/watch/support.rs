//! A process that writes events and is watched; its resources are what the events say.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use runtime::db::{self, Db};
use runtime::events::{self, Feed, Item, NewEvent, Pace, Shown, ShownPage, Start, Watched};
use runtime::status::Violations;
use sea_orm::{ConnectionTrait, Statement};
use testkit::TestDatabase;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use types::TenantScope;

use crate::support::{PATIENCE, Schema};

const NOW: i64 = 1_800_000_000_000;

/// What a message told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Snapshot(String, i64),
    Complete,
    Change { seq: i64, id: String, version: i64 },
    Heartbeat,
}

/// A watch of tenant acme.
pub(crate) fn ours() -> Watched {
    Watched {
        scope: "acme".parse().unwrap(),
        resource_id: None,
    }
}

/// The default, for readers that a slow machine holds up.
pub(crate) fn patient() -> Pace {
    Pace {
        patience: PATIENCE,
        ..Pace::default()
    }
}

/// Stops a snapshot behind peer_a, and lets it go on.
pub(crate) type Gate = (Arc<Notify>, Arc<Notify>);

/// A replica.
pub(crate) struct Process {
    pub(crate) db: Db,
    pub(crate) feed: Feed,
    pub(crate) stop: CancellationToken,
    pub(crate) running: Option<JoinHandle<()>>,
    written: Arc<Notify>,
}

impl Process {
    pub(crate) async fn start(database: &TestDatabase) -> Self {
        Self::start_with(database, patient()).await
    }

    pub(crate) async fn start_with(database: &TestDatabase, pace: Pace) -> Self {
        let mut process = Self::idle(database, pace).await;
        process.run();
        process
    }

    /// On a database that is there already.
    pub(crate) async fn join(database: &TestDatabase) -> Self {
        let mut process = Self::on(database.connect().await, patient());
        process.run();
        process
    }

    /// Neither numbers nor tells events yet.
    pub(crate) async fn idle(database: &TestDatabase, pace: Pace) -> Self {
        let db = database.connect().await;
        db::migrate::<Schema>(&db).await.unwrap();
        Self::on(db, pace)
    }

    fn on(db: Db, pace: Pace) -> Self {
        Self {
            feed: Feed::new(db.clone(), pace),
            db,
            stop: CancellationToken::new(),
            running: None,
            written: Arc::new(Notify::new()),
        }
    }

    pub(crate) fn run(&mut self) {
        let run = self
            .feed
            .clone()
            .run(self.written.clone(), self.stop.clone());
        self.running = Some(tokio::spawn(run));
    }

    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        self.running.take().unwrap().await.unwrap();
    }

    pub(crate) async fn write(&self, resource: &str, version: i64) {
        self.write_of("acme", resource, version).await;
    }

    pub(crate) async fn write_of(&self, tenant: &str, resource: &str, version: i64) {
        self.write_all(tenant, resource, version..=version).await;
    }

    /// In one transaction.
    pub(crate) async fn write_many(&self, resource: &str, versions: RangeInclusive<i64>) {
        self.write_all("acme", resource, versions).await;
    }

    async fn write_all(&self, tenant: &str, resource: &str, versions: RangeInclusive<i64>) {
        let txn = self.db.begin().await.unwrap();
        for version in versions {
            let event = NewEvent {
                resource_id: resource.into(),
                tenant_id: tenant.into(),
                version,
                ..NewEvent::default()
            };
            events::append(&txn, event, NOW).await.unwrap();
        }
        txn.commit().await.unwrap();
        self.written.notify_one();
    }

    /// Waits until `count` events have their numbers.
    pub(crate) async fn numbered(&self, count: i64) {
        let wait = async {
            while events::last_seq(self.db.read()).await.unwrap() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
    }

    /// Waits until no more than `count` streams are made.
    pub(crate) async fn watchers(&self, count: usize) {
        let wait = async {
            while self.feed.watchers() > count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap();
    }

    pub(crate) async fn execute(&self, sql: &str) {
        self.db.write().execute_unprepared(sql).await.unwrap();
    }

    pub(crate) async fn watch(&self, watched: Watched, token: &str) -> Watch {
        self.try_watch(watched, token, None).await.unwrap()
    }

    pub(crate) async fn watch_in_pages(
        &self,
        watched: Watched,
        token: &str,
        gate: Option<Gate>,
    ) -> Watch {
        self.try_watch(watched, token, gate).await.unwrap()
    }

    pub(crate) async fn try_watch(
        &self,
        watched: Watched,
        token: &str,
        gate: Option<Gate>,
    ) -> Result<Watch, Status> {
        let mut violations = Violations::new();
        let start = Start::asked(&mut violations, token, format!("watch {watched:?}"));
        violations.finish()?;
        let (db, only) = (self.db.clone(), watched.clone());
        let pages = move |after: Option<String>| {
            let (db, only, gate) = (db.clone(), only.clone(), gate.clone());
            async move {
                if let (Some("peer_a"), Some((paused, go_on))) = (after.as_deref(), &gate) {
                    paused.notify_one();
                    go_on.notified().await;
                }
                Ok(page(&db, &only, &after.unwrap_or_default()).await)
            }
        };
        let stream = self.feed.watch(start, watched, pages, told).await?;
        let token = token.to_owned();
        Ok(Watch { stream, token })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn told(token: String, item: Item<'_, (String, i64)>) -> Result<Option<(Seen, String)>, Status> {
    let seen = match item {
        Item::Snapshot((id, version)) => Seen::Snapshot(id, version),
        Item::SnapshotComplete => Seen::Complete,
        Item::Change(event) => Seen::Change {
            seq: event.seq,
            id: event.event.resource_id.clone(),
            version: event.event.version,
        },
        Item::Heartbeat(_) => Seen::Heartbeat,
    };
    Ok(Some((seen, token)))
}

/// The resource behind `after`, if there is one, as the committed events leave it, numbered or not.
async fn page(db: &Db, watched: &Watched, after: &str) -> ShownPage<(String, i64)> {
    let sql = "SELECT resource_id, MAX(version), MAX(tenant_id) FROM event WHERE resource_id > $1 \
               GROUP BY resource_id ORDER BY resource_id LIMIT 1";
    let ask = Statement::from_sql_and_values(db.read().get_database_backend(), sql, [after.into()]);
    let Some(row) = db.read().query_one_raw(ask).await.unwrap() else {
        return ShownPage {
            shown: Vec::new(),
            next: None,
        };
    };
    let (id, version): (String, i64) = (
        row.try_get_by_index(0).unwrap(),
        row.try_get_by_index(1).unwrap(),
    );
    let tenant: String = row.try_get_by_index(2).unwrap();
    let is_ours = match &watched.scope {
        TenantScope::One(one) => one.as_str() == tenant,
        TenantScope::All => true,
    };
    let is_wanted = watched.resource_id.as_ref().is_none_or(|only| *only == id);
    let resource = Shown {
        id: id.clone(),
        version,
        resource: (id.clone(), version),
    };
    ShownPage {
        shown: (is_ours && is_wanted)
            .then_some(resource)
            .into_iter()
            .collect(),
        next: Some(id),
    }
}

/// A stream and the token of its last message.
pub(crate) struct Watch {
    stream: BoxStream<'static, Result<(Seen, String), Status>>,
    pub(crate) token: String,
}

impl Watch {
    pub(crate) async fn try_next(&mut self) -> Result<(Seen, String), Status> {
        let next = tokio::time::timeout(PATIENCE, self.stream.next());
        let (seen, token) = next
            .await
            .expect("a message")
            .expect("no end without a status")?;
        self.token.clone_from(&token);
        Ok((seen, token))
    }

    pub(crate) async fn next(&mut self) -> (Seen, String) {
        self.try_next().await.unwrap()
    }

    /// All that is shown, and the token of its end.
    pub(crate) async fn snapshot(&mut self) -> (Vec<(String, i64)>, String) {
        let mut shown = Vec::new();
        loop {
            match self.next().await {
                (Seen::Snapshot(id, version), _) => shown.push((id, version)),
                (Seen::Complete, token) => return (shown, token),
                other => panic!("{other:?} in a snapshot"),
            }
        }
    }

    /// The next message, which is a change, but for heartbeats.
    pub(crate) async fn change(&mut self) -> (String, i64) {
        loop {
            match self.next().await.0 {
                Seen::Change { id, version, .. } => return (id, version),
                Seen::Heartbeat => {}
                other => panic!("{other:?} is no change"),
            }
        }
    }

    /// Reads on until the end, which is an error.
    pub(crate) async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.try_next().await {
                return status;
            }
        }
    }
}
