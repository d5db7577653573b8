//! From wish to VPC and back, through all the moods of a cloud.

use std::time::Duration;

use api::cloud::CloudErrorKind::*;
use api::network::v1::network::State;
use sea_orm::ConnectionTrait;

use crate::on_each_database;
use crate::provider::{Mood, PARTS};
use crate::suite::Suite;

on_each_database! {
    async fn lost_answers_make_no_second_part(suite: Suite) {
        for part in PARTS {
            suite.provider.on_make(part, [Mood::LoseAnswer]);
        }
        let network = suite.active("main", "10.20.0.0/16").await;
        assert!(suite.provider.has_one_of_each(&network.id), "{:?}", suite.provider.calls());
    }

    async fn parts_that_show_late_are_waited_for(suite: Suite) {
        let mut suite = suite;
        // Long enough that no number of slow looks makes an absence of it.
        suite.restart(|config| config.queue.absence_grace = Duration::from_secs(60)).await;
        for part in PARTS {
            suite.provider.on_make(part, [Mood::Hide(3)]);
        }
        let network = suite.active("main", "10.20.0.0/16").await;
        assert!(suite.provider.has_one_of_each(&network.id), "{:?}", suite.provider.calls());
    }

    async fn a_request_that_never_arrived_is_made_again(suite: Suite) {
        suite.provider.on_make("vpc", [Mood::LoseRequest]);
        suite.provider.on_make("subnet/b", [Mood::LoseRequest]);
        let network = suite.active("main", "10.20.0.0/16").await;
        assert!(suite.provider.has_one_of_each(&network.id), "{:?}", suite.provider.calls());
    }

    async fn trouble_is_told_and_passes(suite: Suite) {
        let refusals = [
            Mood::Refuse(Unavailable, "CLOUD_UNAVAILABLE"),
            Mood::Refuse(InProgress, "CLOUD_OPERATION_IN_PROGRESS"),
        ];
        suite.provider.on_place([Mood::LoseRequest, Mood::Refuse(Quota, "NO_ROOM")]);
        suite.provider.on_make("subnet/a", refusals);
        let network = suite.create("main", "10.20.0.0/16").await;
        let told = suite.until_it(&network.id, |it| it.reason == "CLOUD_OPERATION_IN_PROGRESS").await;
        assert_eq!(told.state(), State::Pending);
        let active = suite.until(&network.id, State::Active).await;
        assert_eq!((active.reason.as_str(), active.message.as_str()), ("", ""));
        assert!(suite.provider.has_one_of_each(&network.id));
    }

    async fn a_row_that_cannot_be_read_does_not_hold_up_its_group(suite: Suite) {
        suite.provider.on_place([Mood::Refuse(Quota, "NO_ROOM")]);
        let broken = suite.create("broken", "10.20.0.0/16").await;
        suite.until_it(&broken.id, |it| it.reason == "NO_ROOM").await;
        let spoil = format!("UPDATE network SET cidr = 'nonsense', step_at = 1 WHERE id = '{}'", broken.id);
        let database = suite.database.connect().await;
        database.write().execute_unprepared(&spoil).await.unwrap();
        suite.active("whole", "10.21.0.0/16").await;
        database.close().await.unwrap();
    }

    async fn refused_credentials_are_told_and_change_no_state(suite: Suite) {
        suite.provider.on_look(std::iter::repeat_n(Mood::Refuse(Unauthorized, "CLOUD_UNAUTHORIZED"), 100));
        let network = suite.create("main", "10.20.0.0/16").await;
        let told = suite.until_it(&network.id, |it| it.reason == "CLOUD_UNAUTHORIZED").await;
        assert_eq!(told.state(), State::Pending);
        assert!(!told.message.is_empty());
    }

    async fn a_refusal_for_good_fails_the_network_which_can_be_deleted(suite: Suite) {
        suite.provider.on_make("subnet/b", [Mood::Refuse(Terminal, "INVALID_SUBNET_RANGE")]);
        let network = suite.create("main", "10.20.0.0/16").await;
        let failed = suite.until(&network.id, State::Failed).await;
        assert_eq!(failed.reason, "INVALID_SUBNET_RANGE");
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        assert_eq!(suite.provider.parts_of(&network.id).len(), 0);
    }

    async fn an_operation_of_the_cloud_is_followed_and_not_begun_twice(suite: Suite) {
        for part in PARTS {
            suite.provider.on_make(part, [Mood::TakeOn(2)]);
        }
        let network = suite.create_in_gcp("main", "10.20.0.0/16").await;
        let network = suite.until(&network.id, State::Active).await;
        assert!(suite.provider.has_one_of_each(&network.id), "{:?}", suite.provider.calls());
        for part in PARTS {
            let begun = format!("begin {part}");
            let times = suite.provider.calls().iter().filter(|call| **call == begun).count();
            assert_eq!(times, 1, "{part}");
        }
    }

    async fn an_operation_that_the_cloud_refuses_in_the_end_is_told(suite: Suite) {
        let no = Mood::TakeOnAndRefuse(Terminal, "INVALID_SUBNET_RANGE");
        suite.provider.on_make("vpc", [Mood::TakeOnAndRefuse(Unknown, "CLOUD_ERROR"), Mood::TakeOn(1)]);
        suite.provider.on_make("subnet/a", [no]);
        let network = suite.create_in_gcp("main", "10.20.0.0/16").await;
        let failed = suite.until(&network.id, State::Failed).await;
        assert_eq!(failed.reason, "INVALID_SUBNET_RANGE");
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        assert_eq!(suite.provider.parts_of(&network.id).len(), 0);
    }

    async fn an_account_found_full_in_the_end_is_left_for_another(suite: Suite) {
        suite.provider.on_make("vpc", [Mood::TakeOnAndRefuse(Quota, "VPC_LIMIT")]);
        let network = suite.create_in_gcp("main", "10.20.0.0/16").await;
        let network = suite.until(&network.id, State::Active).await;
        assert_eq!(network.provider_account_id, "444455556666");
        assert!(suite.provider.has_one_of_each(&network.id));
    }

    async fn networks_placed_at_once_count_each_other(suite: Suite) {
        suite.provider.on_place(std::iter::repeat_n(Mood::Refuse(Quota, "NO_ROOM"), 4));
        let mut made = Vec::new();
        for n in 0..4 {
            made.push(suite.create_in_gcp(&format!("n{n}"), "10.20.0.0/16").await);
        }
        for network in &made {
            suite.until(&network.id, State::Active).await;
        }
        assert_eq!(suite.provider.counted(), [0, 1, 2, 3]);
    }

    async fn a_full_account_is_left_for_another(suite: Suite) {
        suite.provider.fill("111122223333");
        let network = suite.active("main", "10.20.0.0/16").await;
        assert_eq!(network.provider_account_id, "444455556666");
        assert!(suite.provider.has_one_of_each(&network.id));
    }

    async fn deleting_waits_for_a_create_under_way(suite: Suite) {
        suite.provider.on_make("vpc", [Mood::Hide(2)]);
        // While nothing is to be seen of the VPC, the network goes.
        suite.provider.on_look([Mood::Work, Mood::Refuse(Unavailable, "CLOUD_UNAVAILABLE")]);
        let network = suite.create("main", "10.20.0.0/16").await;
        suite.until_it(&network.id, |it| it.reason == "CLOUD_UNAVAILABLE").await;
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        assert_eq!(suite.provider.parts_of(&network.id).len(), 0, "{:?}", suite.provider.calls());
    }

    async fn deleting_survives_lost_answers_and_refusals(suite: Suite) {
        let network = suite.active("main", "10.20.0.0/16").await;
        suite.provider.on_delete([
            Mood::LoseAnswer,
            Mood::Refuse(InProgress, "NETWORK_NOT_EMPTY"),
            Mood::Refuse(Terminal, "SOME_RULE"),
        ]);
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        assert_eq!(suite.provider.parts_of(&network.id).len(), 0);
    }

    async fn a_network_that_found_no_place_goes_without_a_call(suite: Suite) {
        suite.provider.on_place(std::iter::repeat_n(Mood::Refuse(Quota, "NO_ROOM"), 100));
        let network = suite.create("main", "10.20.0.0/16").await;
        suite.until_it(&network.id, |it| it.reason == "NO_ROOM").await;
        suite.delete(&network.id).await.unwrap();
        suite.until(&network.id, State::Deleted).await;
        assert!(suite.provider.calls().iter().all(|call| call == "PlaceNetwork"));
    }

    async fn a_restart_goes_on_where_it_was(suite: Suite) {
        let mut suite = suite;
        suite.provider.on_make("subnet/c", [Mood::Refuse(Unavailable, "CLOUD_UNAVAILABLE")]);
        let network = suite.create("main", "10.20.0.0/16").await;
        suite.until_it(&network.id, |it| it.reason == "CLOUD_UNAVAILABLE").await;
        suite.restart(|_| {}).await;
        suite.until(&network.id, State::Active).await;
        assert!(suite.provider.has_one_of_each(&network.id));
    }

    async fn many_networks_are_made_side_by_side(suite: Suite) {
        let mut suite = suite;
        suite.restart(|config| config.quotas.networks = 60).await;
        let names: Vec<_> = (0..60).map(|number| (format!("n{number}"), format!("10.{}.0.0/16", 30 + number))).collect();
        let all = names.iter().map(|(name, cidr)| suite.active(name, cidr));
        let networks = futures::future::join_all(all).await;
        assert!(networks.iter().all(|network| suite.provider.has_one_of_each(&network.id)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_may_stand_in_redis_which_may_be_wiped_or_stopped() {
    let mut redis = testkit::Redis::start().await;
    let mut suite = Suite::start(testkit::postgres().await).await;
    let url = redis.url();
    suite
        .restart(|config| config.queue.redis_url = Some(url.into()))
        .await;
    suite.active("first", "10.20.0.0/16").await;
    redis.flushall();
    suite.active("wiped", "10.30.0.0/16").await;
    redis.stop();
    let network = suite.active("stopped", "10.40.0.0/16").await;
    assert!(suite.provider.has_one_of_each(&network.id));
}
