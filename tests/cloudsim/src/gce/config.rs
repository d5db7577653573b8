//! The switches of the Compute Engine face.

use serde::{Deserialize, Serialize};

/// What a test or a developer may turn. The defaults are what the real cloud does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GcpConfig {
    /// Projects that exist from the start.
    #[serde(deserialize_with = "crate::config::list")]
    pub projects: Vec<String>,
    /// How long an operation on a peering takes.
    pub peering_operation_ms: i64,
    /// How long any other operation takes.
    pub operation_ms: i64,
    /// How long an operation stays `PENDING` before it is `RUNNING`.
    pub pending_ms: i64,
    /// Whether a change shows in the network before its operation is `DONE`.
    pub effect_before_done: bool,
    /// Whether a network with peerings of its own may be deleted; they end with it.
    pub delete_network_with_peerings: bool,
    /// Whether an exhausted quota of peerings shows as an error of the operation instead of the call.
    pub peering_quota_fails_operation: bool,
    /// The HTTP status of a second half with the name or the peer of another: 400 or 409.
    pub duplicate_peering_status: u16,
    /// Whether listings leave half of each page away, or of its regions, with a warning.
    pub partial_lists: bool,
    /// What a call to a project that does not exist gets: 404 or 403.
    pub missing_project_status: u16,
    /// The most entries of one page.
    pub max_page: usize,
    /// Quotas of a project that has none of its own.
    pub quotas: GcpQuotas,
    /// Request throttling.
    pub rates: GcpRates,
}

/// Quotas with the cloud's own defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GcpQuotas {
    pub networks: usize,
    pub subnetworks: usize,
    pub firewalls: usize,
    pub routes: usize,
    pub peerings_per_network: usize,
}

/// Calls per project and minute; the count begins anew at each full minute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GcpRates {
    pub enabled: bool,
    pub reads_per_minute: u32,
    pub writes_per_minute: u32,
    /// What somebody else reads in each project, in calls a minute, evenly: it counts against the same rate.
    pub foreign_reads_per_minute: u32,
    /// Whether a call beyond the rate gets 429 instead of 403.
    pub answer_429: bool,
}

impl Default for GcpConfig {
    fn default() -> Self {
        GcpConfig {
            projects: Vec::new(),
            peering_operation_ms: 1_000,
            operation_ms: 500,
            pending_ms: 0,
            effect_before_done: false,
            delete_network_with_peerings: false,
            peering_quota_fails_operation: false,
            duplicate_peering_status: 400,
            partial_lists: false,
            missing_project_status: 404,
            max_page: 500,
            quotas: GcpQuotas::default(),
            rates: GcpRates::default(),
        }
    }
}

impl Default for GcpQuotas {
    fn default() -> Self {
        GcpQuotas {
            networks: 5,
            subnetworks: 275,
            firewalls: 200,
            routes: 250,
            peerings_per_network: 25,
        }
    }
}

impl Default for GcpRates {
    fn default() -> Self {
        GcpRates {
            enabled: true,
            reads_per_minute: 1500,
            writes_per_minute: 1500,
            foreign_reads_per_minute: 0,
            answer_429: false,
        }
    }
}
