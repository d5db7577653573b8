//! What speaks against a range for a network: the rules of its region, and what the tenant's ranges claim already.

use types::{Cidr, Invalid, NetworkId};

use super::catalog::{NamedRange, never_allowed};
use super::{CidrRules, Overlap};

/// Whether a finding forbids the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not, though its owner may regret the range.
    Warning,
}

/// One thing that speaks against a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it forbids the range.
    pub severity: Severity,
    /// A stable code.
    pub reason: &'static str,
    /// The same for people.
    pub message: String,
    /// The asked range, as it was asked for.
    pub cidr: String,
    /// Whose that would be.
    pub owner: String,
    /// The range in the way; none when the rule is not about another range.
    pub other_cidr: Option<Cidr>,
    /// The id in the way; empty when it is a rule.
    pub other_id: String,
    /// Whose the range in the way is, in words.
    pub other_owner: String,
}

/// A range that a live network of the tenant holds, or a peering on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The range.
    pub cidr: Cidr,
    /// The network that holds it or that the peering stands on.
    pub network: NetworkId,
    /// Its display name.
    pub network_name: String,
    /// The network's multi-region group; empty: none, and always of a peering.
    pub multi_region_group: String,
    /// The peering that holds it; none: the network itself.
    pub peering: Option<String>,
}

impl Claim {
    fn id(&self) -> String {
        match &self.peering {
            None => self.network.to_string(),
            Some(peering) => peering.clone(),
        }
    }

    fn owner(&self) -> String {
        let network = format!("network {} ({})", self.network, self.network_name);
        match &self.peering {
            None => network,
            Some(peering) => format!("peering {peering} on {network}"),
        }
    }
}

/// Who asks for a range: the owner of a network that is not there yet.
const ASKING: &str = "a new network";

impl Finding {
    /// A range that is not written as one.
    pub fn ill_formed(cidr: &str, broken: Invalid) -> Self {
        Self {
            severity: Severity::Error,
            reason: broken.reason,
            message: broken.message,
            cidr: cidr.to_owned(),
            owner: ASKING.to_owned(),
            other_cidr: None,
            other_id: String::new(),
            other_owner: String::new(),
        }
    }

    fn rule(cidr: Cidr, reason: &'static str, message: String) -> Self {
        Self::ill_formed(&cidr.to_string(), Invalid::new(reason, message))
    }

    /// As a refusal names it, with the reason `so`; none when it is not about another range. `cidr` is the asked one.
    pub fn into_conflict(self, cidr: Cidr, so: &str) -> Option<Overlap> {
        Some(Overlap {
            reason: self.reason,
            cidr,
            owner: self.owner,
            other_cidr: self.other_cidr?,
            other_owner: self.other_owner,
            other_id: self.other_id,
            so: so.to_owned(),
        })
    }

    /// As a violation of the field that holds the range.
    pub fn into_invalid(self) -> Invalid {
        Invalid::new(self.reason, self.message)
    }
}

impl CidrRules {
    /// Every rule that speaks against `asked`, errors first.
    pub fn findings(&self, asked: Cidr) -> Vec<Finding> {
        let mut found = Vec::new();
        let (shortest, longest) = (self.shortest_prefix, self.longest_prefix);
        if !(shortest..=longest).contains(&asked.prefix_len()) {
            let rule = format!("must have a prefix from /{shortest} to /{longest}, not {asked}");
            found.push(Finding::rule(asked, "CIDR_SIZE", rule));
        }
        found.extend(self.outside(asked));
        for kept in touched(&self.reserved, asked) {
            let rule = format!(
                "{asked} overlaps {}, which is reserved: {}",
                kept.cidr, kept.why
            );
            found.push(named(kept, Finding::rule(asked, "CIDR_RESERVED", rule)));
        }
        for known in touched(&self.discouraged, asked) {
            let rule = format!("{asked} overlaps {}: {}", known.cidr, known.why);
            let warning = Finding {
                severity: Severity::Warning,
                ..Finding::rule(asked, "CIDR_DISCOURAGED", rule)
            };
            found.push(named(known, warning));
        }
        found
    }

    /// Why `asked` does not lie in the space that networks may have.
    fn outside(&self, asked: Cidr) -> Option<Finding> {
        let mut never = never_allowed().into_iter();
        if let Some((taken, what)) = never.find(|(taken, _)| taken.overlaps(&asked)) {
            let rule = format!("{asked} overlaps {taken} ({what}), which no network can have");
            return Some(Finding {
                other_cidr: Some(taken),
                other_owner: what.to_owned(),
                ..Finding::rule(asked, "CIDR_NOT_PRIVATE", rule)
            });
        }
        if self.private.iter().any(|allowed| allowed.contains(&asked)) {
            return None;
        }
        let allowed: Vec<_> = self.private.iter().map(Cidr::to_string).collect();
        let rule = format!("must lie in {}, not {asked}", allowed.join(" or "));
        Some(Finding::rule(asked, "CIDR_NOT_PRIVATE", rule))
    }
}

fn touched(ranges: &[NamedRange], asked: Cidr) -> impl Iterator<Item = &NamedRange> {
    ranges
        .iter()
        .filter(move |range| range.cidr.overlaps(&asked))
}

fn named(range: &NamedRange, finding: Finding) -> Finding {
    Finding {
        other_cidr: Some(range.cidr),
        other_owner: range.why.clone(),
        ..finding
    }
}

/// What each claim in the way of `asked` means for a new network in `group` (empty: in none).
///
/// Networks of a tenant may overlap while they are not used together; those of one group are, and a range of a peering
/// can never be reached from a network that has it itself.
pub fn overlaps(asked: Cidr, group: &str, claims: &[Claim]) -> Vec<Finding> {
    let in_the_way = claims.iter().filter(|claim| claim.cidr.overlaps(&asked));
    let mut found: Vec<_> = in_the_way
        .map(|claim| overlap(asked, group, claim))
        .collect();
    found.sort_by_key(|finding| finding.severity);
    found
}

fn overlap(asked: Cidr, group: &str, claim: &Claim) -> Finding {
    let shared = !group.is_empty() && claim.multi_region_group == group;
    let (severity, reason, so) = match &claim.peering {
        None if shared => (
            Severity::Error,
            "CIDR_OVERLAP_NETWORK",
            format!("both would be used together in {group}"),
        ),
        None => (
            Severity::Warning,
            "CIDR_OVERLAP_NETWORK",
            "the two can never be linked with the same VPC".to_owned(),
        ),
        Some(_) => (
            Severity::Warning,
            "CIDR_OVERLAP_PEER",
            "the network could never be linked with that VPC".to_owned(),
        ),
    };
    let verb = if claim.cidr == asked {
        "equals"
    } else {
        "overlaps"
    };
    let owner = claim.owner();
    let message = format!("{asked} {verb} {} of {owner}: {so}", claim.cidr);
    Finding {
        severity,
        other_cidr: Some(claim.cidr),
        other_id: claim.id(),
        other_owner: owner,
        ..Finding::rule(asked, reason, message)
    }
}

#[cfg(test)]
mod tests;
