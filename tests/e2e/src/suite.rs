//! One suite of the user's: its programs, their databases, a cloud and a customer, all its own.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use testkit::{Process, Redis, TestDatabase, binary};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};
use tonic::transport::{Channel, Endpoint};

use crate::VENDOR;
use crate::cloud::{Cloud, Simulated};
use crate::customer::{Accounts, Customer};

const SERVICES: [&str; 3] = ["provider-adapter", "network", "peering"];
const REGIONS: &str = r#"["eu-west-1", "us-east-1"]"#;

/// What a test wants otherwise than usual.
#[derive(Debug, Default)]
pub struct Options {
    /// How long what was made stays unseen, in milliseconds.
    pub describe_lag_ms: i64,
    /// The service that dies once, and where.
    pub failpoint: Option<(String, String)>,
}

/// Where the suite keeps what it knows.
enum Storage {
    /// One process: SQLite files, queues in them.
    Files,
    /// Three processes: a PostgreSQL database each, queues in Redis.
    Servers {
        network: TestDatabase,
        peering: TestDatabase,
        redis: Box<Mutex<Redis>>,
    },
}

/// A running suite. Everything ends with it, first what uses the rest.
pub struct Suite {
    programs: Mutex<BTreeMap<&'static str, Process>>,
    /// Whoever uses the cloud's own tools.
    pub customer: Customer,
    cloud: Cloud,
    storage: Storage,
    addresses: BTreeMap<&'static str, SocketAddr>,
    options: Options,
    folder: TempDir,
}

/// Loopback addresses that are free now. Held together while choosing, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> [SocketAddr; N] {
    let held: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    std::array::from_fn(|n| held[n].local_addr().expect("a bound socket"))
}

impl Suite {
    /// One process on SQLite files, beside cloudsim.
    pub async fn standalone() -> Self {
        Self::standalone_with(Options::default()).await
    }

    /// One process on SQLite files, beside cloudsim.
    pub async fn standalone_with(options: Options) -> Self {
        let cloud = Cloud::cloudsim(&options).await;
        Self::start_all(cloud, Storage::Files, options).await
    }

    /// One process on SQLite files, beside moto.
    pub async fn on_moto() -> Self {
        let cloud = Cloud::moto().await;
        Self::start_all(cloud, Storage::Files, Options::default()).await
    }

    /// Three processes on PostgreSQL and Redis, beside cloudsim.
    pub async fn three() -> Self {
        Self::three_with(Options::default()).await
    }

    /// Three processes on PostgreSQL and Redis, beside cloudsim.
    pub async fn three_with(options: Options) -> Self {
        let cloud = Cloud::cloudsim(&options).await;
        let storage = Storage::Servers {
            network: testkit::postgres().await,
            peering: testkit::postgres().await,
            redis: Box::new(Mutex::new(Redis::start().await)),
        };
        Self::start_all(cloud, storage, options).await
    }

    async fn start_all(cloud: Cloud, storage: Storage, options: Options) -> Self {
        let accounts = if cloud.is_moto() {
            Accounts::ByRole
        } else {
            Accounts::ByKey
        };
        let suite = Self {
            customer: Customer::start(&cloud.endpoint(), accounts),
            cloud,
            storage,
            addresses: SERVICES.into_iter().zip(free_ports::<3>()).collect(),
            programs: Mutex::default(),
            options,
            folder: tempfile::tempdir().expect("a folder"),
        };
        match suite.storage {
            Storage::Files => suite.start_standalone().await,
            Storage::Servers { .. } => {
                suite.migrate().await;
                for service in SERVICES {
                    suite.start_armed(service).await;
                }
            }
        }
        suite
    }

    /// Where a service listens, as a URL.
    pub fn address(&self, service: &str) -> String {
        format!("http://{}", self.addresses[service])
    }

    pub(crate) fn channel(&self, service: &str) -> Channel {
        let endpoint = Endpoint::from_shared(self.address(service)).expect("a URL");
        endpoint.timeout(Duration::from_secs(15)).connect_lazy()
    }

    /// The simulated cloud.
    pub fn cloudsim(&self) -> &Simulated {
        self.cloud.simulated()
    }

    /// The suite's own Redis.
    pub async fn redis(&self) -> MutexGuard<'_, Redis> {
        match &self.storage {
            Storage::Servers { redis, .. } => redis.lock().await,
            Storage::Files => panic!("standalone has no Redis"),
        }
    }

    /// The settings of a service: path below its prefix, and value.
    fn settings(&self, service: &str) -> Vec<(&'static str, String)> {
        let mut settings = vec![("SERVER__LISTEN", self.addresses[service].to_string())];
        if service == "provider-adapter" {
            let endpoint = self.cloud.endpoint();
            let account = format!(
                r#"{{account_id = "{VENDOR}", regions = {REGIONS}, endpoint_url = "{endpoint}"}}"#
            );
            settings.push(("AWS__ACCOUNTS", format!("[{account}]")));
            return settings;
        }
        match &self.storage {
            Storage::Files => {
                let url = format!("sqlite://{}/{service}.db", self.folder.path().display());
                settings.push(("DATABASE__URL", url));
            }
            Storage::Servers {
                network,
                peering,
                redis,
            } => {
                let database = if service == "network" {
                    network
                } else {
                    peering
                };
                settings.push(("DATABASE__URL", database.url().to_owned()));
                settings.push((
                    "QUEUE__REDIS_URL",
                    redis
                        .try_lock()
                        .expect("nobody stops it while a program starts")
                        .url(),
                ));
                settings.push((
                    "PROVIDER_ADAPTER__ENDPOINT",
                    self.address("provider-adapter"),
                ));
                if service == "peering" {
                    settings.push(("NETWORK__ENDPOINT", self.address("network")));
                }
            }
        }
        // Longer than the lag that tests set, shorter than the minute that real clouds are given.
        settings.push(("QUEUE__ABSENCE_GRACE", "8s".to_owned()));
        if service == "peering" {
            settings.push(("WITHDRAW_AFTER", "8s".to_owned()));
        }
        settings
    }

    fn environment(&self, prefix: &str, services: &[&str]) -> Vec<(String, String)> {
        let mut environment: Vec<_> = services
            .iter()
            .flat_map(|service| {
                let name = service.to_uppercase().replace('-', "_");
                let prefix = if prefix.is_empty() {
                    format!("PEERWAY_{name}")
                } else {
                    format!("{prefix}__{name}")
                };
                self.settings(service)
                    .into_iter()
                    .map(move |(key, value)| (format!("{prefix}__{key}"), value))
            })
            .collect();
        environment.push(("AWS_ACCESS_KEY_ID".to_owned(), format!("AKIA{VENDOR}SIM0")));
        environment.push(("AWS_SECRET_ACCESS_KEY".to_owned(), "secret".to_owned()));
        environment
    }

    async fn start_standalone(&self) {
        let mut command = Command::new(binary("standalone"));
        command.envs(self.environment("PEERWAY_STANDALONE", &SERVICES));
        let process = Process::spawn(&mut command);
        for address in self.addresses.values() {
            process.port(*address).await;
        }
        self.programs.lock().await.insert("standalone", process);
    }

    async fn migrate(&self) {
        for service in ["network", "peering"] {
            let mut command = Command::new(binary(service));
            command
                .arg("migrate")
                .envs(self.environment("", &[service]));
            let process = Process::spawn(&mut command);
            assert!(
                process.wait().await.success(),
                "{service} migrate: {}",
                process.logs()
            );
        }
    }

    /// The process of a running program.
    pub async fn pid(&self, name: &str) -> u32 {
        self.programs.lock().await[name].pid()
    }

    /// Starts a service that is not running.
    pub async fn start(&self, service: &str) {
        self.start_with(service, Vec::new()).await;
    }

    async fn start_armed(&self, service: &'static str) {
        let armed = self
            .options
            .failpoint
            .iter()
            .filter(|(who, _)| who == service);
        let armed = armed
            .map(|(_, point)| ("PEERWAY_FAILPOINT".to_owned(), point.clone()))
            .collect();
        self.start_with(service, armed).await;
    }

    async fn start_with(&self, service: &str, more: Vec<(String, String)>) {
        let name = SERVICES
            .into_iter()
            .find(|one| *one == service)
            .expect("a service");
        let mut command = Command::new(binary(name));
        command
            .arg("serve")
            .envs(self.environment("", &[name]))
            .envs(more);
        let process = Process::spawn(&mut command);
        process.port(self.addresses[name]).await;
        self.programs.lock().await.insert(name, process);
    }

    /// Ends a service as a power cut would.
    pub async fn kill(&self, service: &str) {
        self.programs.lock().await[service].kill().await;
    }

    /// Waits until a service dies at its failpoint, and starts it again without one. False when it never does.
    pub async fn restart_when_dead(&self, service: &str) -> bool {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(100) {
            let died = !self.programs.lock().await[service].is_running();
            if died {
                self.start(service).await;
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }
}
