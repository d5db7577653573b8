//! What a security group's ingress rules admit, and what to change in them; asks nobody.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{IpPermission, IpRange};
use types::Cidr;

use crate::provider::Firewall;

const TCP: &str = "tcp";

/// Rules by TCP port and range.
pub(super) type Wanted = BTreeSet<(u16, Cidr)>;

/// What stands and is not wanted, and what is wanted and does not stand, as EC2 takes them.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Change {
    pub(super) surplus: Vec<IpPermission>,
    pub(super) missing: Vec<IpPermission>,
}

impl Change {
    /// The rules are as wanted.
    pub(super) fn is_none(&self) -> bool {
        self.surplus.is_empty() && self.missing.is_empty()
    }
}

/// From the rules that `stand` to the wanted ones.
pub(super) fn plan(stand: &[IpPermission], wanted: &Wanted) -> Change {
    let mut missing = wanted.clone();
    let surplus = stand
        .iter()
        .filter_map(|permission| surplus(permission, &mut missing))
        .collect();
    let mut by_port: BTreeMap<u16, Vec<IpRange>> = BTreeMap::new();
    for (port, cidr) in missing {
        let range = IpRange::builder().cidr_ip(cidr.to_string()).build();
        by_port.entry(port).or_default().push(range);
    }
    let missing = by_port.into_iter().map(|(port, ranges)| {
        IpPermission::builder()
            .ip_protocol(TCP)
            .from_port(port.into())
            .to_port(port.into())
            .set_ip_ranges(Some(ranges))
            .build()
    });
    Change {
        surplus,
        missing: missing.collect(),
    }
}

/// What the rules that `stand` admit.
pub(super) fn admitted(stand: &[IpPermission]) -> Firewall {
    let mut rules = Wanted::new();
    let mut odd = false;
    for permission in stand {
        let port = single_port(permission);
        odd |= port.is_none() || !is_from_ranges(permission);
        for range in permission.ip_ranges() {
            let cidr = range.cidr_ip().and_then(|cidr| cidr.parse().ok());
            let rule = port.zip(cidr);
            odd |= rule.is_none();
            rules.extend(rule);
        }
    }
    let cidrs: BTreeSet<_> = rules.iter().map(|(_, cidr)| *cidr).collect();
    let ports: BTreeSet<_> = rules.iter().map(|(port, _)| *port).collect();
    let is_product = rules.len() == cidrs.len() * ports.len();
    Firewall {
        cidrs,
        ports,
        is_plain: is_product && !odd,
    }
}

/// What of a permission is not wanted; takes what is from `missing`.
fn surplus(permission: &IpPermission, missing: &mut Wanted) -> Option<IpPermission> {
    let port = single_port(permission);
    let mut rest = permission.clone();
    let ranges = permission.ip_ranges().iter().filter(|range| {
        let cidr = range.cidr_ip().and_then(|cidr| cidr.parse().ok());
        let rule = port.zip(cidr);
        !rule.is_some_and(|rule| missing.remove(&rule))
    });
    rest.ip_ranges = Some(ranges.cloned().collect());
    let is_empty = rest.ip_ranges().is_empty() && is_from_ranges(&rest);
    (!is_empty).then_some(rest)
}

/// Whether IPv4 ranges are its only sources.
fn is_from_ranges(permission: &IpPermission) -> bool {
    permission.ipv6_ranges().is_empty()
        && permission.prefix_list_ids().is_empty()
        && permission.user_id_group_pairs().is_empty()
}

fn single_port(permission: &IpPermission) -> Option<u16> {
    let ports = (permission.from_port()?, permission.to_port()?);
    let is_single = permission.ip_protocol() == Some(TCP) && ports.0 == ports.1;
    is_single.then(|| u16::try_from(ports.0).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::{Ipv6Range, PrefixListId, UserIdGroupPair};

    fn wanted(rules: &[(u16, &str)]) -> Wanted {
        rules
            .iter()
            .map(|(port, cidr)| (*port, cidr.parse().unwrap()))
            .collect()
    }

    fn permission(protocol: &str, from: i32, to: i32, cidrs: &[&str]) -> IpPermission {
        let ranges = cidrs
            .iter()
            .map(|cidr| IpRange::builder().cidr_ip(*cidr).build());
        IpPermission::builder()
            .ip_protocol(protocol)
            .from_port(from)
            .to_port(to)
            .set_ip_ranges(Some(ranges.collect()))
            .build()
    }

    const A: &str = "10.1.0.0/16";
    const B: &str = "10.2.0.0/16";

    #[test]
    fn what_is_wanted_and_stands_is_left_alone() {
        let stand = [
            permission(TCP, 443, 443, &[A, B]),
            permission(TCP, 80, 80, &[A]),
        ];
        assert!(plan(&stand, &wanted(&[(443, B), (443, A), (80, A)])).is_none());
        assert!(plan(&[], &Wanted::new()).is_none());
    }

    #[test]
    fn only_the_difference_is_changed() {
        let stand = [
            permission(TCP, 443, 443, &[A, B]),
            permission(TCP, 80, 80, &[A]),
        ];
        let change = plan(&stand, &wanted(&[(443, A), (22, A), (22, B)]));
        assert_eq!(
            change.surplus,
            [
                permission(TCP, 443, 443, &[B]),
                permission(TCP, 80, 80, &[A])
            ]
        );
        assert_eq!(change.missing, [permission(TCP, 22, 22, &[A, B])]);
    }

    /// Permissions that are no single TCP ports, or from other sources than ranges.
    fn odd() -> [IpPermission; 6] {
        let mut list = permission(TCP, 443, 443, &[]);
        list.prefix_list_ids = Some(vec![PrefixListId::builder().prefix_list_id("pl-1").build()]);
        let mut group = permission("-1", -1, -1, &[]);
        group.user_id_group_pairs = Some(vec![UserIdGroupPair::builder().group_id("sg-1").build()]);
        [
            permission("-1", -1, -1, &[A]),
            permission("udp", 443, 443, &[A]),
            permission(TCP, 443, 444, &[A]),
            permission(TCP, 0, 65535, &[A]),
            list,
            group,
        ]
    }

    fn both_families() -> IpPermission {
        let mut v6 = permission(TCP, 443, 443, &[A]);
        v6.ipv6_ranges = Some(vec![Ipv6Range::builder().cidr_ipv6("::/0").build()]);
        v6
    }

    #[test]
    fn nothing_but_single_tcp_ports_from_ranges_is_ever_wanted() {
        for one in odd() {
            let change = plan(std::slice::from_ref(&one), &wanted(&[(443, A)]));
            assert_eq!(change.surplus, [one]);
            assert_eq!(change.missing.len(), 1);
        }
        let change = plan(&[both_families()], &wanted(&[(443, A)]));
        assert!(change.missing.is_empty());
        assert!(change.surplus[0].ip_ranges().is_empty());
        assert_eq!(change.surplus[0].ipv6_ranges().len(), 1);
    }
    #[test]
    fn what_is_admitted_is_every_range_to_every_port_or_not_plain() {
        let cidrs = |list: &[&str]| list.iter().map(|cidr| cidr.parse().unwrap()).collect();
        let whole = [
            permission(TCP, 443, 443, &[A, B]),
            permission(TCP, 80, 80, &[B]),
            permission(TCP, 80, 80, &[A]),
        ];
        let plain = admitted(&whole);
        assert_eq!(
            (plain.cidrs, plain.ports),
            (cidrs(&[A, B]), [80, 443].into())
        );
        assert!(plain.is_plain);
        assert_eq!(admitted(&[]), Firewall::closed());
        let partly = admitted(&whole[..2]);
        assert_eq!((partly.cidrs, partly.is_plain), (cidrs(&[A, B]), false));
        let v6 = admitted(&[both_families()]);
        assert_eq!((v6.cidrs, v6.is_plain), (cidrs(&[A]), false));
        for one in odd() {
            let seen = admitted(&[permission(TCP, 443, 443, &[B]), one]);
            assert_eq!((seen.cidrs, seen.is_plain), (cidrs(&[B]), false));
        }
    }
}
