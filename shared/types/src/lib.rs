//! Parse-checked values of the domain: whoever holds one knows that it is well-formed.
//!
//! No IO, no async, no protobuf. What is allowed where (sizes, reserved ranges, quotas) is the services' business.

mod cidr;
mod cloud;
mod group;
mod id;
mod text;

pub use cidr::Cidr;
pub use cloud::{
    AwsAccountId, AwsVpcId, GcpNetworkName, GcpNetworkRef, GcpProjectId, ProviderKind, Region,
};
pub use group::GroupId;
pub use id::{NetworkId, PeeringId};
pub use text::{Deployment, DisplayName, Labels, RequestId, TenantId, TenantScope};

/// Why a value was refused: a stable code, and a sentence that names the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// Stable code, such as `CIDR_HOST_BITS`; `INVALID_FIELD` when no finer one exists.
    pub reason: &'static str,
    /// One sentence that states the rule and what was given.
    pub message: String,
}

impl Invalid {
    /// A refusal with a code of its own.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// A refusal without a finer code.
    pub fn field(message: impl Into<String>) -> Self {
        Self::new("INVALID_FIELD", message)
    }
}

/// Shortens what a caller sent to something fit for an error message.
fn shown(given: &str) -> String {
    const LONGEST: usize = 80;
    match given.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?} (shortened)", &given[..end]),
        None => format!("{given:?}"),
    }
}

/// Gives a checked text type what all of them have: parsing, printing, serde by way of its text.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Invalid;

            fn from_str(given: &str) -> Result<Self, crate::Invalid> {
                let check: fn(&str) -> Result<(), crate::Invalid> = $check;
                check(given).map(|()| Self(given.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::Invalid;

            fn try_from(given: String) -> Result<Self, crate::Invalid> {
                given.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
use text_type;
