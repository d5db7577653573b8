//! The same suite with projects at GCP, where each side makes a half of its own and operations take their time.

mod allow_list;
mod busy;
mod cascade;
mod crashes;
mod credentials;
mod deleting;
mod drift;
mod endings;
mod faults;
mod input;
mod life;
mod once;
mod operations;
mod redis;

use api::network::v1::Network;
use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use e2e::{Options, Suite};

const REGION: &str = "europe-west1";
/// The region of the vendor's other project.
const FAR: &str = "us-east1";

/// Operations that leave time to do something meanwhile.
fn slow_operations() -> Options {
    Options {
        gcp_operation_ms: Some(2_000),
        ..Options::gcp()
    }
}

/// A network, and the customer's network `app` for a peering.
async fn networks(suite: &Suite) -> (Network, String) {
    tokio::join!(
        suite.network(REGION, "10.20.0.0/16"),
        suite.google().network("app", "10.1.0.0/16")
    )
}

/// A network, and a peering on it that waits for the customer's half in its network `app`.
async fn waiting(suite: &Suite) -> (Network, Peering) {
    let (network, theirs) = networks(suite).await;
    let peering = suite.peer(&network, &theirs, "10.1.0.0/16").await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    (network, waiting)
}

/// The status of one of a peering's conditions.
fn condition(peering: &Peering, name: &str) -> api::peering::v1::condition::Status {
    let found = peering.conditions.iter().find(|one| one.r#type == name);
    found.expect("each condition is always there").status()
}
