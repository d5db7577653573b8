//! The sections that several services have in their settings, with their defaults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::Error;

/// Section `server`: the gRPC port and the limits of what a client may ask of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether the server describes its contracts (reflection v1 and v1alpha).
    pub reflection: bool,
    /// The longest a unary call may take; a client's own deadline may be shorter.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long running calls may go on after the stop.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    /// The largest request, in bytes.
    pub max_request_bytes: usize,
    /// Concurrent calls on one connection.
    pub max_streams: u32,
    /// HTTP/2 flow-control window of a call, in bytes.
    pub stream_window: u32,
    /// HTTP/2 flow-control window of a connection, in bytes.
    pub connection_window: u32,
    /// The largest header list, in bytes.
    pub max_header_bytes: u32,
    /// Calls reset by the client before they were taken up, until the connection is closed.
    pub max_pending_resets: usize,
    /// Calls reset by the server for the client's errors, until the connection is closed.
    pub max_error_resets: usize,
    /// How long a silent connection is left alone before it is asked whether it lives.
    #[serde(with = "humantime_serde")]
    pub keepalive: Duration,
    /// How long it may take to answer that.
    #[serde(with = "humantime_serde")]
    pub keepalive_timeout: Duration,
    /// After this a connection is asked to make place for a new one; its calls finish.
    #[serde(with = "humantime_serde")]
    pub max_connection_age: Duration,
    /// Connections in all.
    pub max_connections: usize,
    /// Connections from one address.
    pub max_connections_per_address: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            reflection: true,
            request_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            max_request_bytes: 256 * 1024,
            max_streams: 100,
            stream_window: 64 * 1024,
            connection_window: 1024 * 1024,
            max_header_bytes: 16 * 1024,
            max_pending_resets: 20,
            max_error_resets: 100,
            keepalive: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_connection_age: Duration::from_secs(15 * 60),
            max_connections: 4096,
            max_connections_per_address: 64,
        }
    }
}

/// Section `database`: the service's own database.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `sqlite:///path/file.db` (made when missing) or `postgres://user:password@host/name`.
    pub url: SecretString,
    /// Connections of the pool; with SQLite of the pool for reads.
    pub max_connections: u32,
    /// How long the start waits for the first connection.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long a call waits for a free connection.
    #[serde(with = "humantime_serde")]
    pub acquire_timeout: Duration,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: SecretString::from(""),
            max_connections: 8,
            connect_timeout: Duration::from_secs(5),
            acquire_timeout: Duration::from_secs(3),
        }
    }
}

/// Section `queue`: the status-check queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueConfig {
    /// Redis, such as `redis://host:6379/0`; without it the queue stands in the service's database.
    pub redis_url: Option<SecretString>,
    /// What stands at `redis_url`.
    pub redis_mode: RedisMode,
    /// `host:port` of further nodes of a cluster, or of further sentinels.
    pub redis_nodes: Vec<String>,
    /// What the sentinels call the servers.
    pub redis_master: String,
    /// The sentinels' own password; the one in `redis_url` is the servers'.
    pub redis_sentinel_password: Option<SecretString>,
    /// PEM file of the authorities that `rediss://` trusts; by default the system's.
    pub redis_ca: Option<PathBuf>,
    /// PEM file of our own certificate, for a Redis that asks for one.
    pub redis_cert: Option<PathBuf>,
    /// PEM file of the key to `redis_cert`.
    pub redis_key: Option<PathBuf>,
    /// Stands before the queue's name in all its keys, so that deployments may share a Redis.
    pub redis_prefix: String,
    /// How long a claim holds before another worker may take the group's lane.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// How often every lane's due time is laid into the queue again.
    #[serde(with = "humantime_serde")]
    pub sweep: Duration,
    /// The longest sleep of an idle worker.
    #[serde(with = "humantime_serde")]
    pub poll: Duration,
    /// Groups worked on at once, by lane.
    pub slots: Slots,
    /// Pending lane while one of its entries is young.
    #[serde(with = "humantime_serde")]
    pub pending_interval: Duration,
    /// Pending lane when none is young.
    #[serde(with = "humantime_serde")]
    pub pending_old_interval: Duration,
    /// How long an entry counts as young.
    #[serde(with = "humantime_serde")]
    pub young: Duration,
    /// A lane without entries.
    #[serde(with = "humantime_serde")]
    pub idle_interval: Duration,
    /// Drift lane.
    #[serde(with = "humantime_serde")]
    pub drift_interval: Duration,
    /// Routes and firewall are looked at when their last look is older than this.
    #[serde(with = "humantime_serde")]
    pub wiring_interval: Duration,
    /// How long after a request, and after a first look without it, absence counts.
    #[serde(with = "humantime_serde")]
    pub absence_grace: Duration,
    /// Errors of Redis for this long move the queue to the database.
    #[serde(with = "humantime_serde")]
    pub redis_patience: Duration,
    /// Answers of Redis for this long move it back.
    #[serde(with = "humantime_serde")]
    pub redis_trust: Duration,
    /// How long one call to Redis may take.
    #[serde(with = "humantime_serde")]
    pub redis_timeout: Duration,
    /// How often Redis is asked whether it answers, in use or not.
    #[serde(with = "humantime_serde")]
    pub redis_probe: Duration,
    /// How long a group is left alone after the first throttled call; each further one doubles it.
    #[serde(with = "humantime_serde")]
    pub gate_first: Duration,
    /// The longest that throttling leaves a group alone.
    #[serde(with = "humantime_serde")]
    pub gate_longest: Duration,
    /// How long refused credentials leave a group alone.
    #[serde(with = "humantime_serde")]
    pub gate_unauthorized: Duration,
    /// How often a suspended group is claimed, and given back unlooked.
    #[serde(with = "humantime_serde")]
    pub suspended_interval: Duration,
    /// Start of the random numbers (claims, jitter), for tests; by default the system's.
    pub seed: Option<u64>,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            redis_url: None,
            redis_mode: RedisMode::Single,
            redis_nodes: Vec::new(),
            redis_master: "mymaster".to_owned(),
            redis_sentinel_password: None,
            redis_ca: None,
            redis_cert: None,
            redis_key: None,
            redis_prefix: String::new(),
            lease: Duration::from_secs(10),
            sweep: Duration::from_secs(5),
            poll: Duration::from_millis(250),
            slots: Slots::default(),
            pending_interval: Duration::from_secs(1),
            pending_old_interval: Duration::from_secs(5),
            young: Duration::from_secs(10 * 60),
            idle_interval: Duration::from_secs(60),
            drift_interval: Duration::from_secs(60),
            wiring_interval: Duration::from_secs(300),
            absence_grace: Duration::from_secs(60),
            redis_patience: Duration::from_secs(1),
            redis_trust: Duration::from_secs(10),
            redis_timeout: Duration::from_millis(500),
            redis_probe: Duration::from_millis(250),
            gate_first: Duration::from_secs(1),
            gate_longest: Duration::from_secs(5 * 60),
            gate_unauthorized: Duration::from_secs(5 * 60),
            suspended_interval: Duration::from_secs(60),
            seed: None,
        }
    }
}

impl QueueConfig {
    /// Checks the rules between these settings and `timeout`, the longest wait for the provider-adapter.
    ///
    /// # Errors
    /// The rule that is broken, with the settings that break it.
    pub fn check(&self, timeout: Duration) -> Result<(), Error> {
        let lease = self.lease;
        if lease <= timeout {
            return Err(Error::rule(format!(
                "queue.lease ({lease:?}) must exceed provider_adapter.timeout ({timeout:?}), or two workers may act on \
                 one entry"
            )));
        }
        let pauses = [
            ("sweep", self.sweep),
            ("poll", self.poll),
            ("pending_interval", self.pending_interval),
            ("pending_old_interval", self.pending_old_interval),
            ("idle_interval", self.idle_interval),
            ("drift_interval", self.drift_interval),
        ];
        match pauses.into_iter().find(|(_, pause)| pause.is_zero()) {
            Some((name, _)) => Err(Error::rule(format!("queue.{name} must not be zero"))),
            None => Ok(()),
        }
    }
}

/// How Redis is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedisMode {
    /// One server.
    #[default]
    Single,
    /// Redis Cluster: the addresses are of some of its nodes.
    Cluster,
    /// The addresses are of sentinels, which know the master.
    Sentinel,
}

/// How many groups one process works on at once, by lane.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slots {
    /// Writes to the cloud.
    pub work: usize,
    /// Waiting for someone.
    pub pending: usize,
    /// Watching what stands.
    pub drift: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            work: 8,
            pending: 8,
            drift: 4,
        }
    }
}

/// One of the other services, under the name the settings give it.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// `http://host:port`.
    pub endpoint: String,
    /// Deadline of one unary call, its retries included.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How long a connection may take to stand.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(1),
        }
    }
}

/// Section `telemetry`: logs and traces.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// How log lines look.
    pub format: LogFormat,
    /// A `tracing` filter, such as `info` or `info,peering=debug`.
    pub level: String,
    /// An OpenTelemetry collector, such as `http://127.0.0.1:4317`; without it no trace leaves.
    pub otlp_endpoint: Option<String>,
    /// The share of new traces that is recorded, from 0 to 1; a caller's decision is followed.
    pub sample_ratio: f64,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            level: "info".into(),
            otlp_endpoint: None,
            sample_ratio: 1.0,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line, for machines.
    Json,
}
