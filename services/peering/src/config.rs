//! The settings of the peering service and the rules between them.

use std::path::Path;
use std::time::Duration;

use runtime::clock::millis;
use runtime::config::{
    ClientConfig, DatabaseConfig, Error, QueueConfig, ServerConfig, Sources, TelemetryConfig,
};
use serde::Deserialize;
use types::Deployment;

use crate::domain::{Quotas, Rules};

/// Prefix of the environment variables.
pub const ENV_PREFIX: &str = "PEERWAY_PEERING";

/// The settings with their defaults.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Everything that can be set; `config.default.toml` says what each setting means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Sets apart suites that share a cloud account.
    pub deployment: Deployment,
    /// Development: a peer may live in the vendor's own accounts.
    pub allow_vendor_peer: bool,
    /// A create that was not admitted after this long is given up.
    #[serde(with = "humantime_serde")]
    pub withdraw_after: Duration,
    /// How often such creates are looked for.
    #[serde(with = "humantime_serde")]
    pub withdraw_interval: Duration,
    /// How often the networks that are being deleted are asked for.
    #[serde(with = "humantime_serde")]
    pub cascade_interval: Duration,
    /// How often what is past its time is removed.
    #[serde(with = "humantime_serde")]
    pub purge_interval: Duration,
    /// What carries our tags and belongs to no peering is removed this long after it was first seen.
    #[serde(with = "humantime_serde")]
    pub orphan_grace: Duration,
    /// How often a group without peerings is looked at for such things.
    #[serde(with = "humantime_serde")]
    pub orphan_interval: Duration,
    /// While something waits, AWS is asked for a whole group of at most this many peerings, else for what waits alone.
    pub listed_whole: u64,
    /// A request of which the cloud shows nothing fails after this long.
    #[serde(with = "humantime_serde")]
    pub provision_timeout: Duration,
    /// A peering that waits longer for the customer's half tells what may be in the way.
    #[serde(with = "humantime_serde")]
    pub hint_after: Duration,
    /// How long RefreshPeering waits.
    #[serde(with = "humantime_serde")]
    pub refresh_wait: Duration,
    /// How much each tenant may have.
    pub quotas: Quotas,
    /// The gRPC port.
    pub server: ServerConfig,
    /// The service's own database.
    pub database: DatabaseConfig,
    /// The status-check queue.
    pub queue: QueueConfig,
    /// The network service.
    pub network: ClientConfig,
    /// The provider-adapter.
    pub provider_adapter: ClientConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Loads the built-in defaults, then `file`, then `env` (usually `std::env::vars()`), and checks the whole.
    pub fn load(file: Option<&Path>, env: Vec<(String, String)>) -> Result<Self, Error> {
        let config: Self = runtime::config::load(Sources {
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
        let waits = [
            ("withdraw_interval", self.withdraw_interval),
            ("cascade_interval", self.cascade_interval),
            ("purge_interval", self.purge_interval),
            ("orphan_grace", self.orphan_grace),
            ("orphan_interval", self.orphan_interval),
            ("provision_timeout", self.provision_timeout),
            ("hint_after", self.hint_after),
            ("network.timeout", self.network.timeout),
            ("provider_adapter.timeout", self.provider_adapter.timeout),
        ];
        if let Some((name, _)) = waits.into_iter().find(|(_, wait)| wait.is_zero()) {
            return Err(Error::rule(format!("{name} must not be zero")));
        }
        self.check_quotas()?;
        if self.refresh_wait >= self.server.request_timeout {
            return Err(Error::rule(
                "refresh_wait must be shorter than server.request_timeout, or no refresh would be answered",
            ));
        }
        self.queue.check(self.provider_adapter.timeout)?;
        let (after, timeout) = (self.withdraw_after, self.network.timeout);
        if after < timeout {
            return Err(Error::rule(format!(
                "withdraw_after ({after:?}) must not be shorter than network.timeout ({timeout:?}), or creates would be \
                 given up while the network service is asked"
            )));
        }
        Ok(())
    }

    fn check_quotas(&self) -> Result<(), Error> {
        let quotas = &self.quotas;
        let zero = |section: &str| {
            Error::rule(format!(
                "{section}.outstanding_peerings must not be zero, or no request would ever be made"
            ))
        };
        if quotas.outstanding_peerings == 0 {
            return Err(zero("quotas"));
        }
        let mut tenants = quotas.tenants.iter();
        match tenants.find(|(_, own)| own.outstanding_peerings == 0) {
            Some((tenant, _)) => Err(zero(&format!("quotas.tenants.{tenant}"))),
            None => Ok(()),
        }
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            absence_grace: millis(self.queue.absence_grace),
            provision_timeout: millis(self.provision_timeout),
            hint_after: millis(self.hint_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<Config, Error> {
        Config::load(
            None,
            vec![(format!("{ENV_PREFIX}__{name}"), value.to_owned())],
        )
    }

    #[test]
    fn the_defaults_load() {
        let config = Config::load(None, Vec::new()).unwrap();
        assert_eq!(config.server.listen.port(), 7102);
        assert_eq!(config.rules().absence_grace, 60_000);
        assert!(!config.allow_vendor_peer);
        assert_eq!(config.cascade_interval, Duration::from_secs(60));
        assert_eq!(config.quotas, Quotas::same(5));
    }

    #[test]
    fn a_tenant_may_have_quotas_of_its_own() {
        let config = with("QUOTAS__TENANTS__ACME__OUTSTANDING_PEERINGS", "10").unwrap();
        let most = |tenant: &str| {
            let tenant = tenant.parse().unwrap();
            config.quotas.outstanding_peerings(&tenant)
        };
        assert_eq!((most("acme"), most("other")), (10, 5));
    }

    #[test]
    fn a_broken_rule_is_named() {
        for (name, value, words) in [
            ("DEPLOYMENT", "Dev", "deployment"),
            (
                "WITHDRAW_INTERVAL",
                "0s",
                "withdraw_interval must not be zero",
            ),
            ("REFRESH_WAIT", "1m", "refresh_wait must be shorter"),
            (
                "QUEUE__LEASE",
                "9s",
                "queue.lease (9s) must exceed provider_adapter.timeout (9s)",
            ),
            (
                "WITHDRAW_AFTER",
                "4s",
                "withdraw_after (4s) must not be shorter than network.timeout (5s)",
            ),
            (
                "PROVISION_TIMEOUT",
                "0s",
                "provision_timeout must not be zero",
            ),
            (
                "CASCADE_INTERVAL",
                "0s",
                "cascade_interval must not be zero",
            ),
            ("PURGE_INTERVAL", "0s", "purge_interval must not be zero"),
            ("ORPHAN_GRACE", "0s", "orphan_grace must not be zero"),
            (
                "QUOTAS__OUTSTANDING_PEERINGS",
                "0",
                "quotas.outstanding_peerings must not be zero",
            ),
            (
                "QUOTAS__TENANTS__ACME__OUTSTANDING_PEERINGS",
                "0",
                "quotas.tenants.acme.outstanding_peerings must not be zero",
            ),
            (
                "QUOTAS__TENANTS__ACME__OUTSTANDING",
                "7",
                "quotas.tenants.acme.outstanding: there is no such setting",
            ),
            (
                "QUOTAS__TENANTS__-__OUTSTANDING_PEERINGS",
                "7",
                "must be 1-64 characters",
            ),
            ("NO_SUCH", "1", "no_such"),
        ] {
            let error = with(name, value).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
