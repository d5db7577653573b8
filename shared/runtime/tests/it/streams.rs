//! Streams on real sockets: how long they live, and what ends them.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use runtime::config::{ClientConfig, ServerConfig};
use runtime::server::Server;
use tokio::sync::Notify;
use tonic::{Code, Request, Status};

use crate::support::{PATIENCE, Running, Streams, stream as call};

async fn serve(config: &ServerConfig, streams: Streams) -> Running {
    let server = Server::bind(config).await.unwrap();
    Running::run(server.add_service(streams).streaming(&["Stream"]))
}

#[tokio::test]
async fn a_stream_outlives_every_limit_of_calls_and_connections() {
    let short = Duration::from_millis(50);
    let ticks = Streams::new(move || async move {
        let ticks = stream::iter(0..10).then(move |tick| async move {
            tokio::time::sleep(short).await;
            Ok(tick.to_string())
        });
        Ok(ticks.boxed())
    });
    let config = ServerConfig {
        request_timeout: short,
        max_connection_age: short,
        keepalive: short,
        ..ServerConfig::default()
    };
    let server = serve(&config, ticks).await;
    let client = server.client_with(ClientConfig {
        timeout: short * 4,
        ..ClientConfig::default()
    });
    let client = client.streaming(&["Stream"]);
    let stream = call(&client, Request::new(String::new())).await.unwrap();
    let ticks: Vec<_> = stream.map(Result::unwrap).collect().await;
    assert_eq!(ticks.len(), 10);
}

#[tokio::test]
async fn a_stream_ends_at_the_deadline_that_its_caller_gave_it() {
    let dropped = Arc::new(Notify::new());
    let told = dropped.clone();
    let endless = Streams::new(move || {
        let guard = Guard(told.clone());
        async move {
            let rest = stream::once(async move {
                std::future::pending::<()>().await;
                drop(guard);
                Ok(String::new())
            });
            let first = stream::once(async { Ok("first".to_owned()) });
            Ok(first.chain(rest).boxed())
        }
    });
    let server = serve(&ServerConfig::default(), endless).await;
    let client = server.client().streaming(&["Stream"]);
    let mut request = Request::new(String::new());
    request.set_timeout(Duration::from_millis(300));
    let mut stream = call(&client, request).await.unwrap();
    assert_eq!(stream.message().await.unwrap().as_deref(), Some("first"));
    let ended = stream.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded, "{ended:?}");
    tokio::time::timeout(PATIENCE, dropped.notified())
        .await
        .expect("what makes the stream is dropped");
}

#[tokio::test]
async fn a_stream_that_ends_before_its_deadline_ends_as_it_does() {
    let failing = Streams::new(|| async {
        let failed = Err(Status::out_of_range("gone"));
        Ok(stream::iter([Ok("first".to_owned()), failed]).boxed())
    });
    let server = serve(&ServerConfig::default(), failing).await;
    let client = server.client().streaming(&["Stream"]);
    let mut request = Request::new(String::new());
    request.set_timeout(PATIENCE);
    let mut stream = call(&client, request).await.unwrap();
    assert_eq!(stream.message().await.unwrap().as_deref(), Some("first"));
    let ended = stream.message().await.unwrap_err();
    assert_eq!((ended.code(), ended.message()), (Code::OutOfRange, "gone"));
}

#[tokio::test]
async fn a_stream_that_is_refused_says_why_also_with_a_deadline() {
    let refusing = Streams::new(|| async { Err(Status::not_found("no such thing")) });
    let server = serve(&ServerConfig::default(), refusing).await;
    let client = server.client().streaming(&["Stream"]);
    let mut request = Request::new(String::new());
    request.set_timeout(PATIENCE);
    let refused = call(&client, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

/// Tells when it is dropped.
struct Guard(Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
