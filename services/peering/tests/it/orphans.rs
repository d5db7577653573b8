//! What stands in the cloud with our tags and belongs to no peering.

use std::time::Duration;

use api::peering::v1::peering::State;
use api::provider::v1::peering_observation::State as CloudState;
use api::provider::v1::{Peer, PeeringObservation};
use api::queue::v1::{ListOrphansRequest, Orphan};
use types::PeeringId;

use crate::suite::{Kind, PATIENCE, Suite, on_both_databases};
use crate::told::Told;

on_both_databases!(
    an_orphan_is_told_and_stays_until_its_time,
    an_orphan_is_removed_when_its_time_has_come,
    an_orphan_that_turns_out_to_be_a_peering_s_is_none,
    what_a_deleted_peering_left_after_a_lost_answer_is_found_and_removed,
    what_peerings_have_in_any_lane_is_no_orphan,
    a_half_of_a_deleted_peering_at_gcp_is_found_by_its_name_and_removed,
);

async fn orphans(suite: &Suite) -> Vec<Orphan> {
    let mut operator = suite.operator().await;
    let answer = operator.list_orphans(ListOrphansRequest::default()).await;
    answer.unwrap().into_inner().orphans
}

async fn until_orphans(suite: &Suite, count: usize) -> Vec<Orphan> {
    let told = async {
        loop {
            let orphans = orphans(suite).await;
            if orphans.len() == count {
                return orphans;
            }
            tokio::task::yield_now().await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    told.unwrap_or_else(|_| panic!("it does not come to {count} orphans"))
}

/// A half that names a peering nobody has.
fn stray(id: &str) -> PeeringObservation {
    PeeringObservation {
        provider_peering_id: id.to_owned(),
        deployment: "dev".to_owned(),
        peering_id: PeeringId::generate().to_string(),
        attempt: 2,
        state: CloudState::Active.into(),
        raw_state: "active".to_owned(),
        vendor_vpc_id: "vpc-0e0e0e0e".to_owned(),
        peer: Some(Peer {
            account_id: "222222222222".to_owned(),
            region: "eu-west-1".to_owned(),
            vpc_id: "vpc-0f0f0f0f".to_owned(),
        }),
        ..Default::default()
    }
}

fn shown(suite: &Suite, id: &str) -> CloudState {
    let objects = suite.cloud.objects();
    let found = objects.iter().find(|one| one.provider_peering_id == id);
    found.unwrap().state()
}

async fn an_orphan_is_told_and_stays_until_its_time(kind: Kind) {
    let suite = Suite::start(kind).await;
    suite.active().await;
    let object = stray("pcx-0000000000000cafe");
    suite.cloud.add(object.clone());
    // Without our tags it is no business of ours.
    let foreign = PeeringObservation {
        deployment: "prod".to_owned(),
        ..stray("pcx-0000000000000f00d")
    };
    suite.cloud.add(foreign);
    let [orphan] = <[Orphan; 1]>::try_from(until_orphans(&suite, 1).await).unwrap();
    assert_eq!(orphan.provider_id, object.provider_peering_id);
    assert_eq!(orphan.entry_id, object.peering_id);
    assert_eq!(orphan.attempt, 2);
    assert!(orphan.group_id.starts_with("aws/"), "{}", orphan.group_id);
    let at = |time: Option<prost_types::Timestamp>| api::millis(&time.unwrap());
    let first = at(orphan.first_seen_time);
    assert_eq!(at(orphan.remove_time) - first, 24 * 3_600_000);
    suite.cloud.until_looked(suite.cloud.looks() + 8).await;
    let [again] = <[Orphan; 1]>::try_from(orphans(&suite).await).unwrap();
    assert_eq!(at(again.first_seen_time), first);
    assert!(at(again.last_seen_time) > first);
    assert_eq!(suite.cloud.deletions(), 0);
}

async fn an_orphan_is_removed_when_its_time_has_come(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let kept = suite.active().await;
    let object = stray("pcx-0000000000000cafe");
    suite.cloud.add(object.clone());
    until_orphans(&suite, 1).await;
    suite
        .restart_with(|config| config.orphan_grace = Duration::from_millis(1))
        .await;
    until_orphans(&suite, 0).await;
    assert_eq!(
        shown(&suite, &object.provider_peering_id),
        CloudState::Deleted
    );
    assert_eq!(suite.get(&kept.id).await.unwrap().state(), State::Active);
    assert_eq!(suite.cloud.deletions(), 1);
}

async fn an_orphan_that_turns_out_to_be_a_peering_s_is_none(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let peering = suite.active().await;
    let object = stray("pcx-0000000000000cafe");
    suite.cloud.add(object.clone());
    until_orphans(&suite, 1).await;
    // Two halves of one attempt are the looks' business.
    suite.cloud.change(&object.peering_id, |object| {
        object.peering_id = peering.id.clone();
        object.attempt = peering.attempt;
    });
    until_orphans(&suite, 0).await;
    suite
        .restart_with(|config| config.orphan_grace = Duration::from_millis(1))
        .await;
    suite.cloud.until_looked(suite.cloud.looks() + 8).await;
    assert_eq!(
        shown(&suite, &object.provider_peering_id),
        CloudState::Active
    );
}

async fn what_a_deleted_peering_left_after_a_lost_answer_is_found_and_removed(kind: Kind) {
    let mut suite = Suite::start_with(kind, |config| {
        config.queue.absence_grace = Duration::from_millis(100);
        config.orphan_interval = Duration::from_millis(50);
    })
    .await;
    suite.cloud.tell("EnsurePeering", Told::Lost);
    suite.cloud.requesting.shut();
    let peering = suite.create().await;
    suite.cloud.requesting.until_reached().await;
    // The request has gone out; what it made shows in no listing until the peering is deleted.
    let [object] = <[PeeringObservation; 1]>::try_from(suite.cloud.objects()).unwrap();
    suite.cloud.vanish();
    suite.delete(&peering.id).await.unwrap();
    suite.cloud.requesting.open();
    suite.until_state(&peering.id, State::Deleted).await;
    suite.cloud.add(object.clone());
    // No peering is left in the group, and it is looked at all the same.
    let [orphan] = <[Orphan; 1]>::try_from(until_orphans(&suite, 1).await).unwrap();
    assert_eq!((orphan.entry_id, orphan.attempt), (peering.id, 1));
    suite
        .restart_with(|config| config.orphan_grace = Duration::from_millis(1))
        .await;
    until_orphans(&suite, 0).await;
    assert_eq!(
        shown(&suite, &object.provider_peering_id),
        CloudState::Deleted
    );
}

async fn what_peerings_have_in_any_lane_is_no_orphan(kind: Kind) {
    let suite = Suite::start_with(kind, |config| {
        config.orphan_grace = Duration::from_millis(1);
    })
    .await;
    let active = suite.active().await;
    let waiting = suite.create().await;
    suite
        .until_state(&waiting.id, State::PendingAcceptance)
        .await;
    // The lane drift takes in the half of the one that waits, and has no row for it.
    suite.look(&active.id, 4).await;
    assert_eq!(orphans(&suite).await, []);
    assert_eq!(suite.cloud.deletions(), 0);
    assert_eq!(suite.cloud.live(), 2);
}

async fn a_half_of_a_deleted_peering_at_gcp_is_found_by_its_name_and_removed(kind: Kind) {
    let mut suite = Suite::start_with(kind, |config| {
        crate::two_halves::hasty(config);
        config.orphan_interval = Duration::from_millis(50);
    })
    .await;
    let peering = crate::two_halves::active(&suite).await;
    let halves = suite.cloud.halves.standing();
    suite.delete(&peering.id).await.unwrap();
    suite.until_state(&peering.id, State::Deleted).await;
    assert_eq!(suite.cloud.halves.count(), 0);
    // An operation that was slower than anyone believed.
    suite.cloud.halves.put_back(halves.clone());
    let [orphan] = <[Orphan; 1]>::try_from(until_orphans(&suite, 1).await).unwrap();
    assert_eq!((orphan.entry_id, orphan.attempt), (peering.id, 1));
    assert_eq!(orphan.provider_id, halves[0].provider_peering_id);
    suite
        .restart_with(|config| config.orphan_grace = Duration::from_millis(1))
        .await;
    until_orphans(&suite, 0).await;
    assert_eq!(suite.cloud.halves.count(), 0);
}
