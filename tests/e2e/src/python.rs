//! A Python program that answers calls over a pipe: how tests use a cloud's own SDK.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

/// What a cloud refused, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Such as `OperationNotPermitted`.
    pub code: String,
    /// The cloud's sentence.
    pub message: String,
}

/// A program of the virtual environment that `make test` makes.
pub fn venv(program: &str) -> PathBuf {
    let venv = std::env::var("PEERWAY_TEST_VENV")
        .expect("PEERWAY_TEST_VENV is not set: `make test`, or deploy/dev/with-servers, sets it");
    PathBuf::from(venv).join("bin").join(program)
}

/// One program, started at its first call.
pub(crate) struct Python {
    script: &'static str,
    arguments: Vec<OsString>,
    running: Mutex<Option<Running>>,
}

struct Running {
    calls: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Python {
    /// `script` is a file beside this crate's Cargo.toml.
    pub(crate) fn new(
        script: &'static str,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        Self {
            script,
            arguments: arguments.into_iter().map(Into::into).collect(),
            running: Mutex::default(),
        }
    }

    fn start(&self) -> Running {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(self.script);
        let mut process = Command::new(venv("python"))
            .arg(script)
            .args(&self.arguments)
            // The clouds here speak plain HTTP. Whatever an SDK wants of the real ones ends at a closed port.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .env("NO_PROXY", "")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python of the virtual environment starts");
        let calls = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped")).lines();
        Running {
            calls,
            answers,
            _process: process,
        }
    }

    /// One call and its answer.
    pub(crate) async fn call(&self, call: &Value) -> Result<Value, Refusal> {
        let mut running = self.running.lock().await;
        let running = running.get_or_insert_with(|| self.start());
        let line = format!("{call}\n");
        let sent = running.calls.write_all(line.as_bytes()).await;
        sent.unwrap_or_else(|error| panic!("{} ended: {error}", self.script));
        let answer = running.answers.next_line().await.expect("lines of text");
        let answer = answer.unwrap_or_else(|| panic!("{} ended at {call}", self.script));
        let mut answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        match answer["error"].as_str() {
            Some(code) => Err(Refusal {
                code: code.to_owned(),
                message: answer["message"].as_str().unwrap_or_default().to_owned(),
            }),
            None => Ok(answer["ok"].take()),
        }
    }
}
