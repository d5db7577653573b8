//! What a handler's calls to other services inherit: the deadline and the request id of its own call.

use std::future::Future;
use std::time::Instant;

tokio::task_local! {
    static SCOPE: Scope;
}

/// The bounds of the call being served by this task.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// When the answer is of no use any more; none for streams.
    pub(crate) deadline: Option<Instant>,
    /// The `x-request-id` to pass on.
    pub(crate) request_id: String,
}

impl Scope {
    /// Runs `work` within this scope.
    pub(crate) async fn enter<F: Future>(self, work: F) -> F::Output {
        SCOPE.scope(self, work).await
    }

    /// The scope this task runs in, if it serves a call.
    pub(crate) fn current() -> Option<Self> {
        SCOPE.try_with(Clone::clone).ok()
    }
}
