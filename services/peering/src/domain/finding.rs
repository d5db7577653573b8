//! What a check before creation finds: what forbids a peering, and what its owner should know.

use types::{Cidr, ProviderKind};

use super::peer::Peer;
use super::peering::Vendor;

/// Ranges that many networks have without anybody's choice.
const DEFAULTS: [(&str, &str); 3] = [
    (
        "172.31.0.0/16",
        "AWS gives it to every account's default VPC",
    ),
    (
        "10.128.0.0/9",
        "GCP's auto-mode networks have their subnets in it",
    ),
    (
        "172.17.0.0/16",
        "container hosts bridge it by default, and do not route it",
    ),
];

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// It forbids the peering.
    pub is_error: bool,
    /// A stable code.
    pub reason: String,
    /// The field of the request; may be empty.
    pub field: String,
    /// One sentence for a person.
    pub message: String,
}

impl Finding {
    /// What does not forbid the peering.
    pub fn warning(reason: &str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            is_error: false,
            reason: reason.to_owned(),
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The field of the request that holds a range; `given` is what it holds, in order.
pub fn range_field(provider: ProviderKind, given: &[impl ToString], cidr: &Cidr) -> String {
    let text = cidr.to_string();
    match given.iter().position(|one| one.to_string() == text) {
        Some(index) => format!("{provider}.cidrs[{index}]"),
        None => format!("{provider}.cidrs"),
    }
}

/// What the owner of a peering should know that nothing forbids.
pub fn warnings(peer: &Peer, vendor: &Vendor) -> Vec<Finding> {
    let mut found = well_known(peer.provider(), peer.cidrs(), peer.cidrs());
    let (region, own) = (peer.region(), vendor.region.as_str());
    if !region.is_empty() && region != own {
        let message = format!(
            "the network is in {own} and the VPC in {region}: traffic between regions costs more and takes longer"
        );
        found.push(Finding::warning("CROSS_REGION_COST", "aws.region", message));
    }
    found
}

/// Ranges that others are likely to have as well, of the well-formed among those `given`.
pub fn well_known(provider: ProviderKind, cidrs: &[Cidr], given: &[impl ToString]) -> Vec<Finding> {
    let mut found = Vec::new();
    for cidr in cidrs {
        for (default, why) in DEFAULTS {
            if default
                .parse()
                .is_ok_and(|known: Cidr| known.overlaps(cidr))
            {
                let field = range_field(provider, given, cidr);
                let message = format!(
                    "{cidr} touches {default}, and {why}: another VPC with that range can't be reached from this network too"
                );
                found.push(Finding::warning("WELL_KNOWN_DEFAULT", field, message));
            }
        }
    }
    found
}

/// A quota that has little left; none while there is enough.
pub fn quota_near(name: &str, used: u32, limit: u32) -> Option<Finding> {
    let is_near = u64::from(used) * 5 >= u64::from(limit) * 4;
    is_near.then(|| {
        let rest = match used < limit {
            true => "few are left",
            false => "the request waits in line until one of them is accepted or gone",
        };
        let message = format!("{used} of {limit} {name} are used; {rest}");
        Finding::warning("QUOTA_NEAR", "", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::State;
    use crate::domain::walk::admitted;

    #[test]
    fn what_others_have_by_default_and_other_regions_are_told() {
        let mut peering = admitted(State::Active);
        assert_eq!(warnings(&peering.peer, &peering.vendor), []);
        if let Peer::Aws { region, cidrs, .. } = &mut peering.peer {
            *region = "us-east-1".parse().unwrap();
            cidrs.push("172.31.16.0/20".parse().unwrap());
            cidrs.push("172.16.0.0/12".parse().unwrap());
        }
        let found = warnings(&peering.peer, &peering.vendor);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.reason.as_str(), one.field.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("WELL_KNOWN_DEFAULT", "aws.cidrs[1]"),
                ("WELL_KNOWN_DEFAULT", "aws.cidrs[2]"),
                ("WELL_KNOWN_DEFAULT", "aws.cidrs[2]"),
                ("CROSS_REGION_COST", "aws.region"),
            ]
        );
        assert!(found.iter().all(|one| !one.is_error));
    }

    #[test]
    fn a_quota_is_near_from_four_fifths_on() {
        assert_eq!(quota_near("requests", 3, 5), None);
        assert!(
            quota_near("requests", 4, 5)
                .unwrap()
                .message
                .contains("4 of 5")
        );
        assert!(
            quota_near("requests", 5, 5)
                .unwrap()
                .message
                .contains("waits in line")
        );
    }
}
