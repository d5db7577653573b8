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
    let name = network.name.as_deref().filter(|name| !name.is_empty());
    let link = network.self_link.as_deref();
    let kind = network.kind.as_deref();
    kind.is_none_or(|kind| kind == "compute#network")
        && name.is_some_and(|name| link.is_none_or(|link| is_address(link, project, name)))
}

/// Whether it is the address of this network.
pub(super) fn is_address(address: &str, project: &str, name: &str) -> bool {
    url::network(address).is_some_and(|(of, shown)| url::is_project(of, project) && shown == name)
}

/// Whether its subnets are those that somebody made: legacy and auto mode have ranges of their own.
#[expect(deprecated, reason = "networks of legacy mode still exist")]
fn is_custom(network: &Network) -> bool {
    network.auto_create_subnetworks != Some(true) && network.i_pv_4_range.is_none()
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
    if !is_custom(&network) {
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
    let Some(cidr) = subnet_in(gce, marks, &marks.region).await? else {
        return Ok(None);
    };
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

/// The range of the network's subnet in a region. Error: what bears its name is another.
pub(super) async fn subnet_in(
    gce: &Gce,
    marks: &Marks,
    region: &str,
) -> Result<Option<Cidr>, CloudError> {
    let send = |clients: &super::client::Clients| {
        let call = clients.subnetworks.get().set_project(gce.id());
        call.set_region(region).set_subnetwork(&marks.name).send()
    };
    let found = match gce.call(GET_SUBNET, send).await {
        Ok(subnet) => subnet,
        Err(failure) if failure.is_not_found() => return Ok(None),
        Err(failure) => return Err(failure.while_looking()),
    };
    let cidr = whole(&found, gce.id(), region, &marks.name)
        .ok_or_else(|| gce.unusable(GET_SUBNET, "the answer shows no subnet of that name"))
        .map_err(Failure::while_looking)?;
    marks.own("subnet", found.description.as_deref())?;
    Ok(Some(cidr))
}

/// The range of a subnet; none when the answer lacks what makes it the asked one.
fn whole(found: &Subnetwork, project: &str, region: &str, name: &str) -> Option<Cidr> {
    let is_asked = found
        .kind
        .as_deref()
        .is_none_or(|kind| kind == "compute#subnetwork")
        && found.name.as_deref().is_none_or(|shown| shown == name)
        && found
            .self_link
            .as_deref()
            .is_none_or(|link| url::subnet(link, project) == Some((region, name)))
        && is_address(found.network.as_deref()?, project, name);
    let range = found.ip_cidr_range.as_deref().filter(|_| is_asked);
    range?.parse().ok()
}

/// The network is not there though it should.
pub(super) fn missing(project: &str, name: &str) -> CloudError {
    let message = format!("the vendor's network {name} is not in project {project} any more");
    CloudError::refused(CloudErrorKind::Terminal, "VPC_MISSING", message)
}

fn refused(message: String) -> CloudError {
    CloudError::refused(CloudErrorKind::Terminal, REFUSED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://x/compute/v1/projects/acme-prod/global/networks/n";
    const BY_NUMBER: &str = "https://x/compute/v1/projects/123456789012/global/networks/n";

    #[test]
    fn a_network_needs_no_more_than_its_name_and_no_address_but_its_own() {
        let network = || Network::new().set_name("n");
        for good in [
            network(),
            network().set_self_link(LINK),
            network().set_self_link(BY_NUMBER),
            network().set_kind("compute#network"),
        ] {
            assert!(is_whole(&good, "acme-prod"), "{good:?}");
        }
        for bad in [
            Network::new(),
            Network::new().set_name(""),
            network().set_kind("compute#subnetwork"),
            network().set_self_link(LINK.replace("acme", "other")),
            network().set_self_link(LINK.replace("/n", "/m")),
            network().set_self_link("n"),
        ] {
            assert!(!is_whole(&bad, "acme-prod"), "{bad:?}");
        }
    }

    #[test]
    #[expect(deprecated, reason = "networks of legacy mode still exist")]
    fn only_a_network_of_another_mode_is_refused() {
        let network = || Network::new().set_name("n");
        assert!(is_custom(&network()));
        assert!(is_custom(&network().set_auto_create_subnetworks(false)));
        assert!(!is_custom(&network().set_auto_create_subnetworks(true)));
        assert!(!is_custom(&network().set_i_pv_4_range("10.0.0.0/8")));
    }

    #[test]
    fn a_subnet_has_to_show_its_network_and_its_range() {
        let subnet = || {
            let bare = Subnetwork::new().set_ip_cidr_range("10.0.0.0/24");
            bare.set_network(LINK)
        };
        let range = |subnet| whole(&subnet, "acme-prod", "r", "n").map(|cidr| cidr.to_string());
        let link = |region: &str| {
            format!("https://x/compute/v1/projects/acme-prod/regions/{region}/subnetworks/n")
        };
        for good in [
            subnet(),
            subnet().set_network(BY_NUMBER).set_name("n"),
            subnet().set_self_link(link("r")),
        ] {
            assert_eq!(range(good).as_deref(), Some("10.0.0.0/24"));
        }
        for bad in [
            Subnetwork::new(),
            subnet().set_or_clear_network(None::<String>),
            subnet().set_network(LINK.replace("/n", "/m")),
            subnet().set_self_link(link("s")),
            subnet().set_name("m"),
            subnet().set_ip_cidr_range("10"),
        ] {
            assert_eq!(range(bad), None);
        }
    }
}
