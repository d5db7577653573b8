//! A schema, and a service whose methods do what a test needs.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::uri::PathAndQuery;
use runtime::caller::Caller;
use runtime::client::Client;
use runtime::config::{ClientConfig, ServerConfig};
use runtime::server::{self, Server};
use sea_orm_migration::prelude::*;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::Service;

/// Runs a test on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($test:ident)*) => {$(
        mod $test {
            #[tokio::test]
            async fn on_sqlite() {
                super::$test(testkit::sqlite()).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                super::$test(testkit::postgres().await).await;
            }
        }
    )*};
}
pub(crate) use on_both;

/// The tables of the runtime.
pub(crate) struct Schema;

impl MigratorTrait for Schema {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            runtime::leader::migration(),
            runtime::request_ids::migration(),
            runtime::events::migration(),
            runtime::events::purge_migration(),
        ]
    }
}

/// What a method does with the caller, the `grpc-timeout` it was given and its text.
type Handler =
    Arc<dyn Fn(Call) -> BoxFuture<'static, Result<String, Status>> + Send + Sync + 'static>;

/// One call as a handler sees it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) caller: Caller,
    pub(crate) timeout: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) text: String,
}

/// The service `test.Echo`: each of its methods is answered by the handler.
#[derive(Clone)]
pub(crate) struct Echo(Handler);

impl Echo {
    pub(crate) fn new<F, Fut>(handler: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, Status>> + Send + 'static,
    {
        Self(Arc::new(move |call| Box::pin(handler(call))))
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

struct Method(String, Handler);

impl UnaryService<String> for Method {
    type Response = String;
    type Future = BoxFuture<'static, Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let header = |name: &str| {
            request
                .metadata()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let call = Call {
            method: self.0.clone(),
            caller: Caller::of(&request),
            timeout: header("grpc-timeout"),
            traceparent: header("traceparent"),
            text: request.get_ref().clone(),
        };
        let answer = (self.1)(call);
        Box::pin(async move { answer.await.map(Response::new) })
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let name = request
            .uri()
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let method = Method(name, self.0.clone());
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default());
            Ok(grpc.unary(method, request).await)
        })
    }
}

type Messages = BoxStream<'static, Result<String, Status>>;

/// What a stream is made of.
type Streamer = Arc<dyn Fn() -> BoxFuture<'static, Result<Messages, Status>> + Send + Sync>;

/// The service `test.Streams`: each of its methods is answered with a stream.
#[derive(Clone)]
pub(crate) struct Streams(Streamer);

impl Streams {
    pub(crate) fn new<F, Fut>(streamer: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Messages, Status>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(streamer())))
    }
}

impl NamedService for Streams {
    const NAME: &'static str = "test.Streams";
}

impl ServerStreamingService<String> for Streams {
    type Response = String;
    type ResponseStream = Messages;
    type Future = BoxFuture<'static, Result<Response<Messages>, Status>>;

    fn call(&mut self, _: Request<String>) -> Self::Future {
        let messages = (self.0)();
        Box::pin(async move { messages.await.map(Response::new) })
    }
}

impl Service<http::Request<Body>> for Streams {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let streams = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default());
            Ok(grpc.server_streaming(streams, request).await)
        })
    }
}

/// Calls `test.Streams`.
pub(crate) async fn stream(
    client: &Client,
    request: Request<String>,
) -> Result<Streaming<String>, Status> {
    let mut grpc = tonic::client::Grpc::new(client.clone());
    grpc.ready().await?;
    let path = PathAndQuery::from_static("/test.Streams/Stream");
    let codec = ProstCodec::<String, String>::default();
    let answer = grpc.server_streaming(request, path, codec).await?;
    Ok(answer.into_inner())
}

/// A collector that tells of each export and forgets it.
#[derive(Clone)]
pub(crate) struct Sink(mpsc::UnboundedSender<()>);

impl Sink {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<()>) {
        let (told, exports) = mpsc::unbounded_channel();
        (Self(told), exports)
    }
}

impl NamedService for Sink {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl UnaryService<()> for Sink {
    type Response = ();
    type Future = std::future::Ready<Result<Response<()>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        self.0.send(()).ok();
        std::future::ready(Ok(Response::new(())))
    }
}

impl Service<http::Request<Body>> for Sink {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let sink = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<(), ()>::default());
            Ok(grpc.unary(sink, request).await)
        })
    }
}

/// A server that runs until it is stopped or dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<Result<(), server::Error>>,
}

impl Running {
    pub(crate) async fn start(config: &ServerConfig, echo: Echo) -> Self {
        Self::run(
            Server::bind(config)
                .await
                .unwrap()
                .add_service(echo)
                .streaming(&["Stream"]),
        )
    }

    pub(crate) fn run(server: Server) -> Self {
        let (address, stop) = (server.local_addr(), CancellationToken::new());
        let served = tokio::spawn(server.serve(stop.clone()));
        Self {
            address,
            stop,
            served,
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(ClientConfig::default())
    }

    pub(crate) fn client_with(&self, config: ClientConfig) -> Client {
        let endpoint = format!("http://{}", self.address);
        runtime::client::channel("echo", &ClientConfig { endpoint, ..config }).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Calls a method of `test.Echo`.
pub(crate) async fn call(
    client: &Client,
    method: &str,
    request: Request<String>,
) -> Result<String, Status> {
    let mut grpc = tonic::client::Grpc::new(client.clone());
    grpc.ready().await?;
    let path: PathAndQuery = format!("/test.Echo/{method}").parse().unwrap();
    let codec = ProstCodec::<String, String>::default();
    grpc.unary(request, path, codec)
        .await
        .map(Response::into_inner)
}

/// Calls a method of `test.Echo` with `text`.
pub(crate) async fn say(client: &Client, method: &str, text: &str) -> Result<String, Status> {
    call(client, method, Request::new(text.to_owned())).await
}

/// Long enough for anything that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
