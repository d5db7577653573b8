//! The firewall: from allow list and ports to the cloud, through its moods.

use api::cloud::CloudErrorKind::*;
use api::network::v1::*;
use condition::Status::{False, True};

use crate::on_each_database;
use crate::provider::Mood;
use crate::suite::Suite;

/// The status and the reason of FIREWALL_READY.
pub(crate) fn firewall(network: &Network) -> (condition::Status, String) {
    let ready = &network.conditions[0];
    assert_eq!(ready.r#type, "FIREWALL_READY");
    (ready.status(), ready.reason.clone())
}

/// Waits until FIREWALL_READY is TRUE.
pub(crate) async fn until_ready(suite: &Suite, id: &str) -> Network {
    suite.until_it(id, |it| firewall(it).0 == True).await
}

/// An ACTIVE network that admits 10.1.0.0/16 to 5432, in the cloud too.
pub(crate) async fn open(suite: &Suite) -> Network {
    let network = suite.active("main", "10.20.0.0/16").await;
    put(suite, &network.id, "10.1.0.0/16").await;
    attach_datastore(suite, &network.id, 1, &[5432]).await;
    until_ready(suite, &network.id).await
}

pub(crate) async fn put(suite: &Suite, id: &str, cidr: &str) {
    let request = PutAllowListEntryRequest {
        tenant_id: "acme".to_owned(),
        network_id: id.to_owned(),
        cidr: cidr.to_owned(),
        ..PutAllowListEntryRequest::default()
    };
    suite
        .client
        .clone()
        .put_allow_list_entry(request)
        .await
        .unwrap();
}

async fn remove(suite: &Suite, id: &str, cidr: &str) {
    let request = DeleteAllowListEntryRequest {
        tenant_id: "acme".to_owned(),
        network_id: id.to_owned(),
        cidr: cidr.to_owned(),
        ..DeleteAllowListEntryRequest::default()
    };
    suite
        .client
        .clone()
        .delete_allow_list_entry(request)
        .await
        .unwrap();
}

fn datastore(id: &str, number: u8, ports: &[i32]) -> Attachment {
    Attachment {
        network_id: id.to_owned(),
        kind: attachment::Kind::Datastore.into(),
        id: format!("ds_{number}"),
        cidrs: vec![format!("10.20.{number}.0/28")],
        ports: ports.to_vec(),
        ..Attachment::default()
    }
}

async fn attach_datastore(suite: &Suite, id: &str, number: u8, ports: &[i32]) {
    suite.attach(datastore(id, number, ports)).await.unwrap();
}

/// The kinds of all events of a network, the oldest first.
pub(crate) async fn history(suite: &Suite, id: &str) -> Vec<String> {
    let request = ListNetworkEventsRequest {
        tenant_id: "acme".to_owned(),
        network_id: id.to_owned(),
        page_size: 1_000,
        ..ListNetworkEventsRequest::default()
    };
    let answer = suite
        .client
        .clone()
        .list_network_events(request)
        .await
        .unwrap();
    let kinds = answer
        .into_inner()
        .events
        .into_iter()
        .map(|event| event.kind);
    kinds.collect()
}

/// The same once it tells of this: on PostgreSQL events have their numbers a moment later.
pub(crate) async fn history_with(suite: &Suite, id: &str, kind: &str) -> Vec<String> {
    let began = std::time::Instant::now();
    loop {
        let kinds = history(suite, id).await;
        if kinds.iter().any(|one| one == kind) {
            return kinds;
        }
        assert!(
            began.elapsed().as_secs() < 30,
            "{kind} has not come: {kinds:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn admits(cidrs: &[&str], ports: &[i32]) -> crate::provider::Admits {
    let cidrs = cidrs.iter().map(|cidr| (*cidr).to_owned()).collect();
    (cidrs, ports.iter().copied().collect())
}

/// Waits until the cloud admits this, and Peerway says so.
async fn until_admits(suite: &Suite, id: &str, cidrs: &[&str], ports: &[i32]) {
    let began = std::time::Instant::now();
    while suite.provider.firewall_of(id) != admits(cidrs, ports) {
        let now = suite.provider.firewall_of(id);
        assert!(began.elapsed().as_secs() < 30, "it is still {now:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    until_ready(suite, id).await;
}

on_each_database! {
    async fn a_new_network_has_its_firewall_confirmed_once(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        let ready = until_ready(&suite, &network.id).await;
        assert_eq!(firewall(&ready).1, "");
        assert!(ready.conditions[0].transition_time.is_some());
        assert_eq!(suite.provider.count("EnsureFirewall"), 1);
        assert_eq!(suite.provider.firewall_of(&network.id), Default::default());
        let kinds = history_with(&suite, &network.id, "FIREWALL_CHANGED").await;
        assert_eq!(kinds, ["CREATED", "STATE_CHANGED", "FIREWALL_CHANGED"]);
    }

    async fn ranges_and_ports_reach_the_cloud_and_leave_it(suite: Suite) {
        let network = open(&suite).await;
        let id = &network.id;
        until_admits(&suite, id, &["10.1.0.0/16"], &[5432]).await;
        attach_datastore(&suite, id, 2, &[6379, 5432]).await;
        put(&suite, id, "10.2.0.0/16").await;
        until_admits(&suite, id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432, 6379]).await;
        suite.detach(&datastore(id, 2, &[])).await.unwrap();
        until_admits(&suite, id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432]).await;
        remove(&suite, id, "10.1.0.0/16").await;
        until_admits(&suite, id, &["10.2.0.0/16"], &[5432]).await;
        // An empty list admits nobody.
        remove(&suite, id, "10.2.0.0/16").await;
        until_admits(&suite, id, &[], &[]).await;
    }

    async fn what_is_refused_is_told_by_the_condition_and_tried_again(suite: Suite) {
        suite.provider.on_firewall([
            Mood::Refuse(Quota, "ALLOW_LIST_FULL"),
            Mood::Refuse(Terminal, "SOME_RULE"),
            Mood::Refuse(Unknown, "CLOUD_ERROR"),
        ]);
        let network = suite.active("main", "10.20.0.0/16").await;
        let told = suite.until_it(&network.id, |it| firewall(it).1 == "ALLOW_LIST_FULL").await;
        assert_eq!((firewall(&told).0, told.state()), (False, network::State::Active));
        assert_eq!((told.reason.as_str(), told.message.as_str()), ("", ""));
        until_ready(&suite, &network.id).await;
        assert_eq!(suite.provider.count("EnsureFirewall"), 4);
    }

    async fn a_lost_answer_is_asked_for_again(suite: Suite) {
        suite.provider.on_firewall([Mood::LoseAnswer, Mood::LoseRequest]);
        let network = open(&suite).await;
        until_admits(&suite, &network.id, &["10.1.0.0/16"], &[5432]).await;
    }

    async fn an_operation_is_followed_and_what_changed_meanwhile_comes_after_it(suite: Suite) {
        let network = open(&suite).await;
        suite.provider.on_firewall([Mood::TakeOn(5)]);
        put(&suite, &network.id, "10.2.0.0/16").await;
        suite.until_it(&network.id, |it| firewall(it).1 == "FIREWALL_PENDING").await;
        remove(&suite, &network.id, "10.1.0.0/16").await;
        until_admits(&suite, &network.id, &["10.2.0.0/16"], &[5432]).await;
    }

    async fn throttling_stops_the_group_and_is_told(suite: Suite) {
        let network = open(&suite).await;
        suite.provider.on_firewall([Mood::Refuse(Throttled, "CLOUD_THROTTLED")]);
        put(&suite, &network.id, "10.2.0.0/16").await;
        let told = suite.until_it(&network.id, |it| firewall(it).1 == "CLOUD_THROTTLED").await;
        assert_eq!(firewall(&told).0, False);
        until_admits(&suite, &network.id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432]).await;
    }

    async fn a_restart_sends_what_is_due(suite: Suite) {
        let mut suite = suite;
        let network = open(&suite).await;
        suite.provider.on_firewall([Mood::Refuse(Unavailable, "CLOUD_UNAVAILABLE")]);
        put(&suite, &network.id, "10.2.0.0/16").await;
        suite.until_it(&network.id, |it| firewall(it).1 == "CLOUD_UNAVAILABLE").await;
        suite.restart(|_| {}).await;
        until_admits(&suite, &network.id, &["10.1.0.0/16", "10.2.0.0/16"], &[5432]).await;
    }

    async fn an_answer_counts_although_the_owner_changed_something_meanwhile(suite: Suite) {
        let network = open(&suite).await;
        let id = &network.id;
        let calls = suite.provider.count("EnsureFirewall");
        suite.provider.on_firewall([Mood::TakeOn(2)]);
        let held = suite.provider.hold_firewalls();
        put(&suite, id, "10.2.0.0/16").await;
        suite.provider.until_called("EnsureFirewall", calls + 1).await;
        put(&suite, id, "10.3.0.0/16").await;
        held.add_permits(1_000);
        until_admits(&suite, id, &["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"], &[5432]).await;
        // What the cloud took on was followed, and not forgotten for the newer wish.
        assert_eq!(suite.provider.unfollowed(), 0);
    }

    async fn many_changes_go_out_together(suite: Suite) {
        let network = open(&suite).await;
        let (began, calls) = (std::time::Instant::now(), suite.provider.count("EnsureFirewall"));
        let ranges: Vec<String> = (1..=20).map(|n| format!("10.{n}.0.0/16")).filter(|range| range != "10.20.0.0/16").collect();
        for range in &ranges {
            put(&suite, &network.id, range).await;
        }
        let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
        until_admits(&suite, &network.id, &ranges, &[5432]).await;
        let calls = suite.provider.count("EnsureFirewall") - calls;
        // One a second at most; a slow machine only makes fewer of them.
        let most = began.elapsed().as_secs() + 2;
        assert!(calls as u64 <= most, "{calls} calls, at most {most}");
    }
}
