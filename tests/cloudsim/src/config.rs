//! The switches: delays, windows, limits, rates, and what is uncertain about the real cloud.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::ec2::wildcard;
use crate::gce::config::GcpConfig;

const HOUR_MS: i64 = 3_600_000;

/// Everything a test or a developer may turn. The defaults are what the real cloud does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a new peering stays `initiating-request`.
    pub initiating_ms: i64,
    /// How long an accepted peering stays `provisioning`.
    pub provisioning_ms: i64,
    /// How long an inter-region peering stays `deleting`.
    pub deleting_ms: i64,
    /// How long a request waits for the accepter.
    pub expiry_ms: i64,
    /// The shorter of the two windows in which an ended peering stays visible.
    pub short_window_ms: i64,
    /// The longer of the two windows in which an ended peering stays visible.
    pub long_window_ms: i64,
    /// How long a created object stays invisible to `Describe*`.
    pub describe_lag_ms: i64,
    /// Whether a repeated request for an existing peering applies its tags to it.
    pub tags_applied_to_existing: bool,
    /// Whether deleting a VPC ends its peerings instead of being refused because of them.
    pub delete_vpc_ends_peerings: bool,
    /// Whether the requester's ranges show while nobody has accepted.
    pub requester_cidrs_while_pending: bool,
    /// Whether ids and `MaxResults` may stand in one describe call.
    pub ids_with_max_results: bool,
    /// Role ARN to the external id that assuming it takes; other roles take any.
    pub external_ids: BTreeMap<String, String>,
    /// Quotas.
    pub limits: Limits,
    /// Request throttling.
    pub rates: Rates,
    /// The Compute Engine face.
    pub gcp: GcpConfig,
}

/// Quotas with the cloud's own defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub vpcs_per_region: usize,
    pub cidrs_per_vpc: usize,
    pub subnets_per_vpc: usize,
    pub route_tables_per_vpc: usize,
    pub routes_per_table: usize,
    pub security_groups_per_region: usize,
    /// Per direction.
    pub rules_per_group: usize,
    pub tags_per_resource: usize,
    /// Unaccepted requests of one account in one region.
    pub outstanding_peerings: usize,
    pub active_peerings_per_vpc: usize,
}

/// Token buckets per account, region and API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    pub enabled: bool,
    pub describe: Rate,
    pub mutating: Rate,
    /// What somebody else calls in each account and region, in calls a second, by action or pattern: it is taken out of
    /// the bucket first.
    pub foreign: BTreeMap<String, f64>,
}

impl Rates {
    /// What somebody else takes from the bucket of an action, in calls a second.
    pub(crate) fn foreign_of(&self, action: &str) -> f64 {
        let foreign = self.foreign.iter();
        foreign
            .filter(|(pattern, _)| wildcard(pattern, action))
            .map(|(_, calls)| calls)
            .sum()
    }
}

/// One token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub burst: f64,
    pub per_second: f64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            initiating_ms: 0,
            provisioning_ms: 0,
            deleting_ms: 0,
            expiry_ms: 168 * HOUR_MS,
            short_window_ms: 2 * HOUR_MS,
            long_window_ms: 48 * HOUR_MS,
            describe_lag_ms: 0,
            tags_applied_to_existing: false,
            delete_vpc_ends_peerings: false,
            requester_cidrs_while_pending: false,
            ids_with_max_results: false,
            external_ids: BTreeMap::new(),
            limits: Limits::default(),
            rates: Rates::default(),
            gcp: GcpConfig::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            vpcs_per_region: 5,
            cidrs_per_vpc: 5,
            subnets_per_vpc: 200,
            route_tables_per_vpc: 200,
            routes_per_table: 500,
            security_groups_per_region: 2500,
            rules_per_group: 60,
            tags_per_resource: 50,
            outstanding_peerings: 25,
            active_peerings_per_vpc: 50,
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Rates {
            enabled: true,
            describe: Rate {
                burst: 100.0,
                per_second: 20.0,
            },
            mutating: Rate {
                burst: 50.0,
                per_second: 5.0,
            },
            foreign: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The configuration with `patch` laid over it, field by field.
    ///
    /// # Errors
    /// When the patch names a field that does not exist or has the wrong type.
    pub fn patched(&self, patch: &Value) -> Result<Config, serde_json::Error> {
        let mut merged = serde_json::to_value(self)?;
        merge(&mut merged, patch);
        serde_json::from_value(merged)
    }
}

/// The switches of a command line, `limits.vpcs_per_region=50` and the like, over the defaults.
///
/// # Errors
/// What is wrong with the first bad one.
pub fn config_from(switches: &[String]) -> Result<Config, String> {
    switches
        .iter()
        .try_fold(Config::default(), |config, switch| {
            let patch = patch_from_assignment(switch)
                .ok_or_else(|| format!("{switch} is not NAME=VALUE"))?;
            config
                .patched(&patch)
                .map_err(|error| format!("cannot set {switch}: {error}"))
        })
}

/// A list, or on a command line its entries with commas between.
pub(crate) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Given::deserialize(from)? {
        Given::List(list) => list,
        Given::Text(text) => text.split(',').map(str::to_owned).collect(),
    })
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// A patch out of `limits.vpcs_per_region=50`; `None` without a `=`.
fn patch_from_assignment(assignment: &str) -> Option<Value> {
    let (path, value) = assignment.split_once('=')?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    let nest = |inner, key: &str| Value::Object([(key.to_owned(), inner)].into_iter().collect());
    Some(path.rsplit('.').fold(value, nest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let patch = patch_from_assignment("limits.vpcs_per_region=50").unwrap();
        let config = Config::default().patched(&patch).unwrap();
        assert_eq!(config.limits.vpcs_per_region, 50);
        assert_eq!(config.limits.routes_per_table, 500);
        assert_eq!(config.rates, Rates::default());
    }

    #[test]
    fn projects_are_named_with_commas_or_as_a_list() {
        for text in ["gcp.projects=a,b", "gcp.projects=[\"a\",\"b\"]"] {
            let config = config_from(&[text.to_owned()]).unwrap();
            assert_eq!(config.gcp.projects, ["a", "b"]);
        }
    }

    #[test]
    fn a_patch_with_an_unknown_field_is_refused() {
        let patch = patch_from_assignment("limits.vpc=50").unwrap();
        assert!(Config::default().patched(&patch).is_err());
    }
}
