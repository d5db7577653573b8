//! The main job from wish to end, in each way the suite is run.

use api::peering::v1::condition::Status;
use api::peering::v1::next_action::Actor;
use api::peering::v1::peering::State;
use e2e::{CUSTOMER, Suite, VENDOR, filter};
use serde_json::json;

const REGION: &str = "eu-west-1";

#[tokio::test]
async fn a_peering_lives_in_one_process_on_sqlite() {
    life(Suite::standalone().await).await;
}

#[tokio::test]
async fn a_peering_lives_in_three_processes_on_postgres_and_redis() {
    life(Suite::three().await).await;
}

#[tokio::test]
async fn a_peering_lives_on_moto() {
    life(Suite::on_moto().await).await;
}

async fn life(suite: Suite) {
    let network = suite.network(REGION, "10.20.0.0/16").await;
    assert_eq!(network.provider_account_id, VENDOR);
    let placement = network
        .placement
        .clone()
        .expect("an ACTIVE network has a placement");
    assert_eq!(placement.subnets.len(), 3);
    assert!(placement.security_group_id.starts_with("sg-"));

    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    assert_eq!(waiting.reason, "AWAITING_CUSTOMER_ACCEPTANCE");
    assert_eq!(
        waiting.next_action.as_ref().map(|next| next.actor()),
        Some(Actor::Customer)
    );
    let vendor = waiting
        .vendor
        .clone()
        .expect("the customer can verify the vendor's side");
    assert_eq!(
        (&vendor.account_id, &vendor.vpc_id),
        (&network.provider_account_id, &network.provider_vpc_id)
    );

    let active = suite.accepted(&waiting).await;
    assert!(active.activate_time.is_some());
    let routed = suite
        .until_shown(&peering, "ROUTES_READY", |peering| {
            let ready = peering
                .conditions
                .iter()
                .find(|condition| condition.r#type == "ROUTES_READY");
            ready.is_some_and(|condition| condition.status() == Status::True)
        })
        .await;
    let tables = suite
        .customer
        .call(
            VENDOR,
            REGION,
            "describe_route_tables",
            json!({"Filters": [filter("vpc-id", &network.provider_vpc_id)]}),
        )
        .await
        .expect("the vendor sees its tables");
    let routes = tables["RouteTables"][0]["Routes"]
        .as_array()
        .expect("routes");
    let ours = json!(routed.provider_peering_id);
    assert!(
        routes
            .iter()
            .any(|route| route["VpcPeeringConnectionId"] == ours
                && route["DestinationCidrBlock"] == "10.1.0.0/16")
    );

    suite
        .customer
        .delete(REGION, &active.provider_peering_id)
        .await;
    let ended = suite.until_refreshed(&peering, State::Disconnected).await;
    assert_eq!(ended.reason, "DELETED_BY_PEER");
    assert_eq!(
        suite.history(&peering).await,
        [
            State::Provisioning,
            State::PendingAcceptance,
            State::Active,
            State::Disconnected
        ]
    );

    suite.delete_peering(&peering).await;
    suite.until(&peering, State::Deleted).await;
    suite.delete_network(&network.id).await;
    suite.until_network_gone(&network.id).await;
    assert_eq!(suite.left_in_the_cloud(REGION).await, Vec::<String>::new());
    // What is the customer's stays.
    let theirs = json!({"VpcIds": [vpc]});
    suite
        .customer
        .call(CUSTOMER, REGION, "describe_vpcs", theirs)
        .await
        .expect("the customer's VPC stays");
}
