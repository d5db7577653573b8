//! The provider-adapter: the one door to the clouds.

use std::time::Duration;

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1 as proto;
use api::provider::v1::provider_service_client::ProviderServiceClient;
use runtime::client::{self, Client};
use runtime::config::ClientConfig;
use tonic::{Request, Status};
use types::GroupId;

use crate::domain::{
    Ahead, Answer, Failure, FailureKind, FirewallWanted, Network, Removal, Subnet, Vpc,
};
use crate::store::Usage;

/// A client of the provider-adapter.
#[derive(Clone)]
pub(crate) struct ProviderAdapter {
    pub(super) client: ProviderServiceClient<Client>,
    pub(super) deployment: String,
    /// How long a page of a listing may take.
    pub(super) page_timeout: Duration,
}

impl ProviderAdapter {
    /// Connects at the first call.
    pub(crate) fn new(config: &ClientConfig, deployment: String) -> Result<Self, client::Error> {
        let client = client::channel("provider-adapter", config)?
            .streaming(&["ObserveVpcs"])
            // A lost answer has to be looked for: a second call could make a second part. What a firewall has to admit
            // may be another thing by the time a call is sent again.
            .once(&["EnsureVpc", "EnsureFirewall"]);
        Ok(Self {
            client: ProviderServiceClient::new(client),
            deployment,
            page_timeout: config.timeout,
        })
    }

    /// Chooses the vendor account that takes the network, given what each has already.
    pub(crate) async fn place(&self, network: &Network, usage: &Usage) -> Result<String, Failure> {
        let provider = proto::Provider::from(network.provider);
        let usage = usage
            .iter()
            .map(|(group, networks)| proto::place_network_request::Usage {
                group: api::provider_group(group),
                networks: i32::try_from(*networks).unwrap_or(i32::MAX),
            });
        let request = proto::PlaceNetworkRequest {
            provider: provider.into(),
            region: network.region.to_string(),
            usage: usage.collect(),
            refused_account_ids: network.work.refused_accounts.clone(),
        };
        let answer = self
            .client
            .clone()
            .place_network(request)
            .await
            .map_err(failure)?
            .into_inner();
        let group = answer.group.as_ref().map(api::group);
        match group {
            Some(Ok(GroupId {
                account: Some(account),
                ..
            })) => Ok(account),
            _ => Err(unreadable("PlaceNetwork named no account")),
        }
    }

    /// Looks at the network's VPC and makes `create_part` unless it is there; empty: looks only. The call has to end
    /// `within` that time, which may be longer than it waits at all.
    pub(crate) async fn ensure_vpc(
        &self,
        network: &Network,
        create_part: &str,
        within: Duration,
    ) -> Result<Answer, Failure> {
        let mut request = Request::new(proto::EnsureVpcRequest {
            r#ref: self.reference(network),
            cidr: network.cidr.to_string(),
            known: Some(known(&network.vpc)),
            create_part: create_part.to_owned(),
            operation_token: network.work.operation_token.clone(),
        });
        request.set_timeout(within);
        let answer = self
            .client
            .clone()
            .ensure_vpc(request)
            .await
            .map_err(failure)?
            .into_inner();
        let vpc = answer
            .vpc
            .ok_or_else(|| unreadable("EnsureVpc told nothing of the VPC"))?;
        let ahead = match answer.next_part {
            part if part.is_empty() => Ahead::Complete,
            part => Ahead::Part {
                part,
                guarded: answer.guarded,
            },
        };
        Ok(Answer {
            vpc: seen(vpc),
            ahead,
            operation_token: answer.operation_token,
        })
    }

    /// Takes the next few steps of removing the network's VPC; answers with the new operation token too.
    pub(crate) async fn delete_vpc(&self, network: &Network) -> Result<(Removal, String), Failure> {
        let request = proto::DeleteVpcRequest {
            r#ref: self.reference(network),
            known: Some(known(&network.vpc)),
            operation_token: network.work.operation_token.clone(),
        };
        let answer = self
            .client
            .clone()
            .delete_vpc(request)
            .await
            .map_err(failure)?
            .into_inner();
        let removal = match answer.removal() {
            proto::Removal::Deleted => Removal::Deleted,
            proto::Removal::Absent => Removal::Absent,
            proto::Removal::InProgress => Removal::InProgress,
            proto::Removal::Unspecified => {
                return Err(unreadable("DeleteVpc did not say how far it is"));
            }
        };
        Ok((removal, answer.operation_token))
    }

    /// Has the firewall admit what is wanted, or follows what the cloud does about it already. Answers whether it does,
    /// and with a token while the cloud works on it.
    pub(crate) async fn ensure_firewall(
        &self,
        network: &Network,
        wanted: &FirewallWanted,
    ) -> Result<(bool, String), Failure> {
        let request = proto::EnsureFirewallRequest {
            r#ref: self.reference(network),
            known: Some(known(&network.vpc)),
            cidrs: wanted.cidrs.iter().map(ToString::to_string).collect(),
            ports: wanted.ports.iter().copied().map(i32::from).collect(),
            operation_token: network.firewall.operation_token.clone(),
        };
        let answer = self
            .client
            .clone()
            .ensure_firewall(request)
            .await
            .map_err(failure)?
            .into_inner();
        Ok((answer.complete, answer.operation_token))
    }

    fn reference(&self, network: &Network) -> Option<proto::VpcRef> {
        Some(proto::VpcRef {
            group: network.group().as_ref().and_then(api::provider_group),
            deployment: self.deployment.clone(),
            network_id: network.id.to_string(),
            region: network.region.to_string(),
        })
    }
}

fn known(vpc: &Vpc) -> proto::Vpc {
    let subnet = |subnet: &Subnet| proto::vpc::Subnet {
        id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        zone_id: subnet.zone_id.clone(),
        cidr: subnet.cidr.clone(),
    };
    proto::Vpc {
        vpc_id: vpc.id.clone().unwrap_or_default(),
        subnets: vpc.subnets.iter().map(subnet).collect(),
        security_group_id: vpc.security_group_id.clone().unwrap_or_default(),
        parts: vpc.parts.clone(),
    }
}

pub(super) fn seen(vpc: proto::Vpc) -> Vpc {
    let given = |text: String| (!text.is_empty()).then_some(text);
    let subnet = |subnet: proto::vpc::Subnet| Subnet {
        id: subnet.id,
        zone: subnet.zone,
        zone_id: subnet.zone_id,
        cidr: subnet.cidr,
    };
    Vpc {
        id: given(vpc.vpc_id),
        subnets: vpc.subnets.into_iter().map(subnet).collect(),
        security_group_id: given(vpc.security_group_id),
        parts: vpc.parts,
    }
}

pub(super) fn failure(status: Status) -> Failure {
    let error = CloudError::from_status(&status);
    let kind = match error.kind {
        CloudErrorKind::Terminal => FailureKind::Terminal,
        CloudErrorKind::Quota => FailureKind::Quota,
        CloudErrorKind::Throttled => FailureKind::Throttled,
        CloudErrorKind::InProgress => FailureKind::InProgress,
        CloudErrorKind::Unauthorized => FailureKind::Unauthorized,
        CloudErrorKind::Unavailable => FailureKind::Unavailable,
        // A request that the adapter cannot read is a fault of ours, about which the owner can do nothing.
        CloudErrorKind::Invalid | CloudErrorKind::Unknown => FailureKind::Unknown,
    };
    Failure {
        kind,
        reason: error.reason,
        message: error.message,
        refused: error.refused,
        retry_after: error.retry_after,
    }
}

/// An answer that breaks the contract: nothing may be concluded from it.
fn unreadable(message: &str) -> Failure {
    Failure {
        kind: FailureKind::Unknown,
        reason: "CLOUD_ERROR".to_owned(),
        message: message.to_owned(),
        refused: false,
        retry_after: None,
    }
}
