//! Clients: retries, deadlines, and what goes along with a call.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use runtime::config::{ClientConfig, ServerConfig};
use runtime::status;
use tokio::sync::mpsc;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::support::{Call, Echo, Running, call, say};

/// Fails the first `failures` calls with `code`, then answers; counts calls.
fn failing(failures: u32, code: Code) -> (Echo, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let echo = Echo::new(move |call| {
        let before = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if before < failures {
                Err(Status::new(code, "not now"))
            } else {
                Ok(call.text)
            }
        }
    });
    (echo, calls)
}

#[tokio::test]
async fn an_unavailable_callee_is_asked_again() {
    let (echo, calls) = failing(2, Code::Unavailable);
    let server = Running::start(&ServerConfig::default(), echo).await;
    assert_eq!(
        say(&server.client(), "Say", "hello").await.unwrap(),
        "hello"
    );
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn after_three_tries_the_callees_own_answer_is_given() {
    let (echo, calls) = failing(9, Code::Unavailable);
    let server = Running::start(&ServerConfig::default(), echo).await;
    let failed = say(&server.client(), "Say", "hello").await.unwrap_err();
    assert_eq!(
        (failed.code(), failed.message()),
        (Code::Unavailable, "not now")
    );
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn other_failures_are_not_asked_again() {
    for code in [
        Code::Aborted,
        Code::ResourceExhausted,
        Code::Internal,
        Code::NotFound,
    ] {
        let (echo, calls) = failing(9, code);
        let server = Running::start(&ServerConfig::default(), echo).await;
        assert_eq!(
            say(&server.client(), "Say", "hello")
                .await
                .unwrap_err()
                .code(),
            code
        );
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn streams_and_what_may_go_out_once_only_are_not_asked_again() {
    let (echo, calls) = failing(9, Code::Unavailable);
    let server = Running::start(&ServerConfig::default(), echo).await;
    let client = server.client().once(&["EnsureVpc"]).streaming(&["Stream"]);
    for (method, expected) in [("EnsureVpc", 1), ("Stream", 2)] {
        assert_eq!(
            say(&client, method, "").await.unwrap_err().code(),
            Code::Unavailable
        );
        assert_eq!(calls.load(Ordering::SeqCst), expected, "{method}");
    }
}

#[tokio::test]
async fn a_callee_that_is_away_is_named_and_found_when_it_is_back() {
    // The port was free a moment ago, so nobody answers there.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let config = ClientConfig {
        endpoint: format!("http://{address}"),
        ..ClientConfig::default()
    };
    let client = runtime::client::channel("network", &config).unwrap();
    let failed = say(&client, "Say", "hello").await.unwrap_err();
    assert_eq!(failed.code(), Code::Unavailable);
    assert_eq!(
        status::reason(&failed).as_deref(),
        Some("SERVICE_UNAVAILABLE")
    );
    let expected = format!("network service at http://{address} does not answer: ");
    assert!(
        failed.message().starts_with(&expected),
        "{}",
        failed.message()
    );
    assert!(failed.message().contains("refused"), "{}", failed.message());
    let details = failed.get_error_details();
    let outcome = details
        .error_info()
        .and_then(|info| info.metadata.get("outcome"));
    assert_eq!(
        outcome.map(String::as_str),
        Some("refused"),
        "nothing was sent"
    );

    let echo = Echo::new(|call| async move { Ok(call.text) });
    let config = ServerConfig {
        listen: address,
        ..ServerConfig::default()
    };
    let _server = Running::start(&config, echo).await;
    assert_eq!(say(&client, "Say", "hello").await.unwrap(), "hello");
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_refused_with_its_key() {
    for endpoint in ["", "localhost:7101", "ftp://localhost", "http://"] {
        let config = ClientConfig {
            endpoint: endpoint.into(),
            ..ClientConfig::default()
        };
        let refused = runtime::client::channel("network", &config)
            .unwrap_err()
            .to_string();
        assert!(refused.starts_with("network.endpoint must be"), "{refused}");
    }
}

/// A callee that takes every connection and never says a word.
struct Silent(TcpListener);

impl Silent {
    fn client(&self, timeout: Duration) -> runtime::client::Client {
        let endpoint = format!("http://{}", self.0.local_addr().unwrap());
        let config = ClientConfig {
            endpoint,
            timeout,
            ..ClientConfig::default()
        };
        runtime::client::channel("adapter", &config).unwrap()
    }
}

#[tokio::test]
async fn a_silent_callee_is_deadline_exceeded_and_named() {
    let silent = Silent(TcpListener::bind("127.0.0.1:0").unwrap());
    let client = silent
        .client(Duration::from_millis(50))
        .streaming(&["Stream"]);
    for method in ["Say", "Stream"] {
        let failed = say(&client, method, "").await.unwrap_err();
        assert_eq!(failed.code(), Code::DeadlineExceeded, "{failed:?}");
        assert!(
            failed
                .message()
                .contains("adapter service at http://127.0.0.1:"),
            "{failed:?}"
        );
    }
}

#[tokio::test]
async fn the_callee_learns_how_much_time_is_left() {
    let (seen, mut calls) = mpsc::unbounded_channel::<Call>();
    let echo = Echo::new(move |call| {
        seen.send(call).ok();
        async { Ok(String::new()) }
    });
    let server = Running::start(&ServerConfig::default(), echo).await;
    let config = ClientConfig {
        timeout: Duration::from_secs(3),
        ..ClientConfig::default()
    };
    let client = server.client_with(config).streaming(&["Stream"]);
    say(&client, "Say", "").await.unwrap();
    assert!(millis(&calls.recv().await.unwrap()) <= 3_000);

    let mut shorter = Request::new(String::new());
    shorter.set_timeout(Duration::from_millis(500));
    call(&client, "Say", shorter).await.unwrap();
    assert!(millis(&calls.recv().await.unwrap()) <= 500);

    say(&client, "Stream", "").await.unwrap();
    assert_eq!(
        calls.recv().await.unwrap().timeout,
        None,
        "a stream has no end of ours"
    );
}

fn millis(call: &Call) -> u64 {
    call.timeout
        .as_ref()
        .unwrap()
        .strip_suffix('m')
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_handlers_own_calls_inherit_its_deadline_and_request_id() {
    let (seen, mut calls) = mpsc::unbounded_channel::<Call>();
    let inner = Echo::new(move |call| {
        seen.send(call).ok();
        async { Ok(String::new()) }
    });
    let inner = Running::start(&ServerConfig::default(), inner).await;
    let downstream = inner.client();
    let outer = Echo::new(move |_| {
        let downstream = downstream.clone();
        async move { say(&downstream, "Inner", "").await }
    });
    let outer = Running::start(&ServerConfig::default(), outer).await;
    let mut request = Request::new(String::new());
    request.set_timeout(Duration::from_millis(1_500));
    request
        .metadata_mut()
        .insert("x-request-id", "abc".parse().unwrap());
    call(&outer.client(), "Outer", request).await.unwrap();
    let call = calls.recv().await.unwrap();
    assert!(millis(&call) < 1_500, "{call:?}");
    assert_eq!(call.caller.request_id_header, "abc");
}
