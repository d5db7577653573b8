//! The ranges of a customer's network, as its half of a peering gives them to the vendor's.

use std::collections::BTreeSet;

use google_cloud_compute_v1::model::ExchangedPeeringRoutesList;
use google_cloud_compute_v1::model::exchanged_peering_route::Type;
use google_cloud_compute_v1::model::exchanged_peering_routes_list::warning::Code;
use google_cloud_compute_v1::model::networks::list_peering_routes_request::Direction;
use types::{Cidr, Region};

use super::client::{Clients, Gce};
use super::error::Failure;
use super::listing::{self, Listed, against, is_of_kind};
use crate::provider::PeeringObservation;

const API: &str = "networks.listPeeringRoutes";

/// The ranges of the customer's subnets that come in over a half, seen from `region`.
pub(super) async fn incoming(
    gce: &Gce,
    half: &PeeringObservation,
    region: &Region,
) -> Result<Vec<String>, Failure> {
    let ranges = listing::all(gce, API, |gce, token| page(gce, half, region, token)).await?;
    let ranges: BTreeSet<Cidr> = ranges.into_iter().collect();
    Ok(ranges.iter().map(ToString::to_string).collect())
}

async fn page(
    gce: Gce,
    half: &PeeringObservation,
    region: &Region,
    token: Option<String>,
) -> Result<Listed<Cidr>, Failure> {
    let send = |clients: &Clients| {
        let call = clients.networks.list_peering_routes().set_project(gce.id());
        let call = call
            .set_network(&half.vendor_vpc_id)
            .set_peering_name(&half.provider_peering_id);
        let call = call
            .set_region(region.as_str())
            .set_direction(Direction::Incoming);
        let call = call.set_max_results(gce.project.page);
        call.set_or_clear_page_token(token.clone()).send()
    };
    let list = gce.call(API, send).await?;
    if !is_list(&list) {
        return Err(gce.unusable(API, "the answer shows no list of routes"));
    }
    let mut items = Vec::new();
    for route in &list.items {
        // Custom routes lead to what is behind the customer's network, not into it.
        if route.r#type == Some(Type::SubnetPeeringRoute) {
            let range = route.dest_range.as_deref().and_then(ipv4);
            let unreadable = || gce.unusable(API, "the answer shows a route without its range");
            items.extend(range.ok_or_else(unreadable)?);
        }
    }
    Ok(Listed {
        items,
        warning: list
            .warning
            .and_then(|warning| against(warning.code.as_ref().and_then(Code::name))),
        next: list.next_page_token,
    })
}

/// The range, none inside if it is one of IPv6; none: it is no range.
fn ipv4(text: &str) -> Option<Option<Cidr>> {
    match text.parse() {
        Ok(range) => Some(Some(range)),
        Err(_) => text.contains(':').then_some(None),
    }
}

/// Whether it says that it is a list of routes: an object without anything reads like an empty one.
fn is_list(list: &ExchangedPeeringRoutesList) -> bool {
    let more = list.id.is_some() || list.self_link.is_some() || !list.items.is_empty();
    is_of_kind(
        list.kind.as_deref(),
        "compute#exchangedPeeringRoutesList",
        more,
    )
}
