//! The main job from wish to end, in each way the suite is run.

use api::peering::v1::condition::Status;
use api::peering::v1::next_action::Actor;
use api::peering::v1::peering::State;
use e2e::{CUSTOMER_PROJECT, Options, Suite, VENDOR_PROJECT};

use super::{condition, networks};

#[tokio::test]
async fn a_peering_lives_in_one_process_on_sqlite() {
    life(Suite::standalone_with(Options::gcp()).await).await;
}

#[tokio::test]
async fn a_peering_lives_in_three_processes_on_postgres_and_redis() {
    life(Suite::three_with(Options::gcp()).await).await;
}

async fn life(suite: Suite) {
    let (network, theirs) = networks(&suite).await;
    assert_eq!(network.provider_account_id, VENDOR_PROJECT);
    let placement = network
        .placement
        .clone()
        .expect("an ACTIVE network has a placement");
    let subnets: Vec<&str> = placement
        .subnets
        .iter()
        .map(|subnet| subnet.cidr.as_str())
        .collect();
    assert_eq!(subnets, ["10.20.0.0/16"]);
    assert_eq!(placement.security_group_id, "");

    let peering = suite.peer(&network, &theirs, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    assert_eq!(
        (waiting.reason.as_str(), waiting.raw_state.as_str()),
        ("AWAITING_RECIPROCAL_PEERING", "INACTIVE")
    );
    let next = waiting.next_action.as_ref().expect("a next action");
    assert_eq!(
        (next.actor(), next.code.as_str()),
        (Actor::Customer, "CREATE_PEERING")
    );
    assert!(waiting.expire_time.is_none(), "GCP's halves wait for ever");
    let vendor = waiting.vendor.as_ref().expect("the vendor's side");
    assert_eq!(
        (&vendor.account_id, &vendor.vpc_id),
        (&network.provider_account_id, &network.provider_vpc_id)
    );

    let active = suite.accepted(&waiting).await;
    assert!(active.activate_time.is_some());
    assert_eq!(active.raw_state, "ACTIVE");
    // The cloud exchanges the subnets' routes by itself.
    let routed = |seen: &_| condition(seen, "ROUTES_READY") == Status::True;
    suite.until_shown(&peering, "ROUTES_READY", routed).await;

    suite.google().unpeer(&theirs).await;
    let ended = suite.until_refreshed(&peering, State::Disconnected).await;
    assert_eq!(
        (ended.reason.as_str(), ended.raw_state.as_str()),
        ("DELETED_BY_PEER", "INACTIVE")
    );
    // Our half stands, so the customer's suffices.
    suite
        .google()
        .peer(&theirs, VENDOR_PROJECT, &network.provider_vpc_id)
        .await;
    suite.until_refreshed(&peering, State::Active).await;
    assert_eq!(
        suite.history(&peering).await,
        [
            State::Provisioning,
            State::PendingAcceptance,
            State::Active,
            State::Disconnected,
            State::Active
        ]
    );

    suite.delete_peering(&peering).await;
    suite.until(&peering, State::Deleted).await;
    suite.delete_network(&network.id).await;
    suite.until_network_gone(&network.id).await;
    assert_eq!(suite.left_in_the_projects().await, Vec::<String>::new());
    // What is the customer's stays.
    let theirs = suite.google().halves(&theirs).await;
    assert_eq!(theirs, [("to-peerway".to_owned(), "INACTIVE".to_owned())]);
    assert_eq!(suite.cloudsim().networks(CUSTOMER_PROJECT).len(), 1);
}
