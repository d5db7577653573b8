//! A Redis that a test may wipe, stop and freeze, and the one that all tests share.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// The Redis that all tests share, from `PEERWAY_TEST_REDIS_URL`: a test uses names of its own in it.
pub fn redis_url() -> String {
    crate::variable("PEERWAY_TEST_REDIS_URL")
}

/// A `redis-server` of one test on a free loopback port. It is killed when this is dropped.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut redis = Self {
            port: free_port(),
            folder,
            child: None,
        };
        redis.start_again().await;
        redis
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
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
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args([
                "--save",
                "",
                "--appendonly",
                "no",
                "--maxmemory-policy",
                "noeviction",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("redis-server does not start ({error}): `make test` installs it")
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

    /// Takes away everything it holds.
    pub fn flushall(&self) {
        let answer = self.ask("FLUSHALL");
        assert!(
            matches!(answer.as_deref(), Ok("+OK")),
            "FLUSHALL: {answer:?}"
        );
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

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// One command in Redis's protocol for people, and the first line of its answer.
    fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address(), Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        match line.trim_end() {
            "" => Err(std::io::ErrorKind::UnexpectedEof.into()),
            line => Ok(line.to_owned()),
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port nobody listens on at the moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
    listener
        .local_addr()
        .expect("a listener has an address")
        .port()
}
