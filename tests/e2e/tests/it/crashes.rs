//! Programs that end at the worst moment: what was promised is kept, and one wish still makes one object.

use api::peering::v1::peering::State;
use e2e::{Options, Suite, VENDOR};
use serde_json::json;

const REGION: &str = "eu-west-1";

/// Runs a whole life while `service` dies once at `point`, is started again, and goes on.
///
/// Where it dies around a call that makes something, the cloud lags as well: the look after the restart does not show
/// what was made.
async fn survives(service: &'static str, point: &'static str) {
    let options = Options {
        failpoints: vec![(service, point)],
        describe_lag_ms: if point.contains(".step.") { 5_000 } else { 0 },
        ..Options::default()
    };
    let suite = Suite::three_with(options).await;
    let again = suite.restart_when_dead(service);
    let life = async {
        let network = suite.network_whatever_happens(REGION, "10.20.0.0/16").await;
        let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
        let peering = suite
            .peer_whatever_happens(&network, &vpc, "10.1.0.0/16")
            .await;
        let waiting = suite.until(&peering, State::PendingAcceptance).await;
        suite.accepted(&waiting).await;
        let count = suite.count(
            VENDOR,
            REGION,
            "describe_vpc_peering_connections",
            "VpcPeeringConnections",
            json!({}),
        );
        assert_eq!(count.await, 1);
        assert_eq!(
            suite
                .count(VENDOR, REGION, "describe_vpcs", "Vpcs", json!({}))
                .await,
            1
        );
        suite.delete_whatever_happens(&peering).await;
        suite.until(&peering, State::Deleted).await;
        assert_eq!(suite.list_peerings().await.len(), 1, "one wish, one record");
        suite.delete_network_whatever_happens(&network.id).await;
        suite.until_network_gone(&network.id).await;
        assert_eq!(suite.left_in_the_cloud(REGION).await, Vec::<String>::new());
    };
    let (died, ()) = tokio::join!(again, life);
    assert!(died, "{service} never came to {point}");
}

macro_rules! survives {
    ($($name:ident: $service:literal at $point:literal;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                survives($service, $point).await;
            }
        )*
    };
}

survives! {
    peering_dies_before_it_attached: "peering" at "peering.create.after_insert";
    peering_dies_between_attach_and_admission: "peering" at "peering.create.after_attach";
    peering_dies_after_admission: "peering" at "peering.create.after_admit";
    peering_dies_after_it_recorded_a_request: "peering" at "peering.step.after_requested";
    peering_dies_after_the_cloud_answered: "peering" at "peering.step.after_call";
    peering_dies_in_a_look: "peering" at "peering.look.before_commit";
    peering_dies_before_it_detaches: "peering" at "peering.delete.before_detach";
    peering_dies_after_it_detached: "peering" at "peering.delete.after_detach";
    network_dies_before_it_recorded_a_wish: "network" at "network.create.before_commit";
    network_dies_after_it_recorded_a_wish: "network" at "network.create.after_commit";
    network_dies_after_it_recorded_a_request: "network" at "network.step.after_requested";
    network_dies_after_the_cloud_answered: "network" at "network.step.after_call";
    network_dies_after_it_sent_the_firewall: "network" at "network.firewall.after_call";
    network_dies_after_it_attached: "network" at "network.attach.after_commit";
    network_dies_after_it_detached: "network" at "network.detach.after_commit";
}

#[tokio::test]
async fn every_program_is_killed_in_turn_and_nothing_is_lost() {
    let suite = Suite::three().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    for service in ["peering", "network", "provider-adapter"] {
        suite.kill(service).await;
        suite.start(service).await;
    }
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let peering = suite
        .peer_whatever_happens(&network, &vpc, "10.1.0.0/16")
        .await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    for service in ["peering", "network", "provider-adapter"] {
        suite.kill(service).await;
    }
    suite
        .customer
        .accept(REGION, &waiting.provider_peering_id)
        .await;
    for service in ["provider-adapter", "network", "peering"] {
        suite.start(service).await;
    }
    suite.until(&peering, State::Active).await;
}

#[tokio::test]
async fn an_unadmitted_peering_is_withdrawn_when_nobody_comes_back_for_it() {
    let options = Options {
        failpoints: vec![("peering", "peering.create.after_attach")],
        ..Options::default()
    };
    let suite = Suite::three_with(options).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let vpc = suite.customer.vpc(REGION, "10.1.0.0/16").await;
    let (died, refused) = tokio::join!(
        suite.restart_when_dead("peering"),
        suite.try_peer(&network, &vpc, "10.1.0.0/16", "the-only-try")
    );
    assert!(died && refused.is_err());
    assert_eq!(
        suite.list_peerings().await.len(),
        0,
        "what was never admitted is never seen"
    );
    // Its ranges are free again: the network can be deleted.
    suite.delete_network_whatever_happens(&network.id).await;
    suite.until_network_gone(&network.id).await;
}
