//! The parts a network's VPC is made of, in the order in which they are made.

use api::cloud::{CloudError, CloudErrorKind};
use types::Cidr;

use crate::provider::Vpc;

/// Zones that a network spreads over when the region has as many.
const MOST_SUBNETS: usize = 3;

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The VPC itself.
    Vpc,
    /// DNS host names are on, so that endpoints get private names.
    Dns,
    /// The subnet in the nth quarter of the range, from 0.
    Subnet(usize),
    /// The group that will hold the allow list.
    SecurityGroup,
    /// The VPC's default group admits nothing, in or out.
    DefaultGroup,
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Vpc,
        Self::Dns,
        Self::Subnet(0),
        Self::Subnet(1),
        Self::Subnet(2),
        Self::SecurityGroup,
        Self::DefaultGroup,
    ];

    /// The code callers record.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Dns => "dns",
            Self::Subnet(0) => "subnet-1",
            Self::Subnet(1) => "subnet-2",
            Self::Subnet(_) => "subnet-3",
            Self::SecurityGroup => "security-group",
            Self::DefaultGroup => "default-group",
        }
    }

    /// The part of a code. Error: a code that names none.
    pub(super) fn parse(code: &str) -> Result<Self, CloudError> {
        Self::ALL
            .into_iter()
            .find(|part| part.code() == code)
            .ok_or_else(|| {
                CloudError::refused(
                    CloudErrorKind::Invalid,
                    "INVALID_FIELD",
                    format!("create_part: there is no part {code:?}"),
                )
            })
    }

    /// Whether making it twice would make two.
    pub(super) fn is_guarded(self) -> bool {
        match self {
            Self::Vpc | Self::Subnet(_) | Self::SecurityGroup => true,
            Self::Dns | Self::DefaultGroup => false,
        }
    }

    /// Whether it stands, as far as is known. `cidr` is the network's range.
    pub(super) fn stands(self, vpc: &Vpc, cidr: &Cidr) -> bool {
        let recorded = || vpc.parts.iter().any(|code| code == self.code());
        match self {
            Self::Vpc => vpc.id.is_some(),
            Self::Subnet(n) => quarter(cidr, n)
                .is_some_and(|range| vpc.subnets.iter().any(|one| one.cidr == range)),
            Self::SecurityGroup => vpc.security_group_id.is_some(),
            Self::Dns | Self::DefaultGroup => recorded(),
        }
    }
}

/// The nth quarter of a range, from 0; the fourth is spare.
pub(super) fn quarter(cidr: &Cidr, n: usize) -> Option<Cidr> {
    cidr.subnets(cidr.prefix_len() + 2).nth(n)
}

/// The subnet part that a range makes in a VPC with the range `cidr`; none: it is no quarter, or the spare one.
pub(super) fn subnet_of(cidr: &Cidr, range: &Cidr) -> Option<Part> {
    let n = (0..MOST_SUBNETS).find(|n| quarter(cidr, *n).as_ref() == Some(range))?;
    Some(Part::Subnet(n))
}

/// The parts of a network in a region with so many zones.
pub(super) fn wanted(zones: usize) -> impl Iterator<Item = Part> {
    let subnets = zones.min(MOST_SUBNETS);
    Part::ALL
        .into_iter()
        .filter(move |part| !matches!(part, Part::Subnet(n) if *n >= subnets))
}

/// The first part that does not stand. `zones`: how many the region has; none: not asked yet, which is only needed
/// once the VPC stands with its DNS.
pub(super) fn next(vpc: &Vpc, cidr: &Cidr, zones: usize) -> Option<Part> {
    wanted(zones).find(|part| !part.stands(vpc, cidr))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Subnet;

    fn cidr() -> Cidr {
        "10.0.0.0/24".parse().unwrap()
    }

    #[test]
    fn codes_come_back() {
        for part in Part::ALL {
            assert_eq!(Part::parse(part.code()).unwrap(), part);
        }
        assert!(Part::parse("subnet-4").is_err());
    }

    #[test]
    fn parts_follow_in_order_and_end() {
        let mut vpc = Vpc::default();
        let mut codes = Vec::new();
        while let Some(part) = next(&vpc, &cidr(), 6) {
            codes.push(part.code());
            vpc.parts.push(part.code().to_owned());
            match part {
                Part::Vpc => vpc.id = Some("vpc-1".into()),
                Part::SecurityGroup => vpc.security_group_id = Some("sg-1".into()),
                Part::Subnet(n) => vpc.subnets.push(Subnet {
                    id: format!("subnet-{n}"),
                    zone: String::new(),
                    zone_id: String::new(),
                    cidr: quarter(&cidr(), n).unwrap(),
                }),
                Part::Dns | Part::DefaultGroup => {}
            }
        }
        assert_eq!(
            codes,
            [
                "vpc",
                "dns",
                "subnet-1",
                "subnet-2",
                "subnet-3",
                "security-group",
                "default-group"
            ]
        );
    }

    #[test]
    fn only_the_first_three_quarters_are_parts() {
        let part = |range: &str| subnet_of(&cidr(), &range.parse().unwrap()).map(Part::code);
        assert_eq!(part("10.0.0.0/26"), Some("subnet-1"));
        assert_eq!(part("10.0.0.128/26"), Some("subnet-3"));
        for other in ["10.0.0.192/26", "10.0.0.0/27", "10.0.0.0/24", "10.0.1.0/26"] {
            assert_eq!(part(other), None, "{other}");
        }
    }

    #[test]
    fn a_region_with_two_zones_has_two_subnets() {
        let subnets = wanted(2)
            .filter(|part| matches!(part, Part::Subnet(_)))
            .count();
        assert_eq!(subnets, 2);
    }
}
