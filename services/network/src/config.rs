//! The settings of the service, and the rules between them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use runtime::config::{
    ClientConfig, DatabaseConfig, Error, QueueConfig, ServerConfig, Sources, TelemetryConfig, load,
};
use serde::Deserialize;
use types::{Cidr, Deployment, ProviderKind, Region};

use crate::domain::{Catalog, CidrRules, Offer, Reserved, Timing};

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
}

/// What one provider offers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferConfig {
    /// Whether networks can be created there.
    pub offered: bool,
    /// Where.
    pub regions: BTreeSet<Region>,
    /// The prefix of the largest network.
    pub shortest_prefix: u8,
    /// The prefix of the smallest network.
    pub longest_prefix: u8,
    /// A network lies in one of these.
    pub private: Vec<Cidr>,
    /// A network touches none of these.
    pub reserved: Vec<ReservedConfig>,
}

/// A range that no network may touch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReservedConfig {
    /// The range.
    pub cidr: Cidr,
    /// Why it is kept.
    pub why: String,
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
        for (provider, offer) in &self.catalog {
            let (shortest, longest) = (offer.shortest_prefix, offer.longest_prefix);
            if shortest > longest || longest > 28 {
                return Err(Error::rule(format!(
                    "catalog.{provider}: shortest_prefix ({shortest}) must not exceed longest_prefix ({longest}), and \
                     neither 28"
                )));
            }
            if offer.offered && (offer.regions.is_empty() || offer.private.is_empty()) {
                return Err(Error::rule(format!(
                    "catalog.{provider}: regions and private must not be empty while it is offered"
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
                .map(|(provider, offer)| (*provider, offer.rules()))
                .collect(),
        )
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

impl OfferConfig {
    fn rules(&self) -> Offer {
        let reserved = |kept: &ReservedConfig| Reserved {
            cidr: kept.cidr,
            why: kept.why.clone(),
        };
        Offer {
            regions: self.regions.clone(),
            cidrs: CidrRules {
                shortest_prefix: self.shortest_prefix,
                longest_prefix: self.longest_prefix,
                private: self.private.clone(),
                reserved: self.reserved.iter().map(reserved).collect(),
            },
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
        ] {
            let error = with(name, value).unwrap_err().to_string();
            assert!(error.contains(named), "{name}: {error}");
        }
    }
}
