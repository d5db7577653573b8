//! What keeps a peering that is up from working: checks of what was found, one verdict each.
//!
//! Whoever asked collected the evidence; what could not be asked makes its checks UNKNOWN and never a fault.

use std::collections::BTreeMap;

use types::Cidr;

use super::facts::NetworkFacts;
use super::peering::Peering;
use super::sighting::Sighting;

mod customer;
mod vendor;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is as it should be.
    Pass,
    /// It is not, and that may be why the peering does not work.
    Fail,
    /// It can't be told from here, or not now.
    Unknown,
}

/// One look beyond the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// A stable code.
    pub code: &'static str,
    /// What was found.
    pub verdict: Verdict,
    /// A stable code that says why; may be empty.
    pub reason: String,
    /// What was seen.
    pub evidence: String,
    /// What to do, or the command that tells; may be empty.
    pub advice: String,
}

/// Why something could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// A stable code.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
}

/// A route to a peering, as the cloud shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRoute {
    /// Its destination.
    pub cidr: Cidr,
    /// The peering that it leads to.
    pub provider_peering_id: String,
    /// What the cloud does with it.
    pub state: RouteState,
}

/// What the cloud does with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteState {
    /// It is in every table.
    Active,
    /// It is not in every table.
    Missing,
    /// It is there, but its target is not.
    Blackhole,
}

/// How much of a limit is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// What is limited.
    pub name: String,
    /// How much there is; none: nobody knows.
    pub used: Option<u32>,
    /// The most there may be.
    pub limit: u32,
}

/// All that was found out about a peering.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// What the cloud shows of it; none: it does not show it.
    pub look: Result<Option<Sighting>, Away>,
    /// The vendor's routes to peerings.
    pub routes: Result<Vec<SeenRoute>, Away>,
    /// What the network says.
    pub network: Result<NetworkFacts, Away>,
    /// The limits of the vendor's account.
    pub limits: Result<Vec<Usage>, Away>,
    /// The commands that verify the customer's steps, by the code of the step.
    pub commands: Result<BTreeMap<String, Vec<String>>, Away>,
}

/// Checks what was found, in the order in which faults hide behind each other.
pub fn diagnose(peering: &Peering, evidence: &Evidence) -> Vec<Check> {
    vec![
        vendor::cloud_state(peering, evidence),
        vendor::routes(peering, evidence),
        vendor::firewall(evidence),
        vendor::allow_list(peering, evidence),
        vendor::peer_cidrs(peering, evidence),
        vendor::datastore_ports(evidence),
        vendor::options(peering, evidence),
        vendor::quota(evidence),
        customer::routes(peering, evidence),
        customer::firewall(evidence),
        customer::network_acl(peering, evidence),
    ]
}

impl Check {
    fn pass(code: &'static str, evidence: impl Into<String>) -> Self {
        Self {
            code,
            verdict: Verdict::Pass,
            reason: String::new(),
            evidence: evidence.into(),
            advice: String::new(),
        }
    }

    fn fail(code: &'static str, reason: &str, evidence: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            reason: reason.to_owned(),
            ..Self::pass(code, evidence)
        }
    }

    fn unknown(code: &'static str, reason: &str, evidence: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            ..Self::fail(code, reason, evidence)
        }
    }

    fn away(code: &'static str, away: &Away) -> Self {
        let check = Self::unknown(code, &away.reason, &away.message);
        check.advising("Diagnose again in a while.")
    }

    fn advising(self, advice: impl Into<String>) -> Self {
        Self {
            advice: advice.into(),
            ..self
        }
    }
}

/// Ranges as a person reads them.
fn listed(ranges: &[Cidr]) -> String {
    let texts: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    match texts.is_empty() {
        true => "none".to_owned(),
        false => texts.join(", "),
    }
}

#[cfg(test)]
#[path = "diagnosis_tests.rs"]
mod tests;
