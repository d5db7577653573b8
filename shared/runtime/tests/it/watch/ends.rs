//! What ends a watch.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use runtime::config::ServerConfig;
use runtime::events::{Item, Pace, ShownPage, Start};
use runtime::server::Server;
use runtime::status::{self, Violations};
use testkit::TestDatabase;
use tonic::{Code, Request, Status};

use super::support::{Process, ours, patient};
use crate::support::{PATIENCE, Running, Streams, on_both, stream as call};

on_both! {
    a_client_that_does_not_read_is_too_slow_and_can_go_on
    a_stop_ends_every_watch_at_once
    a_database_that_fails_ends_the_watch_as_unavailable
    what_the_closures_refuse_ends_the_watch
    a_stopping_server_does_not_wait_for_its_watches
}

async fn a_client_that_does_not_read_is_too_slow_and_can_go_on(database: TestDatabase) {
    let pace = Pace {
        buffer: 4,
        patience: Duration::from_millis(50),
        ..patient()
    };
    let process = Process::start_with(&database, pace).await;
    let mut slow = process.watch(ours(), "").await;
    slow.snapshot().await;
    let mut other = process.watch(ours(), "").await;
    other.snapshot().await;
    for version in 1..=20 {
        process.write("peer_a", version).await;
        assert_eq!(
            other.change().await,
            ("peer_a".to_owned(), version),
            "who reads is not held up"
        );
    }
    // The stream is given up while nobody looks at it.
    process.watchers(1).await;
    let mut seen = 0;
    let ended = loop {
        match slow.try_next().await {
            Ok(_) => seen += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(seen, 4, "no more than the buffer holds");
    assert_eq!(ended.code(), Code::ResourceExhausted);
    assert_eq!(status::reason(&ended).as_deref(), Some("WATCH_TOO_SLOW"));
    let mut again = process.watch(ours(), &slow.token).await;
    for version in 5..=20 {
        assert_eq!(again.change().await, ("peer_a".to_owned(), version));
    }
}

async fn a_stop_ends_every_watch_at_once(database: TestDatabase) {
    let process = Process::start(&database).await;
    let mut following = process.watch(ours(), "").await;
    following.snapshot().await;
    process.write("peer_a", 1).await;
    following.change().await;
    process.stop.cancel();
    let ended = following.end().await;
    assert_eq!(ended.code(), Code::Unavailable);
    assert_eq!(status::reason(&ended).as_deref(), Some("SERVICE_STOPPING"));
    // Also one that begins too late.
    let late = process.watch(ours(), "").await.end().await;
    assert_eq!(late.code(), Code::Unavailable);
}

async fn a_database_that_fails_ends_the_watch_as_unavailable(database: TestDatabase) {
    let process = Process::start(&database).await;
    let mut watch = process.watch(ours(), "").await;
    watch.snapshot().await;
    process.db.clone().close().await.unwrap();
    let ended = watch.end().await;
    assert_eq!(ended.code(), Code::Unavailable);
    let reason = status::reason(&ended);
    assert_eq!(reason.as_deref(), Some("DATABASE_UNAVAILABLE"));
    let refused = process.try_watch(ours(), "", None).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unavailable);
}

async fn what_the_closures_refuse_ends_the_watch(database: TestDatabase) {
    let process = Process::start(&database).await;
    let start = || Start::asked(&mut Violations::new(), "", "watch".to_owned());
    let pages = |_| async { Err::<ShownPage<()>, _>(Status::data_loss("a row")) };
    let told = |_: String, _: Item<'_, ()>| Ok(Some(()));
    let watch = process.feed.watch(start(), ours(), pages, told).await;
    let ended = watch.unwrap().next().await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::DataLoss);
    let pages = |_| async {
        Ok(ShownPage::<()> {
            shown: Vec::new(),
            next: None,
        })
    };
    let told = |_: String, item: Item<'_, ()>| match item {
        Item::Change(_) => Err(Status::data_loss("an event")),
        _ => Ok(Some(())),
    };
    let watch = process.feed.watch(start(), ours(), pages, told).await;
    let mut watch = watch.unwrap();
    watch.next().await.unwrap().unwrap();
    process.write("peer_a", 1).await;
    let ended = watch.next().await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::DataLoss);
}

async fn a_stopping_server_does_not_wait_for_its_watches(database: TestDatabase) {
    let process = Process::start(&database).await;
    let feed = process.feed.clone();
    let watches = Streams::new(move || {
        let feed = feed.clone();
        async move {
            let start = Start::asked(&mut Violations::new(), "", "watch".to_owned());
            let nothing = |_| async {
                Ok(ShownPage::<()> {
                    shown: Vec::new(),
                    next: None,
                })
            };
            let told = |token: String, _: Item<'_, ()>| Ok(Some(token));
            feed.watch(start, ours(), nothing, told).await
        }
    });
    let config = ServerConfig {
        grace: Duration::from_secs(3_600),
        ..ServerConfig::default()
    };
    let server = Server::bind(&config).await.unwrap();
    let mut server = Running::run(server.add_service(watches).streaming(&["Stream"]));
    let client = server.client().streaming(&["Stream"]);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut watch = call(&client, Request::new(String::new())).await.unwrap();
        watch.message().await.unwrap();
        open.push(watch);
    }
    server.stop.cancel();
    process.stop.cancel();
    tokio::time::timeout(PATIENCE, &mut server.served)
        .await
        .expect("the server ends before its grace does")
        .unwrap()
        .unwrap();
    let ended: Vec<_> = stream::iter(open)
        .then(|mut watch| async move { watch.message().await.unwrap_err().code() })
        .collect()
        .await;
    assert_eq!(ended, [Code::Unavailable; 3]);
}
