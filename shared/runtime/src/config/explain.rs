//! One sentence for the operator from an error of the settings library.

use figment::error::Kind;
use figment::providers::{Data, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

/// The compiled-in defaults, under a name of their own.
pub(super) struct Defaults<'a> {
    /// The section that all of it stands in; empty for none.
    pub(super) section: &'a str,
    pub(super) text: Data<Toml>,
}

impl Provider for Defaults<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named("the built-in defaults")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut data = self.text.data()?;
        if !self.section.is_empty() {
            for dict in data.values_mut() {
                let whole = Value::from(std::mem::take(dict));
                dict.insert(self.section.to_owned(), whole);
            }
        }
        Ok(data)
    }
}

/// Names the source, the key, and the rule that was broken. Never shows the value of a secret: those
/// are text, and text is never of the wrong kind.
pub(super) fn sentence(figment: &Figment, error: figment::Error) -> String {
    let mut path = error.path.clone();
    let rule = match &error.kind {
        Kind::UnknownField(name, known) => {
            // Whether the path ends with the unknown key depends on the source.
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            format!("there is no such setting; known here: {}", known.join(", "))
        }
        Kind::MissingField(name) => {
            path.push(name.to_string());
            return format!("{} is not set and has no default", path.join("."));
        }
        Kind::InvalidType(found, wanted) => format!("found {found}, expected {wanted}"),
        Kind::InvalidValue(found, wanted) => format!("invalid {found}, expected {wanted}"),
        Kind::UnknownVariant(found, known) => {
            format!("`{found}` is none of: {}", known.join(", "))
        }
        other => other.to_string(),
    };
    let key = path.join(".");
    match source(figment, &error, &key) {
        Some(source) if key.is_empty() => format!("{source}: {rule}"),
        Some(source) => format!("{source}: {key}: {rule}"),
        None => format!("{key}: {rule}"),
    }
}

/// Where the value at `key` stands.
fn source(figment: &Figment, error: &figment::Error, key: &str) -> Option<String> {
    let by_value = figment
        .find_value(key)
        .ok()
        .and_then(|value| figment.get_metadata(value.tag()).cloned());
    let metadata = by_value.or_else(|| error.metadata.clone())?;
    Some(
        match metadata
            .source
            .as_ref()
            .and_then(|source| source.file_path())
        {
            Some(path) => path.display().to_string(),
            None => metadata.name.to_string(),
        },
    )
}
