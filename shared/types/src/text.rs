//! Names and labels that callers choose, and whose they are.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Invalid, shown, text_type};

text_type!(
    /// Whose a resource is: 1-64 characters of `A-Z a-z 0-9 - _ .`, the first a letter or digit.
    TenantId,
    |given| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if (1..=64).contains(&given.len()) && given.starts_with(|c: char| c.is_ascii_alphanumeric()) && given.chars().all(allowed) {
            return Ok(());
        }
        Err(Invalid::field(format!(
            "must be 1-64 characters of A-Z a-z 0-9 - _ . that begin with a letter or digit, not {}",
            shown(given)
        )))
    }
);

/// Which tenants a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantScope {
    /// One tenant.
    One(TenantId),
    /// Every tenant, written `-`.
    All,
}

impl FromStr for TenantScope {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        if given == "-" {
            Ok(Self::All)
        } else {
            given.parse().map(Self::One)
        }
    }
}

text_type!(
    /// A name for people: 1-63 characters: letters, digits, space, `-`, `_`, `.`; no space at either end.
    DisplayName,
    |given| {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.');
        if (1..=63).contains(&given.chars().count()) && given.trim() == given && given.chars().all(allowed) {
            return Ok(());
        }
        Err(Invalid::field(format!(
            "must be 1-63 letters, digits, spaces, - _ . without a space at either end, not {}",
            shown(given)
        )))
    }
);

text_type!(
    /// Sets apart suites that share a cloud account: 1-32 characters of `a-z 0-9 -`.
    Deployment,
    |given| {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=32).contains(&given.len()) && given.bytes().all(allowed) {
            return Ok(());
        }
        Err(Invalid::field(format!("must be 1-32 characters of a-z 0-9 -, not {}", shown(given))))
    }
);

text_type!(
    /// Makes a call repeatable: 1-64 printable ASCII characters.
    RequestId,
    |given| {
        if (1..=64).contains(&given.len()) && given.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(());
        }
        Err(Invalid::field(format!("must be 1-64 printable ASCII characters without spaces, not {}", shown(given))))
    }
);

/// What callers hang on a resource; Peerway gives it no meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Checks keys (1-63 characters of `a-z 0-9 - _ . /`), values (at most 255 characters) and count (at most 64).
    pub fn new(given: impl IntoIterator<Item = (String, String)>) -> Result<Self, Invalid> {
        let labels: BTreeMap<_, _> = given.into_iter().collect();
        if labels.len() > 64 {
            return Err(Invalid::field(format!(
                "must be at most 64 labels, not {}",
                labels.len()
            )));
        }
        for (key, value) in &labels {
            let allowed = |b: u8| {
                b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || matches!(b, b'-' | b'_' | b'.' | b'/')
            };
            if !(1..=63).contains(&key.len()) || !key.bytes().all(allowed) {
                return Err(Invalid::field(format!(
                    "keys must be 1-63 characters of a-z 0-9 - _ . /, not {}",
                    shown(key)
                )));
            }
            if value.chars().count() > 255 || value.chars().any(char::is_control) {
                let rule = format!(
                    "the value of {key} must be at most 255 characters without control characters"
                );
                return Err(Invalid::field(rule));
            }
        }
        Ok(Self(labels))
    }

    /// The labels, ordered by key.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_for_all_tenants_is_no_tenant() {
        assert!("-".parse::<TenantId>().is_err());
        assert_eq!("-".parse(), Ok(TenantScope::All));
        assert_eq!(
            "acme".parse(),
            Ok(TenantScope::One("acme".parse().unwrap()))
        );
    }

    #[test]
    fn names_are_held_to_their_rule() {
        for right in ["a", "My network 1", "größe-2_b.c", &"x".repeat(63)] {
            assert!(right.parse::<DisplayName>().is_ok(), "{right}");
        }
        for wrong in ["", " a", "a ", "a\nb", "a;b", "$(x)", &"x".repeat(64)] {
            assert!(wrong.parse::<DisplayName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn labels_are_held_to_their_rule() {
        let one = |key: &str, value: &str| Labels::new([(key.to_owned(), value.to_owned())]);
        assert!(one("team/name", "Anything goes: $(x)").is_ok());
        assert!(one("Team", "x").is_err());
        assert!(one("", "x").is_err());
        assert!(one("a", &"x".repeat(256)).is_err());
        assert!(one("a", "b\u{0}").is_err());
        assert!(Labels::new((0..65).map(|n| (format!("k{n}"), String::new()))).is_err());
    }

    #[test]
    fn a_long_value_is_shortened_in_the_message() {
        let message = "y".repeat(10_000).parse::<RequestId>().unwrap_err().message;
        assert!(message.len() < 200);
    }
}
