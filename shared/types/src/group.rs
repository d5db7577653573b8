//! The group: all that one listing of a cloud answers for.

use std::fmt;
use std::str::FromStr;

use crate::{Invalid, ProviderKind, shown};

const UNPLACED: &str = "unplaced";

/// `aws/ACCOUNT/REGION` or `gcp/PROJECT`; before a vendor account is chosen `aws/unplaced/REGION` or `gcp/unplaced`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// The cloud.
    pub provider: ProviderKind,
    /// The vendor's account or project; none before placement.
    pub account: Option<String>,
    /// The region on AWS; none on GCP, whose listings cover all regions.
    pub region: Option<String>,
}

impl GroupId {
    /// An account and region of AWS.
    pub fn aws(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            provider: ProviderKind::Aws,
            account: Some(account.into()),
            region: Some(region.into()),
        }
    }

    /// A project of GCP.
    pub fn gcp(project: impl Into<String>) -> Self {
        Self {
            provider: ProviderKind::Gcp,
            account: Some(project.into()),
            region: None,
        }
    }

    /// Where networks of a region wait for a vendor account.
    pub fn unplaced(provider: ProviderKind, region: impl Into<String>) -> Self {
        let region = match provider {
            ProviderKind::Aws => Some(region.into()),
            ProviderKind::Gcp => None,
        };
        Self {
            provider,
            account: None,
            region,
        }
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}",
            self.provider,
            self.account.as_deref().unwrap_or(UNPLACED)
        )?;
        self.region
            .as_ref()
            .map_or(Ok(()), |region| write!(f, "/{region}"))
    }
}

impl FromStr for GroupId {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        let account = |text: &str| (text != UNPLACED).then(|| text.to_owned());
        let parts: Vec<&str> = given.split('/').collect();
        match parts[..] {
            ["aws", owner, region] if !owner.is_empty() && !region.is_empty() => Ok(Self {
                provider: ProviderKind::Aws,
                account: account(owner),
                region: Some(region.to_owned()),
            }),
            ["gcp", owner] if !owner.is_empty() => Ok(Self {
                provider: ProviderKind::Gcp,
                account: account(owner),
                region: None,
            }),
            _ => Err(Invalid::field(format!(
                "must be aws/ACCOUNT/REGION or gcp/PROJECT, not {}",
                shown(given)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_read_back_as_it_was_printed() {
        for text in [
            "aws/111122223333/eu-west-1",
            "aws/unplaced/eu-west-1",
            "gcp/acme-prod",
            "gcp/unplaced",
        ] {
            assert_eq!(text.parse::<GroupId>().unwrap().to_string(), text);
        }
        assert_eq!(
            "aws/unplaced/eu-west-1".parse(),
            Ok(GroupId::unplaced(ProviderKind::Aws, "eu-west-1"))
        );
        for wrong in ["", "aws/1", "gcp/a/b", "azure/a/b", "aws//x"] {
            assert!(wrong.parse::<GroupId>().is_err(), "{wrong}");
        }
    }
}
