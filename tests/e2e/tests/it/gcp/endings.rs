//! What somebody else removes is put back, where it is ours.

use api::peering::v1::condition::Status;
use api::peering::v1::peering::State;
use e2e::{Options, Suite, VENDOR_PROJECT};

use super::{condition, waiting};

#[tokio::test]
async fn a_half_of_ours_that_somebody_removed_is_put_back() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, peering) = waiting(&suite).await;
    let active = suite.accepted(&peering).await;
    let ours = active.provider_peering_id.as_str();
    suite
        .google()
        .remove_half(VENDOR_PROJECT, &network.provider_vpc_id, ours)
        .await;
    let refreshed = async |what: &str, status: Status| {
        loop {
            let seen = suite.refreshed(&peering.id).await;
            assert_eq!(seen.state(), State::Active, "{what}");
            if condition(&seen, "IN_SYNC") == status {
                return seen;
            }
        }
    };
    let missed = refreshed("its absence counts", Status::False).await;
    let in_sync = missed.conditions.iter().find(|one| one.r#type == "IN_SYNC");
    assert_eq!(in_sync.expect("a condition").reason, "VENDOR_HALF_MISSING");
    let mended = refreshed("it is put back", Status::True).await;
    assert_eq!(
        (mended.provider_peering_id.as_str(), mended.attempt),
        (ours, active.attempt)
    );
    let halves = suite.google().halves("app").await;
    assert_eq!(halves, [("to-peerway".to_owned(), "ACTIVE".to_owned())]);
    assert_eq!(
        suite.history(&peering).await,
        [State::Provisioning, State::PendingAcceptance, State::Active]
    );
}
