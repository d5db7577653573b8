//! Who makes a call, and the ids under which its work is recorded.

use tonic::Request;
use uuid::Uuid;

/// The caller of one RPC, as the server's layers saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who calls. Calls are not authenticated yet: always `anonymous`.
    pub principal: String,
    /// The `x-request-id` header, or one made up for this call. Not the request's `request_id` field.
    pub request_id_header: String,
    /// The trace this call belongs to: 32 hexadecimal digits.
    pub trace_id: String,
    /// W3C `traceparent` of the call's server span, for the row whose intent the call changes.
    pub traceparent: Option<String>,
}

impl Caller {
    /// The caller of `request`. Outside [`crate::server`] it is an anonymous one with ids of its own.
    pub fn of<T>(request: &Request<T>) -> Self {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .unwrap_or_else(Self::anonymous)
    }

    pub(crate) fn anonymous() -> Self {
        Self {
            principal: "anonymous".into(),
            request_id_header: Uuid::new_v4().to_string(),
            trace_id: Uuid::new_v4().simple().to_string(),
            traceparent: None,
        }
    }
}
