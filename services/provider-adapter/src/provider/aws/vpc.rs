//! Making a network's VPC, part by part.

use api::cloud::{CloudError, CloudErrorKind};
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, SecurityGroup};

use super::client::Ec2;
use super::error::Failure;
use super::vpc_look::{self, Groups, Marks};
use super::vpc_part::{Part, next, quarter, wanted};
use super::{tags, vpc_delete};
use crate::provider::{EnsureVpc, Vpc, VpcProgress};

/// Looks at what the asked part needs, then makes that part if it is the next one missing.
pub(super) async fn ensure(ec2: &Ec2, ask: EnsureVpc) -> Result<VpcProgress, CloudError> {
    let part = ask.create_part.as_deref().map(Part::parse).transpose()?;
    let marks = Marks::new(&ask.vpc);
    let mut work = Work {
        ec2,
        marks,
        vpc: ask.known.clone(),
        ask,
        default_group: None,
    };
    work.look(part).await?;
    if let Some(part) = part
        && work.next().await? == Some(part)
    {
        work.make(part).await?;
    }
    work.progress().await
}

struct Work<'a> {
    ec2: &'a Ec2,
    ask: EnsureVpc,
    marks: Marks,
    /// Known and seen so far.
    vpc: Vpc,
    default_group: Option<SecurityGroup>,
}

impl Work<'_> {
    /// Only what the part needs; everything for the last part and when nothing is to be made.
    async fn look(&mut self, part: Option<Part>) -> Result<(), CloudError> {
        if matches!(part, None | Some(Part::Vpc | Part::DefaultGroup)) {
            self.look_at_vpcs().await?;
        }
        let Some(id) = self.vpc.id.clone() else {
            return Ok(());
        };
        if matches!(part, None | Some(Part::Subnet(_) | Part::DefaultGroup)) {
            self.look_at_subnets(&id).await?;
        }
        if matches!(part, None | Some(Part::SecurityGroup | Part::DefaultGroup)) {
            self.look_at_groups(&id).await?;
        }
        Ok(())
    }

    async fn look_at_vpcs(&mut self) -> Result<(), CloudError> {
        let seen = vpc_look::vpcs(self.ec2, &self.marks).await?;
        let Some(kept) = self.vpc.id.clone() else {
            // Surplus is removed once the caller has recorded the one that stays.
            self.vpc.id = seen.into_iter().next();
            return Ok(());
        };
        for surplus in beside(&seen, &kept) {
            let deletion = vpc_delete::vpc(self.ec2, surplus).await;
            report_surplus("VPC", surplus, deletion);
        }
        Ok(())
    }

    async fn look_at_subnets(&mut self, vpc: &str) -> Result<(), CloudError> {
        let seen = vpc_look::subnets(self.ec2, &self.marks, Some(vpc)).await?;
        let recorded = self.vpc.subnets.clone();
        let shown: Vec<String> = seen.iter().map(|subnet| subnet.id.clone()).collect();
        for subnet in seen {
            let same_range = |other: &&crate::provider::Subnet| other.cidr == subnet.cidr;
            match self.vpc.subnets.iter().find(same_range) {
                None => self.vpc.subnets.push(subnet),
                Some(kept) if kept.id == subnet.id => {}
                Some(kept) if !shown.contains(&kept.id) => {}
                Some(_) if !recorded.iter().any(|one| one.cidr == subnet.cidr) => {}
                Some(_) => {
                    let deletion = vpc_delete::subnet(self.ec2, &subnet.id).await;
                    report_surplus("subnet", &subnet.id, deletion);
                }
            }
        }
        Ok(())
    }

    async fn look_at_groups(&mut self, vpc: &str) -> Result<(), CloudError> {
        let Groups { ours, default } = vpc_look::groups(self.ec2, &self.marks, Some(vpc)).await?;
        self.default_group = default;
        let Some(kept) = self.vpc.security_group_id.clone() else {
            self.vpc.security_group_id = ours.into_iter().next();
            return Ok(());
        };
        for surplus in beside(&ours, &kept) {
            let deletion = vpc_delete::group(self.ec2, surplus).await;
            report_surplus("security group", surplus, deletion);
        }
        Ok(())
    }

    /// How many zones count; asked only when a subnet may be next.
    async fn zone_count(&self) -> Result<usize, CloudError> {
        let before = [Part::Vpc, Part::Dns];
        if before
            .iter()
            .any(|part| !part.stands(&self.vpc, &self.ask.cidr))
        {
            return Ok(0);
        }
        Ok(self
            .ec2
            .zones()
            .await
            .map_err(Failure::while_looking)?
            .len())
    }

    async fn next(&self) -> Result<Option<Part>, CloudError> {
        Ok(next(&self.vpc, &self.ask.cidr, self.zone_count().await?))
    }

    async fn make(&mut self, part: Part) -> Result<(), CloudError> {
        match part {
            Part::Vpc => self.make_vpc().await?,
            Part::Dns => self.turn_dns_on().await?,
            Part::Subnet(n) => self.make_subnet(n).await?,
            Part::SecurityGroup => self.make_group().await?,
            Part::DefaultGroup => self.empty_default_group().await?,
        }
        self.vpc.parts.push(part.code().to_owned());
        Ok(())
    }

    async fn make_vpc(&mut self) -> Result<(), CloudError> {
        const API: &str = "CreateVpc";
        let call = self
            .ec2
            .client
            .create_vpc()
            .cidr_block(self.ask.cidr.to_string())
            .tag_specifications(self.marked(ResourceType::Vpc));
        let made = self
            .ec2
            .call(API, call.send())
            .await
            .map_err(Failure::of_write)?;
        let vpc = made.vpc.ok_or_else(|| no_object(API))?;
        let id = vpc.vpc_id().ok_or_else(|| no_object(API))?;
        self.ec2.own(vpc.owner_id(), id)?;
        self.vpc.id = Some(id.to_owned());
        Ok(())
    }

    async fn turn_dns_on(&self) -> Result<(), CloudError> {
        let on = AttributeBooleanValue::builder().value(true).build();
        let call = self
            .ec2
            .client
            .modify_vpc_attribute()
            .vpc_id(self.vpc_id()?)
            .enable_dns_hostnames(on);
        self.ec2
            .call("ModifyVpcAttribute", call.send())
            .await
            .map_err(Failure::of_write)?;
        Ok(())
    }

    async fn make_subnet(&mut self, n: usize) -> Result<(), CloudError> {
        const API: &str = "CreateSubnet";
        let range = quarter(&self.ask.cidr, n).ok_or_else(|| too_small(&self.ask.cidr))?;
        let zones = self.ec2.zones().await.map_err(Failure::while_looking)?;
        let is_free = |name: &str| !self.vpc.subnets.iter().any(|subnet| subnet.zone == name);
        let zone = zones
            .iter()
            .map(|zone| &zone.name)
            .find(|name| is_free(name));
        let call = self
            .ec2
            .client
            .create_subnet()
            .vpc_id(self.vpc_id()?)
            .cidr_block(range.to_string())
            .set_availability_zone(zone.cloned())
            .tag_specifications(self.marked(ResourceType::Subnet));
        let made = self
            .ec2
            .call(API, call.send())
            .await
            .map_err(Failure::of_write)?;
        let subnet = made.subnet.as_ref().and_then(vpc_look::subnet);
        let subnet = subnet.filter(|subnet| subnet.cidr == range);
        self.vpc.subnets.push(subnet.ok_or_else(|| no_object(API))?);
        Ok(())
    }

    async fn make_group(&mut self) -> Result<(), CloudError> {
        const API: &str = "CreateSecurityGroup";
        let network = self.ask.vpc.network_id;
        let call = self
            .ec2
            .client
            .create_security_group()
            .vpc_id(self.vpc_id()?)
            .group_name(vpc_look::group_name(&network))
            .description(format!("Peerway network {network}"))
            .tag_specifications(self.marked(ResourceType::SecurityGroup));
        let made = self
            .ec2
            .call(API, call.send())
            .await
            .map_err(Failure::of_write)?;
        self.vpc.security_group_id = Some(made.group_id.ok_or_else(|| no_object(API))?);
        Ok(())
    }

    async fn empty_default_group(&self) -> Result<(), CloudError> {
        let Some(group) = &self.default_group else {
            return Err(Failure::unusable(
                "DescribeSecurityGroups",
                "no default group is shown yet",
            )
            .while_looking());
        };
        let client = &self.ec2.client;
        let id = group.group_id().unwrap_or_default();
        if !group.ip_permissions().is_empty() {
            let call = client
                .revoke_security_group_ingress()
                .group_id(id)
                .set_ip_permissions(group.ip_permissions.clone());
            gone(
                self.ec2
                    .call("RevokeSecurityGroupIngress", call.send())
                    .await,
            )?;
        }
        if !group.ip_permissions_egress().is_empty() {
            let call = client
                .revoke_security_group_egress()
                .group_id(id)
                .set_ip_permissions(group.ip_permissions_egress.clone());
            gone(
                self.ec2
                    .call("RevokeSecurityGroupEgress", call.send())
                    .await,
            )?;
        }
        Ok(())
    }

    fn vpc_id(&self) -> Result<&str, CloudError> {
        // Parts are made in order, so the VPC stands when any other is next.
        self.vpc
            .id
            .as_deref()
            .ok_or_else(|| vpc_look::incomplete("DescribeVpcs"))
    }

    fn marked(&self, kind: ResourceType) -> aws_sdk_ec2::types::TagSpecification {
        let name = vpc_look::group_name(&self.ask.vpc.network_id);
        let [deployment, network] = self.marks.pairs();
        tags::specification(kind, &[deployment, network, (tags::NAME, &name)])
    }

    async fn progress(mut self) -> Result<VpcProgress, CloudError> {
        // What was made stands, whatever becomes of the question after the zones.
        let zones = self.zone_count().await.map_err(|error| CloudError {
            refused: false,
            ..error
        })?;
        self.vpc.parts = wanted(zones.max(self.vpc.subnets.len()))
            .filter(|part| part.stands(&self.vpc, &self.ask.cidr))
            .map(|part| part.code().to_owned())
            .collect();
        let next = next(&self.vpc, &self.ask.cidr, zones);
        Ok(VpcProgress {
            vpc: self.vpc,
            next_part: next.map(|part| part.code().to_owned()),
            guarded: next.is_some_and(Part::is_guarded),
        })
    }
}

/// What the look shows beside the one that stays. It must show that too: else what is recorded may be wrong.
fn beside<'a>(seen: &'a [String], kept: &str) -> impl Iterator<Item = &'a String> {
    let is_shown = seen.iter().any(|id| id == kept);
    seen.iter().filter(move |id| is_shown && *id != kept)
}

/// A rule that is not there any more has been revoked.
fn gone<T>(revoked: Result<T, Failure>) -> Result<(), CloudError> {
    match revoked {
        Err(failure) if !failure.is(&["InvalidPermission.NotFound"]) => Err(failure.of_write()),
        _ => Ok(()),
    }
}

/// Surplus that cannot be removed now stays until a later look; it holds nothing up, and the call was logged.
fn report_surplus(what: &str, id: &str, deletion: Result<bool, Failure>) {
    if deletion.is_ok() {
        tracing::info!(id, "removed a surplus {what}");
    }
}

fn no_object(api: &str) -> CloudError {
    Failure::unusable(api, "the answer does not show what was made").of_write()
}

fn too_small(cidr: &types::Cidr) -> CloudError {
    CloudError::refused(
        CloudErrorKind::Invalid,
        "INVALID_FIELD",
        format!("cidr: {cidr} cannot be divided into four subnets"),
    )
}
