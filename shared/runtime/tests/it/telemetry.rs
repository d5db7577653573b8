//! Traces over services and to a collector. Telemetry is set up once per process: where a test depends on
//! its own settings, it runs itself once more as a process of its own.

use runtime::config::{ServerConfig, TelemetryConfig};
use runtime::server::Server;
use runtime::telemetry;
use testkit::Process;
use tonic::Request;

use crate::process::{again, is_child};
use crate::support::{Echo, PATIENCE, Running, Sink, call, say};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Runs `test` as a process of its own.
async fn alone(test: &str) {
    let process = Process::spawn(&mut again(test));
    assert!(process.wait().await.success(), "{}", process.logs());
}

fn quiet() -> TelemetryConfig {
    TelemetryConfig {
        level: "off".into(),
        ..TelemetryConfig::default()
    }
}

#[tokio::test]
async fn a_trace_goes_on_through_every_service_it_passes() {
    if !is_child() {
        return alone("telemetry::a_trace_goes_on_through_every_service_it_passes").await;
    }
    let _guard = telemetry::init(&quiet(), "test").unwrap();
    let again = telemetry::init(&quiet(), "test");
    assert!(
        again.is_ok(),
        "standalone sets it up for each of its services"
    );

    let inner = Echo::new(|call| async move { Ok(call.traceparent.unwrap_or_default()) });
    let inner = Running::start(&ServerConfig::default(), inner).await;
    let downstream = inner.client();
    let outer = Echo::new(move |call| {
        let downstream = downstream.clone();
        async move {
            assert_eq!(telemetry::trace_id(), call.caller.trace_id);
            assert_eq!(telemetry::traceparent(), call.caller.traceparent);
            let seen = say(&downstream, "Inner", "").await?;
            Ok(format!(
                "{} {seen}",
                call.caller.traceparent.unwrap_or_default()
            ))
        }
    });
    let outer = Running::start(&ServerConfig::default(), outer).await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let channel = tonic::transport::Channel::from_shared(format!("http://{}", outer.address));
    let mut foreign = tonic::client::Grpc::new(channel.unwrap().connect().await.unwrap());
    foreign.ready().await.unwrap();
    let mut request = Request::new(String::new());
    request
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    let codec = tonic_prost::ProstCodec::<String, String>::default();
    let path = "/test.Echo/Outer".parse().unwrap();
    let answer = foreign
        .unary(request, path, codec)
        .await
        .unwrap()
        .into_inner();
    let spans: Vec<&str> = answer.split(' ').collect();
    assert_eq!(spans.len(), 2);
    for span in &spans {
        assert!(span.starts_with(&format!("00-{TRACE}-")), "{answer}");
    }
    assert!(
        spans[0] != spans[1] && !spans.contains(&parent.as_str()),
        "{answer}"
    );
}

#[tokio::test]
async fn a_collector_that_is_away_stops_nothing() {
    if !is_child() {
        return alone("telemetry::a_collector_that_is_away_stops_nothing").await;
    }
    let config = TelemetryConfig {
        otlp_endpoint: Some("http://127.0.0.1:1".into()),
        ..quiet()
    };
    let guard = telemetry::init(&config, "test").unwrap();
    let echo = Echo::new(|call| async move { Ok(call.text) });
    let server = Running::start(&ServerConfig::default(), echo).await;
    let answer = call(&server.client(), "Say", Request::new("hello".into())).await;
    assert_eq!(answer.unwrap(), "hello");
    drop(guard);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_the_collector_at_the_latest_when_the_process_ends() {
    const COLLECTOR: &str = "PEERWAY_TEST_COLLECTOR";
    if is_child() {
        let otlp_endpoint = std::env::var(COLLECTOR).ok();
        let config = TelemetryConfig {
            otlp_endpoint,
            ..quiet()
        };
        let guard = telemetry::init(&config, "test").unwrap();
        tracing::info_span!("work").in_scope(|| assert_eq!(telemetry::trace_id().len(), 32));
        return drop(guard);
    }
    let (sink, mut exports) = Sink::new();
    let server = Running::run(
        Server::bind(&ServerConfig::default())
            .await
            .unwrap()
            .add_service(sink),
    );
    let test = "telemetry::spans_reach_the_collector_at_the_latest_when_the_process_ends";
    let collector = format!("http://{}", server.address);
    let process = Process::spawn(again(test).env(COLLECTOR, collector));
    assert!(process.wait().await.success(), "{}", process.logs());
    tokio::time::timeout(PATIENCE, exports.recv())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_with_their_key() {
    let level = TelemetryConfig {
        level: "a=b=c".into(),
        ..quiet()
    };
    let refused = telemetry::init(&level, "test").unwrap_err().to_string();
    assert!(refused.starts_with("telemetry.level: "), "{refused}");
    let ratio = TelemetryConfig {
        sample_ratio: 2.0,
        ..quiet()
    };
    let refused = telemetry::init(&ratio, "test").unwrap_err().to_string();
    assert!(
        refused.starts_with("telemetry.sample_ratio must"),
        "{refused}"
    );
}
