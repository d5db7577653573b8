//! Looking at what stands of a network's VPC. A name alone makes nothing ours: what it names is checked.

use api::cloud::{CloudError, CloudErrorKind};
use google_cloud_compute_v1::model::{Network, Subnetwork};
use types::Cidr;

use super::client::Gce;
use super::error::Failure;
use super::meaning::REFUSED;
use super::{names, url};
use crate::provider::{Subnet, VpcRef};

const GET_NETWORK: &str = "networks.get";
const GET_SUBNET: &str = "subnetworks.get";

/// What a network's objects are called and how they are described.
pub(super) struct Marks {
    /// The name of each.
    pub(super) name: String,
    /// Whose they are, in words.
    pub(super) description: String,
    /// Where the subnet is.
    pub(super) region: String,
}

impl Marks {
    /// Of the network that `vpc` names, which is recorded under `known` if at all.
    pub(super) fn new(vpc: &VpcRef, known: Option<&str>) -> Self {
        let name = names::of_network(&vpc.deployment, &vpc.network_id);
        Self {
            name: known.map_or(name, str::to_owned),
            description: names::description(&vpc.deployment, &vpc.network_id),
            region: vpc.region.to_string(),
        }
    }

    /// Refuses to touch an object that bears our name and is not ours.
    pub(super) fn own(&self, what: &str, description: Option<&str>) -> Result<(), CloudError> {
        if description == Some(&self.description) {
            return Ok(());
        }
        Err(refused(format!(
            "{what} {} is not Peerway's: its description is not {:?}",
            self.name, self.description
        )))
    }
}

/// The network of a name, as the cloud shows it.
pub(super) async fn named(gce: &Gce, name: &str) -> Result<Option<Network>, Failure> {
    let send = |clients: &super::client::Clients| {
        let call = clients.networks.get().set_project(gce.id());
        call.set_network(name).send()
    };
    let network = match gce.call(GET_NETWORK, send).await {
        Ok(network) => network,
        Err(failure) if failure.is_not_found() => return Ok(None),
        Err(failure) => return Err(failure),
    };
    if is_whole(&network, gce.id()) && network.name.as_deref() == Some(name) {
        Ok(Some(network))
    } else {
        Err(gce.unusable(GET_NETWORK, "the answer shows no network of that name"))
    }
}

/// Whether it is a network of the project at all.
pub(super) fn is_whole(network: &Network, project: &str) -> bool {
    let shown = network.self_link.as_deref().and_then(url::network);
    network
        .kind
        .as_deref()
        .is_none_or(|kind| kind == "compute#network")
        && network
            .name
            .as_deref()
            .is_some_and(|name| shown == Some((project, name)))
}

/// The network's VPC. Error: what bears its name is another.
pub(super) async fn network(gce: &Gce, marks: &Marks) -> Result<Option<Network>, CloudError> {
    let Some(network) = named(gce, &marks.name)
        .await
        .map_err(Failure::while_looking)?
    else {
        return Ok(None);
    };
    marks.own("network", network.description.as_deref())?;
    if network.auto_create_subnetworks != Some(false) {
        return Err(refused(format!(
            "network {} is not in custom mode",
            marks.name
        )));
    }
    Ok(Some(network))
}

/// The network's subnet. Error: what bears its name is another.
pub(super) async fn subnet(
    gce: &Gce,
    marks: &Marks,
    wanted: &Cidr,
) -> Result<Option<Subnet>, CloudError> {
    let send = |clients: &super::client::Clients| {
        let call = clients.subnetworks.get().set_project(gce.id());
        call.set_region(&marks.region)
            .set_subnetwork(&marks.name)
            .send()
    };
    let found = match gce.call(GET_SUBNET, send).await {
        Ok(subnet) => subnet,
        Err(failure) if failure.is_not_found() => return Ok(None),
        Err(failure) => return Err(failure.while_looking()),
    };
    let cidr = whole(&found, gce.id(), marks)
        .ok_or_else(|| gce.unusable(GET_SUBNET, "the answer shows no subnet of that name"))
        .map_err(Failure::while_looking)?;
    marks.own("subnet", found.description.as_deref())?;
    if cidr != *wanted {
        return Err(refused(format!(
            "subnet {} has the range {cidr}, not {wanted}",
            marks.name
        )));
    }
    Ok(Some(Subnet {
        id: marks.name.clone(),
        zone: String::new(),
        zone_id: String::new(),
        cidr,
    }))
}

/// The range of a subnet; none when the answer lacks what makes it the asked one.
fn whole(found: &Subnetwork, project: &str, marks: &Marks) -> Option<Cidr> {
    let place = url::subnet(found.self_link.as_deref()?, project)?;
    let network = url::network(found.network.as_deref()?)?;
    let expected = (marks.region.as_str(), marks.name.as_str());
    let is_asked = place == expected && network == (project, marks.name.as_str());
    found
        .ip_cidr_range
        .as_deref()
        .filter(|_| is_asked)?
        .parse()
        .ok()
}

fn refused(message: String) -> CloudError {
    CloudError::refused(CloudErrorKind::Terminal, REFUSED, message)
}
