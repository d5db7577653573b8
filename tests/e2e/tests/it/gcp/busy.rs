//! One operation at a time on a network and on the one it leads to, and what waits meanwhile.

use api::peering::v1::peering::State;
use cloudsim::gce::state::OpFaultKind;
use e2e::{CUSTOMER_PROJECT, Options, Suite, VENDOR_PROJECT, wish};
use tokio::task::JoinSet;

use super::{REGION, networks, slow_operations};

#[tokio::test]
async fn ten_peerings_of_one_network_take_their_turns() {
    let suite = Suite::standalone_with(slow_operations()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let mut asked = JoinSet::new();
    for n in 0..10 {
        let request = wish(
            &network,
            REGION,
            &format!("app-{n}"),
            &format!("10.1.{n}.0/24"),
        );
        let mut client = suite.peerings();
        asked.spawn(async move { client.create_peering(request).await });
    }
    let mut peerings = Vec::new();
    while let Some(answer) = asked.join_next().await {
        let answer = answer.expect("a task ends").expect("a peering is recorded");
        peerings.push(answer.into_inner().peering.expect("a peering"));
    }
    for peering in &peerings {
        suite.until(peering, State::PendingAcceptance).await;
    }
    for peering in &peerings {
        assert_eq!(
            suite.history(peering).await,
            [State::Provisioning, State::PendingAcceptance]
        );
    }
    let cloud = suite.cloudsim();
    assert_eq!(cloud.halves(VENDOR_PROJECT).len(), 10);
    assert_eq!(cloud.most_unfinished_on_a_network(), 1);
    let calls = cloud.calls_in(VENDOR_PROJECT, "networks.addPeering");
    let refused: Vec<_> = calls.iter().filter(|call| call.outcome != "ok").collect();
    assert_eq!((calls.len(), refused), (10, Vec::new()));
}

#[tokio::test]
async fn an_operation_of_the_customer_s_own_is_waited_for() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, theirs) = networks(&suite).await;
    // Somebody of the customer's is at work on the same network.
    let cloud = suite.cloudsim();
    cloud.operation_fault(CUSTOMER_PROJECT, "addPeering", OpFaultKind::Hang);
    let half = (CUSTOMER_PROJECT, "elsewhere");
    let google = suite.google();
    let theirs_own = google.half(CUSTOMER_PROJECT, &theirs, "own", half);
    let ours = async {
        cloud
            .until_called_in(CUSTOMER_PROJECT, "networks.addPeering", 1)
            .await;
        let peering = suite.peer(&network, &theirs, "10.1.0.0/16").await;
        let busy = "CLOUD_OPERATION_IN_PROGRESS";
        let shown = suite
            .until_shown(&peering, busy, |seen| seen.reason == busy)
            .await;
        assert_eq!(shown.state(), State::Provisioning);
        cloud.clear_operation_faults();
        suite.until(&peering, State::PendingAcceptance).await;
        assert_eq!(
            suite.history(&peering).await,
            [State::Provisioning, State::PendingAcceptance]
        );
    };
    let (made, ()) = tokio::join!(theirs_own, ours);
    made.expect("the customer's own half");
}
