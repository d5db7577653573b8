//! Section `gcp`: the vendor's projects at GCP.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use runtime::config::Error;
use serde::Deserialize;
use types::{GcpProjectId, Region};

use super::{LONGEST, check_share, is_web};

/// Section `gcp`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcpConfig {
    /// The vendor's projects.
    pub projects: Vec<ProjectConfig>,
    /// Longest wait for one answer of the cloud.
    #[serde(with = "humantime_serde")]
    pub call_timeout: Duration,
    /// Objects per page of a listing.
    pub pages: GcpPageConfig,
    /// How fast writes are sent.
    pub writes: GcpWriteConfig,
}

/// Section `gcp.writes`: the quota of a project.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcpWriteConfig {
    /// Calls per minute that the cloud allows.
    pub per_minute: u32,
    /// What part of them this process may use, more than 0 and at most 1.
    pub share: f64,
}

impl GcpWriteConfig {
    fn check(&self) -> Result<(), Error> {
        check_share("gcp.writes", self.share)?;
        if f64::from(self.per_minute) * self.share >= 6.0 {
            return Ok(());
        }
        Err(Error::rule(
            "gcp.writes.per_minute times gcp.writes.share must be at least 6",
        ))
    }
}

/// Section `gcp.pages`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcpPageConfig {
    /// networks.list.
    pub networks: u32,
}

/// One of the vendor's projects. Without `key_file` and `anonymous`, application default credentials are used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectConfig {
    /// The project.
    pub project_id: GcpProjectId,
    /// Where subnets of networks may be placed.
    pub regions: Vec<Region>,
    /// Where Compute Engine is asked, when not at Google itself.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// A service account's key, as a JSON file.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The service account to act as.
    #[serde(default)]
    pub impersonate: Option<String>,
    /// Where tokens of that service account are asked for, when not at Google itself.
    #[serde(default)]
    pub iam_endpoint: Option<String>,
    /// Ask without credentials.
    #[serde(default)]
    pub anonymous: bool,
    /// Networks that are placed in the project at most; none: GCP's default, and limits show what the cloud tells.
    #[serde(default)]
    pub network_limit: Option<u32>,
    /// Peerings that a network may have.
    #[serde(default = "peerings_per_network")]
    pub peerings_per_network: u32,
}

fn peerings_per_network() -> u32 {
    25
}

impl GcpConfig {
    /// Checks the rules between settings of the section.
    pub(super) fn check(&self) -> Result<(), Error> {
        if !(1..=500).contains(&self.pages.networks) {
            return Err(Error::rule(format!(
                "gcp.pages.networks must be 1 to 500, as the cloud demands, not {}",
                self.pages.networks
            )));
        }
        if self.call_timeout.is_zero() || self.call_timeout > LONGEST {
            return Err(Error::rule(format!(
                "gcp.call_timeout must be more than zero and not exceed {LONGEST:?}: workers count on an answer soon \
                 after"
            )));
        }
        self.writes.check()?;
        let mut seen = BTreeSet::new();
        for project in &self.projects {
            if !seen.insert(&project.project_id) {
                return Err(project.rule("must stand there only once"));
            }
            project.check()?;
        }
        Ok(())
    }
}

impl ProjectConfig {
    fn check(&self) -> Result<(), Error> {
        let regions: BTreeSet<_> = self.regions.iter().collect();
        if regions.is_empty() || regions.len() != self.regions.len() {
            return Err(self.rule("regions must name at least one region, and none twice"));
        }
        if self.network_limit == Some(0) || self.peerings_per_network == 0 {
            return Err(self.rule("network_limit and peerings_per_network must be at least 1"));
        }
        for (name, url) in [
            ("endpoint", &self.endpoint),
            ("iam_endpoint", &self.iam_endpoint),
        ] {
            if url.as_ref().is_some_and(|url| !is_web(url)) {
                return Err(self.rule(&format!("{name} must begin with http:// or https://")));
            }
        }
        self.check_credentials()
    }

    fn check_credentials(&self) -> Result<(), Error> {
        if self.anonymous && self.endpoint.is_none() {
            return Err(self.rule(
                "anonymous needs an endpoint: Google itself answers nobody without credentials",
            ));
        }
        if self.anonymous && (self.key_file.is_some() || self.impersonate.is_some()) {
            return Err(self.rule("anonymous excludes key_file and impersonate"));
        }
        if self
            .impersonate
            .as_ref()
            .is_some_and(|account| !is_service_account(account))
        {
            return Err(self.rule("impersonate must be the e-mail address of a service account"));
        }
        if self.iam_endpoint.is_some() && (self.impersonate.is_none() || self.key_file.is_none()) {
            return Err(self.rule("iam_endpoint is of no use without impersonate and key_file"));
        }
        Ok(())
    }

    fn rule(&self, rule: &str) -> Error {
        Error::rule(format!("gcp.projects, project {}: {rule}", self.project_id))
    }
}

/// Only what may stand in the path of the address where its tokens are asked for.
fn is_service_account(email: &str) -> bool {
    let fits = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    email
        .split_once('@')
        .is_some_and(|(name, domain)| fits(name) && fits(domain) && domain.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ENV_PREFIX};

    fn with(project: &str) -> Result<Config, Error> {
        let name = format!("{ENV_PREFIX}__GCP__PROJECTS");
        Config::load(None, vec![(name, format!("[{project}]"))])
    }

    #[test]
    fn projects_come_from_the_environment_too() {
        let config = with(
            r#"{project_id="acme-prod", regions=["europe-west1"], endpoint="http://127.0.0.1:1", anonymous=true}"#,
        );
        let project = &config.unwrap().gcp.projects[0];
        assert_eq!(project.project_id.as_str(), "acme-prod");
        assert_eq!(
            (project.network_limit, project.peerings_per_network),
            (None, 25)
        );
    }

    #[test]
    fn a_broken_rule_is_named() {
        let whole = r#"project_id="acme-prod", regions=["europe-west1"]"#;
        for (project, words) in [
            (
                r#"{project_id="acme-prod", regions=[]}"#.to_owned(),
                "at least one region",
            ),
            (format!("{{{whole}}}, {{{whole}}}"), "only once"),
            (format!("{{{whole}, network_limit=0}}"), "network_limit"),
            (
                format!(r#"{{{whole}, endpoint="ftp://x"}}"#),
                "endpoint must begin",
            ),
            (
                format!("{{{whole}, anonymous=true}}"),
                "anonymous needs an endpoint",
            ),
            (
                format!(r#"{{{whole}, endpoint="http://x", anonymous=true, key_file="k"}}"#),
                "anonymous excludes",
            ),
            (
                format!(r#"{{{whole}, impersonate="a/../b@x.y"}}"#),
                "e-mail address",
            ),
            (
                format!(r#"{{{whole}, iam_endpoint="http://x"}}"#),
                "without impersonate",
            ),
            (
                r#"{project_id="acme", regions=["europe-west1"]}"#.to_owned(),
                "project id",
            ),
        ] {
            let error = with(&project).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn bounds_of_the_section_are_kept() {
        for (name, value, words) in [
            ("PAGES__NETWORKS", "501", "1 to 500"),
            ("CALL_TIMEOUT", "5s", "not exceed 4s"),
            ("WRITES__SHARE", "0", "gcp.writes.share must be more than 0"),
            ("WRITES__PER_MINUTE", "11", "at least 6"),
        ] {
            let env = vec![(format!("{ENV_PREFIX}__GCP__{name}"), value.to_owned())];
            let error = Config::load(None, env).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
