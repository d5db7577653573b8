//! IPv4 ranges in canonical form.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::{Invalid, shown};

/// An IPv4 range whose address is the first of its block, such as `10.20.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(Ipv4Net);

impl Cidr {
    /// The block of `prefix_len` bits (at most 32) that `address` lies in.
    pub fn around(address: Ipv4Addr, prefix_len: u8) -> Self {
        Self(Ipv4Net::new_assert(address, prefix_len.min(32)).trunc())
    }

    /// The first address.
    pub fn address(&self) -> Ipv4Addr {
        self.0.network()
    }

    /// The number of leading bits that all addresses share, 0-32.
    pub fn prefix_len(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether some address lies in both ranges.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether all of `other` lies in this range.
    pub fn contains(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// The blocks of the longer prefix `prefix_len` that make up this range; none when it is shorter or above 32.
    pub fn subnets(&self, prefix_len: u8) -> impl Iterator<Item = Self> + use<> {
        self.0.subnets(prefix_len).into_iter().flatten().map(Self)
    }
}

impl FromStr for Cidr {
    type Err = Invalid;

    fn from_str(given: &str) -> Result<Self, Invalid> {
        let net = given
            .parse::<Ipv4Net>()
            .ok()
            // One spelling only: with leading zeros, what one reader takes for octal another takes for decimal.
            .filter(|net| net.to_string() == given)
            .ok_or_else(|| {
                let rule = format!("must be an IPv4 range such as 10.20.0.0/16, not {}", shown(given));
                Invalid::new("INVALID_CIDR", rule)
            })?;
        if net.addr() != net.network() {
            let reason = format!(
                "{net} has host bits set: the range it lies in is {}",
                net.trunc()
            );
            return Err(Invalid::new("CIDR_HOST_BITS", reason));
        }
        Ok(Self(net))
    }
}

impl TryFrom<String> for Cidr {
    type Error = Invalid;

    fn try_from(given: String) -> Result<Self, Invalid> {
        given.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn host_bits_are_refused_with_the_corrected_range() {
        let refused = "10.1.2.3/16".parse::<Cidr>().unwrap_err();
        assert_eq!(refused.reason, "CIDR_HOST_BITS");
        assert!(refused.message.contains("10.1.0.0/16"), "{refused}");
    }

    #[test]
    fn an_address_lies_in_one_block_of_each_size() {
        let address = Ipv4Addr::new(10, 1, 2, 3);
        for (prefix_len, block) in [
            (0, "0.0.0.0/0"),
            (16, "10.1.0.0/16"),
            (32, "10.1.2.3/32"),
            (33, "10.1.2.3/32"),
        ] {
            assert_eq!(Cidr::around(address, prefix_len), cidr(block));
        }
    }

    #[test]
    fn what_is_no_ipv4_range_is_refused() {
        for wrong in [
            "",
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "fd00::/8",
            "010.0.0.0/8",
            "10.0.0.0/8 ",
        ] {
            assert_eq!(
                wrong.parse::<Cidr>().unwrap_err().reason,
                "INVALID_CIDR",
                "{wrong}"
            );
        }
    }

    #[test]
    fn overlap_is_containment_one_way_or_the_other() {
        assert!(cidr("10.0.0.0/8").overlaps(&cidr("10.9.0.0/16")));
        assert!(cidr("10.9.0.0/16").overlaps(&cidr("10.0.0.0/8")));
        assert!(!cidr("10.0.0.0/16").overlaps(&cidr("10.1.0.0/16")));
    }

    #[test]
    fn a_range_splits_into_blocks() {
        let blocks: Vec<_> = cidr("10.0.0.0/24")
            .subnets(26)
            .map(|block| block.to_string())
            .collect();
        assert_eq!(
            blocks,
            [
                "10.0.0.0/26",
                "10.0.0.64/26",
                "10.0.0.128/26",
                "10.0.0.192/26"
            ]
        );
        assert_eq!(cidr("10.0.0.0/24").subnets(20).count(), 0);
    }
}
