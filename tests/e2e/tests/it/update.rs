//! Changes of what a network is called, and of where a peering leads.

use std::collections::{BTreeMap, BTreeSet};

use api::network::v1::{Network, UpdateNetworkRequest};
use api::peering::v1::Peering;
use api::peering::v1::peering::State;
use e2e::{Suite, TENANT};
use tonic::{Code, Status};

/// Renames a network if it is still as `etag` says.
async fn rename(
    suite: &Suite,
    network: &Network,
    name: &str,
    etag: &str,
) -> Result<Network, Status> {
    let mut request = UpdateNetworkRequest {
        tenant_id: TENANT.to_owned(),
        network_id: network.id.clone(),
        etag: etag.to_owned(),
        display_name: name.to_owned(),
        ..Default::default()
    };
    request.update_mask.get_or_insert_default().paths = vec!["display_name".to_owned()];
    let answer = suite.networks().update_network(request).await?;
    Ok(answer.into_inner().network.expect("a network"))
}

#[tokio::test]
async fn a_rename_is_told_and_makes_older_etags_stale() {
    let suite = Suite::standalone().await;
    let mut watch = suite.watch_networks();
    assert_eq!(watch.snapshot().await, []);
    let network = suite.network("eu-west-1", "10.20.0.0/16").await;
    let network = suite.until_firewall_ready(&network).await;
    let renamed = rename(&suite, &network, "production", &network.etag).await;
    let renamed = renamed.expect("nobody came first");
    assert_eq!(renamed.display_name, "production");
    assert_ne!(renamed.etag, network.etag);
    let stale = rename(&suite, &network, "staging", &network.etag).await;
    let stale = stale.expect_err("the etag is the one before");
    assert_eq!(stale.code(), Code::Aborted);
    assert_eq!(e2e::reason(&stale), "ETAG_MISMATCH");

    let is_renamed = |seen: &Network| seen.display_name != network.display_name;
    let told = watch.until("the new name", is_renamed).await;
    let change = told.last().expect("just told");
    assert_eq!(change.resource, renamed);
    let events = suite.network_events(&network.id).await;
    let kinds = events
        .iter()
        .map(|event| (event.sequence, event.kind.as_str()));
    let kinds = BTreeMap::from_iter(kinds);
    assert_eq!(kinds[&change.sequence], "UPDATED");
    assert_eq!(kinds.values().filter(|kind| **kind == "UPDATED").count(), 1);
}

#[tokio::test]
async fn a_peering_shows_the_new_name_of_its_network() {
    let suite = Suite::standalone().await;
    let network = suite.network("eu-west-1", "10.20.0.0/16").await;
    let vpc = suite.customer.vpc("eu-west-1", "10.1.0.0/16").await;
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    assert_eq!(peering.network_display_name, network.display_name);
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    suite.accepted(&waiting).await;
    rename(&suite, &network, "production", "")
        .await
        .expect("the name is free");
    let is_renamed = |seen: &Peering| seen.network_display_name == "production";
    let shown = suite
        .until_shown(&peering, "the new name", is_renamed)
        .await;
    assert_eq!(
        shown.etag, peering.etag,
        "nobody changed the peering itself"
    );
    let events = suite.peering_events(&peering).await;
    let told = events.iter().filter(|event| event.kind == "UPDATED");
    assert_eq!(told.count(), 1);
}

/// The routes of the vendor's VPC after each change of one since the call numbered `from`, which had these.
fn routes_over_time(suite: &Suite, from: usize, old: &[&str]) -> Vec<BTreeSet<String>> {
    let mut stand: BTreeSet<String> = old.iter().map(|one| (*one).to_owned()).collect();
    let mut over_time = Vec::new();
    for (action, range) in &suite.cloudsim().route_changes()[from..] {
        match action.as_str() {
            "DeleteRoute" => stand.remove(range),
            _ => stand.insert(range.clone()),
        };
        over_time.push(stand.clone());
    }
    over_time
}

#[tokio::test]
async fn new_ranges_stand_before_the_old_ones_go_and_the_allow_list_follows() {
    const OLD: [&str; 2] = ["10.1.0.0/16", "10.2.0.0/16"];
    const NEW: [&str; 2] = ["10.2.0.0/16", "10.3.0.0/16"];
    let suite = Suite::standalone().await;
    let network = suite.network("eu-west-1", "10.20.0.0/16").await;
    let placement = network.placement.clone().expect("a placement");
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    let vpc = suite.customer.vpc("eu-west-1", OLD[0]).await;
    let peering = suite.peer(&network, &vpc, OLD[0]).await;
    let waiting = suite.until(&peering, State::PendingAcceptance).await;
    let active = suite.accepted(&waiting).await;
    let pcx = active.provider_peering_id.as_str();
    let routed = async |ranges: &[&str]| {
        let routes: Vec<_> = ranges.iter().map(|range| (*range, pcx)).collect();
        suite.until_routed(&network.provider_vpc_id, &routes).await;
    };
    let admitted = async |ranges: &[&str]| {
        let rules: Vec<_> = ranges.iter().map(|range| (*range, "tcp/5432")).collect();
        suite
            .until_group_admits(&placement.security_group_id, &rules)
            .await;
    };
    suite.change_ranges(&active, &OLD).await;
    routed(&OLD).await;
    assert_eq!(suite.allow_peered(&network).await.len(), OLD.len());
    admitted(&OLD).await;
    let settled = suite.until_met(&active, "ROUTES_READY").await;

    let before = suite.cloudsim().route_changes().len();
    let changed = suite.change_ranges(&settled, &NEW).await;
    assert_eq!(changed.state(), State::Active);
    routed(&NEW).await;
    admitted(&NEW).await;
    let over_time = routes_over_time(&suite, before, &OLD);
    let has = |stand: &BTreeSet<String>, range: &str| stand.contains(range);
    for stand in &over_time {
        assert!(
            has(stand, OLD[1]),
            "what stays is never away: {over_time:?}"
        );
        let one_of_both = has(stand, OLD[0]) || has(stand, NEW[1]);
        assert!(one_of_both, "the old one goes last: {over_time:?}");
    }
    let allowed: BTreeSet<_> = suite
        .allow_list(&network)
        .await
        .into_iter()
        .map(|entry| entry.cidr)
        .collect();
    assert_eq!(allowed, NEW.map(ToOwned::to_owned).into());
    let history = suite.history(&active).await;
    assert_eq!(history.last(), Some(&State::Active));
    let degraded = history.contains(&State::Degraded);
    assert!(!degraded, "nothing was ever wrong: {history:?}");
}

#[tokio::test]
async fn a_peering_that_was_just_made_shows_the_new_name_of_its_network_too() {
    let suite = Suite::standalone().await;
    let network = suite.network("eu-west-1", "10.20.0.0/16").await;
    let vpc = suite.customer.vpc("eu-west-1", "10.1.0.0/16").await;
    let peering = suite.peer(&network, &vpc, "10.1.0.0/16").await;
    rename(&suite, &network, "production", "")
        .await
        .expect("the name is free");
    let is_renamed = |seen: &Peering| seen.network_display_name == "production";
    suite
        .until_shown(&peering, "the new name", is_renamed)
        .await;
}
