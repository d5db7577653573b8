//! Which of the vendor's accounts takes one more network.

use api::cloud::{CloudError, CloudErrorKind};
use types::GroupId;

use crate::config::AccountConfig;
use crate::provider::PlaceNetwork;

const NO_ROOM: &str = "NO_ROOM";

/// The account with most room in the region among those not refused; the first as configured when equal.
pub(super) fn choose(
    accounts: &[AccountConfig],
    ask: &PlaceNetwork,
) -> Result<GroupId, CloudError> {
    let here: Vec<&AccountConfig> = accounts
        .iter()
        .filter(|account| account.regions.contains(&ask.region))
        .collect();
    if here.is_empty() {
        return Err(CloudError::refused(
            CloudErrorKind::Quota,
            NO_ROOM,
            format!(
                "no vendor account is configured for {}: the vendor has to add the region to an account in \
                 aws.accounts, or add an account there",
                ask.region
            ),
        ));
    }
    let mut best: Option<(u32, GroupId)> = None;
    let mut full = Vec::new();
    for account in here {
        let id = account.account_id.as_str();
        let group = GroupId::aws(id, ask.region.as_str());
        let used = ask
            .usage
            .iter()
            .find(|(used, _)| *used == group)
            .map_or(0, |(_, count)| *count);
        let room = account.vpc_limit.saturating_sub(used);
        if ask.refused.iter().any(|refused| refused == id) {
            full.push(format!("{id}: the cloud refused one more"));
        } else if room == 0 {
            full.push(format!("{id}: {used} of {} used", account.vpc_limit));
        } else if best.as_ref().is_none_or(|(most, _)| room > *most) {
            best = Some((room, group));
        }
    }
    best.map(|(_, group)| group)
        .ok_or_else(|| no_room(ask, &full))
}

fn no_room(ask: &PlaceNetwork, full: &[String]) -> CloudError {
    let message = format!(
        "no vendor account in {} takes one more VPC ({}): the vendor has to raise the quota \"VPCs per Region\" \
         there and aws.accounts.vpc_limit with it, or add an account",
        ask.region,
        full.join("; ")
    );
    CloudError::refused(CloudErrorKind::Quota, NO_ROOM, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, regions: &[&str], vpc_limit: u32) -> AccountConfig {
        AccountConfig {
            account_id: id.parse().unwrap(),
            regions: regions
                .iter()
                .map(|region| region.parse().unwrap())
                .collect(),
            endpoint_url: None,
            role_arn: None,
            external_id: None,
            vpc_limit,
        }
    }

    fn ask(region: &str, usage: &[(&str, u32)], refused: &[&str]) -> PlaceNetwork {
        PlaceNetwork {
            region: region.parse().unwrap(),
            usage: usage
                .iter()
                .map(|(id, used)| (GroupId::aws(*id, region), *used))
                .collect(),
            refused: refused.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    const A: &str = "111111111111";
    const B: &str = "222222222222";

    #[test]
    fn the_account_with_most_room_is_chosen() {
        let accounts = [
            account(A, &["eu-west-1"], 5),
            account(B, &["eu-west-1", "eu-west-2"], 5),
        ];
        let chosen = |ask: &PlaceNetwork| choose(&accounts, ask).unwrap().account.unwrap();
        assert_eq!(chosen(&ask("eu-west-1", &[], &[])), A);
        assert_eq!(chosen(&ask("eu-west-1", &[(A, 2), (B, 1)], &[])), B);
        assert_eq!(chosen(&ask("eu-west-1", &[(B, 4)], &[A])), B);
        assert_eq!(chosen(&ask("eu-west-2", &[], &[])), B);
    }

    #[test]
    fn without_room_it_says_who_must_raise_what() {
        let accounts = [account(A, &["eu-west-1"], 5), account(B, &["eu-west-1"], 5)];
        let error = choose(&accounts, &ask("eu-west-1", &[(A, 5)], &[B])).unwrap_err();
        assert_eq!(
            (error.kind, error.reason.as_str()),
            (CloudErrorKind::Quota, "NO_ROOM")
        );
        assert!(error.message.contains("5 of 5 used") && error.message.contains("vpc_limit"));
    }

    #[test]
    fn a_region_nobody_serves_has_no_room() {
        let error = choose(
            &[account(A, &["eu-west-1"], 5)],
            &ask("eu-west-9", &[], &[]),
        )
        .unwrap_err();
        assert_eq!(
            (error.kind, error.reason.as_str()),
            (CloudErrorKind::Quota, "NO_ROOM")
        );
        assert!(error.message.contains("configured for eu-west-9"));
    }
}
