//! The allow list: one firewall rule admits exactly its ranges to the datastores' ports, and none admits nobody.

use api::network::v1::allow_list_entry::State as EntryState;
use e2e::{Options, Suite, VENDOR_PROJECT};

use super::networks;

#[tokio::test]
async fn the_rule_admits_the_list_to_the_ports_and_goes_with_the_last_entry() {
    let suite = Suite::standalone_with(Options::gcp()).await;
    let (network, theirs) = networks(&suite).await;
    suite.until_firewall_ready(&network).await;
    let vpc = network.provider_vpc_id.as_str();
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432, 6432])
        .await;
    for (theirs, cidr) in [(theirs.as_str(), "10.1.0.0/16"), ("other", "10.2.0.0/16")] {
        suite.peer(&network, theirs, cidr).await;
    }
    let admits = async |wanted: &[(&str, &str)]| {
        suite.until_rules_admit(VENDOR_PROJECT, vpc, wanted).await;
        suite.until_firewall_ready(&network).await;
    };
    admits(&[]).await;
    let added = suite.allow_peered(&network).await;
    assert_eq!(added, ["10.1.0.0/16", "10.2.0.0/16"]);
    admits(&[
        ("10.1.0.0/16", "tcp/5432"),
        ("10.1.0.0/16", "tcp/6432"),
        ("10.2.0.0/16", "tcp/5432"),
        ("10.2.0.0/16", "tcp/6432"),
    ])
    .await;
    let entries = suite.allow_list(&network).await;
    let mut states = entries.iter().map(|entry| entry.state());
    assert!(
        states.all(|state| state == EntryState::Applied),
        "{entries:?}"
    );

    suite.disallow(&network, "10.1.0.0/16").await;
    admits(&[("10.2.0.0/16", "tcp/5432"), ("10.2.0.0/16", "tcp/6432")]).await;
    suite.disallow(&network, "10.2.0.0/16").await;
    // A rule without ranges would admit the world: there is none.
    admits(&[]).await;
    suite.allow(&network, "192.0.2.0/24").await;
    admits(&[("192.0.2.0/24", "tcp/5432"), ("192.0.2.0/24", "tcp/6432")]).await;
    // Nor is there one without ports.
    suite.detach_datastore(&network, "db-1").await;
    admits(&[]).await;
}
