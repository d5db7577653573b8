//! What others change behind Peerway's back is put back, or told.

use std::collections::BTreeSet;

use api::network::v1::Network;
use api::network::v1::network::State as NetworkState;
use api::peering::v1::next_action::Actor;
use api::peering::v1::peering::State;
use e2e::{Options, Suite, VENDOR};
use serde_json::{Value, json};

const REGION: &str = "eu-west-1";
/// The customer's.
const RANGE: &str = "10.1.0.0/16";
const WANTED: [(&str, &str); 1] = [("10.1.0.0/16", "tcp/5432")];

/// A network whose datastore is open to one range, and its security group.
async fn open_network(suite: &Suite) -> (Network, String) {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    suite.allow(&network, "10.1.0.0/16").await;
    let network = suite.until_firewall_ready(&network).await;
    let group = network.placement.clone().expect("a placement");
    let group = group.security_group_id;
    suite.until_group_admits(&group, &WANTED).await;
    (network, group)
}

/// An operator of the vendor's does something with boto3.
async fn operator(suite: &Suite, call: &str, request: Value) {
    let done = suite.customer.call(VENDOR, REGION, call, request).await;
    done.unwrap_or_else(|no| panic!("{call}: {no:?}"));
}

/// What happened to a network, each kind with its reason.
async fn happened(suite: &Suite, network: &Network) -> BTreeSet<(String, String)> {
    let events = suite.network_events(&network.id).await.into_iter();
    events.map(|event| (event.kind, event.reason)).collect()
}

fn one(kind: &str, reason: &str) -> (String, String) {
    (kind.to_owned(), reason.to_owned())
}

#[tokio::test]
async fn rules_that_an_operator_revokes_or_adds_are_put_right() {
    let suite = Suite::standalone_with(Options::default().watchful()).await;
    let (network, group) = open_network(&suite).await;
    let rule = |port: i64, cidr: &str| {
        let permission = json!({
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "IpRanges": [{"CidrIp": cidr}],
        });
        json!({"GroupId": group, "IpPermissions": [permission]})
    };
    let own = rule(5432, "10.1.0.0/16");
    operator(&suite, "revoke_security_group_ingress", own).await;
    suite.until_group_admits(&group, &WANTED).await;
    suite.until_firewall_ready(&network).await;

    let foreign = rule(22, "0.0.0.0/0");
    operator(&suite, "authorize_security_group_ingress", foreign).await;
    suite.until_group_admits(&group, &WANTED).await;
    let ready = suite.until_firewall_ready(&network).await;
    assert_eq!(ready.state(), NetworkState::Active);
    let told = one("FIREWALL_CHANGED", "FIREWALL_DRIFT");
    assert!(happened(&suite, &network).await.contains(&told));
}

#[tokio::test]
async fn a_subnet_and_a_group_that_an_operator_deletes_are_made_again() {
    let suite = Suite::standalone_with(Options::default().watchful()).await;
    let (network, group) = open_network(&suite).await;
    let placement = network.placement.clone().expect("a placement");
    let lost = &placement.subnets[1];
    operator(&suite, "delete_subnet", json!({"SubnetId": lost.id})).await;
    let is_whole_without = |id: String| {
        move |seen: &Network| {
            let Some(placement) = &seen.placement else {
                return false;
            };
            let subnets = &placement.subnets;
            seen.reason.is_empty() && subnets.len() == 3 && subnets.iter().all(|one| one.id != id)
        }
    };
    let whole = suite
        .until_network_shown(
            &network.id,
            "a new subnet",
            is_whole_without(lost.id.clone()),
        )
        .await;
    let ranges = |network: &Network| {
        let placement = network.placement.clone().expect("a placement");
        let subnets = placement.subnets.into_iter();
        subnets.map(|subnet| subnet.cidr).collect::<BTreeSet<_>>()
    };
    assert_eq!(whole.state(), NetworkState::Active);
    assert_eq!(ranges(&whole), ranges(&network));
    let told = one("VPC_CHANGED", "VPC_DRIFT");
    assert!(happened(&suite, &network).await.contains(&told));

    operator(&suite, "delete_security_group", json!({"GroupId": group})).await;
    let has_another = |seen: &Network| {
        let placement = seen.placement.clone().unwrap_or_default();
        !placement.security_group_id.is_empty() && placement.security_group_id != group
    };
    let whole = suite
        .until_network_shown(&network.id, "a new group", has_another)
        .await;
    let group = whole.placement.expect("a placement").security_group_id;
    suite.until_group_admits(&group, &WANTED).await;
    suite.until_firewall_ready(&network).await;
    // It all goes with the network in the end.
    suite.detach_datastore(&network, "db-1").await;
    suite.delete_network(&network.id).await;
    suite.until_network_gone(&network.id).await;
    assert_eq!(suite.left_in_the_cloud(REGION).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_network_whose_vpc_is_gone_has_failed_and_can_be_deleted() {
    let suite = Suite::standalone_with(Options::default().watchful()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let stays = suite.network(REGION, "10.30.0.0/16").await;
    suite.cloudsim().vanish(&network.provider_vpc_id);
    let failed = suite.until_network(&network.id, NetworkState::Failed).await;
    assert_eq!(failed.reason, "VPC_MISSING");
    assert!(
        failed.message.contains(&network.provider_vpc_id),
        "{}",
        failed.message
    );
    assert_eq!(
        suite
            .until_network(&stays.id, NetworkState::Active)
            .await
            .reason,
        ""
    );
    suite.delete_network(&network.id).await;
    suite.until_network_gone(&network.id).await;
    let told = happened(&suite, &network).await;
    assert!(
        told.contains(&one("STATE_CHANGED", "VPC_MISSING")),
        "{told:?}"
    );
}

#[tokio::test]
async fn routes_that_an_operator_removes_are_put_back_until_it_is_a_fight() {
    let suite = Suite::standalone_with(Options::default().watchful()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, RANGE).await;
    let peering = suite.peer(&network, &vpc, RANGE).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    let active = suite.accepted(&waiting).await;
    let pcx = active.provider_peering_id.as_str();
    let ours = network.provider_vpc_id.as_str();
    suite.until_routed(ours, &[(RANGE, pcx)]).await;
    suite.until_met(&active, "ROUTES_READY").await;
    let tables = suite.cloudsim().tables_of(ours);
    let route = |table: &str| json!({"RouteTableId": table, "DestinationCidrBlock": RANGE});
    let remove = async || {
        for table in &tables {
            operator(&suite, "delete_route", route(table)).await;
        }
    };
    for _ in 0..3 {
        remove().await;
        suite.until_routed(ours, &[(RANGE, pcx)]).await;
        suite.until_met(&active, "ROUTES_READY").await;
    }
    let events = suite.peering_events(&active).await;
    let told = events.iter().filter(|event| {
        event.kind == "CONDITION_CHANGED" && event.reason == "ROUTE_MISSING_VENDOR"
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told.iter().all(|event| event.message.contains(RANGE)));

    remove().await;
    let fight = suite
        .until_unmet(&active, "ROUTES_READY", "DRIFT_FIGHT")
        .await;
    let advice = fight.next_action.clone().expect("advice");
    assert_eq!(
        (advice.actor(), advice.code.as_str()),
        (Actor::Vendor, "STOP_DRIFT")
    );
    assert!(advice.summary.contains(RANGE), "{}", advice.summary);
    suite.refreshed(&active.id).await;
    assert!(suite.cloudsim().routes_of(ours).is_empty(), "left alone");

    let degraded = suite.until(&active, State::Degraded).await;
    assert_eq!(degraded.raw_state, "active", "the cloud says up");

    // The operator has understood.
    for table in &tables {
        let mut back = route(table);
        back["VpcPeeringConnectionId"] = json!(pcx);
        operator(&suite, "create_route", back).await;
    }
    suite.until_met(&active, "ROUTES_READY").await;
    suite.until(&active, State::Active).await;
}
