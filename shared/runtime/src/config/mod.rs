//! The one way to load settings: compiled-in defaults, then a file, then environment variables.
//!
//! Later sources win key by key. A key nobody knows, a value of the wrong kind and a missing value
//! stop the load with one sentence that names the key, where it stands and the rule.

mod env;
mod explain;
mod sections;
#[cfg(test)]
mod tests;

use std::path::Path;

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::de::DeserializeOwned;

pub use sections::{
    ClientConfig, DatabaseConfig, LogFormat, QueueConfig, RedisMode, ServerConfig, Slots,
    TelemetryConfig,
};

/// Where settings come from, weakest first.
pub struct Sources<'a> {
    /// The compiled-in `config.default.toml`, or several: each with the section it stands for, "" for the whole.
    pub defaults: &'a [(&'a str, &'a str)],
    /// A TOML file given by the operator. It must exist when named.
    pub file: Option<&'a Path>,
    /// Variables are `PREFIX__SECTION__KEY`; any other variable that begins with `PREFIX_` is refused.
    pub env_prefix: &'a str,
    /// Names and values, usually `std::env::vars()`.
    pub env: Vec<(String, String)>,
}

/// Settings that cannot be used. Display is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    /// A rule between settings that does not hold, said in one sentence that names their keys.
    pub fn rule(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Loads and checks the settings of one service.
pub fn load<T: DeserializeOwned>(sources: Sources) -> Result<T, Error> {
    let mut variables = env::variables(sources.env_prefix, sources.env)?;
    loop {
        let mut figment = Figment::new();
        for (section, text) in sources.defaults {
            figment = figment.merge(explain::Defaults {
                section,
                text: Toml::string(text),
            });
        }
        if let Some(path) = sources.file {
            if !path.is_file() {
                return Err(Error(format!(
                    "{}: there is no such settings file",
                    path.display()
                )));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        for variable in &variables {
            figment = figment.merge(variable);
        }
        match figment.extract() {
            Ok(settings) => return Ok(settings),
            Err(error) if env::take_literally(&mut variables, &error) => {}
            Err(error) => return Err(Error(explain::sentence(&figment, error))),
        }
    }
}
