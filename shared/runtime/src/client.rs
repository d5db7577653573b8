//! Calls to the other services: connected when needed, bounded in time, retried where that is safe, in
//! the trace and under the request id of the call that causes them.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use prost::bytes::Bytes;
use rand::RngExt;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, TimeoutExpired};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::{Service, ServiceExt};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::config::ClientConfig;
use crate::scope::Scope;
use crate::{deadline, status, telemetry};

const TRIES: u32 = 3;
/// The mean pause before the second try; it doubles before the third.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{name}.endpoint must be http://host:port, not {endpoint:?}")]
pub struct Error {
    name: &'static str,
    endpoint: String,
}

/// A client of one service; the transport of a generated client, such as `NetworkServiceClient<Client>`.
/// Clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    callee: Arc<Callee>,
}

#[derive(Clone, Debug)]
struct Callee {
    name: &'static str,
    endpoint: String,
    timeout: Duration,
    streaming: Vec<&'static str>,
    once: Vec<&'static str>,
}

/// A client of the service called `name` (as messages call it: "network"). Connects at the first call.
pub fn channel(name: &'static str, config: &ClientConfig) -> Result<Client, Error> {
    let error = || Error {
        name,
        endpoint: config.endpoint.clone(),
    };
    let is_http = config.endpoint.starts_with("http://") || config.endpoint.starts_with("https://");
    let endpoint = Endpoint::from_shared(config.endpoint.clone()).map_err(|_| error())?;
    if !is_http || endpoint.uri().host().is_none() {
        return Err(error());
    }
    let channel = endpoint
        .connect_timeout(config.connect_timeout)
        .tcp_nodelay(true)
        // Without these a connection through a cut network looks well for a quarter of an hour.
        .http2_keep_alive_interval(Duration::from_secs(5))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .connect_lazy();
    let callee = Callee {
        name,
        endpoint: config.endpoint.clone(),
        timeout: config.timeout,
        streaming: Vec::new(),
        once: Vec::new(),
    };
    Ok(Client {
        channel,
        callee: Arc::new(callee),
    })
}

impl Client {
    /// Names methods (without their service) that answer with a stream: the timeout bounds the wait for its
    /// beginning only, and none is retried.
    pub fn streaming(mut self, methods: &[&'static str]) -> Self {
        Arc::make_mut(&mut self.callee).streaming.extend(methods);
        self
    }

    /// Names methods that must not be sent twice without looking first, since what they cause cannot be
    /// recognised at once. They are never retried here.
    pub fn once(mut self, methods: &[&'static str]) -> Self {
        Arc::make_mut(&mut self.callee).once.extend(methods);
        self
    }

    /// Asks whether the service answers and calls itself healthy: for [`Server::health_check`].
    ///
    /// [`Server::health_check`]: crate::server::Server::health_check
    pub fn health(&self) -> impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static {
        // Not through this client: a question each second is no work worth a span, and has its own patience.
        let channel = self.channel.clone();
        move || {
            let mut service = HealthClient::new(channel.clone());
            async move {
                let answer = service.check(HealthCheckRequest::default()).await;
                answer.is_ok_and(|health| health.get_ref().status() == ServingStatus::Serving)
            }
            .boxed()
        }
    }

    async fn exchange(self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let (parts, body) = request.into_parts();
        let method = parts
            .uri
            .path()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let message = body.collect().await?.to_bytes();
        if self.callee.streaming.contains(&method.as_str()) {
            let begin = self.send(parts, message, None);
            let begun = tokio::time::timeout(self.callee.timeout, begin).await;
            return begun.unwrap_or_else(|_| Err(self.too_late(&method)));
        }
        let end = self.end(&parts);
        let tries = if self.callee.once.contains(&method.as_str()) {
            1
        } else {
            TRIES
        };
        let mut pause = PAUSE;
        let mut tried = 0;
        loop {
            let Some(left) = left(end) else {
                return Err(self.too_late(&method));
            };
            tried += 1;
            let send = self.send_whole(parts.clone(), message.clone(), left);
            let answer = match tokio::time::timeout(left, send).await {
                Ok(answer) => answer,
                Err(_) => return Err(self.too_late(&method)),
            };
            if tried == tries || code(&answer) != Code::Unavailable {
                return answer;
            }
            let wait = pause.mul_f64(rand::rng().random_range(0.5..1.5));
            if left_after(end, wait).is_none() {
                return answer;
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
    }

    /// When this call must have ended: its own timeout, the caller's, or that of the call being served.
    fn end(&self, parts: &Parts) -> Instant {
        let asked = deadline::of(&parts.headers).unwrap_or(self.callee.timeout);
        let own = Instant::now() + asked.min(self.callee.timeout);
        match Scope::current().and_then(|scope| scope.deadline) {
            Some(served) => own.min(served),
            None => own,
        }
    }

    /// One try, with the whole answer.
    async fn send_whole(
        &self,
        parts: Parts,
        message: Bytes,
        left: Duration,
    ) -> Result<Response<Body>, Status> {
        let (head, body) = self.send(parts, message, Some(left)).await?.into_parts();
        let body = body.collect().await.map_err(|status| match status.code() {
            Code::Unknown | Code::Internal | Code::Cancelled => self.silent(&status),
            _ => status,
        })?;
        Ok(Response::from_parts(
            head,
            Body::new(body.map_err(|never| match never {})),
        ))
    }

    /// One try, until the answer begins.
    async fn send(
        &self,
        mut parts: Parts,
        message: Bytes,
        left: Option<Duration>,
    ) -> Result<Response<Body>, Status> {
        telemetry::inject(&Span::current(), &mut parts.headers);
        if let Some(scope) = Scope::current()
            && let Ok(id) = HeaderValue::from_str(&scope.request_id)
        {
            parts.headers.insert("x-request-id", id);
        }
        if let Some(left) = left {
            deadline::put(&mut parts.headers, left);
        }
        let request = Request::from_parts(parts, Body::new(Full::new(message)));
        let mut channel = self.channel.clone();
        let failed = |error: tonic::transport::Error| self.failed(&error);
        channel
            .ready()
            .await
            .map_err(failed)?
            .call(request)
            .await
            .map_err(failed)
    }

    fn failed(&self, error: &tonic::transport::Error) -> Status {
        match sources(error).any(|cause| cause.is::<TimeoutExpired>()) {
            true => self.too_late("the call"),
            false => self.silent(error),
        }
    }

    fn silent(&self, error: &(dyn std::error::Error + 'static)) -> Status {
        let Callee { name, endpoint, .. } = &*self.callee;
        let cause = sources(error)
            .last()
            .map(ToString::to_string)
            .unwrap_or_default();
        // Without a connection nothing was sent: the caller need not find out what became of it.
        let unsent = sources(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::ConnectionRefused);
        let metadata: &[_] = if unsent {
            &[("outcome", "refused")]
        } else {
            &[]
        };
        status::failure_with(
            Code::Unavailable,
            "SERVICE_UNAVAILABLE",
            format!("{name} service at {endpoint} does not answer: {cause}"),
            metadata,
        )
    }

    fn too_late(&self, what: &str) -> Status {
        let Callee { name, endpoint, .. } = &*self.callee;
        deadline::exceeded(&format!("{what} of the {name} service at {endpoint}"))
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // The channel is asked before each try.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = request.uri().path().trim_start_matches('/');
        let span = tracing::info_span!(
            "call",
            otel.name = method,
            otel.kind = "client",
            otel.status_code = Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            error.type = Empty,
        );
        let noted = span.clone();
        let exchange = self.clone().exchange(request).inspect(move |answer| {
            let code = code(answer);
            if code != Code::Ok {
                noted.record("error.type", tracing::field::debug(code));
                noted.record("otel.status_code", "ERROR");
            }
        });
        exchange.instrument(span).boxed()
    }
}

fn left(end: Instant) -> Option<Duration> {
    left_after(end, Duration::ZERO)
}

fn left_after(end: Instant, wait: Duration) -> Option<Duration> {
    end.checked_duration_since(Instant::now() + wait)
        .filter(|left| !left.is_zero())
}

/// How a try ended, as far as its head tells: an answer without a message has its status there.
fn code(answer: &Result<Response<Body>, Status>) -> Code {
    match answer {
        Ok(response) => {
            Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
        }
        Err(status) => status.code(),
    }
}

/// An error and what caused it, outermost first.
fn sources<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
