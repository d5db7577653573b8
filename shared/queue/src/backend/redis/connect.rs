//! Reaching Redis: one server, a cluster, or the server that sentinels call the master.

use std::time::Duration;

use ::redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig, PubSub};
use ::redis::cluster::ClusterClient;
use ::redis::cluster_async::ClusterConnection;
use ::redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, Pipeline, RedisConnectionInfo, RedisFuture, RedisResult, TlsCertificates,
    Value,
};
use runtime::config::{QueueConfig, RedisMode};
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// How often a cluster is asked again when a slot has moved or a node is gone.
const CLUSTER_RETRIES: u32 = 3;

/// Where Redis is to be found.
pub(super) struct Server {
    mode: Mode,
    tls: Option<TlsCertificates>,
    /// How long a connection and one answer may take.
    timeout: Duration,
}

enum Mode {
    Single(ConnectionInfo),
    Cluster(Box<ClusterClient>, Vec<ConnectionInfo>),
    Sentinel {
        sentinels: Vec<ConnectionInfo>,
        master: String,
        /// The master's settings; its address is the sentinels' to say.
        node: ConnectionInfo,
    },
}

impl Server {
    /// Understands the settings; asks nobody.
    pub(super) fn open(url: &SecretString, config: &QueueConfig) -> Result<Self, Error> {
        let first = url.expose_secret().into_connection_info()?;
        let mut nodes = vec![first.clone()];
        for node in &config.redis_nodes {
            nodes.push(first.clone().set_addr(address(node, first.addr())?));
        }
        let (tls, timeout) = (certificates(config)?, config.redis_timeout);
        let mode = match config.redis_mode {
            RedisMode::Single => Mode::Single(first),
            RedisMode::Cluster => {
                let mut client = ClusterClient::builder(nodes.clone())
                    .connection_timeout(timeout)
                    .response_timeout(timeout)
                    .retries(CLUSTER_RETRIES)
                    .min_retry_wait(10)
                    .max_retry_wait(100);
                if let Some(tls) = &tls {
                    client = client.certs(tls.clone());
                }
                Mode::Cluster(Box::new(client.build()?), nodes)
            }
            RedisMode::Sentinel => {
                let mut settings = RedisConnectionInfo::default();
                if let Some(password) = &config.redis_sentinel_password {
                    settings = settings.set_password(password.expose_secret());
                }
                let sentinels = nodes
                    .into_iter()
                    .map(|node| node.set_redis_settings(settings.clone()));
                Mode::Sentinel {
                    sentinels: sentinels.collect(),
                    master: config.redis_master.clone(),
                    node: first,
                }
            }
        };
        let server = Self { mode, tls, timeout };
        server.client(&server.any())?;
        Ok(server)
    }

    /// A connection that is made anew by itself after it was cut.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        match &self.mode {
            Mode::Single(node) => self.connect_to(node),
            Mode::Cluster(client, _) => {
                Ok(Connection::Cluster(client.get_async_connection().await?))
            }
            Mode::Sentinel { .. } => self.connect_to(&self.master().await?),
        }
    }

    /// A connection to hear messages by. A cluster sends them to all its nodes, so any of them will do.
    pub(super) async fn subscriber(&self) -> RedisResult<PubSub> {
        match &self.mode {
            Mode::Single(node) => self.client(node)?.get_async_pubsub().await,
            Mode::Sentinel { .. } => self.client(&self.master().await?)?.get_async_pubsub().await,
            Mode::Cluster(_, nodes) => {
                let mut answer = Err(nobody("no node of the cluster answers"));
                for node in nodes {
                    let asked = self.client(node)?;
                    answer =
                        match tokio::time::timeout(self.timeout, asked.get_async_pubsub()).await {
                            Ok(Ok(subscriber)) => return Ok(subscriber),
                            Ok(Err(error)) => Err(error),
                            Err(_) => Err(nobody("a node of the cluster does not answer")),
                        };
                }
                answer
            }
        }
    }

    fn any(&self) -> ConnectionInfo {
        match &self.mode {
            Mode::Single(node) | Mode::Sentinel { node, .. } => node.clone(),
            Mode::Cluster(_, nodes) => nodes.first().cloned().unwrap_or_else(|| unreachable!()),
        }
    }

    fn client(&self, node: &ConnectionInfo) -> RedisResult<Client> {
        match &self.tls {
            Some(tls) => Client::build_with_tls(node.clone(), tls.clone()),
            None => Client::open(node.clone()),
        }
    }

    /// Connects with the first call.
    fn connect_to(&self, node: &ConnectionInfo) -> RedisResult<Connection> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout));
        let manager = ConnectionManager::new_lazy_with_config(self.client(node)?, config)?;
        Ok(Connection::Node(manager))
    }

    /// The master, as the first sentinel has it that knows.
    async fn master(&self) -> RedisResult<ConnectionInfo> {
        let Mode::Sentinel {
            sentinels,
            master,
            node,
        } = &self.mode
        else {
            return Err(nobody("there are no sentinels"));
        };
        // All are asked within one timeout.
        let share = self.timeout / u32::try_from(sentinels.len() + 1).unwrap_or(u32::MAX);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(share))
            .set_response_timeout(Some(share));
        let mut question = ::redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(master);
        let mut failure = nobody("no sentinel knows queue.redis_master");
        for sentinel in sentinels {
            let client = self.client(sentinel)?;
            let answer = async {
                let mut connection = client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?;
                question
                    .query_async::<Option<(String, u16)>>(&mut connection)
                    .await
            };
            match answer.await {
                Ok(Some((host, port))) => {
                    let addr = at(host, port, sentinel.addr());
                    return Ok(node.clone().set_addr(addr));
                }
                Ok(None) => {}
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// A connection to one server or to all of a cluster. Clones share it.
#[derive(Clone)]
pub(super) enum Connection {
    Node(ConnectionManager),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Node(node) => node.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Node(node) => node.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Node(node) => node.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

/// `host:port` as an address of the same kind as `like`.
fn address(node: &str, like: &ConnectionAddr) -> Result<ConnectionAddr, Error> {
    let parts = node.rsplit_once(':');
    let Some((host, Ok(port))) = parts.map(|(host, port)| (host, port.parse())) else {
        return Err(Error::Settings(format!(
            "queue.redis_nodes: {node:?} is not host:port; user and password stand in queue.redis_url"
        )));
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains(['/', '@']) {
        // Not shown: what has an @ in it may be a password.
        return Err(Error::Settings(
            "queue.redis_nodes holds host:port alone; user and password stand in queue.redis_url"
                .to_owned(),
        ));
    }
    Ok(at(host.to_owned(), port, like))
}

fn at(host: String, port: u16, like: &ConnectionAddr) -> ConnectionAddr {
    match like {
        ConnectionAddr::TcpTls { insecure, .. } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: None,
        },
        _ => ConnectionAddr::Tcp(host, port),
    }
}

/// Whom to trust and who we are; none: whom the system trusts, and nobody.
fn certificates(config: &QueueConfig) -> Result<Option<TlsCertificates>, Error> {
    let read = |setting: &str, path: &Option<std::path::PathBuf>| {
        let Some(path) = path else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|error| {
            Error::Settings(format!("queue.{setting}: {}: {error}", path.display()))
        })
    };
    let root_cert = read("redis_ca", &config.redis_ca)?;
    let client_tls = match (
        read("redis_cert", &config.redis_cert)?,
        read("redis_key", &config.redis_key)?,
    ) {
        (Some(client_cert), Some(client_key)) => Some(ClientTlsConfig {
            client_cert,
            client_key,
        }),
        (None, None) => None,
        _ => {
            let rule = "queue.redis_cert and queue.redis_key go together";
            return Err(Error::Settings(rule.to_owned()));
        }
    };
    if root_cert.is_none() && client_tls.is_none() {
        return Ok(None);
    }
    Ok(Some(TlsCertificates {
        client_tls,
        root_cert,
    }))
}

fn nobody(what: &'static str) -> ::redis::RedisError {
    (ErrorKind::Io, what).into()
}
