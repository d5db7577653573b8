//! Which accounts serve a region, and how many VPCs each may have there.

use api::cloud::CloudError;
use types::GroupId;

use crate::config::AccountConfig;
use crate::provider::{PlaceNetwork, place};

const WORDS: place::Words = place::Words {
    account: "account",
    network: "VPC",
    list: "aws.accounts",
    limits: "the quota \"VPCs per Region\" there and its vpc_limit in aws.accounts with it",
};

/// The account that takes one more VPC.
pub(super) fn choose(
    accounts: &[AccountConfig],
    ask: &PlaceNetwork,
) -> Result<GroupId, CloudError> {
    let here = accounts
        .iter()
        .filter(|account| account.regions.contains(&ask.region))
        .map(|account| {
            let group = GroupId::aws(account.account_id.as_str(), ask.region.as_str());
            let (limit, others) = (account.vpc_limit, 0);
            (group, place::Room { limit, others })
        });
    place::choose(&WORDS, here, ask)
}
