//! A network whose VPC stands, what a look shows of it, and what others do to it.

use api::cloud::CloudError;
use api::provider::v1::observe_vpcs_response::Observation;
use api::provider::v1::{EnsureFirewallRequest, Vpc};
use aws_sdk_ec2::types::{IpPermission, IpRange};
use types::NetworkId;

use crate::support::*;

pub(crate) const CIDR: &str = "10.20.0.0/16";

pub(crate) async fn look(suite: &Suite, with_wiring: bool) -> Vec<Observation> {
    try_look(suite, with_wiring).await.unwrap()
}

pub(crate) async fn try_look(
    suite: &Suite,
    with_wiring: bool,
) -> Result<Vec<Observation>, CloudError> {
    observe_vpcs(&suite.adapter.client, group(), DEPLOYMENT, with_wiring).await
}

/// A network whose VPC stands.
pub(crate) struct Network {
    pub(crate) suite: Suite,
    pub(crate) id: NetworkId,
    pub(crate) vpc: Vpc,
}

impl Network {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let suite = Suite::with(settings).await;
        let id = NetworkId::generate();
        let vpc = suite.complete_vpc(id, CIDR).await;
        Self { suite, id, vpc }
    }

    /// What a look with wiring shows of it alone.
    pub(crate) async fn seen(&self) -> Observation {
        let mut seen = look(&self.suite, true).await;
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }

    pub(crate) async fn admit(&self, cidrs: &[&str], ports: &[i32]) {
        let request = EnsureFirewallRequest {
            r#ref: Some(vpc_ref(self.id)),
            known: Some(self.vpc.clone()),
            cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
            ports: ports.to_vec(),
            operation_token: String::new(),
        };
        let answer = self.suite.client().ensure_firewall(request).await.unwrap();
        assert!(answer.into_inner().complete);
    }

    pub(crate) async fn authorize(&self, group: &str, rule: IpPermission) {
        let call = self.suite.vendor().authorize_security_group_ingress();
        let call = call.group_id(group).ip_permissions(rule);
        call.send().await.unwrap();
    }

    pub(crate) fn default_group(&self) -> String {
        self.suite.cloud.state(|state| {
            let mut groups = state.security_groups.values();
            let default = groups.find(|one| one.name == "default").unwrap();
            default.id.clone()
        })
    }

    /// Puts copies of it beside it, so that there are `count` networks.
    pub(crate) fn multiply(&self, count: usize) {
        let vpc = &self.vpc.vpc_id;
        self.suite.cloud.state(|state| {
            let original = state.clone();
            let subnets = original.subnets.values().filter(|one| one.vpc_id == *vpc);
            let groups = original
                .security_groups
                .values()
                .filter(|one| one.vpc_id == *vpc);
            let tables = original
                .route_tables
                .values()
                .filter(|one| one.vpc_id == *vpc);
            for n in 1..count {
                let network = NetworkId::generate().to_string();
                let mut copied = |old: &str| {
                    let (kind, digits) = old.rsplit_once('-').unwrap();
                    let id = format!("{kind}-{n:05x}{}", &digits[..12]);
                    if let Some(tags) = original.tags.get(old) {
                        let mut tags = tags.clone();
                        for tags in tags.values_mut() {
                            tags.insert("peerway:network".into(), network.clone());
                        }
                        state.tags.insert(id.clone(), tags);
                    }
                    id
                };
                let mut one = original.vpcs[vpc].clone();
                one.id = copied(vpc);
                let copy = one.id.clone();
                state.vpcs.insert(copy.clone(), one);
                for mut one in subnets.clone().cloned() {
                    (one.id, one.vpc_id) = (copied(&one.id), copy.clone());
                    state.subnets.insert(one.id.clone(), one);
                }
                for mut one in tables.clone().cloned() {
                    (one.id, one.vpc_id) = (copied(&one.id), copy.clone());
                    state.route_tables.insert(one.id.clone(), one);
                }
                for mut one in groups.clone().cloned() {
                    (one.id, one.vpc_id) = (copied(&one.id), copy.clone());
                    if one.name != "default" {
                        one.name = format!("peerway-{network}");
                    }
                    state.security_groups.insert(one.id.clone(), one);
                }
            }
        });
        self.suite.cloud.clear_calls();
    }
}

pub(crate) fn tcp(from: i32, to: i32, cidr: &str) -> IpPermission {
    let range = IpRange::builder().cidr_ip(cidr).build();
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(from)
        .to_port(to)
        .ip_ranges(range)
        .build()
}

pub(crate) fn calls(suite: &Suite) -> Vec<String> {
    let mut calls: Vec<_> = suite
        .cloud
        .calls()
        .into_iter()
        .map(|call| call.action)
        .collect();
    calls.sort();
    suite.cloud.clear_calls();
    calls
}
