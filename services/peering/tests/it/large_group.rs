//! Groups of more peerings than one page shows: what waits is asked for alone.

use std::time::Duration;

use api::peering::v1::CreatePeeringRequest;
use api::peering::v1::create_peering_request::Peer;
use api::peering::v1::peering::State;
use api::peering::v1::{AwsPeer, Peering};
use api::provider::v1::ObservePeeringsRequest;
use api::provider::v1::peering_observation::State as Seen;

use crate::suite::{Kind, Suite, TENANT, aws_peer, on_both_databases, request};
use crate::told::Told;

on_both_databases!(
    what_waits_is_listed_alone_and_what_left_it_is_asked_for_by_id,
    what_is_not_shown_any_more_counts_as_absent_in_time,
    a_request_without_an_answer_is_looked_for_by_its_tags,
    what_is_being_deleted_is_seen_to_its_end,
);

/// A group with more than one peering is large, and the drift lane stays out of the way.
fn large(config: &mut ::peering::Config) {
    config.listed_whole = 1;
    config.queue.drift_interval = Duration::from_secs(3_600);
}

fn large_and_hasty(config: &mut ::peering::Config) {
    large(config);
    config.queue.absence_grace = Duration::ZERO;
}

async fn create(suite: &Suite, network: &str, index: usize) -> Peering {
    let peer = AwsPeer {
        vpc_id: format!("vpc-{index:08x}"),
        ..aws_peer()
    };
    let wish = CreatePeeringRequest {
        tenant_id: TENANT.to_owned(),
        display_name: format!("peer {index}"),
        peer: Some(Peer::Aws(peer)),
        ..request(network)
    };
    suite.create_with(wish).await.unwrap()
}

async fn three_that_wait(suite: &Suite) -> Vec<Peering> {
    let network = suite.network.add(TENANT);
    let mut waiting = Vec::new();
    for index in 0..3 {
        let id = create(suite, &network, index).await.id;
        waiting.push(suite.until_state(&id, State::PendingAcceptance).await);
    }
    waiting
}

/// The listings from number `first` on that did not name what they want.
fn whole(suite: &Suite, first: usize) -> Vec<ObservePeeringsRequest> {
    let mut asked = suite.cloud.asked().split_off(first);
    asked.retain(|one| {
        !one.outstanding_only && one.provider_peering_ids.is_empty() && one.peering_ids.is_empty()
    });
    asked
}

async fn what_waits_is_listed_alone_and_what_left_it_is_asked_for_by_id(kind: Kind) {
    let suite = Suite::start_with(kind, large).await;
    let waiting = three_that_wait(&suite).await;
    let first = suite.cloud.asked().len();
    suite.look(&waiting[0].id, 3).await;
    let quiet = suite.cloud.asked().split_off(first);
    assert!(quiet.iter().all(|one| one.outstanding_only), "{quiet:?}");

    suite.cloud.accept(&waiting[1].id);
    suite.until_state(&waiting[1].id, State::Active).await;
    suite
        .cloud
        .set_state(&waiting[2].id, Seen::Rejected, "rejected");
    suite.until_state(&waiting[2].id, State::Rejected).await;
    let by_id: Vec<Vec<String>> = suite
        .cloud
        .asked()
        .split_off(first)
        .into_iter()
        .map(|one| one.provider_peering_ids)
        .filter(|ids| !ids.is_empty())
        .collect();
    assert!(
        by_id.contains(&vec![waiting[1].provider_peering_id.clone()]),
        "{by_id:?}"
    );
    assert!(
        by_id.contains(&vec![waiting[2].provider_peering_id.clone()]),
        "{by_id:?}"
    );
    let still = suite.get(&waiting[0].id).await.unwrap();
    assert_eq!(still.state(), State::PendingAcceptance);
}

async fn what_is_not_shown_any_more_counts_as_absent_in_time(kind: Kind) {
    let suite = Suite::start_with(kind, large_and_hasty).await;
    let waiting = three_that_wait(&suite).await;
    suite.cloud.forget(&waiting[0].id);
    let gone = suite.until_state(&waiting[0].id, State::Disconnected).await;
    assert_eq!(gone.reason, "LOST_OUT_OF_BAND");
    for one in &waiting[1..] {
        let still = suite.get(&one.id).await.unwrap();
        assert_eq!(still.state(), State::PendingAcceptance);
    }
}

async fn a_request_without_an_answer_is_looked_for_by_its_tags(kind: Kind) {
    let suite = Suite::start_with(kind, large).await;
    three_that_wait(&suite).await;
    let network = suite.network.add(TENANT);
    let first = suite.cloud.asked().len();
    suite.cloud.tell("EnsurePeering", Told::Silent);
    let lost = create(&suite, &network, 7).await;
    suite.look(&lost.id, 5).await;
    let asked = suite.cloud.asked().split_off(first);
    assert!(
        asked.iter().any(|one| one.peering_ids == [lost.id.clone()]),
        "{asked:?}"
    );
    assert!(whole(&suite, first).is_empty());
    assert_eq!(
        suite.get(&lost.id).await.unwrap().state(),
        State::Provisioning
    );
}

async fn what_is_being_deleted_is_seen_to_its_end(kind: Kind) {
    let suite = Suite::start_with(kind, large).await;
    let waiting = three_that_wait(&suite).await;
    suite.delete(&waiting[0].id).await.unwrap();
    suite.until_state(&waiting[0].id, State::Deleted).await;
    assert_eq!(suite.cloud.live(), 2);
}
