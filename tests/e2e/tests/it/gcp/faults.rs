//! A cloud that does not answer, or answers nonsense, changes no state; the next good answer heals.

use api::peering::v1::peering::State;
use cloudsim::FaultKind;
use e2e::{FAR_PROJECT, Options, Suite, VENDOR_PROJECT};

use super::{FAR, REGION, slow_operations, waiting};

const ADD: &str = "networks.addPeering";
const LIST: &str = "networks.list";
const MINUTE_MS: i64 = 60_000;

#[tokio::test]
async fn a_blind_look_changes_nothing() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let ((_, peering), elsewhere) =
        tokio::join!(waiting(&suite), suite.network(FAR, "10.30.0.0/16"));
    let active = suite.accepted(&peering).await;
    let cloud = suite.cloudsim();
    // The worst first: what may look like an answer.
    cloud.fault_in_project(VENDOR_PROJECT, LIST, FaultKind::Html200, 1);
    cloud.fault_in_project(VENDOR_PROJECT, LIST, FaultKind::Garbage, 1);
    cloud.fault_in_project_always(VENDOR_PROJECT, LIST, FaultKind::Cut);
    suite.google().unpeer("app").await;
    for _ in 0..3 {
        let before = cloud.calls_in(VENDOR_PROJECT, LIST).len();
        suite.refresh(&peering).await;
        cloud
            .until_called_in(VENDOR_PROJECT, LIST, before + 1)
            .await;
    }
    // The other project goes on meanwhile.
    let far = suite.peer(&elsewhere, "far", "10.2.0.0/16").await;
    suite.until(&far, State::PendingAcceptance).await;
    let blind = suite.get(&peering).await;
    assert_eq!(
        (blind.state(), &blind.reason),
        (State::Active, &active.reason)
    );
    cloud.clear_faults();
    suite.until_refreshed(&peering, State::Disconnected).await;
}

#[tokio::test]
async fn a_throttled_project_is_left_alone_until_the_next_minute() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, elsewhere) = tokio::join!(
        suite.network(REGION, "10.20.0.0/16"),
        suite.network(FAR, "10.30.0.0/16")
    );
    let cloud = suite.cloudsim();
    cloud.fault_in_project(VENDOR_PROJECT, ADD, FaultKind::Throttle, 1);
    cloud.fault_in_project(FAR_PROJECT, ADD, FaultKind::Throttle429, 1);
    let here = suite.peer(&network, "app", "10.1.0.0/16").await;
    let there = suite.peer(&elsewhere, "far", "10.1.0.0/16").await;
    for peering in [&here, &there] {
        suite.until(peering, State::PendingAcceptance).await;
        assert_eq!(
            suite.history(peering).await,
            [State::Provisioning, State::PendingAcceptance]
        );
    }
    for project in [VENDOR_PROJECT, FAR_PROJECT] {
        let calls = cloud.calls_in(project, "*");
        let asked: Vec<_> = calls.iter().filter(|call| call.action == ADD).collect();
        let [refused, granted] = asked[..] else {
            panic!("{project}: {asked:?}");
        };
        assert!(refused.time_ms / MINUTE_MS < granted.time_ms / MINUTE_MS);
        // Looks that began before, and the network service, which keeps its own count.
        let meanwhile = calls.iter().filter(|call| {
            call.seq > refused.seq && call.time_ms / MINUTE_MS == refused.time_ms / MINUTE_MS
        });
        let meanwhile: Vec<&str> = meanwhile.map(|call| call.action.as_str()).collect();
        assert!(meanwhile.len() <= 6, "{project}: {meanwhile:?}");
    }
}

#[tokio::test]
async fn tokens_that_are_refused_during_an_operation_are_replaced() {
    let suite = Suite::standalone_with(slow_operations()).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let cloud = suite.cloudsim();
    cloud.fault_in_project(VENDOR_PROJECT, ADD, FaultKind::AuthError, 1);
    let peering = suite.peer(&network, "app", "10.1.0.0/16").await;
    cloud.until_called_in(VENDOR_PROJECT, ADD, 2).await;
    cloud.revoke_tokens().await;
    suite.until(&peering, State::PendingAcceptance).await;
    assert_eq!(
        suite.history(&peering).await,
        [State::Provisioning, State::PendingAcceptance]
    );
    assert_eq!(cloud.halves(VENDOR_PROJECT).len(), 1);
    assert_eq!(cloud.calls_in(VENDOR_PROJECT, ADD).len(), 2);
    let refused = cloud.calls_in(VENDOR_PROJECT, "*");
    let refused = refused.iter().filter(|call| call.outcome == "authError");
    assert!(refused.count() <= 6);
}
