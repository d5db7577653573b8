//! Changes of what a network is called.

use std::collections::BTreeMap;

use api::network::v1::{Network, UpdateNetworkRequest};
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
