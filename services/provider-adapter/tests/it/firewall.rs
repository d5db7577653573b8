//! The allow list: exactly the wanted ranges and ports, whatever stood before.

use std::collections::BTreeSet;

use api::cloud::CloudErrorKind;
use api::provider::v1::{EnsureFirewallRequest, Vpc};
use aws_sdk_ec2::types::{IpPermission, IpRange, UserIdGroupPair};
use cloudsim::{Fault, FaultKind};
use tonic::{Code, Status};
use types::NetworkId;

use crate::support::*;

const A: &str = "10.1.0.0/16";
const B: &str = "10.2.0.0/16";
const C: &str = "10.3.0.0/16";

/// Protocol, ports and source of each.
type Rules = BTreeSet<(String, Option<(i64, i64)>, String)>;

/// A network whose VPC stands.
struct Network {
    suite: Suite,
    id: NetworkId,
    vpc: Vpc,
}

impl Network {
    async fn start() -> Self {
        let suite = Suite::start().await;
        let id = NetworkId::generate();
        let vpc = suite.complete_vpc(id, "10.20.0.0/16").await;
        Self { suite, id, vpc }
    }

    fn request(&self, cidrs: &[&str], ports: &[i32]) -> EnsureFirewallRequest {
        EnsureFirewallRequest {
            r#ref: Some(vpc_ref(self.id)),
            known: Some(self.vpc.clone()),
            cidrs: cidrs.iter().map(|cidr| (*cidr).to_owned()).collect(),
            ports: ports.to_vec(),
            operation_token: String::new(),
        }
    }

    async fn send(&self, request: EnsureFirewallRequest) -> Result<bool, Status> {
        let answer = self.suite.client().ensure_firewall(request).await?;
        Ok(answer.into_inner().complete)
    }

    async fn ensure(&self, cidrs: &[&str], ports: &[i32]) -> Result<bool, Status> {
        self.send(self.request(cidrs, ports)).await
    }

    /// The ingress rules of the network's group.
    fn rules(&self) -> Rules {
        self.suite.cloud.state(|state| {
            let rules = state.security_group_rules.values();
            rules
                .filter(|rule| !rule.egress && rule.group_id == self.vpc.security_group_id)
                .map(|rule| {
                    let permission = &rule.permission;
                    let source = match &permission.source {
                        cloudsim::ec2::state::Source::Cidr(net) => net.to_string(),
                        other => format!("{other:?}"),
                    };
                    (permission.protocol.clone(), permission.ports, source)
                })
                .collect()
        })
    }

    /// All rules but the ingress rules of the network's group.
    fn other_rules(&self) -> usize {
        self.suite.cloud.state(|state| {
            let rules = state.security_group_rules.values();
            rules
                .filter(|rule| rule.egress || rule.group_id != self.vpc.security_group_id)
                .count()
        })
    }

    fn calls(&self) -> Vec<String> {
        let calls = self.suite.cloud.calls();
        self.suite.cloud.clear_calls();
        calls.into_iter().map(|call| call.action).collect()
    }
}

fn tcp(rules: &[(i64, &str)]) -> Rules {
    let rule =
        |(port, cidr): &(i64, &str)| ("tcp".to_owned(), Some((*port, *port)), (*cidr).to_owned());
    rules.iter().map(rule).collect()
}

const DESCRIBE: &str = "DescribeSecurityGroups";
const REVOKE: &str = "RevokeSecurityGroupIngress";
const AUTHORIZE: &str = "AuthorizeSecurityGroupIngress";

#[tokio::test]
async fn the_rules_follow_what_is_wanted_with_one_write_of_each_kind() {
    let network = Network::start().await;
    let others = network.other_rules();
    network.calls();
    let all = tcp(&[(443, A), (443, B), (5432, A), (5432, B)]);
    assert!(network.ensure(&[A, B], &[443, 5432]).await.unwrap());
    assert_eq!(network.rules(), all);
    assert_eq!(network.calls(), [DESCRIBE, AUTHORIZE, DESCRIBE]);

    assert!(network.ensure(&[B, A], &[5432, 443]).await.unwrap());
    assert_eq!(network.calls(), [DESCRIBE]);

    assert!(network.ensure(&[B, C], &[443]).await.unwrap());
    assert_eq!(network.rules(), tcp(&[(443, B), (443, C)]));
    assert_eq!(network.calls(), [DESCRIBE, REVOKE, AUTHORIZE, DESCRIBE]);

    assert!(network.ensure(&[], &[443]).await.unwrap());
    assert!(network.rules().is_empty());
    assert_eq!(network.calls(), [DESCRIBE, REVOKE, DESCRIBE]);
    assert!(network.ensure(&[A], &[]).await.unwrap());
    assert!(network.rules().is_empty());
    assert_eq!(network.other_rules(), others);
}

#[tokio::test]
async fn rules_made_by_hand_are_removed() {
    let network = Network::start().await;
    assert!(network.ensure(&[A], &[443]).await.unwrap());
    let any = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let itself = UserIdGroupPair::builder().group_id(&network.vpc.security_group_id);
    let by_hand = [
        IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(443)
            .ip_ranges(any.clone()),
        IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(0)
            .to_port(65535)
            .ip_ranges(any.clone()),
        IpPermission::builder().ip_protocol("-1").ip_ranges(any),
        IpPermission::builder()
            .ip_protocol("-1")
            .user_id_group_pairs(itself.build()),
    ];
    let call = network.suite.vendor().authorize_security_group_ingress();
    let by_hand = by_hand.map(|permission| permission.build()).to_vec();
    call.group_id(&network.vpc.security_group_id)
        .set_ip_permissions(Some(by_hand))
        .send()
        .await
        .unwrap();
    assert_eq!(network.rules().len(), 5);
    assert!(network.ensure(&[A], &[443]).await.unwrap());
    assert_eq!(network.rules(), tcp(&[(443, A)]));
}

#[tokio::test]
async fn a_list_beyond_the_quota_is_refused_with_who_must_raise_it() {
    let network = Network::start().await;
    network
        .suite
        .cloud
        .configure(|config| config.limits.rules_per_group = 3);
    let status = network.ensure(&[A, B], &[443, 5432]).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let error = cloud_error(status);
    assert_eq!(
        (error.kind, error.reason.as_str(), error.refused),
        (CloudErrorKind::Quota, "ALLOW_LIST_FULL", true)
    );
    for words in ["4 rules", "rules per security group", VENDOR] {
        assert!(error.message.contains(words), "{error}");
    }
    assert!(network.rules().is_empty());
    // What goes makes room for what comes.
    assert!(network.ensure(&[A, B, C], &[443]).await.unwrap());
    assert!(network.ensure(&[A, B, C], &[80]).await.unwrap());
    assert_eq!(network.rules(), tcp(&[(80, A), (80, B), (80, C)]));
    let error = cloud_error(network.ensure(&[A, B], &[1, 2]).await.unwrap_err());
    // The old rules are gone, so something has been done.
    assert!(!error.refused, "{error}");
}

#[tokio::test]
async fn after_any_fault_the_same_call_ends_it() {
    for (api, kind, refused) in [
        (AUTHORIZE, FaultKind::LostAnswer, false),
        (AUTHORIZE, FaultKind::Garbage, false),
        (AUTHORIZE, FaultKind::Error500, false),
        (REVOKE, FaultKind::LostAnswer, false),
        (REVOKE, FaultKind::Throttle, true),
        (DESCRIBE, FaultKind::Cut, true),
        (DESCRIBE, FaultKind::Html200, true),
    ] {
        let network = Network::start().await;
        assert!(network.ensure(&[A], &[443]).await.unwrap());
        network.suite.cloud.fault(Fault::once(api, kind));
        let error = cloud_error(network.ensure(&[B], &[443]).await.unwrap_err());
        assert_eq!(error.refused, refused, "{api} {kind:?}: {error}");
        assert!(network.ensure(&[B], &[443]).await.unwrap());
        assert_eq!(network.rules(), tcp(&[(443, B)]), "{api} {kind:?}");
    }
}

#[tokio::test]
async fn several_at_once_do_each_other_no_harm() {
    let network = Network::start().await;
    assert!(network.ensure(&[A], &[443]).await.unwrap());
    let calls = (0..4).map(|_| network.ensure(&[B, C], &[443]));
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    assert!(network.ensure(&[B, C], &[443]).await.unwrap());
    assert_eq!(network.rules(), tcp(&[(443, B), (443, C)]));
}

#[tokio::test]
async fn a_group_that_is_not_recorded_is_found_by_its_tags_and_no_other_is_touched() {
    let network = Network::start().await;
    network
        .suite
        .complete_vpc(NetworkId::generate(), "10.40.0.0/16")
        .await;
    let others = network.other_rules();
    let mut request = network.request(&[A], &[443]);
    request.known = Some(Vpc::default());
    assert!(network.send(request).await.unwrap());
    assert_eq!(network.rules(), tcp(&[(443, A)]));
    assert_eq!(network.other_rules(), others);
}

#[tokio::test]
async fn without_a_group_nothing_is_said_to_be_done() {
    let network = Network::start().await;
    assert!(network.suite.cloud.vanish(&network.vpc.security_group_id));
    let mut unknown = network.request(&[], &[]);
    unknown.known = Some(Vpc::default());
    for request in [
        network.request(&[A], &[443]),
        network.request(&[], &[]),
        unknown,
    ] {
        let error = cloud_error(network.send(request).await.unwrap_err());
        assert_eq!(
            (error.kind, error.refused),
            (CloudErrorKind::Unavailable, true),
            "{error}"
        );
    }
}

#[tokio::test]
async fn ranges_and_ports_that_are_none_are_named() {
    let network = Network::start().await;
    let status = network
        .ensure(&[A, "10.1.0.1/16"], &[443, 0, 65536])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let fields: Vec<String> = tonic_types::StatusExt::get_error_details(&status)
        .bad_request()
        .unwrap()
        .field_violations
        .iter()
        .map(|violation| violation.field.clone())
        .collect();
    assert_eq!(fields, ["cidrs[1]", "ports[1]", "ports[2]"]);
    assert!(network.rules().is_empty());
}
