//! Peerings end with their networks.

use std::time::Duration;

use api::peering::v1::peering::State;
use api::peering::v1::*;
use futures::stream::{self, StreamExt};
use sea_orm::ConnectionTrait;
use tonic::Code;

use crate::network::Attach;
use crate::suite::{Kind, Suite, TENANT, aws_peer, on_both_databases, request};

on_both_databases!(
    the_watch_tells_at_once_and_nothing_else_is_touched,
    a_change_in_a_watch_that_goes_on_is_told,
    a_watch_that_is_too_far_behind_starts_over,
    what_the_watch_does_not_tell_the_list_finds,
    what_was_deleted_while_nobody_ran_is_found,
    a_deletion_half_way_is_finished_after_a_restart,
    two_replicas_end_each_peering_once,
    many_peerings_of_many_networks_end,
    a_create_under_way_ends_once_it_is_admitted,
    a_row_that_cannot_be_read_keeps_no_other,
    a_list_that_shows_more_than_was_asked_for_deletes_no_more,
    a_network_that_is_gone_needs_no_detaching,
);

const PATIENCE: Duration = Duration::from_secs(120);

/// Lists often.
fn listing(config: &mut ::peering::Config) {
    config.cascade_interval = Duration::from_millis(50);
}

/// Lists when it begins to lead, and not again.
fn watching(config: &mut ::peering::Config) {
    config.cascade_interval = Duration::from_secs(3_600);
}

/// A suite that depends on the watch.
async fn watching_suite(kind: Kind) -> Suite {
    let suite = Suite::start_with(kind, watching).await;
    suite.network.until_watched(1).await;
    suite.network.set_list_away(Some(Code::Unavailable));
    suite
}

fn wish(tenant: &str, network: &str, index: usize) -> CreatePeeringRequest {
    let aws = AwsPeer {
        vpc_id: format!("vpc-{index:08x}"),
        ..aws_peer()
    };
    CreatePeeringRequest {
        tenant_id: tenant.to_owned(),
        display_name: format!("peer {index}"),
        peer: Some(create_peering_request::Peer::Aws(aws)),
        ..request(network)
    }
}

async fn create(suite: &Suite, network: &str, index: usize) -> Peering {
    let wish = wish(TENANT, network, index);
    suite.create_with(wish).await.unwrap()
}

/// Everybody's peerings.
async fn all(suite: &Suite) -> Vec<Peering> {
    let request = ListPeeringsRequest {
        tenant_id: "-".to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    let answer = suite.api.clone().list_peerings(request).await.unwrap();
    answer.into_inner().peerings
}

/// Who began the peering's end, and why; once.
async fn end_of(suite: &Suite, id: &str) -> (String, String) {
    suite.until_state(id, State::Deleted).await;
    let events = suite.events(id, State::Deleted).await;
    let ends = events.into_iter();
    let mut ends = ends.filter(|one| one.to_state() == State::Deleting);
    let end = ends
        .find(|one| one.from_state() != State::Deleting)
        .unwrap();
    let again = ends.any(|one| one.from_state() != State::Deleting);
    assert!(!again, "it began once");
    (end.actor, end.reason)
}

async fn ends_by_cascade(suite: &Suite, id: &str) {
    let (actor, reason) = end_of(suite, id).await;
    assert_eq!(
        (actor.as_str(), reason.as_str()),
        ("cascade", "NETWORK_DELETED")
    );
}

/// Waits for what comes of itself. Each look at the cloud that begins is a chance.
async fn in_time(suite: &Suite, what: &str, done: impl AsyncFn() -> bool) {
    let waiting = async {
        while !done().await {
            let looks = suite.cloud.looks();
            suite.cloud.until_looked(looks + 1).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("{what} in time"));
}

async fn the_watch_tells_at_once_and_nothing_else_is_touched(kind: Kind) {
    let suite = watching_suite(kind).await;
    let network = suite.network.add(TENANT);
    suite.network.attach_datastore(&network, "store_1");
    let pending = create(&suite, &network, 1).await;
    let active = create(&suite, &network, 2).await;
    let rejected = create(&suite, &network, 3).await;
    for one in [&pending, &active, &rejected] {
        suite.until_state(&one.id, State::PendingAcceptance).await;
    }
    suite.cloud.accept(&active.id);
    suite
        .until(&active.id, "routed", crate::suite::is_routed)
        .await;
    use api::provider::v1::peering_observation::State as Seen;
    suite
        .cloud
        .set_state(&rejected.id, Seen::Rejected, "rejected");
    suite.until_state(&rejected.id, State::Rejected).await;
    let sibling = create(&suite, &suite.network.add(TENANT), 4).await;
    let other = suite.network.add("other");
    let other = suite.create_with(wish("other", &other, 5)).await.unwrap();
    let sibling = suite
        .until_state(&sibling.id, State::PendingAcceptance)
        .await;

    suite.network.delete(&network);
    for one in [&pending, &active, &rejected] {
        ends_by_cascade(&suite, &one.id).await;
    }
    let events = suite.events(&active.id, State::Deleted).await;
    let begun = events.iter().find(|one| one.to_state() == State::Deleting);
    let begun = begun.unwrap();
    assert!(begun.message.contains("network was deleted"), "{begun:?}");
    assert_eq!(begun.from_state(), State::Active);

    let after = suite.get(&sibling.id).await.unwrap();
    assert_eq!(
        (after.state(), after.etag, after.update_time),
        (sibling.state(), sibling.etag, sibling.update_time)
    );
    let all = all(&suite).await;
    let theirs = all.iter().find(|one| one.id == other.id).unwrap();
    assert_eq!((&theirs.etag, theirs.delete_time), (&other.etag, None));
    let mut left: Vec<String> = suite
        .network
        .attached()
        .into_iter()
        .map(|one| one.id)
        .collect();
    left.sort();
    let mut expected = vec![sibling.id, other.id, "store_1".to_owned()];
    expected.sort();
    assert_eq!(left, expected);
}

async fn a_change_in_a_watch_that_goes_on_is_told(kind: Kind) {
    let suite = watching_suite(kind).await;
    let network = suite.network.add(TENANT);
    let one = create(&suite, &network, 1).await;
    // It goes on where it was, also with what happened while it was away.
    suite.network.set_watch_away(Some(Code::Unavailable));
    suite.network.until_watched(2).await;
    suite.network.delete(&network);
    suite.network.set_watch_away(None);
    ends_by_cascade(&suite, &one.id).await;
    let tokens = suite.network.until_watched(3).await;
    assert_eq!(tokens[0], "");
    assert!(
        tokens[1..]
            .iter()
            .all(|token| token.parse::<usize>().is_ok()),
        "{tokens:?}"
    );
}

async fn a_watch_that_is_too_far_behind_starts_over(kind: Kind) {
    let suite = watching_suite(kind).await;
    let network = suite.network.add(TENANT);
    let one = create(&suite, &network, 1).await;
    suite.network.set_watch_away(Some(Code::Unavailable));
    suite.network.until_watched(2).await;
    suite.network.delete(&network);
    suite.network.forget_changes();
    suite.network.set_watch_away(None);
    // The change is forgotten, and the new snapshot shows what came of it.
    ends_by_cascade(&suite, &one.id).await;
    let tokens = suite.network.until_watched(4).await;
    assert_eq!(tokens.last().unwrap(), "", "{tokens:?}");
    let next = suite.network.add(TENANT);
    let two = create(&suite, &next, 2).await;
    suite.network.delete(&next);
    ends_by_cascade(&suite, &two.id).await;
}

async fn what_the_watch_does_not_tell_the_list_finds(kind: Kind) {
    let suite = Suite::start_with(kind, listing).await;
    suite.network.set_watch_away(Some(Code::Unimplemented));
    suite.network.set_list_away(Some(Code::Unimplemented));
    let network = suite.network.add(TENANT);
    let one = create(&suite, &network, 1).await;
    suite.network.delete(&network);
    suite.network.until_listed(3).await;
    assert_ne!(suite.get(&one.id).await.unwrap().reason, "NETWORK_DELETED");
    suite.network.set_list_away(None);
    ends_by_cascade(&suite, &one.id).await;
}

async fn what_was_deleted_while_nobody_ran_is_found(kind: Kind) {
    let mut suite = Suite::start_with(kind, watching).await;
    let network = suite.network.add(TENANT);
    let one = create(&suite, &network, 1).await;
    suite.stop().await;
    suite.network.set_watch_away(Some(Code::Unavailable));
    suite.network.delete(&network);
    suite.restart().await;
    ends_by_cascade(&suite, &one.id).await;
}

async fn a_deletion_half_way_is_finished_after_a_restart(kind: Kind) {
    let mut suite = Suite::start_with(kind, watching).await;
    let network = suite.network.add(TENANT);
    let mut ids = Vec::new();
    for index in 0..5 {
        let one = create(&suite, &network, index).await;
        suite.until_state(&one.id, State::PendingAcceptance).await;
        ids.push(one.id);
    }
    // Nothing that is deleted comes to its end before the restart.
    suite.network.set_detach_away(true);
    for id in &ids[..2] {
        suite.delete(id).await.unwrap();
    }
    suite.stop().await;
    suite.network.delete(&network);
    suite.restart().await;
    let undecided = async || {
        let all = all(&suite).await;
        all.iter().all(|one| one.state() == State::Deleting)
    };
    in_time(&suite, "all are being deleted", undecided).await;
    suite.restart().await;
    suite.network.set_detach_away(false);
    for id in &ids[..2] {
        let (actor, _) = end_of(&suite, id).await;
        assert_eq!(actor, "anonymous", "its owner was first");
    }
    for id in &ids[2..] {
        ends_by_cascade(&suite, id).await;
    }
    assert_eq!(suite.cloud.live(), 0);
}

async fn two_replicas_end_each_peering_once(kind: Kind) {
    let mut suite = Suite::start_with(kind, listing).await;
    let replica = suite.replica().await;
    let (one, two) = (suite.network.add(TENANT), suite.network.add(TENANT));
    let mut first = Vec::new();
    for index in 0..6 {
        first.push(create(&suite, &one, index).await.id);
    }
    let second = create(&suite, &two, 6).await;
    suite.network.delete(&one);
    for id in &first {
        ends_by_cascade(&suite, id).await;
    }
    // Whoever led: one of them goes, and the other goes on.
    suite.stop().await;
    suite.network.delete(&two);
    suite.network.until_detached(7).await;
    drop(replica);
    suite.restart().await;
    ends_by_cascade(&suite, &second.id).await;
}

async fn many_peerings_of_many_networks_end(kind: Kind) {
    // More of one network than a transaction takes, and more networks than a page of the list.
    const PEERINGS: usize = 130;
    let mut suite = Suite::start_with(kind, watching).await;
    let networks: Vec<String> = (0..5).map(|_| suite.network.add(TENANT)).collect();
    let wishes = (0..PEERINGS).map(|index| {
        let network = &networks[index.saturating_sub(110) % networks.len()];
        suite.create_with(wish(TENANT, network, index))
    });
    // A few at a time: each has to be done before its own deadline on a busy machine too.
    let created: Vec<_> = stream::iter(wishes).buffered(8).collect().await;
    for one in created {
        one.unwrap();
    }
    suite.stop().await;
    suite.network.set_watch_away(Some(Code::Unavailable));
    for network in &networks {
        suite.network.delete(network);
    }
    suite.restart().await;
    let all = all(&suite).await;
    assert_eq!(all.len(), PEERINGS);
    for one in all {
        suite.until_state(&one.id, State::Deleted).await;
    }
    assert_eq!(suite.cloud.live(), 0);
    assert!(suite.network.attached().is_empty());
}

async fn a_create_under_way_ends_once_it_is_admitted(kind: Kind) {
    let suite = Suite::start_with(kind, listing).await;
    let network = suite.network.add(TENANT);
    suite.network.next_attach(Attach::Lost);
    let wish = CreatePeeringRequest {
        request_id: "once".to_owned(),
        ..wish(TENANT, &network, 1)
    };
    suite.create_with(wish.clone()).await.unwrap_err();
    // It is attached, and nobody knows.
    suite.network.delete(&network);
    suite.network.until_listed(3).await;
    assert!(all(&suite).await.is_empty());
    assert_eq!(suite.network.attached().len(), 1);
    let admitted = suite.create_with(wish).await.unwrap();
    ends_by_cascade(&suite, &admitted.id).await;
}

async fn a_row_that_cannot_be_read_keeps_no_other(kind: Kind) {
    let suite = Suite::start_with(kind, listing).await;
    let network = suite.network.add(TENANT);
    let broken = create(&suite, &network, 1).await;
    let whole = create(&suite, &network, 2).await;
    suite
        .until_state(&broken.id, State::PendingAcceptance)
        .await;
    let db = suite.database.connect().await;
    let set = async |labels: &str| {
        let id = &broken.id;
        let sql = format!("UPDATE peering SET labels = '{labels}' WHERE id = '{id}'");
        db.write().execute_unprepared(&sql).await.unwrap();
    };
    set("broken").await;
    suite.network.delete(&network);
    ends_by_cascade(&suite, &whole.id).await;
    set("{}").await;
    ends_by_cascade(&suite, &broken.id).await;
}

async fn a_list_that_shows_more_than_was_asked_for_deletes_no_more(kind: Kind) {
    let suite = Suite::start_with(kind, listing).await;
    suite.network.set_careless();
    let (kept, deleted) = (suite.network.add(TENANT), suite.network.add(TENANT));
    let stays = create(&suite, &kept, 1).await;
    let goes = create(&suite, &deleted, 2).await;
    suite.until_state(&stays.id, State::PendingAcceptance).await;
    suite.network.delete(&deleted);
    ends_by_cascade(&suite, &goes.id).await;
    suite.network.until_listed(2).await;
    let stays = suite.get(&stays.id).await.unwrap();
    assert_eq!(stays.state(), State::PendingAcceptance);
}

async fn a_network_that_is_gone_needs_no_detaching(kind: Kind) {
    let suite = Suite::start_with(kind, listing).await;
    let network = suite.network.add(TENANT);
    let one = create(&suite, &network, 1).await;
    suite.until_state(&one.id, State::PendingAcceptance).await;
    suite.network.set_detach_away(true);
    suite.network.delete(&network);
    suite.until_state(&one.id, State::Deleting).await;
    suite.network.purge(&network);
    suite.network.set_detach_away(false);
    ends_by_cascade(&suite, &one.id).await;
    assert!(suite.network.detached().is_empty());
}
