//! How a process ends: by a failpoint, by a signal. Each test runs itself once more as that process.

use std::process::Command;

use testkit::Process;

const CHILD: &str = "PEERWAY_TEST_CHILD";

/// This test binary, running only `test`, as a process of its own.
pub(crate) fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1");
    command
}

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

#[tokio::test]
async fn a_process_dies_at_its_failpoint_and_at_no_other() {
    if is_child() {
        runtime::failpoint::hit("elsewhere");
        eprintln!("passed elsewhere");
        runtime::failpoint::hit("here");
        eprintln!("passed here");
        return;
    }
    let test = "process::a_process_dies_at_its_failpoint_and_at_no_other";
    let process = Process::spawn(again(test).env("PEERWAY_FAILPOINT", "here"));
    process.line("passed elsewhere").await;
    process.line("failpoint here").await;
    assert!(!process.wait().await.success());
    assert!(!process.logs().contains("passed here"));
    assert!(Process::spawn(&mut again(test)).wait().await.success());
}

#[tokio::test]
async fn a_process_hears_that_it_should_end() {
    if is_child() {
        let signal = tokio::spawn(runtime::shutdown::signal());
        // The handlers stand once the task has run for the first time.
        tokio::task::yield_now().await;
        eprintln!("waiting");
        signal.await.unwrap();
        eprintln!("ending");
        return;
    }
    let process = Process::spawn(&mut again("process::a_process_hears_that_it_should_end"));
    process.line("waiting").await;
    assert!(process.terminate().await.success());
    process.line("ending").await;
}
