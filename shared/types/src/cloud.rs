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

/// A GCP network as people and tools write it: by its bare name, as `projects/P/global/networks/N`, as
/// `global/networks/N`, or by URL, whatever the host. What the spellings have in common is project and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GcpNetworkRef {
    /// The project, where the spelling names it.
    pub project: Option<GcpProjectId>,
    /// The network.
    pub network: GcpNetworkName,
}

impl FromStr for GcpNetworkRef {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        let path = match given.split_once("//") {
            None => Some(given),
            Some(("https:" | "http:" | "", url)) => url.split_once('/').and_then(|(host, path)| {
                // The version is whichever the tool at hand speaks.
                let in_api = path
                    .strip_prefix("compute/")
                    .and_then(|rest| rest.split_once('/'));
                let path = in_api.map_or(path, |(_, path)| path);
                (is_host(host) && path.starts_with("projects/")).then_some(path)
            }),
            Some(_) => None,
        };
        let (project, network) = match path.unwrap_or("/").split('/').collect::<Vec<_>>()[..] {
            [network] | ["global", "networks", network] => (None, network),
            ["projects", project, "global", "networks", network] => (Some(project), network),
            _ => {
                return Err(Invalid::field(format!(
                    "must be a network's name, projects/PROJECT/global/networks/NAME or a URL that ends so, not {}",
                    shown(given)
                )));
            }
        };
        Ok(Self {
            project: project.map(str::parse).transpose()?,
            network: network.parse()?,
        })
    }
}

/// Whether `text` can stand between `//` and the path of a URL: a host and perhaps a port.
fn is_host(text: &str) -> bool {
    let (host, port) = text
        .split_once(':')
        .map_or((text, None), |(host, port)| (host, Some(port)));
    let is_named = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    is_named && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_gcp_network_say_the_same() {
        const PATH: &str = "projects/acme-prod/global/networks/main";
        for before in [
            "",
            "https://www.googleapis.com/compute/v1/",
            "https://compute.googleapis.com/compute/v1/",
            "https://compute.googleapis.com/compute/beta/",
            "http://compute.googleapis.com/compute/alpha/",
            "https://compute.europe-west1.rep.googleapis.com/compute/v1/",
            "//compute.googleapis.com/",
            "http://localhost:7200/compute/v1/",
        ] {
            let given: GcpNetworkRef = format!("{before}{PATH}").parse().unwrap();
            let project = given.project.as_ref().map(GcpProjectId::as_str);
            assert_eq!(
                (project, given.network.as_str()),
                (Some("acme-prod"), "main"),
                "{before}"
            );
        }
        for bare in ["main", "global/networks/main"] {
            let given: GcpNetworkRef = bare.parse().unwrap();
            assert_eq!(
                (given.project, given.network.as_str()),
                (None, "main"),
                "{bare}"
            );
        }
        let legacy = "projects/example.com:acme-prod/global/networks/main";
        let given: GcpNetworkRef = legacy.parse().unwrap();
        assert_eq!(given.project.unwrap().as_str(), "example.com:acme-prod");
    }

    #[test]
    fn what_is_no_gcp_network_is_refused_with_the_rule_it_breaks() {
        const FORM: &str = "must be a network's name, projects/PROJECT/global/networks/NAME";
        for (wrong, rule) in [
            ("", "must be a GCP network name"),
            ("Main", "must be a GCP network name"),
            (" main", "must be a GCP network name"),
            (
                "projects/acme-prod/global/networks/",
                "must be a GCP network name",
            ),
            (
                "projects/acme-prod/global/networks/Main",
                "must be a GCP network name",
            ),
            (
                "projects/acme-prod/global/networks/main?alt=json",
                "must be a GCP network name",
            ),
            (
                "projects/ACME-prod/global/networks/main",
                "must be a GCP project id",
            ),
            (
                "projects/p/global/networks/main",
                "must be a GCP project id",
            ),
            ("projects//global/networks/main", FORM),
            (
                "projects/123456789012/global/networks/main",
                "must be a GCP project id",
            ),
            ("projects/acme-prod/global/networks/main/", FORM),
            ("projects/acme-prod/global/networks/main/peerings", FORM),
            (
                "projects/acme-prod/regions/europe-west1/subnetworks/main",
                FORM,
            ),
            ("projects/acme-prod", FORM),
            ("/projects/acme-prod/global/networks/main", FORM),
            ("https://www.googleapis.com/compute/v1/main", FORM),
            (
                "https://www.googleapis.com/compute/v1/global/networks/main",
                FORM,
            ),
            (
                "https://www.googleapis.com/compute/v1/x/projects/acme-prod/global/networks/main",
                FORM,
            ),
            ("https:///projects/acme-prod/global/networks/main", FORM),
            (
                "https://user@host/projects/acme-prod/global/networks/main",
                FORM,
            ),
            (
                "https://host:port/projects/acme-prod/global/networks/main",
                FORM,
            ),
            ("ftp://host/projects/acme-prod/global/networks/main", FORM),
            ("https://main", FORM),
        ] {
            let refused = wrong.parse::<GcpNetworkRef>().unwrap_err();
            assert!(refused.message.starts_with(rule), "{wrong}: {refused}");
        }
    }

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
