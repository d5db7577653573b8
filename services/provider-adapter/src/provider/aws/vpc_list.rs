//! Listing the VPCs of a deployment, in as few calls as there are pages of them.
//!
//! With wiring come the pages of subnets, and those of security groups: one listing by name brings the networks' groups
//! and the default groups, which carry no tags. DNS would take a call for each VPC and is not looked at.

use std::collections::{BTreeMap, BTreeSet};

use api::cloud::CloudError;
use aws_sdk_ec2::types::{self as ec2, IpPermission, SecurityGroup};
use types::{Cidr, NetworkId};

use super::client::Ec2;
use super::firewall_plan::admitted;
use super::tags;
use super::vpc_look::{self, DEFAULT_GROUP, GROUP_PREFIX, GROUPS, SUBNETS, VPCS, incomplete};
use super::vpc_part::{Part, subnet_of};
use crate::provider::{Firewall, ObserveVpcs, Subnet, Vpc, VpcObservation};

/// The deployment's VPCs by id, whole or not at all.
pub(super) async fn all(ec2: &Ec2, ask: &ObserveVpcs) -> Result<Vec<VpcObservation>, CloudError> {
    let listing = Listing {
        ec2,
        deployment: &ask.deployment,
    };
    let mut found = listing.vpcs().await?;
    if ask.with_wiring && !found.is_empty() {
        let (subnets, groups) = futures::try_join!(listing.subnets(), listing.groups())?;
        listing.lay_subnets(&mut found, &subnets)?;
        listing.lay_groups(&mut found, &groups)?;
        found.values_mut().for_each(Found::finish);
    }
    Ok(found.into_values().map(|found| found.seen).collect())
}

struct Listing<'a> {
    ec2: &'a Ec2,
    deployment: &'a str,
}

/// A VPC, and what was seen of it so far.
struct Found {
    seen: VpcObservation,
    cidr: Cidr,
    parts: BTreeSet<Part>,
}

impl Listing<'_> {
    async fn vpcs(&self) -> Result<BTreeMap<String, Found>, CloudError> {
        let mut filters = tags::filters(&[(tags::DEPLOYMENT, self.deployment)]);
        filters.push(tags::filter("tag-key", [tags::NETWORK]));
        let vpcs = vpc_look::all_vpcs(self.ec2, filters).await?;
        let mut found = BTreeMap::new();
        for vpc in vpcs {
            let Some(network_id) = self.network(vpc.tags(), vpc.owner_id()) else {
                continue;
            };
            let cidr = vpc.cidr_block().and_then(|cidr| cidr.parse().ok());
            let (Some(id), Some(cidr)) = (vpc.vpc_id, cidr) else {
                return Err(incomplete(VPCS));
            };
            found.insert(id.clone(), Found::new(network_id, id, cidr));
        }
        Ok(found)
    }

    async fn subnets(&self) -> Result<Vec<ec2::Subnet>, CloudError> {
        let filters = tags::filters(&[(tags::DEPLOYMENT, self.deployment)]);
        vpc_look::all_subnets(self.ec2, filters).await
    }

    async fn groups(&self) -> Result<Vec<SecurityGroup>, CloudError> {
        let ours = format!("{GROUP_PREFIX}*");
        let filters = vec![tags::filter("group-name", [DEFAULT_GROUP, &ours])];
        vpc_look::security_groups(self.ec2, filters).await
    }

    fn lay_subnets(
        &self,
        found: &mut BTreeMap<String, Found>,
        subnets: &[ec2::Subnet],
    ) -> Result<(), CloudError> {
        for subnet in subnets {
            let Some(network) = self.network(subnet.tags(), subnet.owner_id()) else {
                continue;
            };
            let vpc = subnet.vpc_id().ok_or_else(|| incomplete(SUBNETS))?;
            let subnet = vpc_look::subnet(subnet).ok_or_else(|| incomplete(SUBNETS))?;
            if let Some(found) = found.get_mut(vpc)
                && found.seen.network_id == network
            {
                found.lay_subnet(subnet);
            }
        }
        Ok(())
    }

    fn lay_groups(
        &self,
        found: &mut BTreeMap<String, Found>,
        groups: &[SecurityGroup],
    ) -> Result<(), CloudError> {
        for group in groups {
            let vpc = group.vpc_id().and_then(|vpc| found.get_mut(vpc));
            let Some(found) = vpc.filter(|_| self.ec2.is_own(group.owner_id())) else {
                continue;
            };
            let name = group.group_name().ok_or_else(|| incomplete(GROUPS))?;
            if name == DEFAULT_GROUP {
                found.lay_default_group(group)?;
            } else if name == vpc_look::group_name(&found.seen.network_id)
                && self.network(group.tags(), group.owner_id()) == Some(found.seen.network_id)
            {
                found.lay_group(group)?;
            }
        }
        Ok(())
    }

    /// The network of an object that is the account's and the deployment's.
    fn network(&self, found: &[ec2::Tag], owner: Option<&str>) -> Option<NetworkId> {
        tags::network_of(found, self.deployment).filter(|_| self.ec2.is_own(owner))
    }
}

impl Found {
    fn new(network_id: NetworkId, id: String, cidr: Cidr) -> Self {
        let vpc = Vpc {
            id: Some(id),
            ..Vpc::default()
        };
        Self {
            seen: VpcObservation {
                network_id,
                vpc,
                firewall: Firewall::closed(),
                drift: Vec::new(),
            },
            cidr,
            // DNS shows in no listing, and every VPC has a default group.
            parts: BTreeSet::from([Part::Vpc, Part::Dns, Part::DefaultGroup]),
        }
    }

    fn lay_subnet(&mut self, subnet: Subnet) {
        // Others are not what the network is made of.
        if let Some(part) = subnet_of(&self.cidr, &subnet.cidr) {
            self.parts.insert(part);
            self.seen.vpc.subnets.push(subnet);
        }
    }

    /// There is but one: names are unique in a VPC.
    fn lay_group(&mut self, group: &SecurityGroup) -> Result<(), CloudError> {
        let id = group.group_id().ok_or_else(|| incomplete(GROUPS))?;
        self.seen.firewall = admitted(rules(&group.ip_permissions)?);
        self.seen.vpc.security_group_id = Some(id.to_owned());
        self.parts.insert(Part::SecurityGroup);
        Ok(())
    }

    fn lay_default_group(&mut self, group: &SecurityGroup) -> Result<(), CloudError> {
        let (ingress, egress) = (&group.ip_permissions, &group.ip_permissions_egress);
        if !rules(ingress)?.is_empty() || !rules(egress)?.is_empty() {
            self.seen.drift = vec![Part::DefaultGroup.code()];
        }
        Ok(())
    }

    fn finish(&mut self) {
        let parts = self.parts.iter().map(|part| part.code().to_owned());
        self.seen.vpc.parts = parts.collect();
        self.seen.vpc.subnets.sort_by_key(|subnet| subnet.cidr);
        self.seen.vpc.subnets.dedup();
    }
}

/// Without its rules, it is no group that admits nobody.
fn rules(rules: &Option<Vec<IpPermission>>) -> Result<&[IpPermission], CloudError> {
    rules.as_deref().ok_or_else(|| incomplete(GROUPS))
}
