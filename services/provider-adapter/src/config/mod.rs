//! The settings of the provider-adapter and the rules between them.

mod aws;
mod gcp;

use std::path::Path;
use std::time::Duration;

use runtime::config::{Error, ServerConfig, Sources, TelemetryConfig};
use serde::Deserialize;
use url::Url;

pub use aws::{AccountConfig, AwsConfig, AwsWriteConfig, PageConfig};
pub use gcp::{GcpConfig, GcpPageConfig, GcpWriteConfig, ProjectConfig};

/// Prefix of the environment variables.
pub const ENV_PREFIX: &str = "PEERWAY_PROVIDER_ADAPTER";

/// The settings with their defaults.
pub const DEFAULTS: &str = include_str!("../../config.default.toml");

/// The longest that one call of the cloud may take; see `ProviderService` on what callers wait for.
const LONGEST: Duration = Duration::from_secs(4);

/// Everything that can be set; `config.default.toml` says what each setting means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The gRPC port.
    pub server: ServerConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// The vendor's accounts at AWS and how they are asked.
    pub aws: AwsConfig,
    /// The vendor's projects at GCP and how they are asked.
    pub gcp: GcpConfig,
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
        self.aws.check()?;
        self.gcp.check()
    }
}

/// Checks the part of a cloud's rate that writes may use.
fn check_share(section: &str, share: f64) -> Result<(), Error> {
    match share > 0.0 && share <= 1.0 {
        true => Ok(()),
        false => Err(Error::rule(format!(
            "{section}.share must be more than 0 and at most 1, not {share}"
        ))),
    }
}

fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_load() {
        let config = Config::load(None, Vec::new()).unwrap();
        assert_eq!(config.aws.call_timeout, LONGEST);
        assert_eq!(config.gcp.call_timeout, LONGEST);
        assert!(config.aws.accounts.is_empty() && config.gcp.projects.is_empty());
    }
}
