//! The look at all VPCs of an account: in the fewest calls, only our own, and whole or not at all.

use std::collections::BTreeSet;

use api::cloud::{CloudError, CloudErrorKind};
use api::provider::v1::observe_vpcs_response::Observation;
use api::provider::v1::{ObserveVpcsRequest, Vpc};
use aws_sdk_ec2::types::{IpPermission, IpRange, ResourceType, Tag, TagSpecification};
use aws_sdk_ec2::types::{Ipv6Range, UserIdGroupPair};
use cloudsim::{Fault, FaultKind};
use tonic::Code;
use types::NetworkId;

use crate::network::{Network, calls, look, tcp, try_look};
use crate::parrot::Parrot;
use crate::support::*;

const A: &str = "10.1.0.0/16";
const B: &str = "10.2.0.0/16";

const VPCS: &str = "DescribeVpcs";
const SUBNETS: &str = "DescribeSubnets";
const GROUPS: &str = "DescribeSecurityGroups";

#[tokio::test]
async fn a_thousand_vpcs_take_one_call_and_show_nothing_but_their_ids() {
    let network = Network::start().await;
    network.multiply(1_000);
    let seen = look(&network.suite, false).await;
    let networks: BTreeSet<_> = seen.iter().map(|one| &one.network_id).collect();
    assert_eq!(networks.len(), 1_000);
    assert_eq!(calls(&network.suite), [VPCS]);
    let own = seen
        .iter()
        .find(|one| one.network_id == network.id.to_string());
    let bare = Observation {
        network_id: network.id.to_string(),
        vpc: Some(Vpc {
            vpc_id: network.vpc.vpc_id.clone(),
            ..Vpc::default()
        }),
        ..Observation::default()
    };
    assert_eq!(own.unwrap(), &bare);
}

#[tokio::test]
async fn one_more_than_a_page_takes_one_more_call() {
    let network = Network::start().await;
    network.multiply(1_001);
    assert_eq!(look(&network.suite, false).await.len(), 1_001);
    assert_eq!(calls(&network.suite), [VPCS, VPCS]);
}

#[tokio::test]
async fn the_wiring_of_three_hundred_networks_takes_three_calls() {
    let network = Network::start().await;
    network.multiply(300);
    let seen = look(&network.suite, true).await;
    assert_eq!(seen.len(), 300);
    let whole = |one: &Observation| {
        let vpc = one.vpc.as_ref().unwrap();
        vpc.parts == network.vpc.parts && vpc.subnets.len() == 3 && one.drift.is_empty()
    };
    assert!(seen.iter().all(whole));
    assert_eq!(calls(&network.suite), [GROUPS, SUBNETS, VPCS]);
}

#[tokio::test]
async fn small_pages_show_all() {
    let network = Network::with(&[("AWS__PAGES__VPCS", "5")]).await;
    network.multiply(12);
    let seen = look(&network.suite, true).await;
    assert_eq!(seen.len(), 12);
    assert!(
        seen.iter()
            .all(|one| one.vpc.as_ref().unwrap().parts == network.vpc.parts)
    );
    assert_eq!(calls(&network.suite).len(), 3 + 8 + 5);
}

#[tokio::test]
async fn a_vpc_is_shown_as_it_was_made() {
    let network = Network::start().await;
    let seen = network.seen().await;
    let expected = Observation {
        network_id: network.id.to_string(),
        vpc: Some(network.vpc.clone()),
        ..Observation::default()
    };
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn parts_that_went_behind_our_back_are_not_shown() {
    let network = Network::start().await;
    let vendor = network.suite.vendor();
    let lost = &network.vpc.subnets[1];
    let call = vendor.delete_subnet().subnet_id(&lost.id);
    call.send().await.unwrap();
    let vpc = network.seen().await.vpc.unwrap();
    assert!(!vpc.parts.contains(&"subnet-2".to_owned()));
    assert_eq!(
        vpc.subnets,
        [
            network.vpc.subnets[0].clone(),
            network.vpc.subnets[2].clone()
        ]
    );

    let call = vendor.delete_security_group();
    let call = call.group_id(&network.vpc.security_group_id);
    call.send().await.unwrap();
    let seen = network.seen().await;
    assert_eq!(seen.drift, [""; 0]);
    let vpc = seen.vpc.unwrap();
    assert_eq!(
        vpc.parts,
        ["vpc", "dns", "subnet-1", "subnet-3", "default-group"]
    );
    assert_eq!(vpc.security_group_id, "");

    for subnet in vpc.subnets {
        let call = vendor.delete_subnet().subnet_id(subnet.id);
        call.send().await.unwrap();
    }
    let call = vendor.delete_vpc().vpc_id(&network.vpc.vpc_id);
    call.send().await.unwrap();
    network.suite.cloud.clear_calls();
    assert!(look(&network.suite, true).await.is_empty());
    assert_eq!(calls(&network.suite), [VPCS]);
}

#[tokio::test]
async fn a_firewall_is_shown_with_its_ranges_and_ports() {
    let network = Network::start().await;
    network.admit(&[B, A], &[5432, 443]).await;
    let seen = network.seen().await;
    assert_eq!(seen.firewall_cidrs, [A, B]);
    assert_eq!(seen.firewall_ports, [443, 5432]);
    assert!(seen.drift.is_empty());
    // What anybody admits beside it is shown, or said to be odd.
    let group = &network.vpc.security_group_id;
    network.authorize(group, tcp(443, 443, "0.0.0.0/0")).await;
    let seen = network.seen().await;
    assert_eq!(seen.firewall_cidrs, ["0.0.0.0/0", A, B]);
    assert_eq!(seen.drift, ["firewall"]);
    network.admit(&[A, B], &[443]).await;
    let call = network.suite.vendor().revoke_security_group_ingress();
    let call = call.group_id(group).ip_permissions(tcp(443, 443, A));
    call.send().await.unwrap();
    let seen = network.seen().await;
    assert_eq!(seen.firewall_cidrs, [B]);
    assert_eq!(seen.firewall_ports, [443]);
    assert!(seen.drift.is_empty());
}

#[tokio::test]
async fn whatever_else_a_group_admits_is_drift() {
    let everything = IpPermission::builder().ip_protocol("-1");
    let v6 = Ipv6Range::builder().cidr_ipv6("::/0").build();
    let network = Network::start().await;
    let itself = UserIdGroupPair::builder().group_id(&network.vpc.security_group_id);
    let odd = [
        tcp(443, 444, B),
        tcp(0, 65535, B),
        IpPermission::builder()
            .ip_protocol("udp")
            .from_port(443)
            .to_port(443)
            .ip_ranges(IpRange::builder().cidr_ip(A).build())
            .build(),
        everything
            .clone()
            .ip_ranges(IpRange::builder().cidr_ip(A).build())
            .build(),
        everything.user_id_group_pairs(itself.build()).build(),
        IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(443)
            .ipv6_ranges(v6)
            .build(),
    ];
    for rule in odd {
        network.admit(&[A], &[443]).await;
        assert!(network.seen().await.drift.is_empty());
        network
            .authorize(&network.vpc.security_group_id, rule.clone())
            .await;
        let seen = network.seen().await;
        assert_eq!(seen.drift, ["firewall"], "{rule:?}");
        assert_eq!(seen.firewall_cidrs, [A], "{rule:?}");
    }
}

#[tokio::test]
async fn a_default_group_that_admits_or_sends_anything_is_drift() {
    let network = Network::start().await;
    let default = network.default_group();
    network.authorize(&default, tcp(22, 22, A)).await;
    let seen = network.seen().await;
    assert_eq!(seen.drift, ["default-group"]);
    assert_eq!(seen.vpc.unwrap().parts, network.vpc.parts);
    assert!(seen.firewall_cidrs.is_empty());
    let vendor = network.suite.vendor();
    let call = vendor.revoke_security_group_ingress();
    let call = call.group_id(&default).ip_permissions(tcp(22, 22, A));
    call.send().await.unwrap();
    assert!(network.seen().await.drift.is_empty());
    let call = vendor.authorize_security_group_egress();
    let call = call.group_id(&default).ip_permissions(tcp(22, 22, A));
    call.send().await.unwrap();
    assert_eq!(network.seen().await.drift, ["default-group"]);
}

#[tokio::test]
async fn objects_of_others_and_odd_ones_in_our_vpc_are_not_shown() {
    let network = Network::start().await;
    let suite = &network.suite;
    let expected = network.seen().await;
    suite.vendor_vpc("10.40.0.0/16").await;
    let mut stranger = vpc_request(
        NetworkId::generate(),
        "10.41.0.0/16",
        &Vpc::default(),
        "vpc",
    );
    stranger.r#ref.as_mut().unwrap().deployment = "other".into();
    suite.ensure_vpc(stranger).await.unwrap();
    let tags = |network: &str| {
        let pair = |(key, value): (&str, &str)| Tag::builder().key(key).value(value).build();
        let pairs = [
            ("peerway:deployment", DEPLOYMENT),
            ("peerway:network", network),
        ];
        pairs.map(pair).to_vec()
    };
    let marked = |kind: ResourceType, network: &str| {
        let specification = TagSpecification::builder().resource_type(kind);
        specification.set_tags(Some(tags(network))).build()
    };
    let call = suite.vendor().create_vpc().cidr_block("10.42.0.0/16");
    let call = call.tag_specifications(marked(ResourceType::Vpc, "no network"));
    call.send().await.unwrap();
    // Nothing in the fourth quarter is a part.
    let id = network.id.to_string();
    for range in ["10.20.192.0/19", "10.20.224.0/20"] {
        let call = suite.vendor().create_subnet().vpc_id(&network.vpc.vpc_id);
        let call = call.tag_specifications(marked(ResourceType::Subnet, &id));
        call.cidr_block(range).send().await.unwrap();
    }
    let call = suite.vendor().create_security_group().group_name("by-hand");
    let call = call.description("by hand").vpc_id(&network.vpc.vpc_id);
    let call = call.tag_specifications(marked(ResourceType::SecurityGroup, &id));
    call.send().await.unwrap();
    assert_eq!(network.seen().await, expected);
    let other = observe_vpcs(&suite.adapter.client, group(), "other", true).await;
    assert_eq!(other.unwrap().len(), 1);
    let nobody = observe_vpcs(&suite.adapter.client, group(), "nobody", true).await;
    assert!(nobody.unwrap().is_empty());
}

#[tokio::test]
async fn two_vpcs_of_one_network_are_both_shown_with_their_own_parts() {
    let network = Network::start().await;
    let twin = network.suite.vendor_vpc("10.50.0.0/16").await;
    network.suite.cloud.state(|state| {
        let tags = state.tags[&network.vpc.vpc_id].clone();
        state.tags.insert(twin.clone(), tags);
    });
    let seen = look(&network.suite, true).await;
    let parts = |id: &str| {
        let mut vpcs = seen.iter().filter_map(|one| one.vpc.as_ref());
        vpcs.find(|vpc| vpc.vpc_id == id).unwrap().parts.clone()
    };
    assert_eq!(seen.len(), 2);
    assert_eq!(parts(&network.vpc.vpc_id), network.vpc.parts);
    assert_eq!(parts(&twin), ["vpc", "dns", "default-group"]);
    assert!(seen.iter().any(|one| one.drift == ["default-group"]));
}

#[tokio::test]
async fn a_call_that_fails_leaves_nothing_to_be_believed() {
    let network = Network::start().await;
    for api in [VPCS, SUBNETS, GROUPS] {
        for kind in [
            FaultKind::Throttle,
            FaultKind::Unauthorized,
            FaultKind::Error500,
            FaultKind::LostAnswer,
            FaultKind::Cut,
            FaultKind::Garbage,
            FaultKind::Html200,
        ] {
            network.suite.cloud.fault(Fault::once(api, kind));
            let error = try_look(&network.suite, true).await.unwrap_err();
            let expected = match kind {
                FaultKind::Throttle => CloudErrorKind::Throttled,
                FaultKind::Unauthorized => CloudErrorKind::Unauthorized,
                _ => CloudErrorKind::Unavailable,
            };
            assert_eq!(
                (error.kind, error.refused),
                (expected, true),
                "{api} {kind:?}: {error}"
            );
            network.seen().await;
        }
    }
}

/// A VPC set with one VPC of the deployment's, and what follows.
fn vpc_set(network: NetworkId, fields: &str, more: &str) -> String {
    format!(
        "<DescribeVpcsResponse><vpcSet><item>{fields}<tagSet><item><key>peerway:deployment</key>\
         <value>{DEPLOYMENT}</value></item><item><key>peerway:network</key><value>{network}</value></item></tagSet>\
         </item></vpcSet>{more}</DescribeVpcsResponse>"
    )
}

/// What a cloud with this answer to everything is understood to show.
async fn heard(body: String) -> Result<Vec<Observation>, CloudError> {
    let url = Parrot::new(body).start().await;
    let adapter = Adapter::start(&url, "", &[]).await;
    observe_vpcs(&adapter.client, group(), DEPLOYMENT, false).await
}

const WHOLE: &str = "<vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock>";

#[tokio::test]
async fn filters_that_the_cloud_ignores_are_applied_all_the_same() {
    let network = NetworkId::generate();
    let seen = heard(vpc_set(network, WHOLE, "")).await.unwrap();
    assert_eq!(seen[0].network_id, network.to_string());
    let foreign = format!("{WHOLE}<ownerId>{CUSTOMER}</ownerId>");
    assert!(
        heard(vpc_set(network, &foreign, ""))
            .await
            .unwrap()
            .is_empty()
    );
    let other = vpc_set(network, WHOLE, "").replace(&format!("<value>{DEPLOYMENT}<"), "<value>x<");
    assert!(heard(other).await.unwrap().is_empty());
}

#[tokio::test]
async fn answers_that_are_none_and_pages_in_a_circle_are_errors() {
    let network = NetworkId::generate();
    for body in [
        String::new(),
        "<html></html>".into(),
        "<DescribeVpcsResponse></DescribeVpcsResponse>".into(),
        "<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>".into(),
        vpc_set(network, "<vpcId>vpc-1</vpcId>", ""),
        vpc_set(network, "<cidrBlock>10.0.0.0/16</cidrBlock>", ""),
        vpc_set(network, WHOLE, "<nextToken>again</nextToken>"),
    ] {
        let error = heard(body.clone()).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Unavailable, "{body}: {error}");
    }
}

#[tokio::test]
async fn fields_that_are_missing_are_named() {
    let suite = Suite::start().await;
    let request = ObserveVpcsRequest::default();
    let status = suite.client().observe_vpcs(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let fields: Vec<String> = tonic_types::StatusExt::get_error_details(&status)
        .bad_request()
        .unwrap()
        .field_violations
        .iter()
        .map(|violation| violation.field.clone())
        .collect();
    assert_eq!(fields, ["group", "deployment"]);
}
