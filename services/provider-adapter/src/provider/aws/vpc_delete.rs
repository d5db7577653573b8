//! Removing a network's VPC with everything that Peerway made in it.

use api::cloud::CloudError;

use super::client::{Budget, Ec2};
use super::error::Failure;
use super::vpc_look::{self, Marks};
use crate::provider::{DeleteVpc, Removal};

/// Deletions in one call: a security group, three subnets, the VPC, and one more for surplus.
const MOST_WRITES: u32 = 6;

/// What stands in a VPC and goes before it.
enum Content {
    Group(String),
    Subnet(String),
}

impl Content {
    async fn delete(&self, ec2: &Ec2) -> Result<bool, Failure> {
        match self {
            Self::Group(id) => group(ec2, id).await,
            Self::Subnet(id) => subnet(ec2, id).await,
        }
    }
}

/// Removes what is seen, the VPCs last.
pub(super) async fn delete(ec2: &Ec2, ask: &DeleteVpc) -> Result<Removal, CloudError> {
    let marks = Marks::new(&ask.vpc);
    let mut vpcs = vpc_look::vpcs(ec2, &marks).await?;
    let contents = seen(ec2, &marks).await?;
    if let Some(known) = &ask.known.id
        && !vpcs.contains(known)
    {
        vpcs.push(known.clone());
    }
    let mut budget = Budget::new(ec2, MOST_WRITES);
    for content in &contents {
        if !budget.take() {
            return Ok(Removal::InProgress);
        }
        content.delete(ec2).await.map_err(Failure::of_write)?;
    }
    let mut deleted = false;
    for id in &vpcs {
        if !budget.take() {
            return Ok(Removal::InProgress);
        }
        match vpc(ec2, id).await {
            Ok(existed) => deleted |= existed,
            Err(failure) if failure.is(&["DependencyViolation"]) => {
                return unseen(ec2, ask, failure).await;
            }
            Err(failure) => return Err(failure.of_write()),
        }
    }
    Ok(if deleted {
        Removal::Deleted
    } else {
        Removal::Absent
    })
}

async fn seen(ec2: &Ec2, marks: &Marks) -> Result<Vec<Content>, CloudError> {
    let groups = vpc_look::groups(ec2, marks, None)
        .await?
        .ours
        .into_iter()
        .map(Content::Group);
    let subnets = vpc_look::subnets(ec2, marks, None).await?.into_iter();
    Ok(groups
        .chain(subnets.map(|subnet| Content::Subnet(subnet.id)))
        .collect())
}

/// The VPC is not empty, though nothing of ours was seen: what is recorded may only not be shown yet.
async fn unseen(ec2: &Ec2, ask: &DeleteVpc, refusal: Failure) -> Result<Removal, CloudError> {
    let groups = ask
        .known
        .security_group_id
        .iter()
        .cloned()
        .map(Content::Group);
    let subnets = ask
        .known
        .subnets
        .iter()
        .map(|subnet| Content::Subnet(subnet.id.clone()));
    let mut found = false;
    for content in groups.chain(subnets) {
        found |= content.delete(ec2).await.map_err(Failure::of_write)?;
    }
    if found {
        Ok(Removal::InProgress)
    } else {
        Err(refusal.of_write())
    }
}

/// Deletes a VPC. False: there was none.
pub(super) async fn vpc(ec2: &Ec2, id: &str) -> Result<bool, Failure> {
    let call = ec2.client.delete_vpc().vpc_id(id);
    existed(ec2.call("DeleteVpc", call.send()).await)
}

/// Deletes a subnet. False: there was none.
pub(super) async fn subnet(ec2: &Ec2, id: &str) -> Result<bool, Failure> {
    let call = ec2.client.delete_subnet().subnet_id(id);
    existed(ec2.call("DeleteSubnet", call.send()).await)
}

/// Deletes a security group. False: there was none.
pub(super) async fn group(ec2: &Ec2, id: &str) -> Result<bool, Failure> {
    let call = ec2.client.delete_security_group().group_id(id);
    existed(ec2.call("DeleteSecurityGroup", call.send()).await)
}

fn existed<T>(answer: Result<T, Failure>) -> Result<bool, Failure> {
    match answer {
        Ok(_) => Ok(true),
        Err(failure) if failure.is_not_found() => Ok(false),
        Err(failure) => Err(failure),
    }
}
