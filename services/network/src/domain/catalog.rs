//! What can be chosen: regions and ranges, per provider. The data is configuration.

use std::collections::{BTreeMap, BTreeSet};

use types::{Cidr, Invalid, ProviderKind, Region};

/// A range that no network may touch.
#[derive(Debug, Clone)]
pub struct Reserved {
    /// The range.
    pub cidr: Cidr,
    /// Why it is kept.
    pub why: String,
}

/// Which ranges a network may have.
#[derive(Debug, Clone)]
pub struct CidrRules {
    /// The shortest prefix: the largest network.
    pub shortest_prefix: u8,
    /// The longest prefix: the smallest network.
    pub longest_prefix: u8,
    /// A network lies in one of these.
    pub private: Vec<Cidr>,
    /// A network touches none of these.
    pub reserved: Vec<Reserved>,
}

impl CidrRules {
    /// Every rule that `cidr` breaks.
    pub fn broken_by(&self, cidr: Cidr) -> Vec<Invalid> {
        let mut broken = Vec::new();
        let (shortest, longest) = (self.shortest_prefix, self.longest_prefix);
        if !(shortest..=longest).contains(&cidr.prefix_len()) {
            let rule = format!("must have a prefix from /{shortest} to /{longest}, not {cidr}");
            broken.push(Invalid::new("CIDR_SIZE", rule));
        }
        if !self.private.iter().any(|allowed| allowed.contains(&cidr)) {
            let allowed: Vec<_> = self.private.iter().map(Cidr::to_string).collect();
            let rule = format!("must lie in {}, not {cidr}", allowed.join(" or "));
            broken.push(Invalid::new("CIDR_NOT_PRIVATE", rule));
        }
        if let Some(kept) = self.reserved.iter().find(|kept| kept.cidr.overlaps(&cidr)) {
            let rule = format!(
                "{cidr} overlaps {}, which is reserved: {}",
                kept.cidr, kept.why
            );
            broken.push(Invalid::new("CIDR_RESERVED", rule));
        }
        broken
    }
}

/// What one provider offers.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Where networks can be.
    pub regions: BTreeSet<Region>,
    /// Which ranges they can have.
    pub cidrs: CidrRules,
}

/// What can be chosen, for each provider that is offered.
#[derive(Debug, Clone, Default)]
pub struct Catalog(pub BTreeMap<ProviderKind, Offer>);

impl Catalog {
    /// What the provider offers.
    ///
    /// # Errors
    /// When networks cannot be made there.
    pub fn offer(&self, provider: ProviderKind) -> Result<&Offer, Invalid> {
        self.0.get(&provider).ok_or_else(|| {
            let offered: Vec<_> = self
                .0
                .keys()
                .map(|kind| kind.as_str().to_uppercase())
                .collect();
            let rule = format!(
                "networks cannot be created in {} here; choose {}",
                provider.as_str().to_uppercase(),
                offered.join(" or ")
            );
            Invalid::new("PROVIDER_NOT_OFFERED", rule)
        })
    }
}

impl Offer {
    /// The region of that name, if networks can be made there.
    pub fn region(&self, name: &str) -> Result<Region, Invalid> {
        let region: Region = name.parse()?;
        if self.regions.contains(&region) {
            return Ok(region);
        }
        Err(Invalid::new(
            "REGION_NOT_OFFERED",
            format!("{region} is not one of the regions offered here"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> CidrRules {
        CidrRules {
            shortest_prefix: 16,
            longest_prefix: 24,
            private: ["10.0.0.0/8", "172.16.0.0/12"]
                .map(|text| text.parse().unwrap())
                .into(),
            reserved: vec![Reserved {
                cidr: "10.3.0.0/16".parse().unwrap(),
                why: "vendor".into(),
            }],
        }
    }

    #[test]
    fn a_provider_that_is_not_offered_is_told_with_those_that_are() {
        let offer = Offer {
            regions: BTreeSet::new(),
            cidrs: rules(),
        };
        let catalog = Catalog([(ProviderKind::Aws, offer)].into());
        assert!(catalog.offer(ProviderKind::Aws).is_ok());
        let refusal = catalog.offer(ProviderKind::Gcp).unwrap_err();
        assert_eq!(refusal.reason, "PROVIDER_NOT_OFFERED");
        assert!(refusal.message.ends_with("choose AWS"), "{refusal:?}");
    }

    #[test]
    fn every_broken_rule_is_named() {
        for (cidr, broken) in [
            ("10.1.0.0/16", &[][..]),
            ("10.1.2.0/24", &[]),
            ("172.31.0.0/20", &[]),
            ("10.0.0.0/8", &["CIDR_SIZE", "CIDR_RESERVED"]),
            ("10.3.4.0/24", &["CIDR_RESERVED"]),
            ("10.1.2.0/25", &["CIDR_SIZE"]),
            ("8.8.0.0/16", &["CIDR_NOT_PRIVATE"]),
            ("172.0.0.0/8", &["CIDR_SIZE", "CIDR_NOT_PRIVATE"]),
        ] {
            let found: Vec<_> = rules()
                .broken_by(cidr.parse().unwrap())
                .into_iter()
                .map(|invalid| invalid.reason)
                .collect();
            assert_eq!(found, broken, "{cidr}");
        }
    }
}
