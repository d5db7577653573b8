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

/// The group with most room among those not refused; the first when equal. `here`: the accounts that serve the region,
/// each with the networks it may have.
pub(super) fn choose(
    words: &Words,
    here: impl IntoIterator<Item = (GroupId, u32)>,
    ask: &PlaceNetwork,
) -> Result<GroupId, CloudError> {
    let mut best: Option<(u32, GroupId)> = None;
    let mut full = Vec::new();
    for (group, limit) in here {
        let id = group.account.as_deref().unwrap_or_default();
        let used = ask
            .usage
            .iter()
            .find(|(used, _)| *used == group)
            .map_or(0, |(_, count)| *count);
        let room = limit.saturating_sub(used);
        if ask.refused.iter().any(|refused| refused == id) {
            full.push(format!("{id}: the cloud refused one more"));
        } else if room == 0 {
            full.push(format!("{id}: {used} of {limit} used"));
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

    fn chosen(limits: &[(&str, u32)], ask: &PlaceNetwork) -> Result<GroupId, CloudError> {
        let here = limits
            .iter()
            .map(|(id, limit)| (GroupId::aws(*id, REGION), *limit));
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
        let here = ["one", "two"].map(|id| (GroupId::gcp(id), 5));
        assert_eq!(choose(&WORDS, here, &ask).unwrap(), GroupId::gcp("two"));
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
