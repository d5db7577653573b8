//! Which of the vendor's accounts takes one more network; the same rule for every cloud.

use api::cloud::{CloudError, CloudErrorKind};
use types::GroupId;

use super::PlaceNetwork;

const NO_ROOM: &str = "NO_ROOM";

/// What a cloud and its section of the settings call things, for those who have to make room.
pub(super) struct Words {
    /// The vendor's account.
    pub(super) account: &'static str,
    /// The network.
    pub(super) network: &'static str,
    /// The setting that lists the accounts.
    pub(super) list: &'static str,
    /// The cloud's quota, and the setting that follows it.
    pub(super) limits: &'static str,
}

/// How many networks an account may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// All together.
    pub(super) limit: u32,
    /// Those that are there and not the caller's.
    pub(super) others: u32,
}

impl PlaceNetwork {
    /// How many networks the caller has in a group.
    pub(super) fn used(&self, group: &GroupId) -> u32 {
        let mut usage = self.usage.iter();
        let found = usage.find(|(one, _)| one == group);
        found.map_or(0, |(_, count)| *count)
    }
}

/// The group with most room among those not refused; the first when equal. `here`: the accounts that serve the region.
pub(super) fn choose(
    words: &Words,
    here: impl IntoIterator<Item = (GroupId, Room)>,
    ask: &PlaceNetwork,
) -> Result<GroupId, CloudError> {
    let mut best: Option<(u32, GroupId)> = None;
    let mut full = Vec::new();
    for (group, Room { limit, others }) in here {
        let id = group.account.as_deref().unwrap_or_default();
        let used = ask.used(&group).saturating_add(others);
        let room = limit.saturating_sub(used);
        if ask.refused.iter().any(|refused| refused == id) {
            full.push(format!("{id}: the cloud refused one more"));
        } else if room == 0 {
            let by_others = match others {
                0 => String::new(),
                _ => format!(", {others} by others"),
            };
            full.push(format!("{id}: {used} of {limit} used{by_others}"));
        } else if best.as_ref().is_none_or(|(most, _)| room > *most) {
            best = Some((room, group));
        }
    }
    best.map(|(_, group)| group)
        .ok_or_else(|| no_room(words, ask, &full))
}

/// Says who must raise what.
fn no_room(words: &Words, ask: &PlaceNetwork, full: &[String]) -> CloudError {
    let Words {
        account,
        network,
        list,
        limits,
    } = words;
    let region = &ask.region;
    let message = if full.is_empty() {
        format!(
            "no vendor {account} is configured for {region}: the vendor has to add the region to one in {list}, or \
             add one there"
        )
    } else {
        format!(
            "no vendor {account} in {region} takes one more {network} ({}): the vendor has to raise {limits}, or add \
             one to {list}",
            full.join("; ")
        )
    };
    CloudError::refused(CloudErrorKind::Quota, NO_ROOM, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words = Words {
        account: "account",
        network: "VPC",
        list: "aws.accounts",
        limits: "the quota and vpc_limit with it",
    };
    const REGION: &str = "eu-west-1";
    const A: &str = "111111111111";
    const B: &str = "222222222222";

    fn ask(usage: &[(&str, u32)], refused: &[&str]) -> PlaceNetwork {
        PlaceNetwork {
            region: REGION.parse().unwrap(),
            usage: usage
                .iter()
                .map(|(id, used)| (GroupId::aws(*id, REGION), *used))
                .collect(),
            refused: refused.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn room(limit: u32, others: u32) -> Room {
        Room { limit, others }
    }

    fn chosen(limits: &[(&str, u32)], ask: &PlaceNetwork) -> Result<GroupId, CloudError> {
        let here = limits
            .iter()
            .map(|(id, limit)| (GroupId::aws(*id, REGION), room(*limit, 0)));
        choose(&WORDS, here, ask)
    }

    #[test]
    fn the_account_with_most_room_is_chosen() {
        for (limits, usage, refused, expected) in [
            ([(A, 5), (B, 5)], &[][..], &[][..], A),
            ([(A, 5), (B, 5)], &[(A, 2), (B, 1)], &[], B),
            ([(A, 5), (B, 9)], &[(B, 3)], &[], B),
            ([(A, 5), (B, 5)], &[(B, 4)], &[A], B),
        ] {
            let group = chosen(&limits, &ask(usage, refused)).unwrap();
            assert_eq!(group, GroupId::aws(expected, REGION), "{usage:?}");
        }
    }

    #[test]
    fn networks_of_another_region_take_no_room() {
        let mut ask = ask(&[], &[]);
        ask.usage.push((GroupId::aws(A, "eu-west-2"), 5));
        assert!(chosen(&[(A, 5)], &ask).is_ok());
    }

    #[test]
    fn a_project_has_one_room_for_all_regions() {
        let mut ask = ask(&[], &[]);
        ask.usage = vec![(GroupId::gcp("one"), 4), (GroupId::gcp("two"), 1)];
        let here = ["one", "two"].map(|id| (GroupId::gcp(id), room(5, 0)));
        assert_eq!(choose(&WORDS, here, &ask).unwrap(), GroupId::gcp("two"));
    }

    #[test]
    fn networks_of_others_take_room_and_are_told() {
        let mut ask = ask(&[], &[]);
        ask.usage = vec![(GroupId::gcp("one"), 1)];
        let with = |others| [(GroupId::gcp("one"), room(5, others))];
        assert!(choose(&WORDS, with(3), &ask).is_ok());
        let error = choose(&WORDS, with(4), &ask).unwrap_err();
        assert!(
            error.message.contains("one: 5 of 5 used, 4 by others"),
            "{error}"
        );
        ask.usage.clear();
        let error = choose(&WORDS, with(5), &ask).unwrap_err();
        assert!(
            error.message.contains("one: 5 of 5 used, 5 by others"),
            "{error}"
        );
    }

    #[test]
    fn without_room_it_says_who_must_raise_what() {
        let error = chosen(&[(A, 5), (B, 5)], &ask(&[(A, 7)], &[B])).unwrap_err();
        assert_eq!(
            (error.kind, error.reason.as_str(), error.refused),
            (CloudErrorKind::Quota, "NO_ROOM", true)
        );
        assert_eq!(
            error.message,
            "no vendor account in eu-west-1 takes one more VPC (111111111111: 7 of 5 used; 222222222222: the cloud \
             refused one more): the vendor has to raise the quota and vpc_limit with it, or add one to aws.accounts"
        );
    }

    #[test]
    fn a_region_nobody_serves_has_no_room() {
        let error = chosen(&[], &ask(&[], &[])).unwrap_err();
        assert_eq!(
            (error.kind, error.reason.as_str()),
            (CloudErrorKind::Quota, "NO_ROOM")
        );
        assert!(error.message.contains("configured for eu-west-1"));
    }
}
