//! Removing a network's VPC with everything that Peerway made in it: one write per call.

use std::collections::BTreeSet;

use api::cloud::CloudError;
use google_cloud_compute_v1::model::{Network, Operation};

use super::client::{Clients, Gce};
use super::error::Failure;
use super::operation::Progress;
use super::token::{Step, Token};
use super::vpc_look::{self, Marks};
use super::{firewall, url};
use crate::provider::{DeleteVpc, Removal, Underway};

/// Waits for what is under way, then removes the first that stands: firewall rule, subnet, network.
pub(super) async fn delete(gce: &Gce, ask: &DeleteVpc) -> Result<Underway<Removal>, CloudError> {
    let marks = Marks::new(&ask.vpc, ask.known.id.as_deref());
    if let Some(token) = Token::parse(&ask.operation_token)? {
        match gce.progress(&token).await? {
            Progress::Running => return Ok(in_progress(token.to_string())),
            Progress::Done if token.step == Step::RemoveNetwork => {
                return Ok(Underway::ended(Removal::Deleted));
            }
            // What was being made or changed is removed whatever became of it.
            Progress::Failed(failure) if is_removal(token.step) && !failure.is_not_found() => {
                return Err(failure.of_operation());
            }
            Progress::Done | Progress::Failed(_) | Progress::Vanished => {}
        }
    }
    let Some(network) = vpc_look::network(gce, &marks).await? else {
        return Ok(Underway::ended(Removal::Absent));
    };
    // A name alone makes nothing ours: each is looked at before it is removed.
    if firewall::look(gce, &marks).await?.is_some()
        && let Some(token) = firewall::remove(gce, &marks.name).await?
    {
        return Ok(in_progress(token));
    }
    for region in regions(&network, gce.id(), &marks) {
        if vpc_look::subnet_in(gce, &marks, region).await?.is_some()
            && let Some(token) = remove_subnet(gce, region, &marks.name).await?
        {
            return Ok(in_progress(token));
        }
    }
    match remove_network(gce, &marks.name).await? {
        Some(token) => Ok(in_progress(token)),
        None => Ok(Underway::ended(Removal::Absent)),
    }
}

fn is_removal(step: Step) -> bool {
    matches!(
        step,
        Step::RemoveSubnet | Step::RemoveNetwork | Step::Firewall
    )
}

fn in_progress(operation_token: String) -> Underway<Removal> {
    Underway {
        now: Removal::InProgress,
        operation_token,
    }
}

/// The regions where subnets of our name may be: the network's own, which may not show a subnet just made, and those
/// that it shows.
fn regions<'a>(network: &'a Network, project: &str, marks: &'a Marks) -> BTreeSet<&'a str> {
    let subnets = network.subnetworks.iter();
    let places = subnets.filter_map(|address| url::subnet(address, project));
    places
        .filter(|(_, of)| *of == marks.name)
        .map(|(region, _)| region)
        .chain([marks.region.as_str()])
        .collect()
}

async fn remove_subnet(gce: &Gce, region: &str, name: &str) -> Result<Option<String>, CloudError> {
    const API: &str = "subnetworks.delete";
    let send = |clients: &Clients| {
        let call = clients.subnetworks.delete().set_project(gce.id());
        call.set_region(region).set_subnetwork(name).send()
    };
    let answer = gce.call(API, send).await;
    removed(gce, API, (Step::RemoveSubnet, Some(region)), answer)
}

async fn remove_network(gce: &Gce, name: &str) -> Result<Option<String>, CloudError> {
    const API: &str = "networks.delete";
    let send = |clients: &Clients| {
        let call = clients.networks.delete().set_project(gce.id());
        call.set_network(name).send()
    };
    let answer = gce.call(API, send).await;
    removed(gce, API, (Step::RemoveNetwork, None), answer)
}

/// The token of a deletion; none: there was nothing to delete.
pub(super) fn removed(
    gce: &Gce,
    api: &'static str,
    (step, region): (Step, Option<&str>),
    answer: Result<Operation, Failure>,
) -> Result<Option<String>, CloudError> {
    match answer {
        Ok(operation) => gce.begun(api, step, region, operation).map(Some),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure.of_write()),
    }
}
