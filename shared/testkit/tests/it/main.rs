//! The kit itself: what tests rely on without a second thought.

#![allow(
    clippy::unwrap_used,
    reason = "the lint knows test functions, not their helpers"
)]

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use testkit::{Process, Redis, TestDatabase};

#[tokio::test]
async fn every_test_has_a_database_of_its_own() {
    for (one, other) in [
        (testkit::sqlite(), testkit::sqlite()),
        (testkit::postgres().await, testkit::postgres().await),
    ] {
        for database in [&one, &other] {
            let db = database.connect().await;
            db.write()
                .execute_unprepared("CREATE TABLE mine (x BIGINT)")
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_goes_with_its_test() {
    let database: TestDatabase = testkit::postgres().await;
    let config = database.config();
    // An open connection must not keep it.
    let _db = database.connect().await;
    drop(database);
    let again = runtime::db::Db::connect(&config, runtime::clock::Clock::system()).await;
    assert!(again.unwrap_err().to_string().contains("does not exist"));
}

/// Whether Redis answers `PING` within a moment.
fn answers(redis: &Redis) -> bool {
    use std::io::{Read, Write};
    let address = redis.url().replace("redis://", "").parse().unwrap();
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else {
        return false;
    };
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    stream.read(&mut [0; 16]).is_ok_and(|read| read > 0)
}

#[tokio::test]
async fn a_redis_can_be_stopped_started_wiped_and_frozen() {
    let mut redis = Redis::start().await;
    let url = redis.url();
    assert!(answers(&redis));
    redis.flushall();
    redis.pause();
    assert!(!answers(&redis));
    redis.resume();
    assert!(answers(&redis));
    redis.stop();
    assert!(!answers(&redis));
    redis.start_again().await;
    assert!(answers(&redis));
    assert_eq!(redis.url(), url);
}

fn shell(script: &str) -> Process {
    Process::spawn(Command::new("sh").args(["-c", script]))
}

#[tokio::test]
async fn a_process_is_read_while_it_runs_and_its_end_is_told() {
    let process = shell("echo one; echo two >&2; sleep 0.1; echo three; exit 3");
    assert_eq!(process.line("two").await, "two");
    assert!(process.is_running());
    assert_eq!(process.line("three").await, "three");
    assert_eq!(process.wait().await.code(), Some(3));
    assert!(!process.is_running());
    assert!(process.logs().contains("one"));
}

#[tokio::test]
async fn a_process_can_be_asked_to_end_and_killed() {
    let polite = shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done");
    polite.line("up").await;
    assert!(polite.terminate().await.success());
    assert!(polite.logs().contains("bye"));

    let stubborn = shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
    stubborn.line("up").await;
    stubborn.kill().await;
    assert_eq!(stubborn.wait().await.signal(), Some(9));
}

#[tokio::test]
#[should_panic(expected = "ended without saying \"never\"")]
async fn waiting_for_a_line_ends_with_the_process() {
    shell("echo something else").line("never").await;
}

#[test]
#[should_panic(expected = "run make build")]
fn a_program_that_is_not_built_says_how_to_build_it() {
    testkit::binary("no-such-program");
}
