use super::*;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn range(text: &str) -> NamedRange {
    NamedRange {
        cidr: cidr(text),
        why: format!("why {text}"),
    }
}

fn rules() -> CidrRules {
    CidrRules {
        shortest_prefix: 16,
        longest_prefix: 24,
        private: ["10.0.0.0/8", "172.16.0.0/12"].map(cidr).into(),
        reserved: vec![range("10.3.0.0/16"), range("10.128.0.0/9")],
        discouraged: vec![range("172.17.0.0/16"), range("172.31.0.0/16")],
    }
}

fn said(found: &[Finding]) -> Vec<(Severity, &'static str, String)> {
    let other = |finding: &Finding| finding.other_cidr.map(|other| other.to_string());
    found
        .iter()
        .map(|one| (one.severity, one.reason, other(one).unwrap_or_default()))
        .collect()
}

#[test]
fn every_rule_accepts_refuses_and_knows_its_corners() {
    use Severity::{Error, Warning};
    let size = (Error, "CIDR_SIZE", "");
    let outside = |other| (Error, "CIDR_NOT_PRIVATE", other);
    let reserved = |other| (Error, "CIDR_RESERVED", other);
    let known = |other| (Warning, "CIDR_DISCOURAGED", other);
    for (asked, expected) in [
        ("10.1.0.0/16", vec![]),
        ("10.1.2.0/24", vec![]),
        // The size, one bit beyond each end.
        ("10.0.0.0/15", vec![size]),
        ("10.1.2.0/25", vec![size]),
        // The allowed space: its last block, the first one behind it, and what holds all of it.
        ("10.127.255.0/24", vec![]),
        ("11.0.0.0/16", vec![outside("")]),
        ("9.255.255.0/24", vec![outside("")]),
        ("172.15.255.0/24", vec![outside("")]),
        ("172.32.0.0/16", vec![outside("")]),
        (
            "172.0.0.0/8",
            vec![
                size,
                outside(""),
                known("172.17.0.0/16"),
                known("172.31.0.0/16"),
            ],
        ),
        ("192.168.0.0/16", vec![outside("")]),
        ("8.8.8.0/24", vec![outside("")]),
        ("100.64.0.0/16", vec![outside("")]),
        // What nobody can have, and the blocks beside it.
        ("0.0.0.0/16", vec![outside("0.0.0.0/8")]),
        ("1.0.0.0/16", vec![outside("")]),
        ("127.255.255.0/24", vec![outside("127.0.0.0/8")]),
        ("128.0.0.0/16", vec![outside("")]),
        ("169.254.0.0/16", vec![outside("169.254.0.0/16")]),
        ("169.253.0.0/16", vec![outside("")]),
        ("224.0.0.0/16", vec![outside("224.0.0.0/4")]),
        ("223.255.255.0/24", vec![outside("")]),
        ("255.255.255.0/24", vec![outside("240.0.0.0/4")]),
        (
            "0.0.0.0/0",
            vec![
                size,
                outside("0.0.0.0/8"),
                reserved("10.3.0.0/16"),
                reserved("10.128.0.0/9"),
                known("172.17.0.0/16"),
                known("172.31.0.0/16"),
            ],
        ),
        // Reserved: inside, the whole of it, around it, and the neighbours on both sides.
        ("10.3.4.0/24", vec![reserved("10.3.0.0/16")]),
        ("10.3.0.0/16", vec![reserved("10.3.0.0/16")]),
        ("10.2.0.0/15", vec![size, reserved("10.3.0.0/16")]),
        ("10.2.255.0/24", vec![]),
        ("10.4.0.0/24", vec![]),
        ("10.128.0.0/16", vec![reserved("10.128.0.0/9")]),
        ("10.255.255.0/24", vec![reserved("10.128.0.0/9")]),
        // Discouraged: a warning, and the neighbours on both sides.
        ("172.17.5.0/24", vec![known("172.17.0.0/16")]),
        ("172.16.255.0/24", vec![]),
        ("172.18.0.0/24", vec![]),
        ("172.31.255.0/24", vec![known("172.31.0.0/16")]),
    ] {
        let found = rules().findings(cidr(asked));
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(severity, reason, other): (_, _, &str)| (severity, reason, other.to_owned()))
            .collect();
        assert_eq!(said(&found), expected, "{asked}");
        assert!(
            found
                .iter()
                .all(|one| one.cidr == asked && one.message.contains(asked))
        );
    }
}

#[test]
fn a_rule_names_both_ranges_and_why() {
    let found = rules().findings(cidr("10.3.4.0/24")).remove(0);
    assert_eq!(
        found.message,
        "10.3.4.0/24 overlaps 10.3.0.0/16, which is reserved: why 10.3.0.0/16"
    );
    assert_eq!(found.owner, "a new network");
    assert_eq!(
        (found.other_owner.as_str(), found.other_id.as_str()),
        ("why 10.3.0.0/16", "")
    );
}

#[test]
fn host_bits_are_told_with_the_corrected_range() {
    let broken = "10.1.2.3/24".parse::<Cidr>().unwrap_err();
    let found = Finding::ill_formed("10.1.2.3/24", broken);
    assert_eq!(
        (found.severity, found.reason),
        (Severity::Error, "CIDR_HOST_BITS")
    );
    assert!(found.message.contains("10.1.2.0/24"), "{found:?}");
    assert_eq!(found.cidr, "10.1.2.3/24");
}

fn claim(range: &str, group: &str, peering: Option<&str>) -> Claim {
    Claim {
        cidr: cidr(range),
        network: format!("net_{:032x}", 1).parse().unwrap(),
        network_name: "main".to_owned(),
        multi_region_group: group.to_owned(),
        peering: peering.map(str::to_owned),
    }
}

#[test]
fn networks_may_overlap_unless_they_are_used_together() {
    use Severity::{Error, Warning};
    let asked = cidr("10.1.0.0/16");
    for (range, theirs, ours, expected) in [
        // Beside each other: nothing, in one group too.
        ("10.2.0.0/16", "", "", None),
        ("10.0.0.0/16", "eu", "eu", None),
        // In each other's way: equal, inside, around.
        ("10.1.0.0/16", "", "", Some(Warning)),
        ("10.1.255.0/24", "eu", "", Some(Warning)),
        ("10.0.0.0/8", "", "eu", Some(Warning)),
        ("10.1.0.0/16", "eu", "us", Some(Warning)),
        ("10.1.0.0/16", "eu", "eu", Some(Error)),
        ("10.1.255.0/24", "eu", "eu", Some(Error)),
        ("10.0.0.0/8", "eu", "eu", Some(Error)),
    ] {
        let found = overlaps(asked, ours, &[claim(range, theirs, None)]);
        let expected: Vec<_> = expected
            .map(|severity| (severity, "CIDR_OVERLAP_NETWORK", range.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(said(&found), expected, "{range} {theirs} {ours}");
    }
}

#[test]
fn a_network_over_a_peering_s_range_draws_a_warning() {
    let asked = cidr("10.1.0.0/16");
    for (range, warned) in [
        ("10.1.2.0/24", true),
        ("10.1.0.0/16", true),
        ("10.0.0.0/8", true),
        ("10.2.0.0/16", false),
        ("10.0.255.0/24", false),
    ] {
        let found = overlaps(asked, "eu", &[claim(range, "", Some("peer_1"))]);
        let reasons: Vec<_> = found.iter().map(|one| (one.severity, one.reason)).collect();
        let expected = (Severity::Warning, "CIDR_OVERLAP_PEER");
        assert_eq!(
            reasons,
            if warned { vec![expected] } else { vec![] },
            "{range}"
        );
    }
}

#[test]
fn an_overlap_names_ranges_owners_and_the_id_in_the_way_errors_first() {
    let claims = [
        claim("10.1.2.0/24", "", Some("peer_1")),
        claim("10.1.0.0/16", "eu", None),
    ];
    let found = overlaps(cidr("10.1.0.0/16"), "eu", &claims);
    let network = format!("net_{:032x}", 1);
    let (first, second) = (&found[0], &found[1]);
    assert_eq!(
        (first.severity, second.severity),
        (Severity::Error, Severity::Warning)
    );
    assert_eq!(first.other_id, network);
    assert_eq!(first.other_owner, format!("network {network} (main)"));
    assert!(first.message.starts_with(&format!(
        "10.1.0.0/16 equals 10.1.0.0/16 of network {network}"
    )));
    assert_eq!(second.other_id, "peer_1");
    assert_eq!(
        second.other_owner,
        format!("peering peer_1 on network {network} (main)")
    );
    assert!(
        second
            .message
            .starts_with("10.1.0.0/16 overlaps 10.1.2.0/24 of peering peer_1")
    );
}
