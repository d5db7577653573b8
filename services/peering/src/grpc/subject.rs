//! What the calls that change one peering have in common: whom they mean, once each, and as it was read.

use prost::Message;
use runtime::request_ids::Key;
use runtime::status::Violations;
use tonic::Status;
use types::{PeeringId, TenantId, TenantScope};

use super::convert;
use super::status::aborted;
use crate::domain::Peering;

/// The worker may write between the read and the write; more often than this in a row it does not.
pub(super) const TRIES: usize = 10;

/// Whom a call means, and which call it is among those that were answered.
pub(super) struct Subject {
    pub(super) scope: TenantScope,
    pub(super) id: PeeringId,
    pub(super) key: Key,
}

impl Subject {
    /// Of the fields that all these calls have; what else a call has is checked into the same violations.
    pub(super) fn read(
        mut violations: Violations,
        method: &'static str,
        (tenant, peering, request_id): (&str, &str, &str),
        request: &impl Message,
    ) -> Result<Self, Status> {
        let scope = violations.check("tenant_id", tenant.parse::<TenantId>());
        let id = violations.check("peering_id", peering.parse::<PeeringId>());
        let key = violations.check("request_id", Key::new(tenant, method, request_id, request));
        violations.finish()?;
        match (scope, id, key) {
            (Some(tenant), Some(id), Some(key)) => Ok(Self {
                scope: TenantScope::One(tenant),
                id,
                key,
            }),
            _ => Err(Status::internal("a request was neither taken nor refused")),
        }
    }
}

/// Whether the peering is still as its caller has read it; without an etag it does not matter.
pub(super) fn is_as_read(peering: &Peering, etag: &str) -> Result<(), Status> {
    match etag.is_empty() || etag == convert::etag(peering) {
        true => Ok(()),
        false => Err(aborted(
            "ETAG_MISMATCH",
            "the peering has changed since it was read; read it again",
        )),
    }
}

/// The row was written each time between the read and the write.
pub(super) fn contended() -> Status {
    aborted(
        "PEERING_CONTENDED",
        "the peering changed each time it was read; send it again",
    )
}
