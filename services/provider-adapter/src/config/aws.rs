//! Section `aws`: the vendor's accounts at AWS.

use std::collections::BTreeSet;
use std::time::Duration;

use runtime::config::Error;
use serde::Deserialize;
use types::{AwsAccountId, Region};

use super::{LONGEST, check_share, is_web};

/// Section `aws`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsConfig {
    /// The vendor's accounts.
    pub accounts: Vec<AccountConfig>,
    /// Longest wait for one answer of the cloud.
    #[serde(with = "humantime_serde")]
    pub call_timeout: Duration,
    /// Longest wait for a connection to the cloud.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// No further write is begun after this much of one call.
    #[serde(with = "humantime_serde")]
    pub write_budget: Duration,
    /// Objects per page of a listing.
    pub pages: PageConfig,
    /// How fast writes are sent.
    pub writes: AwsWriteConfig,
}

/// Section `aws.writes`: the cloud's token buckets, one per account, region and API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsWriteConfig {
    /// Calls at once that the cloud allows.
    pub burst: u32,
    /// Calls per second that it allows in the long run.
    pub per_second: f64,
    /// What part of both this process may use, more than 0 and at most 1.
    pub share: f64,
}

impl AwsWriteConfig {
    fn check(&self) -> Result<(), Error> {
        check_share("aws.writes", self.share)?;
        if self.per_second.is_finite()
            && self.per_second > 0.0
            && f64::from(self.burst) * self.share >= 1.0
        {
            return Ok(());
        }
        Err(Error::rule(
            "aws.writes.per_second must be more than 0, and aws.writes.burst times aws.writes.share at least 1",
        ))
    }
}

/// Section `aws.pages`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageConfig {
    /// DescribeVpcPeeringConnections.
    pub peerings: i32,
    /// DescribeVpcs, DescribeSubnets, DescribeSecurityGroups.
    pub vpcs: i32,
    /// DescribeRouteTables.
    pub route_tables: i32,
}

/// One of the vendor's accounts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountConfig {
    /// The account.
    pub account_id: AwsAccountId,
    /// Where networks may be placed.
    pub regions: Vec<Region>,
    /// Where EC2 and STS are asked, when not at AWS itself.
    #[serde(default)]
    pub endpoint_url: Option<String>,
    /// The role to assume, when the process's own credentials are of another account.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// Handed over when the role is assumed.
    #[serde(default)]
    pub external_id: Option<String>,
    /// VPCs that the account may have per region.
    #[serde(default = "vpc_limit")]
    pub vpc_limit: u32,
    /// Requests nobody has accepted yet that the account may have per region.
    #[serde(default = "outstanding_limit")]
    pub outstanding_limit: u32,
    /// Active peerings that a VPC of the account may have.
    #[serde(default = "peerings_per_vpc")]
    pub peerings_per_vpc: u32,
}

fn vpc_limit() -> u32 {
    5
}

fn outstanding_limit() -> u32 {
    25
}

fn peerings_per_vpc() -> u32 {
    50
}

impl AwsConfig {
    /// Checks the rules between settings of the section.
    pub(super) fn check(&self) -> Result<(), Error> {
        let sizes = [
            ("peerings", self.pages.peerings, 1000),
            ("vpcs", self.pages.vpcs, 1000),
            ("route_tables", self.pages.route_tables, 100),
        ];
        for (name, size, most) in sizes {
            if !(5..=most).contains(&size) {
                return Err(Error::rule(format!(
                    "aws.pages.{name} must be 5 to {most}, as the cloud demands, not {size}"
                )));
            }
        }
        if self.call_timeout.is_zero() || self.connect_timeout.is_zero() {
            return Err(Error::rule(
                "aws.call_timeout and aws.connect_timeout must not be zero",
            ));
        }
        let longest = [
            ("call_timeout", self.call_timeout),
            ("write_budget", self.write_budget),
        ];
        if let Some((name, _)) = longest.into_iter().find(|(_, wait)| *wait > LONGEST) {
            return Err(Error::rule(format!(
                "aws.{name} must not exceed {LONGEST:?}: workers count on an answer soon after"
            )));
        }
        if self.connect_timeout > self.call_timeout {
            return Err(Error::rule(
                "aws.connect_timeout must not exceed aws.call_timeout",
            ));
        }
        self.writes.check()?;
        let mut seen = BTreeSet::new();
        for account in &self.accounts {
            if !seen.insert(&account.account_id) {
                return Err(account.rule("must stand there only once"));
            }
            account.check()?;
        }
        self.check_credentials()
    }
}

impl AwsConfig {
    /// The process has credentials of one account: the others need a role, or a cloud of their own.
    fn check_credentials(&self) -> Result<(), Error> {
        let own: Vec<_> = self
            .accounts
            .iter()
            .filter(|account| account.role_arn.is_none() && account.endpoint_url.is_none())
            .map(|account| account.account_id.as_str())
            .collect();
        if own.len() > 1 {
            return Err(Error::rule(format!(
                "aws.accounts: at most one account may lack both role_arn and endpoint_url, since the process's own \
                 credentials are of one account; {} lack both",
                own.join(" and ")
            )));
        }
        Ok(())
    }
}

impl AccountConfig {
    fn check(&self) -> Result<(), Error> {
        let regions: BTreeSet<_> = self.regions.iter().collect();
        if regions.is_empty() || regions.len() != self.regions.len() {
            return Err(self.rule("regions must name at least one region, and none twice"));
        }
        let limits = [
            ("vpc_limit", self.vpc_limit),
            ("outstanding_limit", self.outstanding_limit),
            ("peerings_per_vpc", self.peerings_per_vpc),
        ];
        if let Some((name, _)) = limits.into_iter().find(|(_, limit)| *limit == 0) {
            return Err(self.rule(&format!("{name} must be at least 1")));
        }
        if let Some(url) = &self.endpoint_url
            && !is_web(url)
        {
            return Err(self.rule("endpoint_url must begin with http:// or https://"));
        }
        if let Some(arn) = &self.role_arn
            && !is_role_of(arn, &self.account_id)
        {
            return Err(
                self.rule("role_arn must be arn:aws:iam::ACCOUNT:role/NAME of that account")
            );
        }
        if self.external_id.is_some() && self.role_arn.is_none() {
            return Err(self.rule("external_id is of no use without role_arn"));
        }
        Ok(())
    }

    fn rule(&self, rule: &str) -> Error {
        Error::rule(format!("aws.accounts, account {}: {rule}", self.account_id))
    }
}

fn is_role_of(arn: &str, account: &AwsAccountId) -> bool {
    match arn.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", partition, "iam", "", owner, role] => {
            partition.starts_with("aws")
                && owner == account.as_str()
                && role
                    .strip_prefix("role/")
                    .is_some_and(|name| !name.is_empty())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ENV_PREFIX};

    fn with(accounts: &str) -> Result<Config, Error> {
        let name = format!("{ENV_PREFIX}__AWS__ACCOUNTS");
        Config::load(None, vec![(name, accounts.to_owned())])
    }

    #[test]
    fn accounts_come_from_the_environment_too() {
        let config = with(
            r#"[{account_id="012345678901", regions=["eu-west-1"], endpoint_url="http://127.0.0.1:4566"}]"#,
        )
        .unwrap();
        let account = &config.aws.accounts[0];
        assert_eq!(
            (account.account_id.as_str(), account.vpc_limit),
            ("012345678901", 5)
        );
        assert_eq!(
            (account.outstanding_limit, account.peerings_per_vpc),
            (25, 50)
        );
    }

    #[test]
    fn several_accounts_need_a_role_or_an_endpoint_but_for_one() {
        let own = r#"account_id="111111111111", regions=["eu-west-1"]"#;
        let role = r#"account_id="222222222222", regions=["eu-west-1"], role_arn="arn:aws:iam::222222222222:role/x""#;
        let emulated = r#"account_id="333333333333", regions=["eu-west-1"], endpoint_url="http://127.0.0.1:1""#;
        assert!(with(&format!("[{{{own}}}, {{{role}}}, {{{emulated}}}]")).is_ok());
    }

    #[test]
    fn a_broken_rule_is_named() {
        let one = r#"account_id="012345678901""#;
        for (accounts, words) in [
            (format!("[{{{one}, regions=[]}}]"), "at least one region"),
            (
                format!(r#"[{{{one}, regions=["eu-west-1","eu-west-1"]}}]"#),
                "none twice",
            ),
            (
                format!(r#"[{{{one}, regions=["eu-west-1"], endpoint_url="ftp://x"}}]"#),
                "http://",
            ),
            (
                format!(
                    r#"[{{{one}, regions=["eu-west-1"], role_arn="arn:aws:iam::999999999999:role/x"}}]"#
                ),
                "of that account",
            ),
            (
                format!(r#"[{{{one}, regions=["eu-west-1"], outstanding_limit=0}}]"#),
                "outstanding_limit must be at least 1",
            ),
            (
                format!(r#"[{{{one}, regions=["eu-west-1"], external_id="x"}}]"#),
                "without role_arn",
            ),
            (
                format!(r#"[{{{one}, regions=["eu-west-1"]}}, {{{one}, regions=["eu-west-1"]}}]"#),
                "only once",
            ),
            (
                format!(
                    r#"[{{{one}, regions=["eu-west-1"]}}, {{account_id="999999999999", regions=["eu-west-1"]}}]"#
                ),
                "aws.accounts: at most one account may lack both role_arn and endpoint_url",
            ),
            (
                r#"[{account_id="12", regions=["eu-west-1"]}]"#.to_owned(),
                "12 digits",
            ),
        ] {
            let error = with(&accounts).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn writes_use_a_part_of_what_the_cloud_allows() {
        let writes = |name: &str, value: &str| {
            let name = format!("{ENV_PREFIX}__AWS__WRITES__{name}");
            Config::load(None, vec![(name, value.to_owned())])
        };
        let config = writes("SHARE", "1").unwrap().aws.writes;
        assert_eq!(
            (config.burst, config.per_second, config.share),
            (50, 5.0, 1.0)
        );
        for (name, value, words) in [
            ("SHARE", "0", "aws.writes.share must be more than 0"),
            ("SHARE", "1.1", "at most 1"),
            ("SHARE", "nan", "aws.writes.share"),
            ("BURST", "1", "at least 1"),
            (
                "PER_SECOND",
                "0",
                "aws.writes.per_second must be more than 0",
            ),
        ] {
            let error = writes(name, value).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
