//! One set of tests for all places the queue can stand in (SQLite, PostgreSQL, Redis, Valkey, Redis Cluster), and some
//! for what only Redis does.

mod cluster;
mod handover;
mod lanes;
mod model;
mod operated;
mod operators;
mod other_queues;
mod other_redis;
mod outage;
mod turns;
mod wiped;

use std::time::Duration;

use ::types::GroupId;
use runtime::config::{QueueConfig, RedisMode};
use runtime::db::Db;
use sea_orm::Value;
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use secrecy::ExposeSecret;
use testkit::TestDatabase;

use crate::backend::{Claim, Finish};
use crate::{Lane, Outcome, Queue, ensure_group, schema};

const NAME: &str = "test-check";
const HOUR: Duration = Duration::from_secs(3_600);
/// Short enough to wait for its end.
const BLINK: Duration = Duration::from_millis(50);

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            runtime::leader::migration(),
            crate::migration(),
            crate::orphan_migration(),
        ]
    }
}

/// A database, perhaps a Redis, and queues on them.
pub(crate) struct Fixture {
    db: Db,
    config: QueueConfig,
    redis: Option<testkit::Redis>,
    database: TestDatabase,
}

impl Fixture {
    async fn on(database: TestDatabase, redis: Option<testkit::Redis>) -> Self {
        let db = database.connect().await;
        runtime::db::migrate::<Migrator>(&db).await.unwrap();
        let config = QueueConfig {
            redis_url: redis.as_ref().map(|redis| redis.url().into()),
            ..QueueConfig::default()
        };
        Self {
            db,
            config,
            redis,
            database,
        }
    }

    pub(crate) async fn sqlite() -> Self {
        Self::on(testkit::sqlite(), None).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::on(testkit::postgres().await, None).await
    }

    pub(crate) async fn redis() -> Self {
        Self::on(testkit::sqlite(), Some(testkit::Redis::start().await)).await
    }

    pub(crate) async fn valkey() -> Self {
        Self::on(testkit::sqlite(), Some(testkit::Redis::valkey().await)).await
    }

    /// A part of a cluster that no other fixture uses.
    pub(crate) async fn cluster(cluster: &testkit::RedisCluster) -> Self {
        let mut fixture = Self::on(testkit::sqlite(), None).await;
        let mut nodes = cluster.nodes().iter();
        fixture.config.redis_url = nodes.next().map(|node| node.url().into());
        fixture.config.redis_nodes = nodes.map(|node| node.address().to_string()).collect();
        fixture.config.redis_mode = RedisMode::Cluster;
        fixture.config.redis_prefix = uuid::Uuid::new_v4().simple().to_string();
        fixture
    }

    /// What all keys begin with.
    fn tag(&self) -> String {
        match self.config.redis_prefix.as_str() {
            "" => format!("{{{NAME}}}"),
            prefix => format!("{{{prefix}:{NAME}}}"),
        }
    }

    async fn queue(&self) -> Queue {
        self.queue_with(|_| {}).await
    }

    async fn queue_with(&self, change: impl FnOnce(&mut QueueConfig)) -> Queue {
        let mut config = self.config.clone();
        change(&mut config);
        Queue::start(NAME, self.db.clone(), &config).await.unwrap()
    }

    /// A queue whose leases lapse while one waits.
    async fn hasty_queue(&self) -> Queue {
        self.queue_with(|config| config.lease = BLINK).await
    }

    /// A group whose lanes have been due for `overdue`.
    async fn group(&self, account: &str, overdue: Duration) -> GroupId {
        let group = GroupId::aws(account, "eu-west-1");
        let now = self.db.now_ms().await.unwrap();
        let txn = self.db.begin().await.unwrap();
        ensure_group(
            &txn,
            &group,
            now - i64::try_from(overdue.as_millis()).unwrap(),
        )
        .await
        .unwrap();
        txn.commit().await.unwrap();
        group
    }

    /// Changes a table behind the queue's back.
    async fn sql(&self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let done = schema::run(self.db.write(), sql, values).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql} changed nothing");
    }

    async fn hasten(&self, group: &GroupId, lane: Lane) {
        let now = self.db.now_ms().await.unwrap();
        let txn = self.db.begin().await.unwrap();
        crate::hasten(&txn, group, lane, now).await.unwrap();
        txn.commit().await.unwrap();
    }

    /// Gives the lane's lease to somebody else.
    async fn steal(&self, group: &GroupId, lane: Lane) {
        match &self.config.redis_url {
            None => {
                let sql =
                    "UPDATE check_lane SET lease_nonce = 'thief' WHERE group_id = $1 AND lane = $2";
                self.sql(sql, [schema::text(group), lane.as_str().into()])
                    .await;
            }
            Some(_) => {
                let key = format!("{}:lease:{}", self.tag(), lane.as_str());
                let mut set = redis::cmd("HSET");
                set.arg(key).arg(group.to_string()).arg("thief");
                self.ask_redis::<i64>(&set).await;
            }
        }
    }

    async fn ask_redis<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        let url = self.config.redis_url.as_ref().unwrap().expose_secret();
        if self.config.redis_mode == RedisMode::Cluster {
            let client = redis::cluster::ClusterClient::new([url]).unwrap();
            let mut connection = client.get_async_connection().await.unwrap();
            return command.query_async(&mut connection).await.unwrap();
        }
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        command.query_async(&mut connection).await.unwrap()
    }
}

/// The groups a claim of up to ten takes.
async fn claim(queue: &Queue, lane: Lane) -> Vec<Claim> {
    let nonce = crate::Inner::nonce();
    queue
        .0
        .backends
        .claim(lane, 10, &nonce)
        .await
        .unwrap()
        .taken
}

async fn claim_one(queue: &Queue, lane: Lane) -> Claim {
    let mut claims = claim(queue, lane).await;
    assert_eq!(claims.len(), 1, "{claims:?}");
    claims.remove(0)
}

/// Claims until something is there.
async fn claim_when_due(queue: &Queue, lane: Lane) -> Claim {
    loop {
        if let Some(claim) = claim(queue, lane).await.pop() {
            return claim;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How long until the lane's next group is due, nothing being due now.
async fn wait(queue: &Queue, lane: Lane) -> Option<Duration> {
    let claims = queue
        .0
        .backends
        .claim(lane, 10, &crate::Inner::nonce())
        .await
        .unwrap();
    assert!(claims.taken.is_empty(), "{claims:?}");
    claims.wait
}

async fn is_idle(queue: &Queue, lane: Lane) -> bool {
    claim(queue, lane).await.is_empty()
}

/// Ends a claim as a turn without findings does.
async fn end(queue: &Queue, claim: &Claim, next: Duration) -> bool {
    let row = queue.lane(&claim.group, claim.lane).await.unwrap();
    let outcome = Outcome::again(next);
    let finish = Finish {
        due_at: row.due_at,
        next,
        outcome: Some(&outcome),
    };
    queue.0.backends.finish(claim, &finish).await.unwrap()
}

/// Makes each function a test on every backend.
macro_rules! on_every_backend {
    ($($name:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $name() { super::$name(crate::tests::Fixture::sqlite().await).await; })*
        }
        mod on_postgres {
            $(#[tokio::test] async fn $name() { super::$name(crate::tests::Fixture::postgres().await).await; })*
        }
        mod on_redis {
            $(#[tokio::test] async fn $name() { super::$name(crate::tests::Fixture::redis().await).await; })*
        }
        mod on_valkey {
            $(#[tokio::test] async fn $name() { super::$name(crate::tests::Fixture::valkey().await).await; })*
        }
        /// All of them on one cluster, since it takes seconds to start one.
        pub(super) async fn on_cluster(cluster: &testkit::RedisCluster) {
            $(
                eprintln!("{}", stringify!($name));
                $name(crate::tests::Fixture::cluster(cluster).await).await;
            )*
        }
    };
}
use on_every_backend;
