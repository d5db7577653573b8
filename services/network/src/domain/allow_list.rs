//! Which ranges may reach the datastores of a network, and how much of the cloud's firewall that takes.

use types::{Cidr, ProviderKind};

use super::catalog::nobodys;
use super::{Error, Firewall, Network};

/// The prefix of the largest range: the firewall refuses larger ones.
const SHORTEST_PREFIX: u8 = 8;

/// A range that may reach the datastores of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The range.
    pub cidr: Cidr,
    /// The owner's own words.
    pub description: String,
    /// The peering whose ranges it follows; empty: the owner's own.
    pub peering: String,
    /// The firewall's goal that first held it.
    pub goal: i64,
    /// When it was recorded.
    pub create_time: i64,
}

/// Whether the firewall carries an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is on its way.
    Pending,
    /// It does.
    Applied,
    /// It does not, for the firewall's reason.
    Failed,
}

impl Entry {
    /// Whether the firewall carries it.
    pub fn applied(&self, firewall: &Firewall) -> Applied {
        if self.goal <= firewall.done {
            Applied::Applied
        } else if firewall.is_refused() {
            Applied::Failed
        } else {
            Applied::Pending
        }
    }
}

/// What the firewall of a network is to admit: every range to every port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirewallWanted {
    /// Ordered, each once.
    pub cidrs: Vec<Cidr>,
    /// Ordered, each once.
    pub ports: Vec<u16>,
}

/// What so many ranges and ports take of a network's firewall: rules in AWS, one for each range and port; ranges in
/// GCP, where one rule has all ports. Without ports nothing is open yet, and there will be one at least.
pub fn firewall_size(provider: ProviderKind, ranges: usize, ports: usize) -> u32 {
    let size = match provider {
        ProviderKind::Aws => ranges.saturating_mul(ports.max(1)),
        ProviderKind::Gcp => ranges,
    };
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Checks that a network's firewall has room for so many (ranges, ports) instead of those it has; what does not need
/// more is never refused.
///
/// # Errors
/// [`Error::AllowListFull`].
pub fn check_room(
    network: &Network,
    has: (usize, usize),
    wants: (usize, usize),
    limit: u32,
) -> Result<(), Error> {
    let used = firewall_size(network.provider, has.0, has.1);
    let wanted = firewall_size(network.provider, wants.0, wants.1);
    if wanted <= limit || wanted <= used {
        return Ok(());
    }
    Err(Error::AllowListFull {
        provider: network.provider,
        used,
        wanted,
        limit,
    })
}

/// Checks that a firewall takes the range, and that somebody can be in it.
///
/// # Errors
/// The rule it breaks, of `field`.
pub fn check_entry(field: &'static str, cidr: Cidr) -> Result<(), Error> {
    let (reason, rule) = if cidr.prefix_len() < SHORTEST_PREFIX {
        let rule = format!("must not be larger than /{SHORTEST_PREFIX}, but is {cidr}");
        ("CIDR_SIZE", rule)
    } else if let Some(rule) = nobodys(cidr) {
        ("CIDR_NOT_PRIVATE", rule)
    } else {
        return Ok(());
    };
    Err(Error::InvalidEntry {
        field,
        reason,
        rule,
    })
}

/// Those of `ranges` that `listed` and the others do not contain, ordered.
pub fn missing(listed: &[Cidr], ranges: impl IntoIterator<Item = Cidr>) -> Vec<Cidr> {
    let mut ranges: Vec<_> = ranges.into_iter().collect();
    // A range comes before those that it contains.
    ranges.sort();
    let mut missing: Vec<Cidr> = Vec::new();
    for range in ranges {
        let covered = |all: &[Cidr]| all.iter().any(|one| one.contains(&range));
        if !covered(listed) && !missing.last().is_some_and(|last| last.contains(&range)) {
            missing.push(range);
        }
    }
    missing
}

/// What becomes of the entries that follow a peering when its ranges change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Follow {
    /// Entries that go.
    pub gone: Vec<Cidr>,
    /// Ranges that come, ordered, each with the peering that its entry follows.
    pub new: Vec<(Cidr, String)>,
}

impl Follow {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

/// How the entries of a peering follow it from the ranges `had` to those that `peerings` say now: every peering on the
/// network, but for one that leaves it.
///
/// A peering without an entry that follows it has none made. A wider entry that goes leaves entries for the ranges in it
/// that peerings still have.
pub fn follow(entries: &[Entry], id: &str, had: &[Cidr], peerings: &[(&str, &[Cidr])]) -> Follow {
    let own = peerings.iter().find(|(peering, _)| *peering == id);
    let has = own.map_or(&[][..], |(_, has)| has);
    let mut tied = entries
        .iter()
        .filter(|entry| entry.peering == id)
        .peekable();
    if tied.peek().is_none() {
        return Follow::default();
    }
    let gone: Vec<Cidr> = tied
        .map(|entry| entry.cidr)
        .filter(|cidr| !has.contains(cidr))
        .collect();
    let all = peerings
        .iter()
        .flat_map(|(peering, ranges)| ranges.iter().map(|range| (*range, *peering)));
    let asked: Vec<(Cidr, &str)> = all
        .filter(|(range, peering)| {
            let is_new = *peering == id && !had.contains(range);
            is_new || gone.iter().any(|gone| gone.contains(range))
        })
        .collect();
    let stay = entries.iter().map(|entry| entry.cidr);
    let stay: Vec<Cidr> = stay.filter(|cidr| !gone.contains(cidr)).collect();
    let new = missing(&stay, asked.iter().map(|(range, _)| *range)).into_iter();
    let new = new.filter_map(|range| {
        let (_, peering) = asked.iter().find(|(asked, _)| *asked == range)?;
        Some((range, (*peering).to_owned()))
    });
    Follow {
        new: new.collect(),
        gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(cidr: &str, peering: &str) -> Entry {
        Entry {
            cidr: cidr.parse().unwrap(),
            description: String::new(),
            peering: peering.to_owned(),
            goal: 1,
            create_time: 0,
        }
    }

    #[test]
    fn entries_follow_their_peering_and_leave_room_for_nobody_else() {
        // Entries (range, peering), what p had and has, what another has: what goes, and what comes.
        type Case<'a> = (
            &'a [(&'a str, &'a str)],
            &'a [&'a str],
            &'a [&'a str],
            &'a [&'a str],
            &'a [&'a str],
            &'a [(&'a str, &'a str)],
        );
        let one = &[("10.1.0.0/16", "p")][..];
        let cases: &[Case<'_>] = &[
            // Nothing follows: nothing comes, and the owner's own stays.
            (
                &[("10.1.0.0/16", "")],
                &["10.1.0.0/16"],
                &["10.2.0.0/16"],
                &[],
                &[],
                &[],
            ),
            (
                &[("10.1.0.0/16", "q")],
                &["10.1.0.0/16"],
                &["10.2.0.0/16"],
                &[],
                &[],
                &[],
            ),
            // More, and then fewer.
            (
                one,
                &["10.1.0.0/16"],
                &["10.1.0.0/16", "10.2.0.0/16"],
                &[],
                &[],
                &[("10.2.0.0/16", "p")],
            ),
            (
                &[("10.1.0.0/16", "p"), ("10.2.0.0/16", "p")],
                &["10.1.0.0/16", "10.2.0.0/16"],
                &["10.2.0.0/16"],
                &[],
                &["10.1.0.0/16"],
                &[],
            ),
            // What the owner took out does not come back with the rest.
            (
                one,
                &["10.1.0.0/16", "10.3.0.0/16"],
                &["10.1.0.0/16", "10.3.0.0/16"],
                &[],
                &[],
                &[],
            ),
            // What an entry contains needs none of its own, until that goes.
            (
                one,
                &["10.1.0.0/16"],
                &["10.1.0.0/16", "10.1.2.0/24"],
                &[],
                &[],
                &[],
            ),
            (
                one,
                &["10.1.0.0/16", "10.1.2.0/24"],
                &["10.1.2.0/24"],
                &[],
                &["10.1.0.0/16"],
                &[("10.1.2.0/24", "p")],
            ),
            (
                one,
                &["10.1.0.0/16"],
                &[],
                &["10.1.3.0/24"],
                &["10.1.0.0/16"],
                &[("10.1.3.0/24", "q")],
            ),
            (
                &[("10.1.0.0/16", "p"), ("10.1.0.0/17", "")],
                &["10.1.0.0/16"],
                &[],
                &["10.1.3.0/24", "10.1.128.0/24"],
                &["10.1.0.0/16"],
                &[("10.1.128.0/24", "q")],
            ),
            (
                &[("10.1.0.0/16", "p"), ("10.0.0.0/8", "")],
                &["10.1.0.0/16"],
                &["10.9.0.0/16"],
                &[],
                &["10.1.0.0/16"],
                &[],
            ),
        ];
        for (at, (entries, had, has, other, gone, new)) in cases.iter().enumerate() {
            let entries: Vec<Entry> = entries.iter().map(|(cidr, id)| entry(cidr, id)).collect();
            let (has, other) = (ranges(has), ranges(other));
            let peerings = [("q", other.as_slice()), ("p", has.as_slice())];
            let expected = Follow {
                gone: ranges(gone),
                new: new
                    .iter()
                    .map(|(cidr, id)| (cidr.parse().unwrap(), (*id).to_owned()))
                    .collect(),
            };
            assert_eq!(
                follow(&entries, "p", &ranges(had), &peerings),
                expected,
                "case {at}"
            );
        }
    }

    fn ranges(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_what_nothing_contains_is_missing() {
        for (listed, wanted, expected) in [
            (&[][..], &[][..], &[][..]),
            (
                &[],
                &["10.2.0.0/16", "10.1.0.0/16"],
                &["10.1.0.0/16", "10.2.0.0/16"],
            ),
            (&["10.1.0.0/16"], &["10.1.0.0/16", "10.1.2.0/24"], &[]),
            (&["10.1.2.0/24"], &["10.1.0.0/16"], &["10.1.0.0/16"]),
            (
                &[],
                &["10.1.2.0/24", "10.1.0.0/16", "10.1.0.0/24"],
                &["10.1.0.0/16"],
            ),
            (&["0.0.0.0/0"], &["10.1.2.0/24"], &[]),
        ] {
            assert_eq!(missing(&ranges(listed), ranges(wanted)), ranges(expected));
        }
    }

    #[test]
    fn a_rule_in_aws_is_a_range_and_a_port_and_in_gcp_a_range() {
        use ProviderKind::{Aws, Gcp};
        assert_eq!(firewall_size(Aws, 3, 4), 12);
        assert_eq!(firewall_size(Aws, 3, 0), 3);
        assert_eq!(firewall_size(Gcp, 3, 4), 3);
        assert_eq!(firewall_size(Aws, usize::MAX, 2), u32::MAX);
    }

    #[test]
    fn an_entry_is_applied_once_the_firewall_confirmed_its_goal() {
        let entry = Entry {
            cidr: "10.1.0.0/16".parse().unwrap(),
            description: String::new(),
            peering: String::new(),
            goal: 3,
            create_time: 0,
        };
        let at = |done: i64, reason: &str| Firewall {
            goal: 4,
            done,
            reason: reason.to_owned(),
            ..Firewall::new(0)
        };
        assert_eq!(entry.applied(&at(2, "")), Applied::Pending);
        assert_eq!(entry.applied(&at(2, "CLOUD_UNAVAILABLE")), Applied::Failed);
        assert_eq!(entry.applied(&at(3, "CLOUD_UNAVAILABLE")), Applied::Applied);
        assert_eq!(entry.applied(&at(4, "")), Applied::Applied);
    }

    #[test]
    fn the_largest_range_is_a_slash_eight() {
        assert_eq!(check_entry("cidr", "10.0.0.0/8".parse().unwrap()), Ok(()));
        assert!(check_entry("cidr", "10.0.0.0/7".parse().unwrap()).is_err());
        assert!(check_entry("cidr", "0.0.0.0/0".parse().unwrap()).is_err());
    }

    #[test]
    fn space_in_which_nobody_can_be_is_no_entry() {
        for (range, taken) in [
            ("127.0.0.0/8", true),
            ("169.254.0.0/16", true),
            ("169.253.0.0/16", false),
            ("224.1.0.0/16", true),
            ("223.255.255.0/24", false),
            ("255.255.255.255/32", true),
        ] {
            let checked = check_entry("cidr", range.parse().unwrap());
            assert_eq!(checked.is_err(), taken, "{range}: {checked:?}");
        }
    }
}
