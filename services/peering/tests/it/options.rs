//! Options of our half: set once the cloud takes them, put back when others change them, and told of when refused.

use api::cloud::{CloudError, CloudErrorKind};
use api::peering::v1::peering::State;
use api::peering::v1::*;
use api::provider::v1::PeeringOptions;

use crate::suite::{Kind, Suite, is_routed, on_both_databases, request};
use crate::told::Told;
use crate::two_halves::{hasty, network, nothing_is_held, wish};

on_both_databases!(
    options_are_set_once_it_is_up_and_not_before,
    options_that_others_change_are_set_again,
    options_that_are_refused_are_told_of_and_change_no_state,
    a_lost_answer_about_options_is_asked_again,
    a_half_is_made_with_its_options_and_keeps_them,
    a_change_of_options_under_way_is_handed_to_the_deletion,
    a_change_of_options_whose_answer_is_lost_is_asked_for_again,
);

fn resolving() -> Options {
    Options {
        resolve_dns: true,
        ..Options::default()
    }
}

async fn create(suite: &Suite) -> Peering {
    let home = suite.network.add("acme");
    let wish = CreatePeeringRequest {
        options: Some(resolving()),
        ..request(&home)
    };
    let created = suite.create_with(wish).await.unwrap();
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await
}

fn shown(suite: &Suite) -> Option<PeeringOptions> {
    suite.cloud.objects()[0].options
}

fn in_sync(peering: &Peering) -> (condition::Status, &str) {
    let mut all = peering.conditions.iter();
    let found = all.find(|one| one.r#type == "IN_SYNC").unwrap();
    (found.status(), &found.reason)
}

fn is_in_sync(peering: &Peering) -> bool {
    peering.state() == State::Active && in_sync(peering).0 == condition::Status::True
}

/// Up, with its options.
async fn active(suite: &Suite) -> Peering {
    let waiting = create(suite).await;
    suite.cloud.accept(&waiting.id);
    let set = async |_: &Peering| shown(suite).is_some_and(|one| one.resolve_dns);
    let active = suite.until(&waiting.id, "in sync", is_in_sync).await;
    while !set(&active).await {
        suite.look(&active.id, 1).await;
    }
    active
}

async fn options_are_set_once_it_is_up_and_not_before(kind: Kind) {
    let suite = Suite::start(kind).await;
    let waiting = create(&suite).await;
    suite.look(&waiting.id, 2).await;
    assert_eq!(suite.cloud.options_set(), 0);
    let early = CloudError::refused(CloudErrorKind::InProgress, "OPTIONS_TOO_EARLY", "wait");
    suite
        .cloud
        .tell("EnsurePeeringOptions", Told::Refuse(early));
    suite.cloud.accept(&waiting.id);
    suite
        .until(&waiting.id, "set", |_| suite.cloud.options_set() == 1)
        .await;
    let set = suite.until(&waiting.id, "in sync", is_in_sync).await;
    assert_eq!(set.options, Some(resolving()));
    suite.look(&waiting.id, 3).await;
    assert_eq!(suite.cloud.options_set(), 1);
}

async fn options_that_others_change_are_set_again(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let standing = active(&suite).await;
    suite.cloud.change(&standing.id, |object| {
        object.options = Some(PeeringOptions::default());
    });
    suite
        .until(&standing.id, "set again", |_| {
            suite.cloud.options_set() == 2
        })
        .await;
    let back = suite.until(&standing.id, "in sync", is_in_sync).await;
    assert_eq!(back.state(), State::Active);
    assert!(shown(&suite).unwrap().resolve_dns);
    let events = suite.events(&standing.id, State::Active).await;
    assert!(
        events.iter().any(|one| one.reason == "OPTIONS_DIFFER"),
        "{events:#?}"
    );
}

async fn options_that_are_refused_are_told_of_and_change_no_state(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let waiting = create(&suite).await;
    let kind = CloudErrorKind::Terminal;
    let off = CloudError::refused(kind, "DNS_PRIVATE_RESOLUTION_OFF", "Hostnames are off.");
    suite.cloud.tell("EnsurePeeringOptions", Told::Refuse(off));
    suite.cloud.accept(&waiting.id);
    let refused = |one: &Peering| {
        one.state() == State::Active
            && in_sync(one) == (condition::Status::False, "DNS_PRIVATE_RESOLUTION_OFF")
    };
    let told = suite.until(&waiting.id, "refused", refused).await;
    assert!(is_routed(&told), "its routes do not wait for the options");
    let later = suite.look(&waiting.id, 4).await;
    assert!(refused(&later), "{later:#?}");
    assert_eq!(
        suite.cloud.options_set(),
        0,
        "it is not tried again at once"
    );
}

async fn a_lost_answer_about_options_is_asked_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    let waiting = create(&suite).await;
    suite.cloud.tell("EnsurePeeringOptions", Told::Lost);
    suite.cloud.tell("EnsurePeeringOptions", Told::Silent);
    suite.cloud.accept(&waiting.id);
    suite
        .until(&waiting.id, "set", |_| suite.cloud.options_set() == 2)
        .await;
    suite.until(&waiting.id, "in sync", is_in_sync).await;
}

async fn half_with_options(suite: &Suite) -> Peering {
    let wish = CreatePeeringRequest {
        options: Some(Options {
            export_custom_routes: true,
            ..Options::default()
        }),
        ..wish(&network(suite), 1)
    };
    let created = suite.create_with(wish).await.unwrap();
    let id = &created.id;
    suite.until_state(id, State::PendingAcceptance).await;
    suite.cloud.halves.set_reciprocal(id, true);
    suite.until(id, "in sync", is_in_sync).await
}

async fn a_half_is_made_with_its_options_and_keeps_them(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let halves = &suite.cloud.halves;
    let standing = half_with_options(&suite).await;
    assert!(halves.options().export_custom_routes);
    suite.look(&standing.id, 2).await;
    assert_eq!(halves.begun(), 1);
    halves.set_delay(std::time::Duration::from_millis(200));
    halves.reset_options();
    suite
        .until(&standing.id, "set again", |_| {
            halves.options().export_custom_routes
        })
        .await;
    suite.until(&standing.id, "in sync", is_in_sync).await;
    assert_eq!((halves.begun(), halves.refused()), (2, 0));
    nothing_is_held(&suite).await;
}

async fn a_change_of_options_under_way_is_handed_to_the_deletion(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let halves = &suite.cloud.halves;
    let standing = half_with_options(&suite).await;
    halves.set_delay(std::time::Duration::from_millis(500));
    halves.reset_options();
    suite
        .until(&standing.id, "begun", |_| halves.begun() == 2)
        .await;
    suite.delete(&standing.id).await.unwrap();
    suite.until_state(&standing.id, State::Deleted).await;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (0, 3, 0)
    );
    nothing_is_held(&suite).await;
}

async fn a_change_of_options_whose_answer_is_lost_is_asked_for_again(kind: Kind) {
    let suite = Suite::start_with(kind, hasty).await;
    let halves = &suite.cloud.halves;
    let standing = half_with_options(&suite).await;
    suite.cloud.tell("EnsurePeeringOptions", Told::Lost);
    halves.set_delay(std::time::Duration::from_secs(1));
    halves.reset_options();
    suite
        .until(&standing.id, "begun", |_| halves.begun() == 2)
        .await;
    suite.delete(&standing.id).await.unwrap();
    suite.until_state(&standing.id, State::Deleted).await;
    assert_eq!(
        (halves.count(), halves.begun(), halves.refused()),
        (0, 3, 0)
    );
    nothing_is_held(&suite).await;
}
