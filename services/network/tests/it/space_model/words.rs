//! The rules of the small space in which the lives take place, and what is said about its ranges.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use ::network::domain::{CidrRules, Error, Finding, NamedRange, Severity};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use types::Cidr;

pub(super) const QUOTA: u32 = 9;

/// Why something is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Rules,
    Quota,
    NoFreeBlock,
    GroupOverlap,
    NotActive,
    Detached,
    OutsideNetwork,
    Overlap,
}

impl Verdict {
    pub(super) fn of(refused: &Error) -> Self {
        match refused {
            Error::QuotaExceeded { .. } => Self::Quota,
            Error::NoFreeBlock(_) => Self::NoFreeBlock,
            Error::Overlap(found) if found[0].reason == "CIDR_OVERLAP_NETWORK" => {
                Self::GroupOverlap
            }
            Error::NetworkNotActive { .. } => Self::NotActive,
            Error::AttachmentDetached { .. } => Self::Detached,
            Error::InvalidAttachment {
                reason: "CIDR_OUTSIDE_NETWORK",
                ..
            } => Self::OutsideNetwork,
            Error::Overlap(_) => Self::Overlap,
            other => panic!("{other}"),
        }
    }
}

/// A small space, so that much is in each other's way.
pub(super) fn rules() -> CidrRules {
    let cidr = |text: &str| text.parse::<Cidr>().unwrap();
    let named = |text| NamedRange {
        cidr: cidr(text),
        why: "of the test".to_owned(),
    };
    CidrRules {
        shortest_prefix: 23,
        longest_prefix: 27,
        private: vec![cidr("10.0.0.0/22"), cidr("10.0.6.0/24")],
        reserved: vec![named("10.0.1.0/26")],
        discouraged: vec![named("10.0.2.128/25")],
    }
}

pub(super) fn random_block(random: &mut StdRng, sizes: RangeInclusive<u8>) -> Cidr {
    let size = random.random_range(sizes);
    let space: Cidr = "10.0.0.0/21".parse().unwrap();
    space.subnets(size).choose(random).unwrap()
}

pub(super) fn random_id(random: &mut StdRng) -> String {
    format!("id-{}", random.random_range(0..12))
}

/// Severity, reason, range and id in the way of each finding, in no order.
pub(super) type Said = BTreeSet<(Severity, String, String, String)>;

pub(super) fn said(found: &[Finding]) -> Said {
    let other = |one: &Finding| one.other_cidr.map(|other| other.to_string());
    found
        .iter()
        .map(|one| {
            (
                one.severity,
                one.reason.to_owned(),
                other(one).unwrap_or_default(),
                one.other_id.clone(),
            )
        })
        .collect()
}

/// Checks that all of `expected` was said, or as many as are told at most.
pub(super) fn assert_said(found: &Said, expected: &Said) {
    assert!(
        found.is_subset(expected),
        "{found:?} instead of {expected:?}"
    );
    assert!(
        found.len() >= expected.len().min(20),
        "{found:?} instead of {expected:?}"
    );
}
