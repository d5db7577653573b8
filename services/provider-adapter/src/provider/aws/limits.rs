//! The limits of the vendor's accounts. EC2 does not tell them, so they are as configured; what is used, it tells.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::cloud::CloudError;
use aws_sdk_ec2::types::VpcPeeringConnectionStateReasonCode as Raw;
use types::GroupId;

use super::client::Ec2;
use super::error::Failure;
use super::{peering_list, tags};
use crate::config::AccountConfig;
use crate::provider::Limit;

/// How much of an account's limits in a region is used; none: nobody asked, or there was no answer.
#[derive(Default)]
pub(super) struct Used {
    vpcs: Option<u32>,
    outstanding: Option<u32>,
}

/// Asks EC2. Without an answer for one account, the others' are still worth telling.
pub(super) async fn used(client: Result<Arc<Ec2>, CloudError>) -> Used {
    let Ok(ec2) = client else {
        return Used::default();
    };
    let (vpcs, outstanding) = futures::join!(vpcs(&ec2), outstanding(&ec2));
    Used {
        vpcs: vpcs.ok(),
        outstanding: outstanding.ok(),
    }
}

/// The limits of an account in a region.
pub(super) fn of(account: &AccountConfig, group: &GroupId, used: Used) -> Vec<Limit> {
    let limit = |name, used, limit| Limit {
        group: group.clone(),
        name,
        used,
        limit,
        from_cloud: false,
    };
    vec![
        limit("networks", used.vpcs, account.vpc_limit),
        limit(
            "outstanding_peerings",
            used.outstanding,
            account.outstanding_limit,
        ),
        limit("peerings_per_network", None, account.peerings_per_vpc),
    ]
}

/// All VPCs of the account, by whomever they were made: the quota counts them all.
async fn vpcs(ec2: &Ec2) -> Result<u32, Failure> {
    const API: &str = "DescribeVpcs";
    let found = ec2
        .all(API, ec2.pages.vpcs, |token, size| async move {
            let call = ec2
                .client
                .describe_vpcs()
                .filters(tags::filter("owner-id", [&ec2.account]))
                .max_results(size)
                .set_next_token(token);
            let page = ec2.call(API, call.send()).await?;
            Ok((page.vpcs, page.next_token))
        })
        .await?;
    let ids = found
        .iter()
        .filter(|vpc| vpc.owner_id().is_none_or(|owner| owner == ec2.account))
        .map(|vpc| {
            vpc.vpc_id()
                .ok_or_else(|| Failure::unusable(API, "the answer shows a VPC without id"))
        })
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(count(ids.len()))
}

/// The account's requests that nobody has accepted yet.
async fn outstanding(ec2: &Ec2) -> Result<u32, Failure> {
    let waiting = [Raw::InitiatingRequest, Raw::PendingAcceptance];
    let found = peering_list::requested(ec2, &waiting).await?;
    let mut ids = BTreeSet::new();
    for one in &found {
        let id = one.vpc_peering_connection_id();
        let raw = one.status().and_then(|status| status.code());
        let (Some(id), Some(raw)) = (id, raw) else {
            return Err(peering_list::incomplete());
        };
        if waiting.contains(raw) {
            ids.insert(id);
        }
    }
    Ok(count(ids.len()))
}

fn count(found: usize) -> u32 {
    u32::try_from(found).unwrap_or(u32::MAX)
}
