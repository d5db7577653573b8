//! The server: deadlines, limits, health, reflection, and how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::config::{ClientConfig, ServerConfig};
use runtime::server::{Server, ServingStatus};
use runtime::status;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::support::{Echo, PATIENCE, Running, call, say};

fn echo() -> Echo {
    Echo::new(|call| async move { Ok(call.text) })
}

/// A handler that never answers, and a signal when it was dropped.
fn hanging() -> (Echo, Arc<Notify>) {
    struct Tell(Arc<Notify>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let dropped = Arc::new(Notify::new());
    let tell = dropped.clone();
    let echo = Echo::new(move |_| {
        let tell = Tell(tell.clone());
        async move {
            std::future::pending::<()>().await;
            drop(tell);
            Ok(String::new())
        }
    });
    (echo, dropped)
}

#[tokio::test]
async fn a_call_is_answered_and_its_caller_known() {
    let echo = Echo::new(|call| async move {
        let caller = call.caller;
        Ok(format!(
            "{} {} {}",
            caller.principal,
            caller.request_id_header,
            caller.trace_id.len()
        ))
    });
    let server = Running::start(&ServerConfig::default(), echo).await;
    let mut request = Request::new(String::new());
    request
        .metadata_mut()
        .insert("x-request-id", "abc".parse().unwrap());
    let answer = call(&server.client(), "Whoami", request).await.unwrap();
    assert_eq!(answer, "anonymous abc 32");
}

#[tokio::test]
async fn a_call_past_the_longest_time_is_deadline_exceeded_and_its_work_ends() {
    let (echo, dropped) = hanging();
    let config = ServerConfig {
        request_timeout: Duration::from_millis(50),
        ..ServerConfig::default()
    };
    let server = Running::start(&config, echo).await;
    let failed = say(&server.client(), "Hang", "").await.unwrap_err();
    assert_eq!(failed.code(), Code::DeadlineExceeded);
    assert_eq!(
        status::reason(&failed).as_deref(),
        Some("DEADLINE_EXCEEDED")
    );
    tokio::time::timeout(PATIENCE, dropped.notified())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_callers_own_deadline_is_honoured_by_the_server() {
    let (echo, dropped) = hanging();
    let server = Running::start(&ServerConfig::default(), echo).await;
    // A plain channel, as of a foreign client, which sends the header and waits on.
    let endpoint = format!("http://{}", server.address);
    let channel = tonic::transport::Channel::from_shared(endpoint)
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let mut request = Request::new(String::new());
    request.set_timeout(Duration::from_millis(100));
    let path = "/test.Echo/Hang".parse().unwrap();
    let codec = tonic_prost::ProstCodec::<String, String>::default();
    let failed = client.unary(request, path, codec).await.unwrap_err();
    // tonic's own client may say CANCELLED at the same moment; the server's work has ended either way.
    assert!(
        matches!(failed.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{failed:?}"
    );
    tokio::time::timeout(PATIENCE, dropped.notified())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_method_that_streams_has_no_deadline() {
    let gate = Arc::new(Semaphore::new(0));
    let (started, mut begun) = mpsc::channel(2);
    let inside = gate.clone();
    let echo = Echo::new(move |call| {
        let (inside, started) = (inside.clone(), started.clone());
        async move {
            started.send(()).await.ok();
            inside.acquire().await.unwrap().forget();
            Ok(call.method)
        }
    });
    let config = ServerConfig {
        request_timeout: Duration::from_millis(50),
        ..ServerConfig::default()
    };
    let server = Running::start(&config, echo).await;
    let client = server.client();
    let stream = tokio::spawn({
        let client = client.clone();
        async move { say(&client, "Stream", "").await }
    });
    begun.recv().await.unwrap();
    // By the time this one is over, the stream is older than the deadline.
    assert_eq!(
        say(&client, "Unary", "").await.unwrap_err().code(),
        Code::DeadlineExceeded
    );
    gate.add_permits(1);
    assert_eq!(stream.await.unwrap().unwrap(), "Stream");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_server_goes_on() {
    let echo = Echo::new(|call| async move {
        assert!(call.text != "boom", "the handler's own secret");
        Ok(call.text)
    });
    let server = Running::start(&ServerConfig::default(), echo).await;
    let failed = say(&server.client(), "Say", "boom").await.unwrap_err();
    assert_eq!(failed.code(), Code::Internal);
    assert!(!failed.message().contains("secret"));
    assert_eq!(
        say(&server.client(), "Say", "still there").await.unwrap(),
        "still there"
    );
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let config = ServerConfig {
        max_request_bytes: 1_000,
        ..ServerConfig::default()
    };
    let server = Running::start(&config, echo()).await;
    let client = server.client();
    let fits = "x".repeat(990);
    assert_eq!(say(&client, "Say", &fits).await.unwrap(), fits);
    let failed = say(&client, "Say", &"x".repeat(2_000)).await.unwrap_err();
    assert_eq!(failed.code(), Code::ResourceExhausted);
    assert_eq!(
        status::reason(&failed).as_deref(),
        Some("REQUEST_TOO_LARGE")
    );
}

#[tokio::test]
async fn a_connection_above_the_limit_is_closed_and_its_place_comes_back() {
    let config = ServerConfig {
        max_connections_per_address: 1,
        ..ServerConfig::default()
    };
    let server = Running::start(&config, echo()).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    // HTTP/2 servers speak first: who hears something has a place.
    assert_ne!(first.read(&mut [0; 1]).await.unwrap(), 0);
    let mut second = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(
        second.read(&mut [0; 1]).await.unwrap_or(0),
        0,
        "closed at once"
    );
    drop(first);
    let served = async { while say(&server.client(), "Say", "hello").await.is_err() {} };
    tokio::time::timeout(PATIENCE, served).await.unwrap();
}

#[tokio::test]
async fn health_follows_the_checks_and_the_services_follow_the_empty_name() {
    let database = Arc::new(AtomicBool::new(false));
    let asked = database.clone();
    let server = Server::bind(&ServerConfig::default())
        .await
        .unwrap()
        .add_service(echo())
        .health_check("", move || {
            let works = asked.load(Ordering::SeqCst);
            async move { works }
        })
        .health_check("redis", || async { true });
    let server = Running::run(server);
    let mut health = HealthClient::new(server.client());
    let check = |name: &str| HealthCheckRequest {
        service: name.into(),
    };
    assert_eq!(
        health.check(check("")).await.unwrap().into_inner().status,
        ServingStatus::NotServing as i32
    );
    let mut health = HealthClient::new(server.client().streaming(&["Watch"]));
    for (name, works) in [("redis", true), ("", false), ("test.Echo", false)] {
        wait_for(&mut health, name, works).await;
    }
    database.store(true, Ordering::SeqCst);
    wait_for(&mut health, "", true).await;
    wait_for(&mut health, "test.Echo", true).await;
    database.store(false, Ordering::SeqCst);
    wait_for(&mut health, "", false).await;
    let unknown = health.check(check("nobody")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

/// Watches the health of `name` until it is as expected.
async fn wait_for(health: &mut HealthClient<runtime::client::Client>, name: &str, works: bool) {
    let expected = if works {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    let request = HealthCheckRequest {
        service: name.into(),
    };
    let mut watch = health.watch(request).await.unwrap().into_inner();
    let seen = async { while watch.message().await.unwrap().unwrap().status != expected as i32 {} };
    tokio::time::timeout(PATIENCE, seen).await.unwrap();
}

#[tokio::test]
async fn reflection_tells_the_contracts_unless_the_settings_forbid_it() {
    let list = async |reflection: bool| -> Result<ServerReflectionResponse, Status> {
        let config = ServerConfig {
            reflection,
            ..ServerConfig::default()
        };
        let server = Server::bind(&config).await.unwrap().add_service(echo());
        let server = Running::run(
            server
                .reflection(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .unwrap(),
        );
        let client = server.client().streaming(&["ServerReflectionInfo"]);
        let request = ServerReflectionRequest {
            message_request: Some(MessageRequest::ListServices(String::new())),
            ..ServerReflectionRequest::default()
        };
        let asked = ServerReflectionClient::new(client)
            .server_reflection_info(tokio_stream::iter([request]))
            .await?;
        Ok(asked.into_inner().message().await?.unwrap())
    };
    let answer = list(true).await.unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(services) = answer else {
        panic!("{answer:?}")
    };
    let names: Vec<_> = services.service.into_iter().map(|one| one.name).collect();
    assert!(
        names.contains(&"grpc.health.v1.Health".to_owned()),
        "{names:?}"
    );
    assert_eq!(list(false).await.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_stop_lets_running_calls_finish() {
    let gate = Arc::new(Notify::new());
    let (started, mut begun) = mpsc::channel(1);
    let inside = gate.clone();
    let echo = Echo::new(move |_| {
        let (inside, started) = (inside.clone(), started.clone());
        async move {
            started.send(()).await.ok();
            inside.notified().await;
            Ok("done".to_owned())
        }
    });
    let mut server = Running::start(&ServerConfig::default(), echo).await;
    let client = server.client();
    let running = tokio::spawn(async move { say(&client, "Wait", "").await });
    begun.recv().await.unwrap();
    server.stop.cancel();
    let refused = async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused)
        .await
        .expect("new connections are refused");
    gate.notify_one();
    assert_eq!(running.await.unwrap().unwrap(), "done");
    tokio::time::timeout(PATIENCE, &mut server.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_call_that_outlives_the_grace_is_cut_off() {
    let (echo, dropped) = hanging();
    let config = ServerConfig {
        grace: Duration::from_millis(50),
        ..ServerConfig::default()
    };
    let mut server = Running::start(&config, echo).await;
    let config = ClientConfig {
        timeout: Duration::from_secs(60),
        ..ClientConfig::default()
    };
    let client = server.client_with(config).once(&["Hang"]);
    let running = tokio::spawn(async move { say(&client, "Hang", "").await });
    // The connection stands once the handler has been reached; an idle server would just end.
    tokio::time::timeout(PATIENCE, async {
        while running.is_finished() || !connected(&server).await {}
    })
    .await
    .unwrap();
    server.stop.cancel();
    tokio::time::timeout(PATIENCE, &mut server.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    tokio::time::timeout(PATIENCE, dropped.notified())
        .await
        .unwrap();
    assert_eq!(
        running.await.unwrap().unwrap_err().code(),
        Code::Unavailable
    );
}

/// A call of another method went through, so the one sent before it did too.
async fn connected(server: &Running) -> bool {
    let mut health = HealthClient::new(server.client());
    health.check(HealthCheckRequest::default()).await.is_ok()
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let server = Server::bind(&ServerConfig::default()).await.unwrap();
    let config = ServerConfig {
        listen: server.local_addr(),
        ..ServerConfig::default()
    };
    let refused = Server::bind(&config).await.err().unwrap().to_string();
    assert!(
        refused.starts_with("server.listen: ") && refused.contains("127.0.0.1"),
        "{refused}"
    );
}
