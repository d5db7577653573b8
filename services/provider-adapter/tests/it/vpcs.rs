//! A network's VPC: made part by part, exactly once, and removed with all that is in it.

use api::cloud::CloudErrorKind;
use api::provider::v1::{DeleteVpcRequest, Removal, Vpc};
use cloudsim::{Fault, FaultKind};
use types::NetworkId;

use crate::support::*;

const CIDR: &str = "10.20.0.0/16";

async fn delete(suite: &Suite, network: NetworkId, known: &Vpc) -> Result<Removal, tonic::Status> {
    let request = DeleteVpcRequest {
        r#ref: Some(vpc_ref(network)),
        known: Some(known.clone()),
        operation_token: String::new(),
    };
    Ok(suite
        .client()
        .delete_vpc(request)
        .await?
        .into_inner()
        .removal())
}

#[tokio::test]
async fn a_vpc_is_made_part_by_part() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let mut known = Vpc::default();
    let mut part = String::new();
    let mut made = Vec::new();
    loop {
        suite.cloud.clear_calls();
        let request = vpc_request(network, CIDR, &known, &part);
        let answer = suite.ensure_vpc(request).await.unwrap();
        assert!(suite.cloud.calls().len() <= 5, "{:?}", suite.cloud.calls());
        let guarded = ["vpc", "subnet-1", "subnet-2", "subnet-3", "security-group"];
        assert_eq!(answer.guarded, guarded.contains(&answer.next_part.as_str()));
        known = answer.vpc.unwrap();
        part = answer.next_part;
        if part.is_empty() {
            break;
        }
        made.push(part.clone());
    }
    let all = [
        "vpc",
        "dns",
        "subnet-1",
        "subnet-2",
        "subnet-3",
        "security-group",
        "default-group",
    ];
    assert_eq!(made, all);
    assert_eq!(known.parts, all);
    let zones: std::collections::BTreeSet<_> = known.subnets.iter().map(|one| &one.zone).collect();
    assert_eq!(zones.len(), 3);
    let cidrs: Vec<_> = known.subnets.iter().map(|one| one.cidr.as_str()).collect();
    assert_eq!(cidrs, ["10.20.0.0/18", "10.20.64.0/18", "10.20.128.0/18"]);
    suite.cloud.state(|state| {
        assert_eq!((state.vpcs.len(), state.subnets.len()), (1, 3));
        assert!(state.vpcs[&known.vpc_id].dns_hostnames);
        let default = state
            .security_groups
            .values()
            .find(|one| one.name == "default")
            .unwrap();
        assert!(
            !state
                .security_group_rules
                .values()
                .any(|rule| rule.group_id == default.id)
        );
        assert_eq!(
            state.security_groups[&known.security_group_id].name,
            format!("peerway-{network}")
        );
    });
}

#[tokio::test]
async fn a_lost_answer_is_found_by_the_next_look() {
    for action in ["CreateVpc", "CreateSubnet", "CreateSecurityGroup"] {
        for kind in [FaultKind::LostAnswer, FaultKind::Cut] {
            let suite = Suite::start().await;
            let network = NetworkId::generate();
            suite.cloud.fault(Fault::once(action, kind));
            let mut known = Vpc::default();
            let mut part = String::new();
            let mut lost = 0;
            loop {
                match suite
                    .ensure_vpc(vpc_request(network, CIDR, &known, &part))
                    .await
                {
                    Ok(answer) => {
                        known = answer.vpc.unwrap();
                        part = answer.next_part;
                        if part.is_empty() {
                            break;
                        }
                    }
                    Err(status) => {
                        let error = cloud_error(status);
                        assert_eq!(error.kind, CloudErrorKind::Unavailable);
                        assert!(!error.refused, "{error}");
                        lost += 1;
                        part.clear();
                    }
                }
            }
            assert_eq!(lost, 1, "{action}");
            suite.cloud.state(|state| {
                let groups = state.security_groups.len();
                assert_eq!(
                    (state.vpcs.len(), state.subnets.len(), groups),
                    (1, 3, 2),
                    "{action}"
                );
            });
        }
    }
}

#[tokio::test]
async fn what_is_known_stands_though_the_cloud_does_not_show_it_yet() {
    let suite = Suite::start().await;
    suite.cloud.clock_freeze(true);
    suite
        .cloud
        .configure(|config| config.describe_lag_ms = 5_000);
    let network = NetworkId::generate();
    let request = vpc_request(network, CIDR, &Vpc::default(), "vpc");
    let known = suite.ensure_vpc(request).await.unwrap().vpc.unwrap();
    let look = suite
        .ensure_vpc(vpc_request(network, CIDR, &known, ""))
        .await
        .unwrap();
    assert_eq!(look.next_part, "dns");
    assert_eq!(look.vpc.unwrap().vpc_id, known.vpc_id);
    let blind = suite
        .ensure_vpc(vpc_request(network, CIDR, &Vpc::default(), ""))
        .await
        .unwrap();
    assert_eq!(blind.next_part, "vpc");
    suite.cloud.clock_advance(std::time::Duration::from_secs(6));
    let seen = suite
        .ensure_vpc(vpc_request(network, CIDR, &Vpc::default(), ""))
        .await
        .unwrap();
    assert_eq!(seen.vpc.unwrap().vpc_id, known.vpc_id);
}

#[tokio::test]
async fn surplus_goes_once_one_is_recorded() {
    let suite = Suite::start().await;
    suite.cloud.clock_freeze(true);
    suite
        .cloud
        .configure(|config| config.describe_lag_ms = 5_000);
    let network = NetworkId::generate();
    let blind = || vpc_request(network, CIDR, &Vpc::default(), "vpc");
    suite.ensure_vpc(blind()).await.unwrap();
    suite.ensure_vpc(blind()).await.unwrap();
    suite.cloud.clock_advance(std::time::Duration::from_secs(6));
    let look = vpc_request(network, CIDR, &Vpc::default(), "");
    let known = suite.ensure_vpc(look).await.unwrap().vpc.unwrap();
    let least = suite
        .cloud
        .state(|state| state.vpcs.keys().next().cloned().unwrap());
    assert_eq!(known.vpc_id, least);
    assert_eq!(suite.cloud.state(|state| state.vpcs.len()), 2);
    suite
        .ensure_vpc(vpc_request(network, CIDR, &known, ""))
        .await
        .unwrap();
    assert_eq!(
        suite
            .cloud
            .state(|state| state.vpcs.keys().cloned().collect::<Vec<_>>()),
        [least]
    );
}

#[tokio::test]
async fn nothing_is_surplus_beside_something_that_the_cloud_does_not_show() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let stands = suite.complete_vpc(network, CIDR).await;
    let mut other_group = stands.clone();
    other_group.security_group_id = "sg-00000000".into();
    let mut other_subnet = stands.clone();
    other_subnet.subnets[0].id = "subnet-00000000".into();
    let mut other_vpc = stands.clone();
    other_vpc.vpc_id = "vpc-00000000".into();
    suite.cloud.clear_calls();
    for known in [other_group, other_subnet, other_vpc] {
        // What becomes of the look is another matter.
        let _ = suite
            .ensure_vpc(vpc_request(network, CIDR, &known, ""))
            .await;
    }
    assert_eq!(suite.cloud.calls_of("Delete*").len(), 0);
}

#[tokio::test]
async fn another_network_s_and_another_deployment_s_objects_are_not_ours() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let first = suite.complete_vpc(network, CIDR).await;
    let mut request = vpc_request(network, CIDR, &Vpc::default(), "");
    request.r#ref.as_mut().unwrap().deployment = "other".into();
    assert_eq!(suite.ensure_vpc(request).await.unwrap().next_part, "vpc");
    let second = suite
        .complete_vpc(NetworkId::generate(), "10.21.0.0/16")
        .await;
    assert_ne!(first.vpc_id, second.vpc_id);
}

#[tokio::test]
async fn a_vpc_is_removed_with_all_that_is_in_it() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let known = suite.complete_vpc(network, CIDR).await;
    while delete(&suite, network, &known).await.unwrap() != Removal::Deleted {}
    suite.cloud.state(|state| {
        assert!(
            state.vpcs.is_empty() && state.subnets.is_empty() && state.security_groups.is_empty()
        );
    });
    assert_eq!(
        delete(&suite, network, &known).await.unwrap(),
        Removal::Absent
    );
    assert_eq!(
        delete(&suite, network, &Vpc::default()).await.unwrap(),
        Removal::Absent
    );
}

#[tokio::test]
async fn what_a_lost_answer_left_is_removed_by_its_tags() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    suite
        .cloud
        .fault(Fault::once("CreateVpc", FaultKind::LostAnswer));
    suite
        .ensure_vpc(vpc_request(network, CIDR, &Vpc::default(), "vpc"))
        .await
        .unwrap_err();
    assert_eq!(
        delete(&suite, network, &Vpc::default()).await.unwrap(),
        Removal::Deleted
    );
    assert!(suite.cloud.state(|state| state.vpcs.is_empty()));
}

#[tokio::test]
async fn recorded_parts_go_though_the_cloud_does_not_show_them_yet() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let known = suite.complete_vpc(network, CIDR).await;
    suite.cloud.clock_freeze(true);
    suite
        .cloud
        .configure(|config| config.describe_lag_ms = 3_600_000);
    assert_eq!(
        delete(&suite, network, &known).await.unwrap(),
        Removal::InProgress
    );
    assert_eq!(
        delete(&suite, network, &known).await.unwrap(),
        Removal::Deleted
    );
    assert!(suite.cloud.state(|state| state.vpcs.is_empty()));
}

#[tokio::test]
async fn a_vpc_with_something_else_in_it_stays() {
    let suite = Suite::start().await;
    let network = NetworkId::generate();
    let known = suite.complete_vpc(network, CIDR).await;
    let foreign = suite
        .vendor()
        .create_subnet()
        .vpc_id(&known.vpc_id)
        .cidr_block("10.20.192.0/18")
        .send()
        .await
        .unwrap();
    let error = cloud_error(delete(&suite, network, &known).await.unwrap_err());
    assert_eq!(error.kind, CloudErrorKind::InProgress);
    assert_eq!(error.reason, "NETWORK_NOT_EMPTY");
    let id = foreign.subnet.unwrap().subnet_id.unwrap();
    suite
        .vendor()
        .delete_subnet()
        .subnet_id(id)
        .send()
        .await
        .unwrap();
    assert_eq!(
        delete(&suite, network, &known).await.unwrap(),
        Removal::Deleted
    );
}

#[tokio::test]
async fn the_account_s_quota_is_named() {
    let suite = Suite::start().await;
    suite
        .cloud
        .configure(|config| config.limits.vpcs_per_region = 0);
    let request = vpc_request(NetworkId::generate(), CIDR, &Vpc::default(), "vpc");
    let error = cloud_error(suite.ensure_vpc(request).await.unwrap_err());
    assert_eq!(
        (error.kind, error.reason.as_str()),
        (CloudErrorKind::Quota, "VPC_LIMIT")
    );
    assert!(error.refused);
}
