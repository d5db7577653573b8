//! The settings: those of the three services, each below its name.

use std::path::Path;

use runtime::config::{Error, Sources, TelemetryConfig};
use serde::Deserialize;

const DEFAULTS: &[(&str, &str)] = &[
    ("", include_str!("../config.default.toml")),
    ("network", network::config::DEFAULTS),
    ("peering", peering::config::DEFAULTS),
    ("provider_adapter", provider_adapter::config::DEFAULTS),
];

/// Everything that can be set; the services' `config.default.toml` say what each setting means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Logs and traces of the whole process.
    pub(crate) telemetry: TelemetryConfig,
    pub(crate) network: network::Config,
    pub(crate) peering: peering::Config,
    pub(crate) provider_adapter: provider_adapter::Config,
}

impl Config {
    /// Loads the built-in defaults, then `file`, then `env`, and checks the whole.
    pub(crate) fn load(file: Option<&Path>, env: Vec<(String, String)>) -> Result<Self, Error> {
        let sources = Sources {
            defaults: DEFAULTS,
            file,
            env_prefix: "PEERWAY_STANDALONE",
            env,
        };
        let config: Self = runtime::config::load(sources)?;
        config.network.check()?;
        config.peering.check()?;
        config.provider_adapter.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_services() {
        let config = Config::load(None, Vec::new()).unwrap();
        assert_eq!(config.network.server.listen.port(), 7101);
        assert_eq!(config.peering.server.listen.port(), 7102);
        assert_eq!(config.provider_adapter.server.listen.port(), 7103);
    }

    #[test]
    fn an_unknown_setting_of_a_service_is_named() {
        let env = vec![(
            "PEERWAY_STANDALONE__PEERING__QUEUE__SPEED".to_owned(),
            "1".to_owned(),
        )];
        let error = Config::load(None, env).unwrap_err().to_string();
        assert!(error.contains("peering.queue.speed"), "{error}");
    }
}
