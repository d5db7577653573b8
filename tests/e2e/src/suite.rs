//! One suite of the user's: its programs, their databases, a cloud and a customer, all its own.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
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
use crate::gcp;
use crate::google::Google;

const SERVICES: [&str; 3] = ["provider-adapter", "network", "peering"];
const REGIONS: &str = r#"["eu-west-1", "us-east-1"]"#;

/// What a test wants otherwise than usual.
#[derive(Debug, Default)]
pub struct Options {
    /// How long what was made at AWS stays unseen, in milliseconds.
    pub describe_lag_ms: i64,
    /// How many VPCs an account may have in a region, by the cloud's word and the vendor's.
    pub vpc_limit: Option<usize>,
    /// The vendor has projects at GCP too, where an operation on a peering takes this long, in milliseconds.
    pub gcp_operation_ms: Option<i64>,
    /// The vendor's key for GCP is not the one that its service account has.
    pub wrong_key: bool,
    /// The services that die once, and where.
    pub failpoints: Vec<(&'static str, &'static str)>,
    /// Settings of services: whose, its path as an environment variable spells it, and its value.
    pub settings: Vec<(&'static str, &'static str, &'static str)>,
}

impl Options {
    /// The vendor has projects at GCP too.
    pub fn gcp() -> Self {
        Self {
            gcp_operation_ms: Some(200),
            ..Self::default()
        }
    }

    /// What others change in the cloud is found within seconds, where it takes minutes otherwise.
    pub fn watchful(self) -> Self {
        let mut settings = self.settings;
        settings.extend([
            ("network", "QUEUE__ABSENCE_GRACE", "2s"),
            ("network", "QUEUE__DRIFT_INTERVAL", "500ms"),
            ("network", "QUEUE__IDLE_INTERVAL", "500ms"),
            ("network", "QUEUE__WIRING_INTERVAL", "500ms"),
            ("peering", "QUEUE__ABSENCE_GRACE", "2s"),
            ("peering", "QUEUE__DRIFT_INTERVAL", "500ms"),
            ("peering", "QUEUE__WIRING_INTERVAL", "500ms"),
        ]);
        Self { settings, ..self }
    }
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
    /// Whoever uses AWS's own tools.
    pub customer: Customer,
    google: Option<Google>,
    keys: Vec<PathBuf>,
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

    /// The provider-adapter beside cloudsim; the other two are the test's to run, with [`Suite::environment_of`].
    pub async fn adapter() -> Self {
        let options = Options::default();
        let suite = Self::assemble(Cloud::cloudsim(&options).await, Storage::Files, options);
        suite.start("provider-adapter").await;
        suite
    }

    async fn start_all(cloud: Cloud, storage: Storage, options: Options) -> Self {
        let suite = Self::assemble(cloud, storage, options);
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

    fn assemble(cloud: Cloud, storage: Storage, options: Options) -> Self {
        let accounts = if cloud.is_moto() {
            Accounts::ByRole
        } else {
            Accounts::ByKey
        };
        let folder = tempfile::tempdir().expect("a folder");
        let (mut google, mut keys) = (None, Vec::new());
        if options.gcp_operation_ms.is_some() {
            keys = gcp::projects(&cloud.simulated().0, folder.path(), options.wrong_key).to_vec();
            google = Some(Google::new(&cloud.endpoint(), &keys));
        }
        Self {
            customer: Customer::new(&cloud.endpoint(), accounts),
            google,
            keys,
            cloud,
            storage,
            addresses: SERVICES.into_iter().zip(free_ports::<3>()).collect(),
            programs: Mutex::default(),
            options,
            folder,
        }
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

    /// Whoever uses GCP's own tools.
    pub fn google(&self) -> &Google {
        self.google.as_ref().expect("a suite with Options::gcp()")
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
            let limit = self
                .options
                .vpc_limit
                .map(|limit| format!(", vpc_limit = {limit}"));
            let account = format!(
                r#"{{account_id = "{VENDOR}", regions = {REGIONS}, endpoint_url = "{endpoint}"{}}}"#,
                limit.unwrap_or_default()
            );
            settings.push(("AWS__ACCOUNTS", format!("[{account}]")));
            if let Some(key) = self.keys.first() {
                let projects = gcp::PROJECTS.map(|(project, region)| {
                    format!(
                        r#"{{project_id = "{project}", regions = ["{region}"], endpoint = "{endpoint}", key_file = "{}"}}"#,
                        key.display()
                    )
                });
                settings.push(("GCP__PROJECTS", format!("[{}]", projects.join(", "))));
            }
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
            }
        }
        settings.push((
            "PROVIDER_ADAPTER__ENDPOINT",
            self.address("provider-adapter"),
        ));
        if service == "peering" {
            settings.push(("NETWORK__ENDPOINT", self.address("network")));
        }
        // Longer than the lag that tests set, shorter than the minute that real clouds are given.
        settings.push(("QUEUE__ABSENCE_GRACE", "8s".to_owned()));
        if service == "peering" {
            settings.push(("WITHDRAW_AFTER", "8s".to_owned()));
        }
        let wanted = self.options.settings.iter();
        let wanted = wanted.filter(|(whose, ..)| *whose == service);
        settings.extend(wanted.map(|(_, path, value)| (*path, (*value).to_owned())));
        settings
    }

    /// The settings of one service as environment variables.
    pub fn environment_of(&self, service: &str) -> Vec<(String, String)> {
        self.environment("", &[service])
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

    /// What a program has said so far.
    pub async fn logs(&self, name: &str) -> String {
        self.programs.lock().await[name].logs()
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
        let points = self.options.failpoints.iter();
        let armed = points.filter(|(who, _)| *who == service);
        let armed = armed
            .map(|(_, point)| ("PEERWAY_FAILPOINT".to_owned(), (*point).to_owned()))
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
