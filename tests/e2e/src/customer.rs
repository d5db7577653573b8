//! The customer, and whoever else uses the cloud's own tools: boto3 in a process of its own.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

/// The account that peerings lead to.
pub const CUSTOMER: &str = "444455556666";

/// How an emulator tells accounts apart.
#[derive(Debug, Clone, Copy)]
pub enum Accounts {
    /// By the access key, as cloudsim does.
    ByKey,
    /// By the role assumed, as moto does.
    ByRole,
}

/// What the cloud refused, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Such as `OperationNotPermitted`.
    pub code: String,
    /// The cloud's sentence.
    pub message: String,
}

/// boto3 against one endpoint, for any account and region.
pub struct Customer {
    pipe: Mutex<Pipe>,
    _process: Child,
}

struct Pipe {
    calls: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// A program of the virtual environment that `make test` makes.
pub fn venv(program: &str) -> PathBuf {
    let venv = std::env::var("PEERWAY_TEST_VENV")
        .expect("PEERWAY_TEST_VENV is not set: `make test`, or deploy/dev/with-servers, sets it");
    PathBuf::from(venv).join("bin").join(program)
}

impl Customer {
    /// Starts boto3 against `endpoint`.
    pub fn start(endpoint: &str, accounts: Accounts) -> Self {
        let way = match accounts {
            Accounts::ByKey => "key",
            Accounts::ByRole => "assume",
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/customer.py");
        let mut process = Command::new(venv("python"))
            .args([script, endpoint, way])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python of the virtual environment starts");
        let calls = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped")).lines();
        Self {
            pipe: Mutex::new(Pipe { calls, answers }),
            _process: process,
        }
    }

    /// One call of boto3's EC2 client as `account` in `region`.
    pub async fn call(
        &self,
        account: &str,
        region: &str,
        call: &str,
        args: Value,
    ) -> Result<Value, Refusal> {
        let line = json!({"account": account, "region": region, "call": call, "args": args});
        let mut pipe = self.pipe.lock().await;
        pipe.calls
            .write_all(format!("{line}\n").as_bytes())
            .await
            .expect("boto3 reads");
        let answer = pipe
            .answers
            .next_line()
            .await
            .expect("boto3 writes")
            .expect("boto3 goes on");
        let mut answer: Value = serde_json::from_str(&answer).expect("an answer is JSON");
        match answer["error"].as_str() {
            Some(code) => Err(Refusal {
                code: code.to_owned(),
                message: answer["message"].as_str().unwrap_or_default().to_owned(),
            }),
            None => Ok(answer["ok"].take()),
        }
    }

    /// A VPC of the customer's; its id.
    pub async fn vpc(&self, region: &str, cidr: &str) -> String {
        let made = self
            .call(CUSTOMER, region, "create_vpc", json!({"CidrBlock": cidr}))
            .await;
        made.expect("the customer makes a VPC")["Vpc"]["VpcId"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Accepts a peering.
    pub async fn accept(&self, region: &str, pcx: &str) {
        self.peering(region, "accept_vpc_peering_connection", pcx)
            .await;
    }

    /// Declines a peering.
    pub async fn reject(&self, region: &str, pcx: &str) {
        self.peering(region, "reject_vpc_peering_connection", pcx)
            .await;
    }

    /// Deletes a peering.
    pub async fn delete(&self, region: &str, pcx: &str) {
        self.peering(region, "delete_vpc_peering_connection", pcx)
            .await;
    }

    async fn peering(&self, region: &str, call: &str, pcx: &str) {
        let args = json!({"VpcPeeringConnectionId": pcx});
        self.call(CUSTOMER, region, call, args)
            .await
            .unwrap_or_else(|no| panic!("{call}: {no:?}"));
    }
}
