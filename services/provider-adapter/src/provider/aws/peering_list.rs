//! Listing the peering connections that the vendor's account has requested.

use std::sync::Arc;

use aws_sdk_ec2::types::{
    Filter, VpcPeeringConnection, VpcPeeringConnectionStateReasonCode as Raw,
};
use futures::{StreamExt, stream};

use super::client::{Ec2, Tokens};
use super::error::Failure;
use super::peering_state::observation;
use super::{MOST_VALUES, tags};
use crate::provider::{Page, Pages, PeeringObservation};

pub(super) const API: &str = "DescribeVpcPeeringConnections";

/// All of the account's, of `vpc` if it is given, or those with `ids` when they fit one call. A page that cannot be
/// trusted ends it.
pub(super) fn pages(
    ec2: Arc<Ec2>,
    ids: Vec<String>,
    vpc: Option<String>,
) -> Pages<PeeringObservation> {
    // Beside the ids stand the owner and perhaps the VPC: the limit is on all values of a call.
    let ids = if ids.len() + 2 <= MOST_VALUES {
        ids
    } else {
        Vec::new()
    };
    let listing = Listing {
        ec2,
        ids,
        vpc,
        token: None,
        tokens: Tokens::new(API),
    };
    stream::unfold(Some(listing), |listing| async {
        let mut listing = listing?;
        match listing.page().await {
            Ok(page) => {
                let rest = (!page.complete).then_some(listing);
                Some((Ok(page), rest))
            }
            Err(failure) => Some((Err(failure.while_looking()), None)),
        }
    })
    .boxed()
}

struct Listing {
    ec2: Arc<Ec2>,
    ids: Vec<String>,
    vpc: Option<String>,
    token: Option<String>,
    tokens: Tokens,
}

impl Listing {
    async fn page(&mut self) -> Result<Page<PeeringObservation>, Failure> {
        // Without the owner, strangers' requests to our VPCs would fill the pages.
        let mut filters = vec![by_owner(&self.ec2.account)];
        if !self.ids.is_empty() {
            filters.push(by_id(&self.ids));
        }
        let vpc = self.vpc.iter();
        filters.extend(vpc.map(|id| tags::filter("requester-vpc-info.vpc-id", [id])));
        let call = self
            .ec2
            .client
            .describe_vpc_peering_connections()
            .set_filters(Some(filters))
            .max_results(self.ec2.pages.peerings)
            .set_next_token(self.token.take());
        let answer = self.ec2.call(API, call.send()).await?;
        let seen = answer
            .vpc_peering_connections
            .ok_or_else(|| Failure::unusable(API, "the answer lacks its set"))?;
        let items = seen
            .iter()
            .filter(|one| is_owner(one, &self.ec2.account))
            .filter(|one| self.is_asked(one) && self.is_of_vpc(one))
            .map(|one| observation(one).ok_or_else(incomplete))
            .collect::<Result<_, _>>()?;
        self.token = self.tokens.next(answer.next_token)?;
        Ok(Page {
            items,
            complete: self.token.is_none(),
        })
    }

    fn is_asked(&self, one: &VpcPeeringConnection) -> bool {
        self.ids.is_empty()
            || one
                .vpc_peering_connection_id()
                .is_none_or(|id| self.ids.iter().any(|asked| asked == id))
    }

    fn is_of_vpc(&self, one: &VpcPeeringConnection) -> bool {
        let vpc = one.requester_vpc_info().and_then(|info| info.vpc_id());
        self.vpc.is_none() || vpc.is_none() || vpc == self.vpc.as_deref()
    }
}

/// Whether `account` requested it. One without an owner passes, so that it is found incomplete rather than absent.
fn is_owner(one: &VpcPeeringConnection, account: &str) -> bool {
    let owner = one.requester_vpc_info().and_then(|info| info.owner_id());
    owner.is_none_or(|owner| owner == account)
}

/// One peering connection by its id; none when EC2 shows no such.
pub(super) async fn one(ec2: &Ec2, id: &str) -> Result<Option<VpcPeeringConnection>, Failure> {
    let found = filtered(ec2, vec![by_id(&[id.to_owned()])]).await?;
    Ok(found
        .into_iter()
        .find(|one| one.vpc_peering_connection_id() == Some(id)))
}

/// The peering connections that the account has requested from one VPC to another, ended ones among them.
pub(super) async fn between(
    ec2: &Ec2,
    requester: &str,
    accepter: &str,
) -> Result<Vec<VpcPeeringConnection>, Failure> {
    let filters = vec![
        tags::filter("requester-vpc-info.vpc-id", [requester]),
        tags::filter("accepter-vpc-info.vpc-id", [accepter]),
    ];
    let mut found = filtered(ec2, filters).await?;
    found.retain(|one| {
        let from = one.requester_vpc_info().and_then(|info| info.vpc_id());
        let to = one.accepter_vpc_info().and_then(|info| info.vpc_id());
        (from, to) == (Some(requester), Some(accepter))
    });
    Ok(found)
}

/// The peering connections that the account has requested and that EC2 takes to be in one of these statuses.
pub(super) async fn requested(
    ec2: &Ec2,
    statuses: &[Raw],
) -> Result<Vec<VpcPeeringConnection>, Failure> {
    let statuses = statuses.iter().map(Raw::as_str);
    let filters = vec![
        by_owner(&ec2.account),
        tags::filter("status-code", statuses),
    ];
    let mut found = filtered(ec2, filters).await?;
    found.retain(|one| is_owner(one, &ec2.account));
    Ok(found)
}

async fn filtered(ec2: &Ec2, filters: Vec<Filter>) -> Result<Vec<VpcPeeringConnection>, Failure> {
    ec2.all(API, |token| async {
        let call = ec2
            .client
            .describe_vpc_peering_connections()
            .set_filters(Some(filters.clone()))
            .max_results(ec2.pages.peerings)
            .set_next_token(token);
        let page = ec2.call(API, call.send()).await?;
        Ok((page.vpc_peering_connections, page.next_token))
    })
    .await
}

fn by_owner(account: &str) -> Filter {
    tags::filter("requester-vpc-info.owner-id", [account])
}

fn by_id(ids: &[String]) -> Filter {
    // An id list would fail as a whole for one id that is gone; a filter does not.
    tags::filter("vpc-peering-connection-id", ids)
}

pub(super) fn incomplete() -> Failure {
    Failure::unusable(API, "the answer shows a peering without id or status")
}
