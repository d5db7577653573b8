//! One wish makes one object in the cloud, whatever happens to the answer.

use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::{Options, Suite, VENDOR, filter};
use serde_json::json;
use tokio::task::JoinSet;

const REGION: &str = "eu-west-1";
/// How often the same wish is sent at the same time.
const SENT: usize = 100;

/// Takes a peering to ACTIVE while `action` misbehaves, and counts what stands.
async fn makes_one_of_each(options: Options, action: &str, fault: FaultKind) {
    let suite = Suite::standalone_with(options).await;
    suite.cloudsim().fault_once(action, fault);
    one_of_each(&suite).await;
}

async fn one_of_each(suite: &Suite) {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;

    let in_vpc = json!({"Filters": [filter("vpc-id", &network.provider_vpc_id)]});
    assert_eq!(
        suite
            .count(VENDOR, REGION, "describe_vpcs", "Vpcs", json!({}))
            .await,
        1
    );
    assert_eq!(
        suite
            .count(VENDOR, REGION, "describe_subnets", "Subnets", json!({}))
            .await,
        3
    );
    // The VPC's default group is the cloud's.
    assert_eq!(
        suite
            .count(
                VENDOR,
                REGION,
                "describe_security_groups",
                "SecurityGroups",
                in_vpc
            )
            .await,
        2
    );
    let peerings = suite.count(
        VENDOR,
        REGION,
        "describe_vpc_peering_connections",
        "VpcPeeringConnections",
        json!({}),
    );
    assert_eq!(peerings.await, 1);
}

#[tokio::test]
async fn a_lost_answer_of_create_vpc_makes_one_vpc() {
    makes_one_of_each(Options::default(), "CreateVpc", FaultKind::LostAnswer).await;
}

#[tokio::test]
async fn a_lost_answer_of_create_subnet_makes_one_subnet() {
    makes_one_of_each(Options::default(), "CreateSubnet", FaultKind::LostAnswer).await;
}

#[tokio::test]
async fn a_lost_answer_of_create_security_group_makes_one_group() {
    makes_one_of_each(
        Options::default(),
        "CreateSecurityGroup",
        FaultKind::LostAnswer,
    )
    .await;
}

#[tokio::test]
async fn a_lost_answer_of_create_peering_makes_one_peering() {
    makes_one_of_each(
        Options::default(),
        "CreateVpcPeeringConnection",
        FaultKind::LostAnswer,
    )
    .await;
}

#[tokio::test]
async fn lost_answers_of_a_cloud_that_lags_make_one_of_each() {
    let lagging = Options {
        describe_lag_ms: 5_000,
        ..Options::default()
    };
    let suite = Suite::standalone_with(lagging).await;
    for action in [
        "CreateVpc",
        "CreateSubnet",
        "CreateSecurityGroup",
        "CreateVpcPeeringConnection",
    ] {
        suite.cloudsim().fault_once(action, FaultKind::LostAnswer);
    }
    one_of_each(&suite).await;
}

#[tokio::test]
async fn a_request_that_never_arrived_is_made_again_once_absence_counts() {
    makes_one_of_each(
        Options::default(),
        "CreateVpcPeeringConnection",
        FaultKind::Garbage,
    )
    .await;
}

#[tokio::test]
async fn a_peering_of_somebody_else_is_not_adopted() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let tags = json!([{"ResourceType": "vpc-peering-connection", "Tags": [{"Key": "Name", "Value": "by hand"}]}]);
    let args = json!({"VpcId": network.provider_vpc_id, "PeerVpcId": vpc, "PeerOwnerId": e2e::CUSTOMER, "TagSpecifications": tags});
    let theirs = suite
        .customer
        .call(VENDOR, REGION, "create_vpc_peering_connection", args)
        .await
        .expect("somebody makes a peering by hand");
    let pcx = theirs["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        .as_str()
        .expect("an id");

    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let failed = suite.until(&peering, State::Failed).await;
    assert_eq!(failed.reason, "DUPLICATE_PEERING");
    assert!(failed.message.contains(pcx), "{}", failed.message);
    assert_eq!(failed.provider_peering_id, "");

    suite.delete_peering(&peering).await;
    suite.until(&peering, State::Deleted).await;
    let still = suite.customer.call(
        VENDOR,
        REGION,
        "describe_vpc_peering_connections",
        json!({"VpcPeeringConnectionIds": [pcx]}),
    );
    let status =
        still.await.expect("it stands")["VpcPeeringConnections"][0]["Status"]["Code"].clone();
    assert_eq!(status, "pending-acceptance");
}

#[tokio::test]
async fn the_same_create_sent_a_hundred_times_at_once_makes_one_peering() {
    let suite = Suite::three().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let request = api::peering::v1::CreatePeeringRequest {
        request_id: "the-only-one".to_owned(),
        ..e2e::wish(&network, REGION, &vpc, "10.1.0.0/16")
    };
    // One connection for all, since a service takes only so many from one address.
    let client = suite.peerings();
    let mut sent = JoinSet::new();
    for _ in 0..SENT {
        let (mut client, request) = (client.clone(), request.clone());
        sent.spawn(async move {
            loop {
                match client.create_peering(request.clone()).await {
                    Ok(answer) => return answer.into_inner(),
                    // Whoever comes while the first is under way is told to come again.
                    Err(refused) => {
                        let reason = e2e::reason(&refused);
                        assert_eq!(reason, "CREATE_IN_PROGRESS", "{refused:?}");
                    }
                }
            }
        });
    }
    let answers = sent.join_all().await;
    let first = answers[0].clone();
    assert_eq!(answers.len(), SENT);
    for answer in &answers {
        assert_eq!(*answer, first, "equal wishes have equal answers");
    }

    let peering = first.peering.expect("a peering");
    suite.until(&peering, State::PendingAcceptance).await;
    assert_eq!(suite.list_peerings().await.len(), 1);
    let cloud = suite.cloudsim();
    assert_eq!(cloud.outstanding_requests(), 1);
    assert_eq!(cloud.outcomes("CreateVpcPeeringConnection"), ["ok"]);
}
