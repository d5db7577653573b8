//! What every call passes, outermost first: the caller's trace context, a span, the deadline, the size
//! limit; and a panic inside becomes an answer.

use std::any::Any;
use std::collections::HashSet;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, stream};
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::caller::Caller;
use crate::config::ServerConfig;
use crate::scope::Scope;
use crate::{deadline, status, telemetry};

/// tonic has a timer of its own for `grpc-timeout`, whose answer is CANCELLED: ours must ring first.
const HEAD_START: Duration = Duration::from_millis(5);

/// The routes behind the rules for every call.
#[derive(Clone)]
pub(super) struct Edge {
    routes: Routes,
    rules: Arc<Rules>,
}

struct Rules {
    longest: Duration,
    max_request_bytes: usize,
    streaming: HashSet<&'static str>,
}

impl Edge {
    pub(super) fn new(
        routes: Routes,
        config: &ServerConfig,
        streaming: HashSet<&'static str>,
    ) -> Self {
        let rules = Rules {
            longest: config.request_timeout,
            max_request_bytes: config.max_request_bytes,
            streaming,
        };
        Self {
            routes,
            rules: Arc::new(rules),
        }
    }
}

impl Service<Request<Body>> for Edge {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <Routes as Service<Request<Body>>>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let span = span(&request);
        let answer = answer(
            self.routes.clone(),
            self.rules.clone(),
            request,
            span.clone(),
        );
        answer.map(Ok).instrument(span).boxed()
    }
}

async fn answer(
    mut routes: Routes,
    rules: Arc<Rules>,
    request: Request<Body>,
    span: Span,
) -> Response<Body> {
    let method = request.uri().path().trim_start_matches('/').to_owned();
    let caller = caller(request.headers(), &span);
    let is_stream = rules.is_stream(&method);
    let limit = rules.limit(is_stream, request.headers());
    let end = limit.map(|limit| Instant::now() + limit);
    let scope = Scope {
        deadline: end,
        request_id: caller.request_id_header.clone(),
    };
    let mut request = request.map(|body| limited(body, rules.max_request_bytes));
    request.extensions_mut().insert(caller);

    let work = async {
        match limit {
            Some(limit) => tokio::time::timeout(limit, routes.call(request)).await.ok(),
            None => Some(routes.call(request).await),
        }
    };
    let answered = AssertUnwindSafe(scope.enter(work)).catch_unwind().await;
    let response = match answered {
        Ok(Some(Ok(response))) => match end {
            Some(end) if is_stream && !response.body().is_end_stream() => {
                response.map(|body| ending(body, end, method))
            }
            _ => response,
        },
        Ok(None) => deadline::exceeded(&method).into_http(),
        Err(panic) => panicked(&method, panic.as_ref()).into_http(),
    };
    record(&span, &response);
    response
}

impl Rules {
    fn is_stream(&self, method: &str) -> bool {
        let name = method.rsplit('/').next().unwrap_or_default();
        self.streaming.contains(name)
    }

    /// How long this call may take; a stream may take for ever, unless its caller says otherwise.
    fn limit(&self, is_stream: bool, headers: &HeaderMap) -> Option<Duration> {
        match deadline::of(headers) {
            Some(wanted) if is_stream || wanted <= self.longest => {
                Some(wanted - HEAD_START.min(wanted / 2))
            }
            _ => (!is_stream).then_some(self.longest),
        }
    }
}

/// The body of a stream that ends at `end`; what makes its messages is dropped then.
fn ending(body: Body, end: Instant, method: String) -> Body {
    let frames = stream::unfold((Some(body), method), move |(body, method)| async move {
        let mut body = body?;
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(end.into()) => {
                let mut trailers = HeaderMap::new();
                // Err: a message that fits no header, which this one does.
                deadline::exceeded(&method).add_header(&mut trailers).ok();
                Some((Ok(Frame::trailers(trailers)), (None, method)))
            }
            frame = body.frame() => Some((frame?, (Some(body), method))),
        }
    });
    Body::new(StreamBody::new(frames))
}

/// The span of one call, in the caller's trace where it has one.
fn span(request: &Request<Body>) -> Span {
    let method = request.uri().path().trim_start_matches('/');
    let span = tracing::info_span!(
        "rpc",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system.name = "grpc",
        rpc.method = method,
        rpc.status_code = Empty,
        error.type = Empty,
        trace_id = Empty,
    );
    // Err: nobody collects traces.
    span.set_parent(telemetry::extract(request.headers())).ok();
    span
}

fn caller(headers: &HeaderMap, span: &Span) -> Caller {
    let mut caller = Caller::anonymous();
    let printable =
        |id: &&str| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let given = headers
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .filter(printable);
    if let Some(id) = given {
        caller.request_id_header = id.to_owned();
    }
    caller.traceparent = telemetry::traceparent_of(span);
    if let Some(trace_id) = caller
        .traceparent
        .as_ref()
        .and_then(|parent| parent.split('-').nth(1))
    {
        caller.trace_id = trace_id.to_owned();
    }
    span.record("trace_id", &caller.trace_id);
    caller
}

/// The request's body, which fails when it is larger than it may be.
fn limited(body: Body, most: usize) -> Body {
    // Five bytes go before each message on the wire.
    let body = Limited::new(body, most.saturating_add(5));
    Body::new(body.map_err(move |error| match error.downcast::<Status>() {
        Ok(status) => *status,
        Err(error) if error.is::<LengthLimitError>() => status::failure(
            Code::ResourceExhausted,
            "REQUEST_TOO_LARGE",
            format!("a request has at most {most} bytes"),
        ),
        Err(error) => Status::from_error(error),
    }))
}

fn panicked(method: &str, panic: &(dyn Any + Send)) -> Status {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(method, panic = said, "a handler panicked");
    status::failure(
        Code::Internal,
        "INTERNAL",
        "something went wrong inside the service; it was logged",
    )
}

/// Notes on the span how the call ended.
fn record(span: &Span, response: &Response<Body>) {
    let code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
    let name = code_name(code);
    span.record("rpc.status_code", name);
    if code != Code::Ok {
        span.record("error.type", name);
    }
    // The caller's mistakes are no errors of this side.
    if matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    ) {
        span.record("otel.status_code", "ERROR");
    }
}

/// The code's name as it stands in the specification.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
