//! The lane drift: what vanishes or is changed behind Peerway's back, and what becomes of it.

use std::time::{Duration, Instant};

use ::network::Config;
use api::cloud::{CloudError, CloudErrorKind};
use api::network::v1::condition::Status::{False, True};
use api::network::v1::network::State;
use sea_orm::{ConnectionTrait, Statement};

use crate::firewall::{firewall, history, history_with, open, put, until_ready};
use crate::on_each_database;
use crate::program::{migrate, serve};
use crate::provider::{Listing, Mood, PARTS, Provider};
use crate::suite::{Suite, settings, until_it, wish};

/// Looks at everything all the time.
fn often(config: &mut Config) {
    config.queue.drift_interval = Duration::from_millis(30);
    // A lane is looked at first when its group is new, and nothing stands in it yet.
    config.queue.idle_interval = Duration::from_millis(30);
    config.queue.wiring_interval = Duration::ZERO;
    config.queue.absence_grace = Duration::from_millis(100);
}

/// Looks at VPCs all the time, and believes no absence.
fn often_and_slow_of_belief(config: &mut Config) {
    often(config);
    config.queue.absence_grace = Duration::from_secs(60);
}

/// One number out of the database.
async fn number(suite: &Suite, sql: &str) -> i64 {
    let database = suite.database.connect().await;
    let conn = database.read();
    let ask = Statement::from_string(conn.get_database_backend(), sql);
    let row = conn.query_one_raw(ask).await.unwrap().unwrap();
    let number = row.try_get_by_index(0).unwrap();
    database.close().await.unwrap();
    number
}

async fn version(suite: &Suite, id: &str) -> i64 {
    number(
        suite,
        &format!("SELECT version FROM network WHERE id = '{id}'"),
    )
    .await
}

async fn lanes_in_trouble(suite: &Suite) -> i64 {
    let sql = "SELECT COUNT(*) FROM check_lane WHERE lane = 'drift' AND last_error IS NOT NULL";
    number(suite, sql).await
}

async fn more_looks(suite: &Suite, call: &str, times: usize) {
    suite
        .provider
        .until_called(call, suite.provider.count(call) + times)
        .await;
}

on_each_database! {
    async fn looks_that_show_what_is_recorded_write_nothing_to_networks(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = open(&suite).await;
        more_looks(&suite, "ObserveVpcs wired", 2).await;
        let (before, calls) = (version(&suite, &network.id).await, suite.provider.count("EnsureFirewall"));
        more_looks(&suite, "ObserveVpcs wired", 5).await;
        assert_eq!(version(&suite, &network.id).await, before);
        assert_eq!(suite.provider.count("EnsureFirewall"), calls);
        let covered = "SELECT COUNT(*) FROM check_lane WHERE lane = 'drift' AND covered_at IS NOT NULL AND wired_at IS NOT NULL";
        assert!(number(&suite, covered).await > 0);
    }

    async fn one_call_shows_all_networks_of_a_group(suite: Suite) {
        let mut suite = suite;
        let interval = Duration::from_millis(100);
        suite.restart(|config| {
            often(config);
            config.queue.drift_interval = interval;
        }).await;
        let names: Vec<_> = (0..5).map(|n| (format!("n{n}"), format!("10.{}.0.0/16", 30 + n))).collect();
        let all = names.iter().map(|(name, cidr)| suite.active(name, cidr));
        for network in futures::future::join_all(all).await {
            until_ready(&suite, &network.id).await;
        }
        let (began, before) = (Instant::now(), suite.provider.count("ObserveVpcs wired"));
        more_looks(&suite, "ObserveVpcs wired", 5).await;
        // A slow machine only makes fewer of them.
        let calls = suite.provider.count("ObserveVpcs wired") - before;
        let most = began.elapsed().as_millis() / interval.as_millis() + 2;
        assert!(calls as u128 <= most, "{calls} calls, at most {most}");
    }

    async fn firewalls_and_parts_are_looked_at_less_often(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            often(config);
            config.queue.wiring_interval = Duration::from_secs(3_600);
        }).await;
        let network = open(&suite).await;
        // Once when the cloud has had the time to show what it was told last, and then not any more.
        more_looks(&suite, "ObserveVpcs", 10).await;
        let wired = suite.provider.count("ObserveVpcs wired");
        assert!(wired > 0);
        more_looks(&suite, "ObserveVpcs", 10).await;
        assert_eq!(suite.provider.count("ObserveVpcs wired"), wired);
        assert_eq!(suite.get(&network.id).await.state(), State::Active);
    }

    async fn a_vanished_vpc_fails_the_network_which_can_be_deleted(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = suite.active("main", "10.20.0.0/16").await;
        until_ready(&suite, &network.id).await;
        for part in PARTS {
            suite.provider.vanish(&network.id, part);
        }
        let failed = suite.until(&network.id, State::Failed).await;
        assert_eq!(failed.reason, "VPC_MISSING");
        // Its owner may have things left there.
        assert_eq!(
            (&failed.provider_vpc_id, &failed.provider_account_id),
            (&network.provider_vpc_id, &network.provider_account_id)
        );
        assert!(failed.message.contains("vpc-0a1b2c3d"), "{}", failed.message);
        assert_eq!(firewall(&failed).1, "NOT_OBSERVED");
        // Its range stays taken.
        let claims = format!("SELECT COUNT(*) FROM claim WHERE network_id = '{}'", network.id);
        assert_eq!(number(&suite, &claims).await, 1);
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        assert_eq!(number(&suite, &claims).await, 0);
        assert!(!suite.provider.calls().contains(&"begin vpc".to_owned()));
    }

    async fn a_listing_that_misses_everything_once_changes_no_state(suite: Suite) {
        let mut suite = suite;
        suite.restart(often_and_slow_of_belief).await;
        let network = open(&suite).await;
        suite.provider.on_observe([Listing::ShowNothing, Listing::ShowNothing]);
        more_looks(&suite, "ObserveVpcs wired", 6).await;
        let after = suite.get(&network.id).await;
        assert_eq!((after.state(), after.reason.as_str()), (State::Active, ""));
        let doubts = "SELECT COUNT(*) FROM network WHERE missed_at IS NOT NULL";
        assert_eq!(number(&suite, doubts).await, 0);
        let kinds = history(&suite, &network.id).await;
        assert!(!kinds.contains(&"VPC_CHANGED".to_owned()), "{kinds:?}");
    }

    async fn a_vanished_subnet_is_put_back_and_the_history_says_so(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = suite.active("main", "10.20.0.0/16").await;
        until_ready(&suite, &network.id).await;
        suite.provider.vanish(&network.id, "subnet/b");
        history_with(&suite, &network.id, "VPC_CHANGED").await;
        let whole = suite.until_it(&network.id, |it| {
            it.reason.is_empty() && it.placement.as_ref().is_some_and(|placement| placement.subnets.len() == 3)
        }).await;
        assert_eq!(whole.state(), State::Active);
        assert!(suite.provider.has_one_of_each(&network.id), "{:?}", suite.provider.calls());
        assert_eq!(suite.provider.count("EnsureVpc subnet/b"), 2);
    }

    async fn a_network_is_looked_at_soon_after_it_became_active(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| {
            often(config);
            config.queue.idle_interval = Duration::from_secs(3_600);
        }).await;
        suite.active("main", "10.20.0.0/16").await;
        suite.provider.until_called("ObserveVpcs wired", 1).await;
    }

    async fn a_repair_that_fails_hides_nothing_and_keeps_no_firewall_waiting(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = open(&suite).await;
        let no = Mood::Refuse(CloudErrorKind::Quota, "CLOUD_LIMIT");
        suite.provider.on_make("subnet/b", std::iter::repeat_n(no, 1_000));
        suite.provider.vanish(&network.id, "subnet/b");
        let broken = suite.until_it(&network.id, |it| it.reason == "CLOUD_LIMIT").await;
        assert_eq!((broken.state(), broken.placement), (State::Active, network.placement.clone()));
        put(&suite, &network.id, "10.2.0.0/16").await;
        let open = suite.until_it(&network.id, |it| firewall(it).0 == True).await;
        assert_eq!(suite.provider.firewall_of(&network.id).0.len(), 2);
        assert_eq!((open.reason.as_str(), open.placement), ("CLOUD_LIMIT", network.placement));
    }

    async fn a_security_group_that_is_put_back_gets_the_firewall_again(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = open(&suite).await;
        let wanted = suite.provider.firewall_of(&network.id);
        suite.provider.close(&network.id);
        suite.provider.vanish(&network.id, "security-group");
        history_with(&suite, &network.id, "VPC_CHANGED").await;
        let whole = until_ready(&suite, &network.id).await;
        assert_eq!(whole.placement.unwrap().security_group_id, "sg-1");
        assert_eq!(suite.provider.firewall_of(&network.id), wanted);
        assert!(suite.provider.has_one_of_each(&network.id));
    }

    async fn a_firewall_that_others_changed_is_put_back(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = open(&suite).await;
        let wanted = suite.provider.firewall_of(&network.id);
        let calls = suite.provider.count("EnsureFirewall");
        suite.provider.meddle(&network.id, "0.0.0.0/0", 22);
        suite.provider.until_called("EnsureFirewall", calls + 1).await;
        until_ready(&suite, &network.id).await;
        assert_eq!(suite.provider.firewall_of(&network.id), wanted);
        more_looks(&suite, "ObserveVpcs wired", 3).await;
        assert_eq!(suite.provider.count("EnsureFirewall"), calls + 1);
    }

    async fn after_three_repairs_it_is_a_fight_and_the_owner_s_changes_still_go_out(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = open(&suite).await;
        let calls = suite.provider.count("EnsureFirewall");
        for repair in 1..=3 {
            suite.provider.meddle(&network.id, "0.0.0.0/0", 22);
            suite.provider.until_called("EnsureFirewall", calls + repair).await;
            until_ready(&suite, &network.id).await;
        }
        suite.provider.meddle(&network.id, "0.0.0.0/0", 22);
        let fight = suite.until_it(&network.id, |it| firewall(it).1 == "DRIFT_FIGHT").await;
        assert_eq!((firewall(&fight).0, fight.state()), (False, State::Active));
        more_looks(&suite, "ObserveVpcs wired", 4).await;
        assert_eq!(suite.provider.count("EnsureFirewall"), calls + 3);
        put(&suite, &network.id, "10.2.0.0/16").await;
        suite.provider.until_called("EnsureFirewall", calls + 4).await;
        suite.until_it(&network.id, |it| firewall(it).0 == True).await;
        assert_eq!(suite.provider.firewall_of(&network.id).0.len(), 2);
    }

    async fn a_second_vpc_is_left_to_a_look_of_the_work(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = open(&suite).await;
        let looks = suite.provider.count("EnsureVpc");
        suite.provider.double(&network.id);
        suite.provider.until_called("EnsureVpc", looks + 1).await;
        more_looks(&suite, "ObserveVpcs wired", 3).await;
        assert_eq!(suite.provider.count("EnsureVpc"), looks + 1);
        let after = suite.get(&network.id).await;
        assert_eq!((after.state(), after.provider_vpc_id), (State::Active, network.provider_vpc_id));
    }

    async fn a_listing_that_fails_is_told_by_the_lane_and_by_no_network(suite: Suite) {
        let mut suite = suite;
        suite.restart(often).await;
        let network = open(&suite).await;
        more_looks(&suite, "ObserveVpcs wired", 8).await;
        let before = version(&suite, &network.id).await;
        for listing in [
            Listing::Fail(tonic::Status::unimplemented("later")),
            Listing::Fail(CloudError::refused(CloudErrorKind::Throttled, "CLOUD_THROTTLED", "slowly").into()),
            Listing::BreakOff,
            Listing::End,
        ] {
            suite.provider.on_observe(std::iter::repeat_n(listing, 10_000));
            let began = Instant::now();
            while lanes_in_trouble(&suite).await == 0 {
                assert!(began.elapsed().as_secs() < 30);
            }
            suite.provider.show_again();
            while lanes_in_trouble(&suite).await > 0 {
                assert!(began.elapsed().as_secs() < 30);
            }
        }
        assert_eq!(version(&suite, &network.id).await, before);
        assert_eq!(suite.get(&network.id).await.state(), State::Active);
    }
}

/// A process that dies where a look or a firewall is recorded; another goes on.
async fn dies_and_repairs(failpoint: &str) {
    let database = testkit::sqlite();
    let (provider, address) = Provider::start().await;
    let mut settings = settings(&database, address);
    for (name, value) in [
        ("QUEUE__DRIFT_INTERVAL", "30ms"),
        ("QUEUE__IDLE_INTERVAL", "30ms"),
        ("QUEUE__WIRING_INTERVAL", "0ms"),
        ("QUEUE__ABSENCE_GRACE", "100ms"),
        ("QUEUE__LEASE", "3s"),
    ] {
        let name = format!("PEERWAY_NETWORK__{name}");
        settings.retain(|(set, _)| *set != name);
        settings.push((name, value.to_owned()));
    }
    migrate(&settings).await;
    let (first, client) = serve(&settings, "").await;
    let request = wish("main", "10.20.0.0/16");
    let created = client.clone().create_network(request).await.unwrap();
    let id = created.into_inner().network.unwrap().id;
    until_it(&client, &id, |it| firewall(it).0 == True).await;
    assert!(first.terminate().await.success());

    provider.vanish(&id, "security-group");
    provider.meddle(&id, "0.0.0.0/0", 22);
    let (dying, _client) = serve(&settings, failpoint).await;
    dying.wait().await;
    assert!(dying.logs().contains(failpoint), "{}", dying.logs());

    let (_process, client) = serve(&settings, "").await;
    provider.until_called("EnsureVpc security-group", 2).await;
    until_it(&client, &id, |it| {
        firewall(it).0 == True && it.reason.is_empty()
    })
    .await;
    assert!(
        provider.has_one_of_each(&id),
        "{failpoint}: {:?}",
        provider.calls()
    );
    assert_eq!(provider.firewall_of(&id), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn dies_before_a_look_is_recorded() {
    dies_and_repairs("network.look.before_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dies_after_a_look_is_recorded() {
    dies_and_repairs("network.look.after_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dies_after_the_firewall_was_sent() {
    dies_and_repairs("network.firewall.after_call").await;
}
