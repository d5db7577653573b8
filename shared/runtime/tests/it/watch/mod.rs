//! Watches: what there is, then every change, in order and each once.

mod ends;
mod resuming;
pub(crate) mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runtime::events::Pace;
use testkit::TestDatabase;
use tokio::sync::Notify;

use crate::support::on_both;
use support::{Process, Seen, Watch, ours, patient};

on_both! {
    a_watch_shows_what_there_is_and_then_each_change_once
    a_change_during_the_snapshot_is_told_after_it_and_once
    the_end_of_a_snapshot_does_not_lead_past_a_change_that_is_still_to_come
    a_watch_tells_of_its_tenant_and_resource_only
    a_silent_stream_has_heartbeats_also_while_others_are_busy
    each_watcher_of_a_process_hears_everything
    writers_at_the_same_time_are_told_in_one_order_and_each_once
    a_watcher_that_fell_behind_misses_nothing
}

async fn a_watch_shows_what_there_is_and_then_each_change_once(database: TestDatabase) {
    let process = Process::start(&database).await;
    process.write("peer_a", 1).await;
    process.write("peer_a", 2).await;
    process.write("peer_b", 1).await;
    let mut watch = process.watch(ours(), "").await;
    let (shown, _) = watch.snapshot().await;
    assert_eq!(shown, [("peer_a".to_owned(), 2), ("peer_b".to_owned(), 1)]);
    for (resource, version) in [("peer_b", 2), ("peer_c", 1), ("peer_a", 3)] {
        process.write(resource, version).await;
        assert_eq!(watch.change().await, (resource.to_owned(), version));
    }
}

async fn a_change_during_the_snapshot_is_told_after_it_and_once(database: TestDatabase) {
    let process = Process::start(&database).await;
    process.write("peer_a", 1).await;
    process.write("peer_b", 1).await;
    let (paused, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gate = (paused.clone(), go_on.clone());
    let mut watch = process.watch_in_pages(ours(), "", Some(gate)).await;
    // One resource is shown and the other not yet when both change.
    paused.notified().await;
    process.write("peer_a", 2).await;
    process.write("peer_b", 2).await;
    go_on.notify_one();
    let (shown, complete) = watch.snapshot().await;
    assert_eq!(shown, [("peer_a".to_owned(), 1), ("peer_b".to_owned(), 2)]);
    let (seen, token) = watch.next().await;
    assert!(matches!(seen, Seen::Change { ref id, version: 2, .. } if id == "peer_a"));
    process.write("peer_b", 3).await;
    assert_eq!(watch.change().await, ("peer_b".to_owned(), 3));
    // Nobody but that stream knows that its snapshot had the change of peer_b, so these tokens start over.
    for token in [complete, token] {
        let mut again = process.watch(ours(), &token).await;
        let (shown, _) = again.snapshot().await;
        assert_eq!(shown, [("peer_a".to_owned(), 2), ("peer_b".to_owned(), 3)]);
    }
    let mut again = process.watch(ours(), &watch.token).await;
    process.write("peer_a", 3).await;
    assert_eq!(again.change().await, ("peer_a".to_owned(), 3));
}

async fn the_end_of_a_snapshot_does_not_lead_past_a_change_that_is_still_to_come(
    database: TestDatabase,
) {
    let process = Process::start(&database).await;
    process.write("peer_a", 1).await;
    process.write("peer_b", 1).await;
    let (paused, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let gate = (paused.clone(), go_on.clone());
    let mut watch = process.watch_in_pages(ours(), "", Some(gate)).await;
    paused.notified().await;
    process.write("peer_a", 2).await;
    go_on.notify_one();
    let (shown, complete) = watch.snapshot().await;
    assert_eq!(shown, [("peer_a".to_owned(), 1), ("peer_b".to_owned(), 1)]);
    // A client that was cut off here has not been told of the change.
    let mut again = process.watch(ours(), &complete).await;
    let (shown, _) = again.snapshot().await;
    assert_eq!(shown, [("peer_a".to_owned(), 2), ("peer_b".to_owned(), 1)]);
}

async fn a_watch_tells_of_its_tenant_and_resource_only(database: TestDatabase) {
    let process = Process::start(&database).await;
    for tenant in ["acme", "globex"] {
        process.write_of(tenant, &format!("{tenant}_a"), 1).await;
        process.write_of(tenant, &format!("{tenant}_b"), 1).await;
    }
    let mut acme = process.watch(ours(), "").await;
    let mut one = ours();
    one.resource_id = Some("acme_b".into());
    let mut one = process.watch(one, "").await;
    let mut all = ours();
    all.scope = "-".parse().unwrap();
    let mut all = process.watch(all, "").await;
    assert_eq!(acme.snapshot().await.0.len(), 2);
    assert_eq!(one.snapshot().await.0, [("acme_b".to_owned(), 1)]);
    assert_eq!(all.snapshot().await.0.len(), 4);
    for tenant in ["globex", "acme"] {
        process.write_of(tenant, &format!("{tenant}_a"), 2).await;
        process.write_of(tenant, &format!("{tenant}_b"), 2).await;
    }
    assert_eq!(acme.change().await, ("acme_a".to_owned(), 2));
    assert_eq!(acme.change().await, ("acme_b".to_owned(), 2));
    assert_eq!(one.change().await, ("acme_b".to_owned(), 2));
    for id in ["globex_a", "globex_b", "acme_a", "acme_b"] {
        assert_eq!(all.change().await, (id.to_owned(), 2));
    }
}

async fn a_silent_stream_has_heartbeats_also_while_others_are_busy(database: TestDatabase) {
    let pace = Pace {
        heartbeat: Duration::from_millis(20),
        ..patient()
    };
    let process = Process::start_with(&database, pace).await;
    let mut watch = process.watch(ours(), "").await;
    watch.snapshot().await;
    let mut version = 0;
    let token = loop {
        version += 1;
        process.write_of("globex", "globex_a", version).await;
        if let (Seen::Heartbeat, token) = watch.next().await
            && version > 3
        {
            break token;
        }
    };
    // The token has moved along with what the watch does not tell.
    process.write("peer_a", 1).await;
    let mut again = process.watch(ours(), &token).await;
    assert_eq!(again.change().await, ("peer_a".to_owned(), 1));
}

async fn each_watcher_of_a_process_hears_everything(database: TestDatabase) {
    let process = Process::start(&database).await;
    let mut watches = Vec::new();
    for version in 1..=20 {
        // They come while events come.
        process.write("peer_a", version).await;
        watches.push((version, process.watch(ours(), "").await));
    }
    for (version, watch) in &mut watches {
        let (shown, _) = watch.snapshot().await;
        let [(_, shown)] = shown.as_slice() else {
            panic!("{shown:?}")
        };
        assert!(shown >= version);
        for next in shown + 1..=20 {
            assert_eq!(watch.change().await, ("peer_a".to_owned(), next));
        }
    }
}

async fn writers_at_the_same_time_are_told_in_one_order_and_each_once(database: TestDatabase) {
    const WRITERS: usize = 6;
    const VERSIONS: i64 = 30;
    let first = Arc::new(Process::start(&database).await);
    // A second replica: its own connections, its own reader of the log.
    let second = Arc::new(Process::join(&database).await);
    let mut watches = [
        first.watch(ours(), "").await,
        second.watch(ours(), "").await,
    ];
    for watch in &mut watches {
        assert_eq!(watch.snapshot().await.0, []);
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let process = if writer % 2 == 0 { &first } else { &second };
            let process = process.clone();
            tokio::spawn(async move {
                for version in 1..=VERSIONS {
                    process.write(&format!("peer_{writer}"), version).await;
                }
            })
        })
        .collect();
    let [mut here, mut there] = watches;
    let (mut versions, mut order): (BTreeMap<String, i64>, Vec<i64>) = Default::default();
    for count in 0..WRITERS as i64 * VERSIONS {
        if count % 25 == 24 {
            // A client that loses its connection goes on at the other replica.
            let process = if count % 50 == 24 { &second } else { &first };
            here = process.watch(ours(), &here.token).await;
        }
        let (seen, _) = here.next().await;
        let Seen::Change { seq, id, version } = seen else {
            panic!("{seen:?}")
        };
        assert_eq!(seen_again(&mut there).await, (seq, id.clone(), version));
        let before = versions.insert(id, version).unwrap_or_default();
        assert_eq!(version, before + 1, "a resource's changes come in order");
        order.push(seq);
    }
    assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(versions.values().all(|version| *version == VERSIONS));
}

async fn seen_again(watch: &mut Watch) -> (i64, String, i64) {
    match watch.next().await.0 {
        Seen::Change { seq, id, version } => (seq, id, version),
        other => panic!("{other:?}"),
    }
}

async fn a_watcher_that_fell_behind_misses_nothing(database: TestDatabase) {
    // Many more than a process keeps for those who are behind.
    const EVENTS: i64 = 3_000;
    let process = Process::start(&database).await;
    let mut slow = process.watch(ours(), "").await;
    slow.snapshot().await;
    let mut quick = process.watch(ours(), "").await;
    quick.snapshot().await;
    process.write_many("peer_a", 1..=EVENTS).await;
    for watch in [&mut quick, &mut slow] {
        for version in 1..=EVENTS {
            assert_eq!(watch.change().await, ("peer_a".to_owned(), version));
        }
    }
}
