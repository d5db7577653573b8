//! Going on behind a token.

use testkit::TestDatabase;
use tonic::Code;

use super::support::{Process, Seen, Watch, ours, patient};
use crate::support::on_both;

on_both! {
    a_stream_goes_on_behind_its_token_without_a_snapshot
    a_token_of_a_process_that_ended_is_good_for_its_successor
    a_token_within_the_snapshot_starts_over
    a_token_answers_no_other_question
    a_token_whose_events_are_gone_is_too_old
    a_token_of_another_past_of_the_database_is_too_old
    a_purge_of_what_lies_before_the_token_does_not_matter
}

async fn a_stream_goes_on_behind_its_token_without_a_snapshot(database: TestDatabase) {
    let process = Process::start(&database).await;
    process.write("peer_a", 1).await;
    let mut watch = process.watch(ours(), "").await;
    let (_, complete) = watch.snapshot().await;
    process.write("peer_a", 2).await;
    let (_, second) = watch.next().await;
    drop(watch);
    process.write("peer_a", 3).await;
    for (token, from) in [(&complete, 2), (&second, 3)] {
        let mut again = process.watch(ours(), token).await;
        for version in from..=3 {
            assert_eq!(again.change().await, ("peer_a".to_owned(), version));
        }
    }
    let mut again = process.watch(ours(), &second).await;
    again.change().await;
    // The token of the very last event stands for the end of the log.
    let mut last = process.watch(ours(), &again.token).await;
    process.write("peer_a", 4).await;
    assert_eq!(last.change().await, ("peer_a".to_owned(), 4));
}

async fn a_token_of_a_process_that_ended_is_good_for_its_successor(database: TestDatabase) {
    let process = Process::start(&database).await;
    let mut watch = process.watch(ours(), "").await;
    let (shown, _) = watch.snapshot().await;
    assert_eq!(shown, []);
    process.write("peer_a", 1).await;
    watch.change().await;
    process.write("peer_a", 2).await;
    process.numbered(2).await;
    process.end().await;
    let process = Process::join(&database).await;
    process.write("peer_a", 3).await;
    let mut watch = process.watch(ours(), &watch.token).await;
    assert_eq!(watch.change().await, ("peer_a".to_owned(), 2));
    assert_eq!(watch.change().await, ("peer_a".to_owned(), 3));
}

async fn a_token_within_the_snapshot_starts_over(database: TestDatabase) {
    let process = Process::start(&database).await;
    process.write("peer_a", 1).await;
    process.write("peer_b", 1).await;
    let mut watch = process.watch(ours(), "").await;
    let (_, token) = watch.next().await;
    let mut again = process.watch(ours(), &token).await;
    assert_eq!(again.snapshot().await.0.len(), 2);
}

async fn a_token_answers_no_other_question(database: TestDatabase) {
    let process = Process::start(&database).await;
    let mut watch = process.watch(ours(), "").await;
    let (_, token) = watch.snapshot().await;
    let mut all = ours();
    all.scope = "-".parse().unwrap();
    let mut one = ours();
    one.resource_id = Some("peer_a".into());
    let cut = &token[..token.len() - 2];
    let cases = [
        (all, token.as_str()),
        (one, token.as_str()),
        (ours(), "x"),
        (ours(), cut),
    ];
    for (question, token) in cases {
        let refused = process
            .try_watch(question, token, None)
            .await
            .err()
            .unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with("resume_token: "), "{refused}");
    }
}

/// A stream that has seen three events, and its token after each.
async fn three(process: &Process) -> (Watch, [String; 3]) {
    let mut watch = process.watch(ours(), "").await;
    watch.snapshot().await;
    process.write_many("peer_a", 1..=3).await;
    let mut tokens = [const { String::new() }; 3];
    for token in &mut tokens {
        *token = watch.next().await.1;
    }
    (watch, tokens)
}

async fn is_too_old(process: &Process, token: &str) -> bool {
    match process.try_watch(ours(), token, None).await {
        Ok(_) => false,
        Err(status) => {
            assert_eq!(status.code(), Code::OutOfRange);
            let reason = runtime::status::reason(&status);
            assert_eq!(reason.as_deref(), Some("RESUME_TOKEN_TOO_OLD"));
            true
        }
    }
}

async fn a_token_whose_events_are_gone_is_too_old(database: TestDatabase) {
    let process = Process::start(&database).await;
    let (_, [first, second, third]) = three(&process).await;
    process.execute("DELETE FROM event WHERE seq <= 2").await;
    assert!(is_too_old(&process, &first).await);
    assert!(!is_too_old(&process, &second).await);
    assert!(!is_too_old(&process, &third).await);
    // A hole further on shows when the stream comes to it.
    process.write_many("peer_a", 4..=6).await;
    process.numbered(6).await;
    process.execute("DELETE FROM event WHERE seq = 5").await;
    let mut watch = process.watch(ours(), &third).await;
    assert_eq!(watch.change().await, ("peer_a".to_owned(), 4));
    assert_eq!(watch.end().await.code(), Code::OutOfRange);
}

async fn a_token_of_another_past_of_the_database_is_too_old(database: TestDatabase) {
    let mut process = Process::idle(&database, patient()).await;
    process.run();
    let (_, tokens) = three(&process).await;
    // A copy from before the third event comes back.
    process.execute("DELETE FROM event WHERE seq = 3").await;
    process
        .execute(
            "UPDATE sequencer SET last_seq = 2, last_hash = (SELECT hash FROM event WHERE seq = 2)",
        )
        .await;
    assert!(is_too_old(&process, &tokens[2]).await);
    assert!(!is_too_old(&process, &tokens[1]).await);
    // It grows as long again, and longer, with other events.
    for version in 3..=4 {
        process.write("peer_b", version).await;
        process.numbered(version).await;
        assert!(is_too_old(&process, &tokens[2]).await);
    }
    let mut watch = process.watch(ours(), &tokens[1]).await;
    assert_eq!(watch.change().await, ("peer_b".to_owned(), 3));
}

async fn a_purge_of_what_lies_before_the_token_does_not_matter(database: TestDatabase) {
    let process = Process::start(&database).await;
    let (mut watch, [_, _, third]) = three(&process).await;
    process.execute("DELETE FROM event").await;
    assert!(!is_too_old(&process, &third).await);
    process.write("peer_a", 4).await;
    assert_eq!(watch.change().await, ("peer_a".to_owned(), 4));
    let mut fresh = process.watch(ours(), "").await;
    assert_eq!(fresh.snapshot().await.0, [("peer_a".to_owned(), 4)]);
}

#[tokio::test]
async fn what_a_snapshot_showed_before_it_had_its_number_is_not_told_again() {
    let database = testkit::postgres().await;
    // Nobody numbers yet.
    let mut process = Process::idle(&database, patient()).await;
    process.write_many("peer_a", 1..=3).await;
    let mut watch = process.watch(ours(), "").await;
    assert_eq!(watch.next().await.0, Seen::Snapshot("peer_a".to_owned(), 3));
    process.run();
    let (rest, complete) = watch.snapshot().await;
    assert_eq!(rest, []);
    process.write("peer_a", 4).await;
    assert_eq!(watch.change().await, ("peer_a".to_owned(), 4));
    // Nor after the snapshot's last token.
    let mut again = process.watch(ours(), &complete).await;
    assert_eq!(again.change().await, ("peer_a".to_owned(), 4));
}
