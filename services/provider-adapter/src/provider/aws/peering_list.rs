//! Listing the peering connections that the vendor's account has requested.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use aws_sdk_ec2::types::{
    Filter, VpcPeeringConnection, VpcPeeringConnectionStateReasonCode as Raw,
};
use futures::{StreamExt, stream};
use types::PeeringId;

use super::client::Ec2;
use super::error::Failure;
use super::listing::Paging;
use super::peering_state::observation;
use super::{MOST_VALUES, tags};
use crate::provider::{ObservePeerings, Page, Pages, PeeringObservation};

pub(super) const API: &str = "DescribeVpcPeeringConnections";
/// The statuses by which EC2 lets those be asked for that wait for the other side. `initiating-request` is not among
/// its values.
const WAITING: [Raw; 2] = [Raw::PendingAcceptance, Raw::Provisioning];

/// Those that are asked for, page by page. A page that cannot be trusted ends it.
pub(super) fn pages(ec2: Arc<Ec2>, ask: ObservePeerings) -> Pages<PeeringObservation> {
    let listing = Listing {
        paging: Paging::new(API, ec2.pages.peerings),
        parts: parts(&ask),
        ids: ask.provider_peering_ids.into_iter().collect(),
        vpc: ask.vendor_vpc_id,
        ec2,
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

/// The filters, beside the owner's and the VPC's, of the listings that show all that is asked for; one for each. Their
/// values are as many as a call takes.
fn parts(ask: &ObservePeerings) -> VecDeque<Option<Filter>> {
    // The owner and perhaps the VPC stand beside them.
    let most = MOST_VALUES - 1 - usize::from(ask.vendor_vpc_id.is_some());
    if !ask.provider_peering_ids.is_empty() {
        let parts = ask.provider_peering_ids.chunks(most);
        return parts.map(|ids| Some(by_id(ids))).collect();
    }
    if !ask.peering_ids.is_empty() {
        let parts = ask.peering_ids.chunks(most);
        let by_tag = |ids: &[PeeringId]| {
            let ids = ids.iter().map(ToString::to_string);
            tags::filter(format!("tag:{}", tags::PEERING), ids)
        };
        return parts.map(|ids| Some(by_tag(ids))).collect();
    }
    let waiting = || tags::filter("status-code", WAITING.iter().map(Raw::as_str));
    VecDeque::from([ask.outstanding_only.then(waiting)])
}

struct Listing {
    ec2: Arc<Ec2>,
    ids: HashSet<String>,
    vpc: Option<String>,
    /// What is left to list, the part under way first.
    parts: VecDeque<Option<Filter>>,
    paging: Paging,
}

impl Listing {
    async fn page(&mut self) -> Result<Page<PeeringObservation>, Failure> {
        let ec2 = &self.ec2;
        // Without the owner, strangers' requests to our VPCs would fill the pages.
        let mut filters = vec![by_owner(&ec2.account)];
        filters.extend(self.parts.front().cloned().flatten());
        let vpc = self.vpc.iter();
        filters.extend(vpc.map(|id| tags::filter("requester-vpc-info.vpc-id", [id])));
        let fetch = |token, size| fetch(ec2, filters.clone(), token, size);
        let (seen, is_last) = self.paging.next(fetch).await?;
        let items = seen
            .iter()
            .filter(|one| is_owner(one, &self.ec2.account))
            .filter(|one| self.is_asked(one) && self.is_of_vpc(one))
            .map(|one| observation(one).ok_or_else(incomplete))
            .collect::<Result<_, _>>()?;
        if is_last {
            self.parts.pop_front();
            self.paging = self.paging.anew();
        }
        Ok(Page {
            items,
            complete: self.parts.is_empty(),
        })
    }

    fn is_asked(&self, one: &VpcPeeringConnection) -> bool {
        self.ids.is_empty()
            || one
                .vpc_peering_connection_id()
                .is_none_or(|id| self.ids.contains(id))
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
    let fetch = |token, size| fetch(ec2, filters.clone(), token, size);
    ec2.all(API, ec2.pages.peerings, fetch).await
}

/// One page and the token of the next.
async fn fetch(
    ec2: &Ec2,
    filters: Vec<Filter>,
    token: Option<String>,
    size: i32,
) -> Result<(Option<Vec<VpcPeeringConnection>>, Option<String>), Failure> {
    let call = ec2
        .client
        .describe_vpc_peering_connections()
        .set_filters(Some(filters))
        .max_results(size)
        .set_next_token(token);
    let page = ec2.call(API, call.send()).await?;
    Ok((page.vpc_peering_connections, page.next_token))
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
