//! The settings of the service, and the rules between them.

mod catalog;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use runtime::config::{
    ClientConfig, DatabaseConfig, Error, QueueConfig, ServerConfig, Sources, TelemetryConfig, load,
};
use serde::Deserialize;
use types::{Deployment, ProviderKind};

pub use catalog::{OfferConfig, RangeConfig, RegionConfig};

use crate::domain::{Catalog, Limits, Quotas, Timing};

/// The settings with their defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");
const ENV_PREFIX: &str = "PEERWAY_NETWORK";

/// All settings. `config.default.toml` explains each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Sets apart suites that share a vendor account.
    pub deployment: Deployment,
    /// The API.
    pub server: ServerConfig,
    /// Where networks are kept.
    pub database: DatabaseConfig,
    /// The queue of groups whose networks have work.
    pub queue: QueueConfig,
    /// The provider-adapter.
    pub provider_adapter: ClientConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// The pace of the work.
    pub work: WorkConfig,
    /// How much each tenant may have.
    pub quotas: Quotas,
    /// What can be chosen, by provider.
    pub catalog: BTreeMap<ProviderKind, OfferConfig>,
}

/// The pace of the work.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkConfig {
    /// Between looks for a part that was requested less than `soon_for` ago.
    #[serde(with = "humantime_serde")]
    pub look_soon: Duration,
    /// Between looks for a part that was requested longer ago.
    #[serde(with = "humantime_serde")]
    pub look_later: Duration,
    /// See `look_soon`.
    #[serde(with = "humantime_serde")]
    pub soon_for: Duration,
    /// Between calls of a removal that goes on.
    #[serde(with = "humantime_serde")]
    pub removal: Duration,
    /// Between reads of an operation that the cloud works on.
    #[serde(with = "humantime_serde")]
    pub operation: Duration,
    /// How often what is past its time is removed.
    #[serde(with = "humantime_serde")]
    pub purge_interval: Duration,
}

impl Config {
    /// Loads the defaults, then `file`, then the variables of `env` that begin with `PEERWAY_NETWORK_`.
    ///
    /// # Errors
    /// One sentence that names the setting and the rule it breaks.
    pub fn load(file: Option<&Path>, env: Vec<(String, String)>) -> Result<Self, Error> {
        let config: Self = load(Sources {
            defaults: &[("", DEFAULTS)],
            file,
            env_prefix: ENV_PREFIX,
            env,
        })?;
        config.check()?;
        Ok(config)
    }

    /// Checks the rules between settings.
    pub fn check(&self) -> Result<(), Error> {
        self.queue.check(self.provider_adapter.timeout)?;
        if self.work.purge_interval.is_zero() {
            return Err(Error::rule("work.purge_interval must not be zero"));
        }
        for (provider, offer) in &self.catalog {
            offer.check(*provider)?;
        }
        for provider in self.catalog.keys() {
            if !self.quotas.peerings_per_network.contains_key(provider) {
                return Err(Error::rule(format!(
                    "quotas.peerings_per_network: {provider} must be set"
                )));
            }
        }
        if !self.catalog.values().any(|offer| offer.offered) {
            return Err(Error::rule("catalog: no provider is offered"));
        }
        Ok(())
    }

    /// What callers can choose.
    pub(crate) fn offers(&self) -> Catalog {
        let offered = self.catalog.iter().filter(|(_, offer)| offer.offered);
        Catalog(
            offered
                .map(|(provider, offer)| (*provider, offer.offer()))
                .collect(),
        )
    }

    /// What is counted before something is recorded.
    pub(crate) fn limits(&self) -> Limits {
        let firewall = self.catalog.iter();
        let firewall = firewall.filter_map(|(provider, offer)| {
            let most = offer.firewall(*provider)?;
            Some((*provider, most))
        });
        Limits {
            quotas: self.quotas.clone(),
            firewall: firewall.collect(),
        }
    }

    /// How long is waited for what.
    pub(crate) fn timing(&self) -> Timing {
        Timing {
            absence_grace: self.queue.absence_grace,
            look_soon: self.work.look_soon,
            look_later: self.work.look_later,
            soon_for: self.work.soon_for,
            removal: self.work.removal,
            operation: self.work.operation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<Config, Error> {
        Config::load(
            None,
            vec![(format!("PEERWAY_NETWORK__{name}"), value.to_owned())],
        )
    }

    #[test]
    fn the_defaults_are_valid_and_the_environment_wins() {
        let config = with("DEPLOYMENT", "prod-1").unwrap();
        assert_eq!(config.deployment.as_str(), "prod-1");
        assert_eq!(config.server.listen.port(), 7101);
        assert!(config.offers().offer(ProviderKind::Aws).is_ok());
        assert!(config.offers().offer(ProviderKind::Gcp).is_ok());
        let config = with("CATALOG__GCP__OFFERED", "false").unwrap();
        assert!(config.offers().offer(ProviderKind::Gcp).is_err());
    }

    #[test]
    fn quotas_have_defaults_and_a_tenant_may_have_others() {
        let quota = |config: &Config, tenant: &str| {
            let limits = config.limits();
            let tenant = tenant.parse().unwrap();
            let peerings = limits
                .quotas
                .peerings_per_network(&tenant, ProviderKind::Gcp);
            (limits.quotas.networks(&tenant), peerings)
        };
        let config = with("QUOTAS__TENANTS__ACME__NETWORKS", "100").unwrap();
        assert_eq!(quota(&config, "acme"), (100, 25));
        assert_eq!(quota(&config, "globex"), (20, 25));
        assert_eq!(config.limits().firewall(ProviderKind::Aws), 60);
        assert_eq!(config.limits().firewall(ProviderKind::Gcp), 5_000);
    }

    #[test]
    fn a_broken_rule_is_named() {
        for (name, value, named) in [
            ("DEPLOYMENT", "Not Allowed", "deployment"),
            ("QUEUE__LEASE", "8s", "provider_adapter.timeout"),
            ("CATALOG__AWS__SHORTEST_PREFIX", "25", "catalog.aws"),
            ("CATALOG__GCP__REGIONS", "[]", "catalog.gcp"),
            (
                "CATALOG__AWS__PRIVATE",
                "[\"10.0.0.1/8\"]",
                "catalog.aws.private",
            ),
            ("WORK__PACE", "1s", "pace"),
            ("WORK__PURGE_INTERVAL", "0s", "work.purge_interval"),
            ("CATALOG__AWS__MOST_RULES", "0", "catalog.aws: most_rules"),
            ("CATALOG__GCP__MOST_RULES", "9", "catalog.gcp: most_ranges"),
            ("QUOTAS__NETWORKS", "-1", "quotas.networks"),
            ("QUOTAS__TENANTS__-__NETWORKS", "1", "1-64 characters"),
            (
                "QUOTAS__TENANTS__ACME__VPCS",
                "1",
                "quotas.tenants.acme.vpcs",
            ),
        ] {
            let error = with(name, value).unwrap_err().to_string();
            assert!(error.contains(named), "{name}: {error}");
        }
    }
}
