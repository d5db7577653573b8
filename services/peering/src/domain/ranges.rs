//! Which ranges a customer's side may have.

use types::{Cidr, Invalid};

/// RFC 1918 and RFC 6598. Everything else is public or never routed between VPCs.
const PRIVATE: [&str; 4] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
];

/// The most ranges of one peering.
const MOST: usize = 64;

/// Checks the ranges of a customer's side one by one; `least` is how many there must be. Answers with those that are well
/// and with what is not: the index says which range is at fault, none that it is their number.
pub fn peer_ranges(given: &[String], least: usize) -> (Vec<Cidr>, Vec<(Option<usize>, Invalid)>) {
    if !(least..=MOST).contains(&given.len()) {
        let rule = format!("must be {least}-{MOST} ranges, not {}", given.len());
        return (Vec::new(), vec![(None, Invalid::field(rule))]);
    }
    let mut ranges: Vec<Cidr> = Vec::with_capacity(given.len());
    let mut violations = Vec::new();
    for (index, text) in given.iter().enumerate() {
        match checked(text, &ranges) {
            Ok(range) => ranges.push(range),
            Err(invalid) => violations.push((Some(index), invalid)),
        }
    }
    (ranges, violations)
}

fn checked(text: &str, earlier: &[Cidr]) -> Result<Cidr, Invalid> {
    let range: Cidr = text.parse()?;
    let is_private = PRIVATE
        .iter()
        .filter_map(|space| space.parse::<Cidr>().ok())
        .any(|space| space.contains(&range));
    if !is_private {
        return Err(Invalid::new(
            "CIDR_NOT_PRIVATE",
            format!("{range} is not inside one of {}", PRIVATE.join(", ")),
        ));
    }
    if earlier.contains(&range) {
        return Err(Invalid::field(format!("{range} is given twice")));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(given: &[&str]) -> Vec<(Option<usize>, &'static str)> {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        let (_, violations) = peer_ranges(&given, 1);
        let reason = |(index, invalid): (Option<usize>, Invalid)| (index, invalid.reason);
        violations.into_iter().map(reason).collect()
    }

    #[test]
    fn private_ranges_are_taken() {
        assert!(
            reasons(&[
                "10.0.0.0/8",
                "172.16.0.0/16",
                "192.168.1.0/24",
                "100.64.0.0/12"
            ])
            .is_empty()
        );
    }

    #[test]
    fn each_range_that_is_at_fault_is_named() {
        let given = [
            "10.1.0.0/16",
            "10.1.0.1/16",
            "8.8.8.0/24",
            "x",
            "10.1.0.0/16",
        ];
        let found = reasons(&given);
        assert_eq!(
            found,
            [
                (Some(1), "CIDR_HOST_BITS"),
                (Some(2), "CIDR_NOT_PRIVATE"),
                (Some(3), "INVALID_CIDR"),
                (Some(4), "INVALID_FIELD"),
            ]
        );
    }

    #[test]
    fn what_no_vpc_routes_is_refused() {
        for never in [
            "0.0.0.0/0",
            "0.0.0.0/8",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "172.0.0.0/8",
        ] {
            assert_eq!(
                reasons(&[never]),
                [(Some(0), "CIDR_NOT_PRIVATE")],
                "{never}"
            );
        }
    }

    #[test]
    fn their_number_is_bounded() {
        assert_eq!(reasons(&[]), [(None, "INVALID_FIELD")]);
        let many: Vec<String> = (0..65).map(|n| format!("10.{n}.0.0/16")).collect();
        assert_eq!(peer_ranges(&many, 1).0, []);
        assert_eq!(peer_ranges(&many[..64], 1).0.len(), 64);
        assert_eq!(peer_ranges(&[], 0), (Vec::new(), Vec::new()));
    }
}
