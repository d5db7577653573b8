//! What can be chosen: regions and the rules for ranges, per provider and region. The data is configuration.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use types::{Cidr, Invalid, ProviderKind, Region};

/// A range that the rules name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRange {
    /// The range.
    pub cidr: Cidr,
    /// Why it is named.
    pub why: String,
}

/// Which ranges a network may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CidrRules {
    /// The shortest prefix: the largest network.
    pub shortest_prefix: u8,
    /// The longest prefix: the smallest network.
    pub longest_prefix: u8,
    /// A network lies in one of these.
    pub private: Vec<Cidr>,
    /// A network touches none of these.
    pub reserved: Vec<NamedRange>,
    /// A network that touches one of these draws a warning.
    pub discouraged: Vec<NamedRange>,
}

impl CidrRules {
    /// Checks the size of a network that is to be given a free block.
    ///
    /// # Errors
    /// CIDR_SIZE, with the sizes that are allowed.
    pub fn size(&self, prefix_len: i32) -> Result<u8, Invalid> {
        let (shortest, longest) = (self.shortest_prefix, self.longest_prefix);
        u8::try_from(prefix_len)
            .ok()
            .filter(|asked| (shortest..=longest).contains(asked))
            .ok_or_else(|| {
                let rule = format!("must be {shortest} to {longest}, not {prefix_len}");
                Invalid::new("CIDR_SIZE", rule)
            })
    }
}

/// The rule that a range of anybody's breaks where it touches space in which nobody can be.
pub fn nobodys(range: Cidr) -> Option<String> {
    let mut never = never_allowed().into_iter();
    let (taken, what) = never.find(|(taken, _)| taken.overlaps(&range))?;
    Some(format!("must not touch {taken} ({what}), but is {range}"))
}

/// Space that no network can have, whatever is configured, with what it is for.
pub fn never_allowed() -> [(Cidr, &'static str); 5] {
    [
        (0, 8, "this host"),
        (127, 8, "loopback"),
        (169, 16, "link-local addresses"),
        (224, 4, "multicast"),
        (240, 4, "reserved by IANA"),
    ]
    .map(|(first, prefix_len, what)| {
        let second = if first == 169 { 254 } else { 0 };
        let address = Ipv4Addr::new(first, second, 0, 0);
        (Cidr::around(address, prefix_len), what)
    })
}

/// What one provider offers: where networks can be, and which ranges they can have there.
#[derive(Debug, Clone, Default)]
pub struct Offer(pub BTreeMap<Region, CidrRules>);

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
    /// The region of that name with its rules.
    ///
    /// # Errors
    /// When it is no region's name, or networks cannot be made there.
    pub fn region(&self, name: &str) -> Result<(&Region, &CidrRules), Invalid> {
        let region: Region = name.parse()?;
        self.0.get_key_value(&region).ok_or_else(|| {
            let rule = format!("{region} is not one of the regions offered here");
            Invalid::new("REGION_NOT_OFFERED", rule)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_or_region_that_is_not_offered_is_told() {
        let rules = CidrRules {
            shortest_prefix: 16,
            longest_prefix: 24,
            private: Vec::new(),
            reserved: Vec::new(),
            discouraged: Vec::new(),
        };
        let offer = Offer([("eu-west-1".parse().unwrap(), rules.clone())].into());
        let catalog = Catalog([(ProviderKind::Aws, offer)].into());
        let refusal = catalog.offer(ProviderKind::Gcp).unwrap_err();
        assert_eq!(refusal.reason, "PROVIDER_NOT_OFFERED");
        assert!(refusal.message.ends_with("choose AWS"), "{refusal:?}");
        let offer = catalog.offer(ProviderKind::Aws).unwrap();
        assert_eq!(offer.region("eu-west-1").unwrap().1, &rules);
        let refusal = offer.region("eu-west-9").unwrap_err();
        assert_eq!(refusal.reason, "REGION_NOT_OFFERED");
    }

    #[test]
    fn space_that_nobody_can_have_is_told_by_its_blocks() {
        let blocks = never_allowed().map(|(cidr, _)| cidr.to_string());
        assert_eq!(
            blocks,
            [
                "0.0.0.0/8",
                "127.0.0.0/8",
                "169.254.0.0/16",
                "224.0.0.0/4",
                "240.0.0.0/4"
            ]
        );
    }
}
