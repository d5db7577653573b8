//! Typed ids: a prefix that tells what it names, and a UUIDv7 so that ids sort by creation.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::{Invalid, shown};

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id that sorts after the earlier ones of this process.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(given: &str) -> Result<Self, Invalid> {
                given
                    .strip_prefix($prefix)
                    // One spelling only, since ids are compared as text in the database.
                    .filter(|tail| tail.len() == 32 && tail.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
                    .and_then(|tail| Uuid::try_parse(tail).ok())
                    .map(Self)
                    .ok_or_else(|| {
                        Invalid::field(format!(
                            concat!("must be ", $prefix, " and 32 hexadecimal digits, not {}"),
                            shown(given)
                        ))
                    })
            }
        }
    };
}

id_type!(
    /// Names a network.
    NetworkId,
    "net_"
);
id_type!(
    /// Names a peering.
    PeeringId,
    "peer_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_as_it_was_printed() {
        let id = PeeringId::generate();
        assert_eq!(id.to_string().parse::<PeeringId>(), Ok(id));
    }

    #[test]
    fn ids_sort_by_creation() {
        let ids: Vec<_> = (0..100)
            .map(|_| NetworkId::generate().to_string())
            .collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn other_spellings_are_refused() {
        let id = NetworkId::generate().to_string();
        for wrong in [
            id.to_uppercase(),
            id.replace("net_", "peer_"),
            format!("{id}0"),
            id[..20].to_owned(),
            String::new(),
        ] {
            assert!(wrong.parse::<NetworkId>().is_err(), "{wrong}");
        }
    }
}
