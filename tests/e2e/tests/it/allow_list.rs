//! The allow list: the security group admits exactly its ranges to the datastores' ports.

use api::network::v1::allow_list_entry::State as EntryState;
use api::peering::v1::peering::State;
use e2e::{Options, Suite};

const REGION: &str = "eu-west-1";
const AUTHORIZE: &str = "AuthorizeSecurityGroupIngress";

#[tokio::test]
async fn the_security_group_admits_the_list_to_the_ports_and_nobody_else() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let placement = network.placement.clone().expect("a placement");
    let group = placement.security_group_id.as_str();
    suite.until_firewall_ready(&network).await;
    let placed = suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432, 6432])
        .await;
    assert_eq!(placed.placement, network.placement);
    assert_eq!(placed.datastore_count, 1);
    suite.until_group_admits(group, &[]).await;

    suite.allow(&network, "10.1.0.0/16").await;
    suite.allow(&network, "192.0.2.7/32").await;
    suite
        .until_group_admits(
            group,
            &[
                ("10.1.0.0/16", "tcp/5432"),
                ("10.1.0.0/16", "tcp/6432"),
                ("192.0.2.7/32", "tcp/5432"),
                ("192.0.2.7/32", "tcp/6432"),
            ],
        )
        .await;
    suite.until_firewall_ready(&network).await;
    let entries = suite.allow_list(&network).await;
    let applied = entries.iter().map(|one| (one.cidr.as_str(), one.state()));
    assert_eq!(
        Vec::from_iter(applied),
        [
            ("10.1.0.0/16", EntryState::Applied),
            ("192.0.2.7/32", EntryState::Applied)
        ]
    );

    // Another datastore's port, then one datastore less.
    suite
        .attach_datastore(&network, "db-2", "10.20.2.0/28", &[27017])
        .await;
    suite.disallow(&network, "192.0.2.7/32").await;
    suite.detach_datastore(&network, "db-1").await;
    suite
        .until_group_admits(group, &[("10.1.0.0/16", "tcp/27017")])
        .await;
    suite.disallow(&network, "10.1.0.0/16").await;
    suite.until_group_admits(group, &[]).await;
    suite.until_firewall_ready(&network).await;
    assert_eq!(suite.allow_list(&network).await, []);
}

#[tokio::test]
async fn the_ranges_of_all_peerings_are_admitted_at_once() {
    let suite = Suite::standalone().await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let placement = network.placement.clone().expect("a placement");
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432])
        .await;
    for cidr in ["10.1.0.0/16", "10.2.0.0/16"] {
        let vpc = suite.customer.vpc(REGION, cidr).await;
        let peering = suite.peer(&network, &vpc, cidr).await;
        suite.until(&peering, State::PendingAcceptance).await;
    }
    suite.allow(&network, "10.1.0.0/16").await;
    assert_eq!(suite.allow_peered(&network).await, ["10.2.0.0/16"]);
    assert_eq!(suite.allow_peered(&network).await, Vec::<String>::new());
    let both = [("10.1.0.0/16", "tcp/5432"), ("10.2.0.0/16", "tcp/5432")];
    suite
        .until_group_admits(&placement.security_group_id, &both)
        .await;
}

#[tokio::test]
async fn a_full_list_is_refused_before_the_cloud_is_asked() {
    let options = Options {
        settings: vec![("network", "CATALOG__AWS__MOST_RULES", "4")],
        ..Options::default()
    };
    let suite = Suite::standalone_with(options).await;
    let network = suite.network(REGION, "10.20.0.0/16").await;
    let placement = network.placement.clone().expect("a placement");
    let group = placement.security_group_id.as_str();
    suite
        .attach_datastore(&network, "db-1", "10.20.1.0/28", &[5432, 6432])
        .await;
    suite.allow(&network, "10.1.0.0/16").await;
    suite.allow(&network, "10.2.0.0/16").await;

    let refused = suite.try_allow(&network, "10.3.0.0/16").await;
    let refused = refused.expect_err("there is no room for six rules");
    assert_eq!(e2e::reason(&refused), "ALLOW_LIST_FULL");
    assert_eq!(refused.code(), tonic::Code::ResourceExhausted);
    let ports = suite
        .try_attach_datastore(&network, "db-2", "10.20.2.0/28", &[27017])
        .await;
    let refused = ports.expect_err("nor for another port");
    assert_eq!(e2e::reason(&refused), "ALLOW_LIST_FULL");

    // What was refused never comes to the cloud, and room is made by removing.
    suite.disallow(&network, "10.2.0.0/16").await;
    suite.allow(&network, "10.4.0.0/16").await;
    let left = [
        ("10.1.0.0/16", "tcp/5432"),
        ("10.1.0.0/16", "tcp/6432"),
        ("10.4.0.0/16", "tcp/5432"),
        ("10.4.0.0/16", "tcp/6432"),
    ];
    suite.until_group_admits(group, &left).await;
    suite.until_firewall_ready(&network).await;
    for asked in suite.cloudsim().parameters(AUTHORIZE) {
        for refused in ["10.3.0.0/16", "27017"] {
            let named = asked.values().any(|value| value == refused);
            assert!(!named, "{refused} was asked for: {asked:?}");
        }
    }
    let outcomes = suite.cloudsim().outcomes(AUTHORIZE);
    assert!(
        outcomes.iter().all(|outcome| outcome == "ok"),
        "{outcomes:?}"
    );
}
