//! Operations that end badly, never, or without a trace.

use api::peering::v1::peering::State;
use cloudsim::gce::state::OpFaultKind;
use e2e::{FAR_PROJECT, Options, Suite, VENDOR_PROJECT};

use super::{FAR, REGION};

const ADD: &str = "networks.addPeering";

#[tokio::test]
async fn an_overlap_that_only_the_cloud_sees_fails_the_peering() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    // The customer names another range than its network has, and its half is there first.
    let (network, theirs) = tokio::join!(
        suite.network(REGION, "10.20.0.0/16"),
        suite.google().network("app", "10.20.128.0/20")
    );
    suite
        .google()
        .peer(&theirs, VENDOR_PROJECT, &network.provider_vpc_id)
        .await;
    let peering = suite.peer(&network, &theirs, "10.1.0.0/16").await;
    let ended = suite.until(&peering, State::Failed).await;
    assert_eq!(ended.reason, "CIDR_OVERLAP_PEER");
    assert!(
        ended.message.contains("10.20.128.0/20"),
        "{}",
        ended.message
    );
    suite.delete_peering(&peering).await;
    suite.until(&peering, State::Deleted).await;
    assert_eq!(suite.cloudsim().halves(VENDOR_PROJECT).len(), 0);
}

#[tokio::test]
async fn an_operation_that_fails_is_begun_again() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let failure = OpFaultKind::Fail {
        code: "INTERNAL_ERROR".to_owned(),
        message: "Internal error. Please try again.".to_owned(),
    };
    let cloud = suite.cloudsim();
    cloud.operation_fault(VENDOR_PROJECT, "addPeering", failure);
    let peering = suite.peer(&network, "app", "10.1.0.0/16").await;
    suite.until(&peering, State::PendingAcceptance).await;
    assert_eq!(
        suite.history(&peering).await,
        [State::Provisioning, State::PendingAcceptance]
    );
    assert_eq!(cloud.calls_in(VENDOR_PROJECT, ADD).len(), 2);
}

#[tokio::test]
async fn an_operation_that_hangs_holds_up_its_own_network_only() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, elsewhere) = tokio::join!(
        suite.network(REGION, "10.20.0.0/16"),
        suite.network(FAR, "10.30.0.0/16")
    );
    let cloud = suite.cloudsim();
    cloud.operation_fault(VENDOR_PROJECT, "addPeering", OpFaultKind::Hang);
    let hanging = suite.peer(&network, "app", "10.1.0.0/16").await;
    cloud.until_called_in(VENDOR_PROJECT, ADD, 1).await;
    let next = suite.peer(&network, "next", "10.2.0.0/16").await;
    let far = suite.peer(&elsewhere, "far", "10.1.0.0/16").await;
    suite.until(&far, State::PendingAcceptance).await;
    let busy = "CLOUD_OPERATION_IN_PROGRESS";
    suite
        .until_shown(&next, busy, |seen| seen.reason == busy)
        .await;
    for held in [&hanging, &next] {
        assert_eq!(suite.get(held).await.state(), State::Provisioning);
    }
    assert_eq!(cloud.calls_in(VENDOR_PROJECT, ADD).len(), 1);

    cloud.clear_operation_faults();
    for held in [&hanging, &next] {
        suite.until(held, State::PendingAcceptance).await;
    }
    assert_eq!(cloud.calls_in(VENDOR_PROJECT, ADD).len(), 2);
    assert_eq!(cloud.most_unfinished_on_a_network(), 1);
}

#[tokio::test]
async fn an_operation_that_vanishes_is_told_by_what_it_left() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, elsewhere) = tokio::join!(
        suite.network(REGION, "10.20.0.0/16"),
        suite.network(FAR, "10.30.0.0/16")
    );
    let cloud = suite.cloudsim();
    let vanishes = |effect| OpFaultKind::Vanish { effect };
    cloud.operation_fault(VENDOR_PROJECT, "addPeering", vanishes(true));
    cloud.operation_fault(FAR_PROJECT, "addPeering", vanishes(false));
    let made = suite.peer(&network, "app", "10.1.0.0/16").await;
    let lost = suite.peer(&elsewhere, "far", "10.1.0.0/16").await;
    suite.until(&made, State::PendingAcceptance).await;
    suite.until(&lost, State::PendingAcceptance).await;
    for (project, times) in [(VENDOR_PROJECT, 1), (FAR_PROJECT, 2)] {
        assert_eq!(cloud.halves(project).len(), 1, "{project}");
        assert_eq!(cloud.calls_in(project, ADD).len(), times, "{project}");
    }
}
