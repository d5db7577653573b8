//! What can be chosen, as it is written down: what holds for a provider, and what one of its regions has instead.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use runtime::config::Error;
use serde::Deserialize;
use types::{Cidr, ProviderKind, Region};

use crate::domain::{CidrRules, NamedRange, Offer, never_allowed};

/// What one provider offers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferConfig {
    /// Whether networks can be created there.
    pub offered: bool,
    /// Where.
    pub regions: BTreeSet<Region>,
    /// The prefix of the largest network.
    pub shortest_prefix: u8,
    /// The prefix of the smallest network.
    pub longest_prefix: u8,
    /// A network lies in one of these.
    pub private: Vec<Cidr>,
    /// A network touches none of these.
    pub reserved: Vec<RangeConfig>,
    /// A network that touches one of these draws a warning.
    pub discouraged: Vec<RangeConfig>,
    /// What a region has instead.
    #[serde(default, rename = "in")]
    pub within: BTreeMap<Region, RegionConfig>,
    /// AWS: how many rules, one for each range and port, a network's security group takes.
    pub most_rules: Option<u32>,
    /// GCP: how many ranges a network's firewall rule takes.
    pub most_ranges: Option<u32>,
}

/// A range that the rules name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeConfig {
    /// The range.
    pub cidr: Cidr,
    /// Why it is named.
    pub why: String,
    /// Where; empty: in all regions.
    #[serde(default)]
    pub regions: BTreeSet<Region>,
}

/// What one region has instead of what holds for its provider.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// The prefix of the largest network.
    pub shortest_prefix: Option<u8>,
    /// The prefix of the smallest network.
    pub longest_prefix: Option<u8>,
    /// A network lies in one of these.
    pub private: Option<Vec<Cidr>>,
}

impl OfferConfig {
    pub(super) fn check(&self, provider: ProviderKind) -> Result<(), Error> {
        let wrong = |rule: String| Err(Error::rule(format!("catalog.{provider}: {rule}")));
        if self.firewall(provider).is_none_or(|most| most == 0) {
            let setting = match provider {
                ProviderKind::Aws => "most_rules",
                ProviderKind::Gcp => "most_ranges",
            };
            return wrong(format!(
                "{setting} must be set and above 0, and the other one not be set"
            ));
        }
        if self.offered && self.regions.is_empty() {
            return wrong("regions must not be empty while it is offered".to_owned());
        }
        let ranges = self.reserved.iter().chain(&self.discouraged);
        let named = ranges.flat_map(|range| &range.regions);
        if let Some(unknown) = named
            .chain(self.within.keys())
            .find(|region| !self.regions.contains(*region))
        {
            return wrong(format!("{unknown} is not one of its regions"));
        }
        for (region, rules) in self.offer().0 {
            if let Err(rule) = check_rules(&rules, provider) {
                return wrong(format!("{rule} (in {region})"));
            }
        }
        Ok(())
    }

    /// What a network's firewall takes; none when the setting is not the provider's.
    pub(super) fn firewall(&self, provider: ProviderKind) -> Option<u32> {
        match (provider, self.most_rules, self.most_ranges) {
            (ProviderKind::Aws, Some(most), None) | (ProviderKind::Gcp, None, Some(most)) => {
                Some(most)
            }
            _ => None,
        }
    }

    /// The rules of each region.
    pub(super) fn offer(&self) -> Offer {
        let regions = self.regions.iter();
        Offer(
            regions
                .map(|region| (region.clone(), self.rules(region)))
                .collect(),
        )
    }

    fn rules(&self, region: &Region) -> CidrRules {
        let own = self.within.get(region).cloned().unwrap_or_default();
        let here = |ranges: &[RangeConfig]| {
            let ranges = ranges.iter();
            let here = ranges
                .filter(|range| range.regions.is_empty() || range.regions.contains(region))
                .map(|range| NamedRange {
                    cidr: range.cidr,
                    why: range.why.clone(),
                });
            here.collect()
        };
        CidrRules {
            shortest_prefix: own.shortest_prefix.unwrap_or(self.shortest_prefix),
            longest_prefix: own.longest_prefix.unwrap_or(self.longest_prefix),
            private: own.private.unwrap_or_else(|| self.private.clone()),
            reserved: here(&self.reserved),
            discouraged: here(&self.discouraged),
        }
    }
}

/// The prefixes with which a network can be made in the cloud at all, and why.
fn hard_limits(provider: ProviderKind) -> (RangeInclusive<u8>, &'static str) {
    match provider {
        ProviderKind::Aws => (
            16..=26,
            "AWS has no VPC larger than /16 and no subnet smaller than /28, and a VPC is split into four of those",
        ),
        ProviderKind::Gcp => (
            8..=29,
            "a network is one subnet, and GCP has none larger than /8 in private space and none smaller than /29",
        ),
    }
}

fn check_rules(rules: &CidrRules, provider: ProviderKind) -> Result<(), String> {
    let (hard, why) = hard_limits(provider);
    let (shortest, longest) = (rules.shortest_prefix, rules.longest_prefix);
    if shortest > longest || !hard.contains(&shortest) || !hard.contains(&longest) {
        return Err(format!(
            "shortest_prefix ({shortest}) must not exceed longest_prefix ({longest}), and both must be {} to {}: {why}",
            hard.start(),
            hard.end()
        ));
    }
    if rules.private.is_empty() {
        return Err("private must not be empty".to_owned());
    }
    for allowed in &rules.private {
        let mut never = never_allowed().into_iter();
        if let Some((taken, what)) = never.find(|(taken, _)| taken.overlaps(allowed)) {
            return Err(format!(
                "private: {allowed} overlaps {taken} ({what}), which no network can have"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    /// The defaults with settings of AWS.
    fn with(settings: &[(&str, &str)]) -> Result<Config, Error> {
        let env = settings.iter().map(|(name, value)| {
            let name = format!("PEERWAY_NETWORK__CATALOG__AWS__{name}");
            (name, (*value).to_owned())
        });
        Config::load(None, env.collect())
    }

    fn rules(config: &Config, region: &str) -> CidrRules {
        let catalog = config.offers();
        let offer = catalog.offer(ProviderKind::Aws).unwrap();
        offer.region(region).unwrap().1.clone()
    }

    #[test]
    fn a_region_may_have_rules_of_its_own() {
        let config = with(&[
            ("IN__EU-WEST-1__LONGEST_PREFIX", "26"),
            ("IN__EU-WEST-1__PRIVATE", "[\"10.0.0.0/8\"]"),
            (
                "RESERVED",
                "[{cidr=\"10.9.0.0/16\",why=\"a\"},{cidr=\"10.8.0.0/16\",why=\"b\",regions=[\"eu-west-1\"]}]",
            ),
            (
                "DISCOURAGED",
                "[{cidr=\"10.7.0.0/16\",why=\"c\",regions=[\"us-east-1\",\"us-east-2\"]}]",
            ),
        ])
        .unwrap();
        let named =
            |ranges: Vec<NamedRange>| ranges.into_iter().map(|one| one.why).collect::<String>();
        let own = rules(&config, "eu-west-1");
        assert_eq!((own.shortest_prefix, own.longest_prefix), (16, 26));
        assert_eq!(own.private, ["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(
            (named(own.reserved), named(own.discouraged)),
            ("ab".to_owned(), String::new())
        );
        let other = rules(&config, "us-east-1");
        assert_eq!(
            (
                other.shortest_prefix,
                other.longest_prefix,
                other.private.len()
            ),
            (16, 24, 3)
        );
        assert_eq!(
            (named(other.reserved), named(other.discouraged)),
            ("a".to_owned(), "c".to_owned())
        );
    }

    #[test]
    fn a_broken_rule_of_the_catalog_is_named() {
        for (name, value, named) in [
            ("SHORTEST_PREFIX", "15", "shortest_prefix (15)"),
            ("LONGEST_PREFIX", "27", "longest_prefix (27)"),
            ("LONGEST_PREFIX", "28", "split into four"),
            ("IN__EU-WEST-1__LONGEST_PREFIX", "27", "in eu-west-1"),
            ("IN__EU-WEST-1__SHORTEST_PREFIX", "25", "in eu-west-1"),
            ("IN__MARS-1__SHORTEST_PREFIX", "20", "mars-1"),
            ("IN__EU-WEST-1__PRIVATE", "[]", "private"),
            ("PRIVATE", "[\"127.0.0.0/16\"]", "127.0.0.0/8 (loopback)"),
            ("PRIVATE", "[\"169.254.8.0/24\"]", "169.254.0.0/16"),
            ("PRIVATE", "[\"0.0.0.0/0\"]", "0.0.0.0/8"),
            (
                "RESERVED",
                "[{cidr=\"10.9.0.0/16\",why=\"a\",regions=[\"mars-1\"]}]",
                "mars-1",
            ),
            (
                "DISCOURAGED",
                "[{cidr=\"10.9.0.1/16\",why=\"a\"}]",
                "10.9.0.0/16",
            ),
            ("MOST_RULES", "0", "most_rules"),
        ] {
            let error = with(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(named), "{name}: {error}");
        }
    }

    #[test]
    fn the_hard_limits_of_a_cloud_may_be_reached() {
        let config = with(&[("LONGEST_PREFIX", "26")]).unwrap();
        assert_eq!(rules(&config, "eu-west-1").longest_prefix, 26);
        let in_gcp = |shortest: u8, longest: u8| {
            let env = [("SHORTEST", shortest), ("LONGEST", longest)].map(|(which, prefix)| {
                let name = format!("PEERWAY_NETWORK__CATALOG__GCP__{which}_PREFIX");
                (name, prefix.to_string())
            });
            Config::load(None, env.into())
        };
        in_gcp(8, 29).unwrap();
        for (shortest, longest) in [(7, 29), (8, 30)] {
            let error = in_gcp(shortest, longest).unwrap_err().to_string();
            assert!(error.contains("none smaller than /29"), "{error}");
        }
    }
}
