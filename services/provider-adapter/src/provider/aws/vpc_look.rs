//! Looking at what stands of a network's VPC. Every filter is applied again to what came back.

use api::cloud::CloudError;
use aws_sdk_ec2::types::{
    self as ec2, AvailabilityZone, AvailabilityZoneState, Filter, SecurityGroup, Tag, Vpc,
};
use types::{Cidr, NetworkId};

use super::client::{Ec2, Zone};
use super::error::Failure;
use super::tags;
use crate::provider::{Subnet, VpcRef};

/// Name of the group that every VPC is born with.
pub(super) const DEFAULT_GROUP: &str = "default";
/// What the names of all networks' security groups begin with.
pub(super) const GROUP_PREFIX: &str = "peerway-";
pub(super) const VPCS: &str = "DescribeVpcs";
pub(super) const SUBNETS: &str = "DescribeSubnets";
pub(super) const GROUPS: &str = "DescribeSecurityGroups";

/// The tags of a network's objects.
pub(super) struct Marks {
    deployment: String,
    network: String,
}

impl Marks {
    /// Of the network that `vpc` names.
    pub(super) fn new(vpc: &VpcRef) -> Self {
        Self {
            deployment: vpc.deployment.clone(),
            network: vpc.network_id.to_string(),
        }
    }

    /// As pairs.
    pub(super) fn pairs(&self) -> [(&str, &str); 2] {
        [
            (tags::DEPLOYMENT, &self.deployment),
            (tags::NETWORK, &self.network),
        ]
    }

    /// Whether an object carries them.
    pub(super) fn are_on(&self, found: &[Tag]) -> bool {
        tags::carries(found, &self.pairs())
    }
}

/// The name of a network's security group.
pub(super) fn group_name(network: &NetworkId) -> String {
    format!("{GROUP_PREFIX}{network}")
}

/// The network's VPCs by id: one, unless a lost answer left surplus.
pub(super) async fn vpcs(ec2: &Ec2, marks: &Marks) -> Result<Vec<String>, CloudError> {
    let found = all_vpcs(ec2, tags::filters(&marks.pairs())).await?;
    let mut ids = Vec::new();
    for vpc in found.iter().filter(|vpc| marks.are_on(vpc.tags())) {
        let id = vpc.vpc_id().ok_or_else(|| incomplete(VPCS))?;
        ec2.own(vpc.owner_id(), id)?;
        ids.push(id.to_owned());
    }
    ids.sort();
    Ok(ids)
}

/// All pages of VPCs. The caller applies its filters again.
pub(super) async fn all_vpcs(ec2: &Ec2, filters: Vec<Filter>) -> Result<Vec<Vpc>, CloudError> {
    let filters = &filters;
    ec2.all(VPCS, ec2.pages.vpcs, |token, size| async move {
        let call = ec2
            .client
            .describe_vpcs()
            .set_filters(Some(filters.clone()))
            .max_results(size)
            .set_next_token(token);
        let page = ec2.call(VPCS, call.send()).await?;
        Ok((page.vpcs, page.next_token))
    })
    .await
    .map_err(Failure::while_looking)
}

/// The network's subnets in a VPC, or in any, by id.
pub(super) async fn subnets(
    ec2: &Ec2,
    marks: &Marks,
    vpc: Option<&str>,
) -> Result<Vec<Subnet>, CloudError> {
    let mut filters = tags::filters(&marks.pairs());
    filters.extend(vpc.map(|id| tags::filter("vpc-id", [id])));
    let mut ours = all_subnets(ec2, filters)
        .await?
        .iter()
        .filter(|subnet| marks.are_on(subnet.tags()))
        .filter(|subnet| vpc.is_none_or(|id| subnet.vpc_id() == Some(id)))
        .map(|subnet| self::subnet(subnet).ok_or_else(|| incomplete(SUBNETS)))
        .collect::<Result<Vec<_>, _>>()?;
    ours.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(ours)
}

/// All pages of subnets. The caller applies its filters again.
pub(super) async fn all_subnets(
    ec2: &Ec2,
    filters: Vec<Filter>,
) -> Result<Vec<ec2::Subnet>, CloudError> {
    let filters = &filters;
    ec2.all(SUBNETS, ec2.pages.vpcs, |token, size| async move {
        let call = ec2
            .client
            .describe_subnets()
            .set_filters(Some(filters.clone()))
            .max_results(size)
            .set_next_token(token);
        let page = ec2.call(SUBNETS, call.send()).await?;
        Ok((page.subnets, page.next_token))
    })
    .await
    .map_err(Failure::while_looking)
}

/// A subnet in our words; none when the cloud's answer lacks what makes it one.
pub(super) fn subnet(subnet: &ec2::Subnet) -> Option<Subnet> {
    Some(Subnet {
        id: subnet.subnet_id()?.to_owned(),
        zone: subnet.availability_zone().unwrap_or_default().to_owned(),
        zone_id: subnet.availability_zone_id().unwrap_or_default().to_owned(),
        cidr: subnet.cidr_block()?.parse::<Cidr>().ok()?,
    })
}

/// The network's security groups by id, in any VPC or in one; there, also the VPC's default group.
pub(super) struct Groups {
    /// Ours, by id.
    pub(super) ours: Vec<String>,
    /// The default group of the VPC; none when no VPC was asked for, or when it was not shown.
    pub(super) default: Option<SecurityGroup>,
}

/// All pages of security groups. The caller applies its filters again.
pub(super) async fn security_groups(
    ec2: &Ec2,
    filters: Vec<Filter>,
) -> Result<Vec<SecurityGroup>, CloudError> {
    let filters = &filters;
    ec2.all(GROUPS, ec2.pages.vpcs, |token, size| async move {
        let call = ec2
            .client
            .describe_security_groups()
            .set_filters(Some(filters.clone()))
            .max_results(size)
            .set_next_token(token);
        let page = ec2.call(GROUPS, call.send()).await?;
        Ok((page.security_groups, page.next_token))
    })
    .await
    .map_err(Failure::while_looking)
}

/// Looks at security groups.
pub(super) async fn groups(
    ec2: &Ec2,
    marks: &Marks,
    vpc: Option<&str>,
) -> Result<Groups, CloudError> {
    let filters = match vpc {
        Some(id) => vec![tags::filter("vpc-id", [id])],
        None => tags::filters(&marks.pairs()),
    };
    let found = security_groups(ec2, filters).await?;
    let mut groups = Groups {
        ours: Vec::new(),
        default: None,
    };
    for group in found
        .into_iter()
        .filter(|one| vpc.is_none_or(|id| one.vpc_id() == Some(id)))
    {
        let id = group.group_id().ok_or_else(|| incomplete(GROUPS))?;
        if marks.are_on(group.tags()) {
            groups.ours.push(id.to_owned());
        } else if vpc.is_some() && group.group_name() == Some(DEFAULT_GROUP) {
            groups.default = Some(group);
        }
    }
    groups.ours.sort();
    Ok(groups)
}

/// The region's ordinary zones that are up, by name. Asked through [`Ec2::zones`], which remembers them.
pub(super) async fn zones(ec2: &Ec2) -> Result<Vec<Zone>, Failure> {
    const API: &str = "DescribeAvailabilityZones";
    let call = ec2
        .client
        .describe_availability_zones()
        .filters(tags::filter("state", ["available"]))
        .filters(tags::filter("zone-type", ["availability-zone"]));
    let answer = ec2.call(API, call.send()).await?;
    let mut zones: Vec<Zone> = answer
        .availability_zones()
        .iter()
        .filter(|zone| is_usable(zone))
        .filter_map(|zone| {
            Some(Zone {
                name: zone.zone_name()?.to_owned(),
            })
        })
        .collect();
    zones.sort();
    if zones.is_empty() {
        return Err(Failure::unusable(
            API,
            "the region shows no zone that is up",
        ));
    }
    Ok(zones)
}

fn is_usable(zone: &AvailabilityZone) -> bool {
    let ordinary = zone
        .zone_type()
        .is_none_or(|kind| kind == "availability-zone");
    ordinary
        && zone
            .state()
            .is_none_or(|state| *state == AvailabilityZoneState::Available)
}

/// The answer lacks an id, so nothing may be concluded from it.
pub(super) fn incomplete(api: &str) -> CloudError {
    Failure::unusable(api, "the answer is incomplete").while_looking()
}
