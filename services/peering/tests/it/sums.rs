//! Looks at what is up: a sum over the rows answers for all of them while nothing is new.

use api::peering::v1::UpdatePeeringRequest;
use api::peering::v1::peering::State;
use api::provider::v1::peering_observation::State as Seen;

use crate::suite::{Kind, Suite, on_both_databases};
use crate::update::change;

on_both_databases!(
    what_is_new_is_found_by_the_look_that_shows_it,
    what_changed_while_the_cloud_was_asked_is_looked_at_anew,
);

async fn what_is_new_is_found_by_the_look_that_shows_it(kind: Kind) {
    let suite = Suite::start(kind).await;
    let id = suite.active().await.id;
    suite.look(&id, 2).await;
    suite.cloud.set_state(&id, Seen::Deleted, "deleted");
    let gone = suite.look(&id, 1).await;
    assert_eq!(gone.state(), State::Disconnected);
}

async fn what_changed_while_the_cloud_was_asked_is_looked_at_anew(kind: Kind) {
    let suite = Suite::start(kind).await;
    let id = suite.active().await.id;
    suite.look(&id, 2).await;
    // The cloud's answer is older than the owner's change, and shows what no longer is so.
    suite.cloud.looking.shut();
    suite.cloud.set_state(&id, Seen::Deleted, "deleted");
    let asked = suite.refresh(&id);
    let changed = async {
        suite.cloud.looking.until_reached().await;
        suite.cloud.set_state(&id, Seen::Active, "active");
        let renamed = UpdatePeeringRequest {
            display_name: "renamed".to_owned(),
            ..change(&id, &["display_name"])
        };
        suite.api.clone().update_peering(renamed).await.unwrap();
        suite.cloud.looking.open();
    };
    let (refreshed, ()) = tokio::join!(asked, changed);
    refreshed.unwrap();
    let seen = suite.look(&id, 1).await;
    assert_eq!(seen.state(), State::Active);
    let told = suite.events(&id, State::Active).await;
    let was_lost = told.iter().any(|one| one.to_state() == State::Disconnected);
    assert!(!was_lost, "{told:?}");
}
