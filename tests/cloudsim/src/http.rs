//! The HTTP face: AWS calls are posted to `/`, tests speak to `/_sim`, Google's services have all other paths.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use axum::routing::post;

use crate::faults::FaultKind;
use crate::gce_http;
use crate::sim;
use crate::wire::Wire;
use crate::world::{Face, Reply, Request, Shared};

/// No client waits longer than this.
const LONGEST_HANG: Duration = Duration::from_secs(120);

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", post(call))
        .nest("/_sim", sim::router())
        .fallback(google_call)
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(shared)
}

async fn call(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let id = request_id();
    let reply = shared.world().handle(&Request {
        authorization: text("authorization"),
        token: text("x-amz-security-token"),
        body: &body,
        id: &id,
    });
    deliver(&shared, &wire, reply, &id).await
}

async fn google_call(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let reply = shared.world().handle_google(&gce_http::Request {
        verb: method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        host: text(header::HOST),
        authorization: text(header::AUTHORIZATION),
        body: &body,
    });
    deliver(&shared, &wire, reply, &request_id()).await
}

/// Sends the answer, as far as its fault lets it.
async fn deliver(shared: &Shared, wire: &Wire, reply: Reply, id: &str) -> Response<Body> {
    if reply.has_changed {
        shared.changed.notify_one();
    }
    match reply.fault {
        Some(FaultKind::Hang | FaultKind::HangAfter) => {
            tokio::select! {
                () = tokio::time::sleep(LONGEST_HANG) => {}
                () = shared.stop.cancelled() => {}
            }
            wire.break_after(0);
        }
        Some(FaultKind::LostAnswer) => wire.break_after(0),
        // Past the head, into the body.
        Some(FaultKind::Cut) => wire.break_after(head_length(id) + reply.body.len() / 2),
        _ => {}
    }
    answer(reply, id)
}

fn answer(reply: Reply, id: &str) -> Response<Body> {
    let body = match reply.fault {
        Some(FaultKind::Garbage) => Body::from(&b"\x00\xff\xfe<DescribeVpcs\x01Response>&&"[..]),
        Some(FaultKind::Html200) => Body::from(
            "<html><head><title>Sign in</title></head><body><p>Sign in<br></body></html>",
        ),
        _ => Body::from(reply.body),
    };
    let (content_type, id_header, server) = match reply.face {
        Face::Aws => ("text/xml;charset=UTF-8", "x-amzn-requestid", "AmazonEC2"),
        Face::Google => ("application/json; charset=UTF-8", "x-request-id", "ESF"),
    };
    let content_type = match reply.fault {
        Some(FaultKind::Html200) => "text/html",
        _ => content_type,
    };
    let built = Response::builder()
        .status(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(header::CONTENT_TYPE, content_type)
        .header(id_header, id)
        .header(header::SERVER, server)
        .body(body);
    built.unwrap_or_default()
}

/// About as long as the head of an answer is.
fn head_length(id: &str) -> usize {
    160 + id.len()
}

fn request_id() -> String {
    let x: u128 = rand::random();
    let hex = format!("{x:032x}");
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}
