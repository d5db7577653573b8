//! Built programs, run and ended as an operator would.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(30);

/// The path of a program of this workspace: built beside the running one, or one folder above a running test.
pub fn binary(name: &str) -> PathBuf {
    let running = std::env::current_exe().expect("a running program has a path");
    let mut folders = running.ancestors().skip(1).take(2);
    let found = folders.find_map(|folder| Some(folder.join(name)).filter(|path| path.is_file()));
    found.unwrap_or_else(|| {
        panic!(
            "{name} is not built beside {}: run make build",
            running.display()
        )
    })
}

/// A running program. It is killed when this is dropped; what it said is shown when the test fails.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    lines: watch::Receiver<Vec<String>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts what `command` says, with its environment and arguments.
    pub fn spawn(command: &mut Command) -> Self {
        let name = command
            .get_program()
            .to_string_lossy()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let pid = child.id();
        let (said, lines) = watch::channel(Vec::new());
        let (end, ended) = watch::channel(None);
        let readers = [
            child.stdout.take().map(|pipe| read(pipe, said.clone())),
            child.stderr.take().map(|pipe| read(pipe, said)),
        ];
        std::thread::spawn(move || {
            let status = child.wait();
            // All it said is there before its end is told.
            for reader in readers.into_iter().flatten() {
                reader.join().ok();
            }
            end.send(status.ok()).ok();
        });
        Self {
            name,
            pid,
            lines,
            ended,
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The first line, on either output, that contains `text`; waits for it.
    pub async fn line(&self, text: &str) -> String {
        let mut lines = self.lines.clone();
        let found = |lines: &Vec<String>| lines.iter().find(|line| line.contains(text)).cloned();
        let wait = lines.wait_for(|lines| found(lines).is_some());
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(Ok(lines)) => found(&lines).unwrap_or_default(),
            Ok(Err(_)) => panic!(
                "{} ended without saying {text:?}:\n{}",
                self.name,
                self.logs()
            ),
            Err(_) => panic!("{} did not say {text:?}:\n{}", self.name, self.logs()),
        }
    }

    /// Waits until somebody listens at `address`.
    pub async fn port(&self, address: SocketAddr) {
        let connect = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                assert!(self.is_running(), "{} ended:\n{}", self.name, self.logs());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, connect).await.is_err() {
            panic!(
                "{} does not listen at {address}:\n{}",
                self.name,
                self.logs()
            );
        }
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        // The channel closes without a status only when the system could not tell one.
        self.ended.borrow().is_none() && self.ended.has_changed().is_ok()
    }

    /// Waits for its end.
    pub async fn wait(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        match tokio::time::timeout(PATIENCE, ended.wait_for(Option::is_some)).await {
            Ok(Ok(status)) => status.expect("waited for it"),
            Ok(Err(_)) => panic!("nobody knows how {} ended", self.name),
            Err(_) => panic!("{} did not end:\n{}", self.name, self.logs()),
        }
    }

    /// Kills it as `kill -9` does, and waits for its end.
    pub async fn kill(&self) {
        if self.is_running() {
            crate::signal(self.pid, "KILL");
        }
        self.wait().await;
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    pub async fn terminate(&self) -> ExitStatus {
        if self.is_running() {
            crate::signal(self.pid, "TERM");
        }
        self.wait().await
    }

    /// All it said so far, on both outputs.
    pub fn logs(&self) -> String {
        self.lines.borrow().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            // Not `signal`: a panic while another unwinds would hide the first.
            Command::new("kill")
                .arg("-KILL")
                .arg(self.pid.to_string())
                .status()
                .ok();
        }
        if std::thread::panicking() {
            eprintln!("--- {} said:\n{}", self.name, self.logs());
        }
    }
}

fn read(
    pipe: impl Read + Send + 'static,
    said: watch::Sender<Vec<String>>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            said.send_modify(|lines| lines.push(text));
            line.clear();
        }
    })
}
