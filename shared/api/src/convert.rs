//! Conversions that several services need.

use prost_types::Timestamp;
use types::{GroupId, Invalid, ProviderKind};

use crate::{network, peering, provider};

/// Milliseconds since the epoch as protobuf writes them.
pub fn timestamp(ms: i64) -> Timestamp {
    // The remainder is 0-999, so the product fits.
    Timestamp {
        seconds: ms.div_euclid(1_000),
        nanos: (ms.rem_euclid(1_000) * 1_000_000) as i32,
    }
}

/// Milliseconds since the epoch; what lies between two of them is cut off, what is out of range is pinned to its end.
pub fn millis(at: &Timestamp) -> i64 {
    at.seconds
        .saturating_mul(1_000)
        .saturating_add(i64::from(at.nanos / 1_000_000))
}

macro_rules! provider_kind {
    ($package:ident) => {
        impl From<ProviderKind> for $package::v1::Provider {
            fn from(kind: ProviderKind) -> Self {
                match kind {
                    ProviderKind::Aws => Self::Aws,
                    ProviderKind::Gcp => Self::Gcp,
                }
            }
        }

        impl TryFrom<$package::v1::Provider> for ProviderKind {
            type Error = Invalid;

            fn try_from(provider: $package::v1::Provider) -> Result<Self, Invalid> {
                match provider {
                    $package::v1::Provider::Aws => Ok(Self::Aws),
                    $package::v1::Provider::Gcp => Ok(Self::Gcp),
                    $package::v1::Provider::Unspecified => Err(Invalid::field(
                        "must be PROVIDER_AWS or PROVIDER_GCP, not unset",
                    )),
                }
            }
        }
    };
}

provider_kind!(network);
provider_kind!(peering);
provider_kind!(provider);

/// A placed group as the provider-adapter's contract writes it; none for one that waits for an account.
pub fn provider_group(group: &GroupId) -> Option<provider::v1::Group> {
    Some(provider::v1::Group {
        provider: provider::v1::Provider::from(group.provider).into(),
        account_id: group.account.clone()?,
        region: group.region.clone().unwrap_or_default(),
    })
}

/// The group that a message of the provider-adapter's contract names.
pub fn group(message: &provider::v1::Group) -> Result<GroupId, Invalid> {
    if message.account_id.is_empty() || message.account_id.contains('/') {
        return Err(Invalid::field(
            "account_id must be the vendor's account or project",
        ));
    }
    match (
        ProviderKind::try_from(message.provider())?,
        message.region.as_str(),
    ) {
        (ProviderKind::Aws, "") => Err(Invalid::field("region must be set on AWS")),
        (ProviderKind::Aws, region) => Ok(GroupId::aws(&message.account_id, region)),
        (ProviderKind::Gcp, "") => Ok(GroupId::gcp(&message.account_id)),
        (ProviderKind::Gcp, _) => Err(Invalid::field("region must be empty on GCP")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_the_epoch_come_back() {
        for ms in [-1, 0, 1, 999, 1_000, 1_700_000_000_123, -1_700_000_000_123] {
            assert_eq!(millis(&timestamp(ms)), ms);
        }
        assert!((0..1_000_000_000).contains(&timestamp(-1).nanos));
    }

    #[test]
    fn a_group_comes_back() {
        for id in [
            GroupId::aws("111122223333", "eu-west-1"),
            GroupId::gcp("acme-prod"),
        ] {
            assert_eq!(group(&provider_group(&id).unwrap()), Ok(id));
        }
        assert_eq!(
            provider_group(&GroupId::unplaced(ProviderKind::Aws, "eu-west-1")),
            None
        );
    }
}
