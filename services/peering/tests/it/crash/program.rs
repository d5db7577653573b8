//! The program, started again whenever it has died.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use api::peering::v1::peering_service_client::PeeringServiceClient;
use api::peering::v1::*;
use testkit::{Process, RedisCluster, TestDatabase};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::suite::TENANT;

/// Where the program's queue stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The table, in SQLite.
    Sqlite,
    /// The table, in PostgreSQL.
    Postgres,
    /// One Redis.
    Redis,
    /// One Valkey.
    Valkey,
    /// A Redis Cluster of three nodes.
    Cluster,
}

/// What outlives the program.
struct Home {
    database: TestDatabase,
    redis: Option<testkit::Redis>,
    cluster: Option<RedisCluster>,
    network: SocketAddr,
    cloud: SocketAddr,
    address: SocketAddr,
}

/// The program, started again whenever it has died.
pub(super) struct Program {
    home: Home,
    pub(super) process: Process,
    pub(super) deaths: usize,
}

impl Program {
    pub(super) async fn start(
        place: Place,
        network: SocketAddr,
        cloud: SocketAddr,
        point: &str,
    ) -> Self {
        let database = match place {
            Place::Postgres => testkit::postgres().await,
            _ => testkit::sqlite(),
        };
        let (mut redis, mut cluster) = (None, None);
        match place {
            Place::Sqlite | Place::Postgres => {}
            Place::Redis => redis = Some(testkit::Redis::start().await),
            Place::Valkey => redis = Some(testkit::Redis::valkey().await),
            Place::Cluster => cluster = Some(RedisCluster::start().await),
        }
        let address = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let home = Home {
            database,
            redis,
            cluster,
            network,
            cloud,
            address,
        };
        let mut migrate = home.command();
        let migrated = Process::spawn(migrate.arg("migrate")).wait().await;
        assert!(migrated.success());
        let mut serve = home.command();
        let process = Process::spawn(serve.arg("serve").env("PEERWAY_FAILPOINT", point));
        process.port(address).await;
        Self {
            home,
            process,
            deaths: 0,
        }
    }

    /// A call, repeated until the program has answered it.
    pub(super) async fn call<T>(
        &mut self,
        call: impl AsyncFn(PeeringServiceClient<Channel>) -> Result<T, Status>,
    ) -> T {
        for _ in 0..1_000 {
            let endpoint = format!("http://{}", self.home.address);
            let Ok(api) = PeeringServiceClient::connect(endpoint).await else {
                self.revive().await;
                continue;
            };
            match call(api).await {
                Ok(answer) => return answer,
                Err(status) => {
                    let passes = [
                        Code::Unavailable,
                        Code::Unknown,
                        Code::Cancelled,
                        Code::Internal,
                    ];
                    assert!(passes.contains(&status.code()), "{status:?}");
                    self.revive().await;
                }
            }
        }
        panic!("the call is never answered:\n{}", self.process.logs());
    }

    async fn revive(&mut self) {
        self.process.wait().await;
        assert!(
            self.process.logs().contains("failpoint"),
            "{}",
            self.process.logs()
        );
        self.deaths += 1;
        let mut serve = self.home.command();
        self.process = Process::spawn(serve.arg("serve"));
        self.process.port(self.home.address).await;
    }

    /// Ends well, and starts again to die at `point`.
    pub(super) async fn restart(&mut self, point: &str) {
        assert!(self.process.terminate().await.success());
        let mut serve = self.home.command();
        self.process = Process::spawn(serve.arg("serve").env("PEERWAY_FAILPOINT", point));
        self.process.port(self.home.address).await;
    }

    pub(super) async fn until(&mut self, id: &str, wanted: impl Fn(&Peering) -> bool) -> Peering {
        let reached = async {
            loop {
                let request = RefreshPeeringRequest {
                    tenant_id: TENANT.to_owned(),
                    peering_id: id.to_owned(),
                };
                let refresh = async |mut api: PeeringServiceClient<Channel>| {
                    api.refresh_peering(request.clone()).await
                };
                let peering = self.call(refresh).await.into_inner().peering.unwrap();
                if wanted(&peering) {
                    return peering;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), reached)
            .await
            .expect("it comes in time")
    }
}

impl Home {
    fn command(&self) -> Command {
        let (network, cloud) = (self.network, self.cloud);
        let mut command = Command::new(env!("CARGO_BIN_EXE_peering"));
        command
            .env("PEERWAY_PEERING__DATABASE__URL", self.database.url())
            .env("PEERWAY_PEERING__SERVER__LISTEN", self.address.to_string())
            .env("PEERWAY_PEERING__NETWORK__ENDPOINT", format!("http://{network}"))
            .env("PEERWAY_PEERING__PROVIDER_ADAPTER__ENDPOINT", format!("http://{cloud}"))
            .env("PEERWAY_PEERING__QUEUE__ABSENCE_GRACE", "0s")
            .env("PEERWAY_PEERING__CASCADE_INTERVAL", "100ms")
            // What the dead one held is free again after this.
            .env("PEERWAY_PEERING__QUEUE__LEASE", "1s")
            .env("PEERWAY_PEERING__PROVIDER_ADAPTER__TIMEOUT", "900ms");
        if let Some(redis) = &self.redis {
            command.env("PEERWAY_PEERING__QUEUE__REDIS_URL", redis.url());
        }
        if let Some(cluster) = &self.cluster {
            command
                .env(
                    "PEERWAY_PEERING__QUEUE__REDIS_URL",
                    cluster.nodes()[0].url(),
                )
                .env("PEERWAY_PEERING__QUEUE__REDIS_MODE", "cluster");
        }
        command
    }
}
