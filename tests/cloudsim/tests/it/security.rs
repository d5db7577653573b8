//! Security groups and their rules.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{IpPermission, IpRange, UserIdGroupPair};

use crate::support::*;

fn tcp(port: i32, cidr: &str) -> IpPermission {
    let range = IpRange::builder()
        .cidr_ip(cidr)
        .description("a peer")
        .build();
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port)
        .to_port(port)
        .ip_ranges(range)
        .build()
}

async fn group(client: &Client, vpc_id: &str, name: &str) -> String {
    let call = client
        .create_security_group()
        .vpc_id(vpc_id)
        .group_name(name)
        .description("a group");
    call.send().await.unwrap().group_id.unwrap()
}

#[tokio::test]
async fn rules_are_added_shown_and_revoked() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let id = vpc(&vendor, "10.0.0.0/16").await;
    let sg = group(&vendor, &id, "peerway-net_1").await;
    let authorize = |permission| {
        vendor
            .authorize_security_group_ingress()
            .group_id(&sg)
            .ip_permissions(permission)
            .send()
    };
    let added = authorize(tcp(6379, "10.1.2.3/16")).await.unwrap();
    let rule = &added.security_group_rules()[0];
    assert_eq!(
        (rule.cidr_ipv4(), rule.description()),
        (Some("10.1.0.0/16"), Some("a peer"))
    );
    let (code, message) = refused(authorize(tcp(6379, "10.1.0.0/16")).await);
    assert_eq!(code, "InvalidPermission.Duplicate");
    assert_eq!(
        message,
        "the specified rule \"peer: 10.1.0.0/16, TCP, from port: 6379, to port: 6379, ALLOW\" already exists"
    );
    authorize(tcp(6379, "10.2.0.0/16")).await.unwrap();
    let shown = vendor
        .describe_security_groups()
        .group_ids(&sg)
        .send()
        .await
        .unwrap();
    let permissions = shown.security_groups()[0].ip_permissions();
    assert_eq!(
        (permissions.len(), permissions[0].ip_ranges().len()),
        (1, 2)
    );
    let rules = vendor
        .describe_security_group_rules()
        .filters(filter("group-id", &[&sg]))
        .send()
        .await
        .unwrap();
    assert_eq!(rules.security_group_rules().len(), 3);

    let revoke = |permission| {
        vendor
            .revoke_security_group_ingress()
            .group_id(&sg)
            .ip_permissions(permission)
            .send()
    };
    revoke(tcp(6379, "10.1.0.0/16")).await.unwrap();
    let (code, message) = refused(revoke(tcp(6379, "10.1.0.0/16")).await);
    assert_eq!(code, "InvalidPermission.NotFound");
    assert_eq!(
        message,
        "The specified rule does not exist in this security group."
    );
    let egress = rules
        .security_group_rules()
        .iter()
        .find(|rule| rule.is_egress() == Some(true))
        .unwrap();
    let by_id = vendor.revoke_security_group_egress().group_id(&sg);
    by_id
        .security_group_rule_ids(egress.security_group_rule_id().unwrap())
        .send()
        .await
        .unwrap();
    let shown = vendor
        .describe_security_groups()
        .group_ids(&sg)
        .send()
        .await
        .unwrap();
    assert!(
        shown.security_groups()[0]
            .ip_permissions_egress()
            .is_empty()
    );
}

#[tokio::test]
async fn wrong_permissions_are_refused() {
    let sim = start_with(|config| config.limits.rules_per_group = 2).await;
    let vendor = client(&sim, VENDOR, HERE);
    let id = vpc(&vendor, "10.0.0.0/16").await;
    let sg = group(&vendor, &id, "g").await;
    let authorize = async |permissions: Vec<IpPermission>| {
        let call = vendor
            .authorize_security_group_ingress()
            .group_id(&sg)
            .set_ip_permissions(Some(permissions));
        code(call.send().await)
    };
    assert_eq!(
        authorize(vec![tcp(70_000, "10.1.0.0/16")]).await,
        "InvalidParameterValue"
    );
    assert_eq!(
        authorize(vec![tcp(1, "10.1.0.0")]).await,
        "InvalidParameterValue"
    );
    assert_eq!(
        authorize(vec![tcp(1, "10.1.0.0/16"), tcp(1, "10.1.0.0/16")]).await,
        "InvalidParameterValue"
    );
    assert_eq!(
        authorize(vec![IpPermission::builder().ip_protocol("carp").build()]).await,
        "InvalidParameterValue"
    );
    let many = [1, 2, 3].map(|port| tcp(port, "10.1.0.0/16")).to_vec();
    assert_eq!(authorize(many).await, "RulesPerSecurityGroupLimitExceeded");
    let shown = vendor
        .describe_security_groups()
        .group_ids(&sg)
        .send()
        .await
        .unwrap();
    assert!(
        shown.security_groups()[0].ip_permissions().is_empty(),
        "refused whole"
    );
}

#[tokio::test]
async fn groups_in_use_and_default_groups_stay() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let id = vpc(&vendor, "10.0.0.0/16").await;
    let (one, other) = (
        group(&vendor, &id, "one").await,
        group(&vendor, &id, "other").await,
    );
    let again = vendor
        .create_security_group()
        .vpc_id(&id)
        .group_name("one")
        .description("x")
        .send()
        .await;
    let (code, message) = refused(again);
    assert_eq!(code, "InvalidGroup.Duplicate");
    assert_eq!(
        message,
        format!("The security group 'one' already exists for VPC '{id}'")
    );
    let pair = UserIdGroupPair::builder().group_id(&other).build();
    let permission = IpPermission::builder()
        .ip_protocol("-1")
        .user_id_group_pairs(pair)
        .build();
    vendor
        .authorize_security_group_ingress()
        .group_id(&one)
        .ip_permissions(permission)
        .send()
        .await
        .unwrap();
    let delete = |id: &str| vendor.delete_security_group().group_id(id).send();
    let (code, message) = refused(delete(&other).await);
    assert_eq!(
        (code.as_str(), message),
        (
            "DependencyViolation",
            format!("resource {other} has a dependent object")
        )
    );
    delete(&one).await.unwrap();
    delete(&other).await.unwrap();
    assert_eq!(
        crate::support::code(delete(&other).await),
        "InvalidGroup.NotFound"
    );
    let groups = vendor
        .describe_security_groups()
        .filters(filter("group-name", &["default"]))
        .send()
        .await
        .unwrap();
    let default = groups.security_groups()[0].group_id().unwrap();
    assert_eq!(crate::support::code(delete(default).await), "CannotDelete");
}

#[tokio::test]
async fn groups_are_found_by_names_with_wildcards() {
    let sim = start().await;
    let vendor = client(&sim, VENDOR, HERE);
    let id = vpc(&vendor, "10.0.0.0/16").await;
    for name in ["peerway-net_1", "peerway-net_2", "by-hand"] {
        group(&vendor, &id, name).await;
    }
    let found = async |names: &[&str]| {
        let call = vendor.describe_security_groups().max_results(1000);
        let found = call.filters(filter("group-name", names)).send();
        let found = found.await.unwrap();
        let names = found.security_groups().iter();
        let mut names: Vec<_> = names
            .map(|one| one.group_name().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(found(&["default"]).await, ["default"]);
    let ours = ["default", "peerway-net_1", "peerway-net_2"];
    assert_eq!(found(&["default", "peerway-*"]).await, ours);
    assert!(found(&["peerway"]).await.is_empty());
}
