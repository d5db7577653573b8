//! The clouds that stand in for the real ones.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use cloudsim::ec2::peering::{Code, Peering};
use cloudsim::{Cloudsim, FaultKind};
use testkit::Process;
use tokio::time::{Instant, sleep};

use crate::VENDOR;
use crate::python::venv;
use crate::suite::{Options, free_ports};

/// How long an operation of GCP's takes that is not about a peering.
const OPERATION_MS: i64 = 200;

/// The clouds' APIs, as somebody else or we wrote them.
pub(crate) enum Cloud {
    Simulated(Simulated),
    Moto { endpoint: String, _process: Process },
}

impl Cloud {
    pub(crate) async fn cloudsim(options: &Options) -> Self {
        let mut settings = cloudsim::Options::default();
        settings.config.describe_lag_ms = options.describe_lag_ms;
        if let Some(vpcs) = options.vpc_limit {
            settings.config.limits.vpcs_per_region = vpcs;
        }
        if let Some(operation_ms) = options.gcp_operation_ms {
            settings.config.gcp.peering_operation_ms = operation_ms;
            settings.config.gcp.operation_ms = OPERATION_MS;
        }
        let started = Cloudsim::start(settings).await.expect("cloudsim starts");
        Self::Simulated(Simulated(started))
    }

    pub(crate) async fn moto() -> Self {
        let [address] = free_ports();
        let mut command = Command::new(venv("moto_server"));
        command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
        let process = Process::spawn(&mut command);
        process.port(address).await;
        Self::Moto {
            endpoint: format!("http://{address}"),
            _process: process,
        }
    }

    pub(crate) fn is_moto(&self) -> bool {
        matches!(self, Self::Moto { .. })
    }

    pub(crate) fn endpoint(&self) -> String {
        match self {
            Self::Simulated(simulated) => simulated.endpoint(),
            Self::Moto { endpoint, .. } => endpoint.clone(),
        }
    }

    pub(crate) fn simulated(&self) -> &Simulated {
        match self {
            Self::Simulated(simulated) => simulated,
            Self::Moto { .. } => panic!("moto has no clock, faults or log of calls"),
        }
    }
}

/// cloudsim, and what tests do to it behind everybody's back.
pub struct Simulated(pub(crate) Cloudsim);

impl Simulated {
    /// The URL of its API.
    pub fn endpoint(&self) -> String {
        self.0.endpoint()
    }

    /// Moves its clock.
    pub fn advance(&self, by: Duration) {
        self.0.clock_advance(by);
    }

    /// The vendor's next call of `action` goes wrong.
    pub fn fault_once(&self, action: &str, kind: FaultKind) {
        let fault = cloudsim::Fault::once(action, kind);
        self.0.fault(cloudsim::Fault {
            account: Some(VENDOR.to_owned()),
            ..fault
        });
    }

    /// The vendor's calls of `action` in a region go wrong until faults are cleared.
    pub fn fault_in(&self, region: &str, action: &str, kind: FaultKind) {
        let (account, region) = (Some(VENDOR.to_owned()), Some(region.to_owned()));
        self.0.fault(cloudsim::Fault {
            account,
            region,
            ..cloudsim::Fault::always(action, kind)
        });
    }

    /// Everything goes well again.
    pub fn clear_faults(&self) {
        self.0.clear_faults();
    }

    /// Removes an object as if it never was.
    pub fn vanish(&self, id: &str) {
        assert!(self.0.vanish(id), "there is no {id}");
    }

    /// Sets a peering's raw status, which may be one that EC2 does not have.
    pub fn force(&self, id: &str, status: &str) {
        assert!(self.0.force_peering(id, status, ""), "there is no {id}");
    }

    /// How many requests for peerings wait for somebody to accept them.
    pub fn outstanding_requests(&self) -> usize {
        let outstanding = [Code::InitiatingRequest, Code::PendingAcceptance];
        let is_outstanding = |one: &&Peering| outstanding.contains(&one.status.code);
        self.0
            .state(|ec2| ec2.peerings.values().filter(is_outstanding).count())
    }

    /// What became of each call of `action`, `ok` or the code of the refusal.
    pub fn outcomes(&self, action: &str) -> Vec<String> {
        let calls = self.0.calls_of(action).into_iter();
        calls.map(|call| call.outcome).collect()
    }

    /// What each call of `action` said.
    pub fn parameters(&self, action: &str) -> Vec<BTreeMap<String, String>> {
        let calls = self.0.calls_of(action).into_iter();
        calls.map(|call| call.params).collect()
    }

    /// Waits until `action` was called.
    pub async fn until_called(&self, action: &str) {
        let began = Instant::now();
        while self.0.calls_of(action).is_empty() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "nobody called {action}"
            );
            sleep(Duration::from_millis(5)).await;
        }
    }
}
