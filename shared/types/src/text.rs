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

/// What callers hang on a resource, in the syntax of Kubernetes labels; Peerway gives it no meaning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Checks the count (at most 64), the keys (a name, or a DNS subdomain of at most 253 characters, `/` and a name) and
    /// the values (empty or a name). A name is 1-63 characters of `A-Z a-z 0-9 - _ .`, the first and last a letter or
    /// digit.
    pub fn new(given: impl IntoIterator<Item = (String, String)>) -> Result<Self, Invalid> {
        let labels: BTreeMap<_, _> = given.into_iter().collect();
        if labels.len() > 64 {
            return Err(Invalid::field(format!(
                "must be at most 64 labels, not {}",
                labels.len()
            )));
        }
        for (key, value) in &labels {
            let (domain, name) = match key.split_once('/') {
                Some((domain, name)) => (Some(domain), name),
                None => (None, key.as_str()),
            };
            if !is_label_name(name) || !domain.is_none_or(is_subdomain) {
                return Err(Invalid::field(format!(
                    "a key must be 1-63 characters of A-Z a-z 0-9 - _ . that begin and end with a letter or digit, \
                     perhaps after a DNS name and /, not {}",
                    shown(key)
                )));
            }
            if !value.is_empty() && !is_label_name(value) {
                return Err(Invalid::field(format!(
                    "the value of {key} must be empty or 1-63 characters of A-Z a-z 0-9 - _ . that begin and end with a \
                     letter or digit, not {}",
                    shown(value)
                )));
            }
        }
        Ok(Self(labels))
    }

    /// The labels, ordered by key.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn is_label_name(given: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let framed = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = given.as_bytes();
    bytes.len() <= 63
        && bytes.iter().copied().all(allowed)
        && framed(bytes.first())
        && framed(bytes.last())
}

/// Lower-case DNS labels of at most 63 characters with dots between them, at most 253 characters in all.
fn is_subdomain(given: &str) -> bool {
    let is_dns_label = |part: &str| {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&part.len())
            && part.bytes().all(allowed)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    given.len() <= 253 && given.split('.').all(is_dns_label)
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
        let long = "x".repeat(63);
        let domain = format!("{0}.{0}.{0}.{1}", long, "x".repeat(61));
        for key in [
            "team",
            "Team",
            "a",
            "a-b_c.D",
            "example.com/team",
            "x/Team",
            &long,
            &format!("{domain}/{long}"),
        ] {
            assert!(one(key, "").is_ok(), "{key}");
        }
        for key in [
            "",
            "-a",
            "a-",
            ".a",
            "a_",
            "ä",
            "a b",
            "/a",
            "a/",
            "a/b/c",
            "Example.com/a",
            "a_b/c",
            "-a.b/c",
            "a..b/c",
            &format!("{long}x"),
            &format!("{domain}x/a"),
            &format!("{long}x/a"),
        ] {
            assert!(one(key, "").is_err(), "{key}");
        }
        for (value, right) in [
            ("Data-1_b.c", true),
            (long.as_str(), true),
            ("a b", false),
            ("-a", false),
            ("a.", false),
            ("$(x)", false),
            (&format!("{long}x"), false),
        ] {
            assert_eq!(one("team", value).is_ok(), right, "{value}");
        }
        let many = |count: usize| Labels::new((0..count).map(|n| (format!("k{n}"), String::new())));
        assert!(many(64).is_ok() && many(65).is_err());
    }

    #[test]
    fn a_long_value_is_shortened_in_the_message() {
        let message = "y".repeat(10_000).parse::<RequestId>().unwrap_err().message;
        assert!(message.len() < 200);
    }
}
