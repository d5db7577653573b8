//! Names that the clouds give, each with the cloud's own rule.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Invalid, shown, text_type};

/// A cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
}

impl ProviderKind {
    /// The short name, as in group ids and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ProviderKind {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        match given {
            "aws" => Ok(Self::Aws),
            "gcp" => Ok(Self::Gcp),
            other => Err(Invalid::field(format!(
                "must be aws or gcp, not {}",
                shown(other)
            ))),
        }
    }
}

/// Whether `text` is made of 1-`most` characters of `a-z 0-9 -`, the first a letter, the last no hyphen.
fn is_dns_like(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

text_type!(
    /// A region in the cloud's own spelling, such as `eu-west-1` or `europe-west1`. Which exist is configuration.
    Region,
    |given| {
        if is_dns_like(given, 3, 32) && given.contains('-') && given.ends_with(|c: char| c.is_ascii_digit()) {
            return Ok(());
        }
        Err(Invalid::field(format!("must be a region's name such as eu-west-1, not {}", shown(given))))
    }
);

text_type!(
    /// An AWS account: 12 digits, kept as text because of leading zeros.
    AwsAccountId,
    |given| {
        if given.len() == 12 && given.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(());
        }
        Err(Invalid::field(format!("must be an AWS account id of 12 digits, not {}", shown(given))))
    }
);

text_type!(
    /// An AWS VPC: `vpc-` and 8 or 17 hexadecimal digits.
    AwsVpcId,
    |given| {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if given.strip_prefix("vpc-").is_some_and(|tail| matches!(tail.len(), 8 | 17) && tail.bytes().all(hex)) {
            return Ok(());
        }
        Err(Invalid::field(format!("must be vpc- and 8 or 17 hexadecimal digits, not {}", shown(given))))
    }
);

text_type!(
    /// A GCP project: 6-30 characters of `a-z 0-9 -`, optionally behind a legacy `domain.tld:`.
    GcpProjectId,
    |given| {
        let (domain, project) = given.split_once(':').map_or((None, given), |(domain, project)| (Some(domain), project));
        let legacy = domain.is_none_or(|domain| {
            domain.len() <= 253 && domain.contains('.') && domain.split('.').all(|label| is_dns_like(label, 1, 63))
        });
        if legacy && is_dns_like(project, 6, 30) {
            return Ok(());
        }
        Err(Invalid::field(format!(
            "must be a GCP project id of 6-30 characters of a-z 0-9 - that begins with a letter, not {}",
            shown(given)
        )))
    }
);

text_type!(
    /// A GCP network by its bare name: 1-63 characters of `a-z 0-9 -`.
    GcpNetworkName,
    |given| {
        if is_dns_like(given, 1, 63) {
            return Ok(());
        }
        Err(Invalid::field(format!(
            "must be a GCP network name of 1-63 characters of a-z 0-9 - that begins with a letter, not {}",
            shown(given)
        )))
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_held_to_its_cloud_s_rule() {
        assert!("012345678901".parse::<AwsAccountId>().is_ok());
        assert!("12345678901".parse::<AwsAccountId>().is_err());
        assert!("vpc-0a1b2c3d".parse::<AwsVpcId>().is_ok());
        assert!("vpc-0123456789abcdef0".parse::<AwsVpcId>().is_ok());
        assert!("vpc-0123456789ABCDEF0".parse::<AwsVpcId>().is_err());
        assert!("vpc-012".parse::<AwsVpcId>().is_err());
        for region in ["eu-west-1", "us-gov-east-1", "europe-west1"] {
            assert!(region.parse::<Region>().is_ok(), "{region}");
        }
        for region in ["", "euwest1", "eu-west-", "EU-west-1", "eu-west-1; rm"] {
            assert!(region.parse::<Region>().is_err(), "{region}");
        }
        assert!("acme-prod1".parse::<GcpProjectId>().is_ok());
        assert!("example.com:acme-prod".parse::<GcpProjectId>().is_ok());
        assert!("acme".parse::<GcpProjectId>().is_err());
        assert!("default".parse::<GcpNetworkName>().is_ok());
        assert!("-default".parse::<GcpNetworkName>().is_err());
    }
}
