//! Settings from environment variables, each a source of its own so that errors can name it.

use figment::error::{Actual, Kind};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::Error;

/// One variable: where its value goes, and the value.
#[derive(Debug)]
pub(super) struct Variable {
    name: String,
    path: Vec<String>,
    value: String,
    /// The value is text even where it looks like a number: the setting asked for text.
    literal: bool,
}

/// The variables that carry the prefix. One that is no path below it is an error.
pub(super) fn variables(prefix: &str, env: Vec<(String, String)>) -> Result<Vec<Variable>, Error> {
    let mut found = Vec::new();
    for (name, value) in env {
        let Some(rest) = name
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_prefix('_'))
        else {
            continue;
        };
        let path: Vec<String> = match rest.strip_prefix('_') {
            Some(keys) => keys.split("__").map(str::to_ascii_lowercase).collect(),
            None => Vec::new(),
        };
        if path.is_empty() || path.iter().any(String::is_empty) {
            return Err(Error(format!(
                "environment variable {name}: no setting has this name, which must be \
                 {prefix}__SECTION__KEY"
            )));
        }
        found.push(Variable {
            name,
            path,
            value,
            literal: false,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Whether `error` came from a variable that looked like a number or a truth value where text is
/// wanted. If so, that variable is text from now on.
pub(super) fn take_literally(variables: &mut [Variable], error: &figment::Error) -> bool {
    let Kind::InvalidType(found, wanted) = &error.kind else {
        return false;
    };
    let scalar = matches!(
        found,
        Actual::Bool(_) | Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_)
    );
    let text = wanted.contains("string") || wanted.contains("duration");
    let variable = variables
        .iter_mut()
        .find(|one| one.path == error.path && !one.literal);
    match variable {
        Some(variable) if scalar && text => {
            variable.literal = true;
            true
        }
        _ => false,
    }
}

impl Provider for &Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("environment variable {}", self.name))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut value = if self.literal {
            Value::from(self.value.clone())
        } else {
            self.value
                .parse::<Value>()
                .unwrap_or_else(|_| Value::from(self.value.clone()))
        };
        for key in self.path.iter().rev() {
            value = Value::from(Dict::from([(key.clone(), value)]));
        }
        let dict = value.into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}
