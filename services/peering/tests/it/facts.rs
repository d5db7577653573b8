//! What a peering knows of its network, as the network changes: its name, its firewall and its allow list.

use api::network::v1::condition::Status as Held;
use api::peering::v1::peering::State;
use api::peering::v1::*;

use crate::suite::{Kind, Suite, on_both_databases};

on_both_databases!(
    a_renamed_network_is_known_by_its_new_name,
    a_firewall_that_is_out_of_date_is_told_and_clears,
    ranges_that_the_allow_list_lacks_are_named_and_change_no_state,
    what_changed_while_nobody_ran_is_known_after_the_start,
    a_network_that_is_away_is_asked_again,
);

fn condition_of<'a>(peering: &'a Peering, name: &str) -> &'a Condition {
    let mut all = peering.conditions.iter();
    all.find(|one| one.r#type == name).unwrap()
}

fn holds(name: &'static str, status: condition::Status) -> impl Fn(&Peering) -> bool {
    move |peering| condition_of(peering, name).status() == status
}

async fn a_renamed_network_is_known_by_its_new_name(kind: Kind) {
    let suite = Suite::start(kind).await;
    let created = suite.create().await;
    suite
        .until_state(&created.id, State::PendingAcceptance)
        .await;
    let network = created.network_id.as_str();
    suite.network.until_watched(1).await;
    suite
        .network
        .alter(network, |one| one.display_name = "renamed".to_owned());
    suite.network.report(network);
    let renamed = |one: &Peering| one.network_display_name == "renamed";
    let after = suite.until(&created.id, "renamed", renamed).await;
    assert_eq!(after.etag, created.etag, "its owner's wish is as it was");
    assert_eq!(after.state(), State::PendingAcceptance);
}

async fn a_firewall_that_is_out_of_date_is_told_and_clears(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let network = active.network_id.as_str();
    suite
        .network
        .set_firewall(network, Held::False, "SG_RULE_LIMIT");
    suite.network.report(network);
    let bad = holds("FIREWALL_READY", condition::Status::False);
    let told = suite.until(&active.id, "told", bad).await;
    assert_eq!(
        condition_of(&told, "FIREWALL_READY").reason,
        "SG_RULE_LIMIT"
    );
    assert_eq!(told.state(), State::Active, "it has its minute");
    suite.network.set_firewall(network, Held::True, "");
    suite.network.report(network);
    let good = holds("FIREWALL_READY", condition::Status::True);
    suite.until(&active.id, "good again", good).await;
}

async fn ranges_that_the_allow_list_lacks_are_named_and_change_no_state(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let network = active.network_id.as_str();
    let lacks = holds("ALLOW_LISTED", condition::Status::False);
    let told = suite.until(&active.id, "told", lacks).await;
    let listed = condition_of(&told, "ALLOW_LISTED");
    assert_eq!(listed.reason, "ALLOW_LIST_MISSING");
    assert!(listed.message.contains("10.1.0.0/16"), "{}", listed.message);
    assert_eq!(told.state(), State::Active);
    // A wider entry holds the first range, one of its own the second.
    suite.network.allow(network, "10.0.0.0/8");
    suite.network.allow(network, "100.64.0.0/16");
    suite
        .network
        .alter(network, |one| one.allow_list_version = 1);
    suite.network.report(network);
    let listed = holds("ALLOW_LISTED", condition::Status::True);
    suite.until(&active.id, "listed", listed).await;
}

async fn what_changed_while_nobody_ran_is_known_after_the_start(kind: Kind) {
    let mut suite = Suite::start(kind).await;
    let active = suite.active().await;
    suite.stop().await;
    suite.network.alter(&active.network_id, |one| {
        one.display_name = "renamed".to_owned();
    });
    suite.restart().await;
    let renamed = |one: &Peering| one.network_display_name == "renamed";
    suite.until(&active.id, "renamed", renamed).await;
}

async fn a_network_that_is_away_is_asked_again(kind: Kind) {
    let suite = Suite::start(kind).await;
    let active = suite.active().await;
    let network = active.network_id.as_str();
    suite.network.set_away(true);
    suite
        .network
        .set_firewall(network, Held::False, "SG_RULE_LIMIT");
    suite.network.report(network);
    let quiet = suite.look(&active.id, 3).await;
    assert_eq!(quiet.state(), State::Active);
    suite.network.set_away(false);
    let bad = holds("FIREWALL_READY", condition::Status::False);
    suite.until(&active.id, "told", bad).await;
}
