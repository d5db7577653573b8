//! Errors as callers see them: one file, every variant named.

use runtime::status::{failure, failure_with, from_db, internal};
use tonic::{Code, Status};
use types::PeeringId;

use crate::clients::{NetworkError, PoolAway};
use crate::domain::{self, Peering};
use crate::store;

impl From<domain::Error> for Status {
    fn from(error: domain::Error) -> Self {
        use domain::Error::*;
        let message = error.to_string();
        match error {
            WrongProvider { network, peer } => failure_with(
                Code::InvalidArgument,
                "WRONG_PROVIDER",
                message,
                &[
                    ("network_provider", network.as_str()),
                    ("peer_provider", peer.as_str()),
                ],
            ),
            NetworkNotActive { state } => failure_with(
                Code::FailedPrecondition,
                "NETWORK_NOT_ACTIVE",
                message,
                &[("state", &state)],
            ),
            SelfPeering => failure(Code::InvalidArgument, "SELF_PEERING", message),
            CidrOverlap {
                cidr,
                owner,
                network_cidr,
                network,
            } => failure_with(
                Code::FailedPrecondition,
                "CIDR_OVERLAP_PEER",
                message,
                // As the network service tells of what only it can know.
                &[
                    ("cidr", &cidr.to_string()),
                    ("owner", &owner),
                    ("other_cidr", &network_cidr.to_string()),
                    ("other_owner", &format!("network {network}")),
                    ("other_id", &network.to_string()),
                ],
            ),
            PeerIsVendor { account } => failure_with(
                Code::FailedPrecondition,
                "PEER_IS_VENDOR",
                message,
                &[("account_id", &account)],
            ),
        }
    }
}

impl From<store::Error> for Status {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Database(cause) => from_db(cause),
            store::Error::Corrupt { .. } => internal(&error),
            store::Error::RequestId(cause) => cause.into(),
        }
    }
}

impl From<NetworkError> for Status {
    fn from(error: NetworkError) -> Self {
        match &error {
            NetworkError::NotFound(id) => failure_with(
                Code::NotFound,
                "NETWORK_NOT_FOUND",
                error.to_string(),
                &[("network_id", &id.to_string())],
            ),
            NetworkError::Unanswered(cause) => network_away(cause),
            NetworkError::Nonsense(_) => internal(&error),
        }
    }
}

impl From<PoolAway> for Status {
    fn from(error: PoolAway) -> Self {
        tracing::warn!(%error, "a create has to wait");
        failure(
            Code::Unavailable,
            "PROVIDER_ADAPTER_UNAVAILABLE",
            "the provider-adapter does not tell the vendor's accounts; send the same request again",
        )
    }
}

/// The network service did not answer.
pub(super) fn network_away(cause: &str) -> Status {
    tracing::warn!(cause, "the network service does not answer");
    failure(
        Code::Unavailable,
        "NETWORK_SERVICE_UNAVAILABLE",
        "the network service does not answer; send the same request again",
    )
}

/// Missing, or another tenant's: one answer for both.
pub(super) fn peering_not_found(id: PeeringId) -> Status {
    failure_with(
        Code::NotFound,
        "PEERING_NOT_FOUND",
        format!("there is no peering {id}"),
        &[("peering_id", &id.to_string())],
    )
}

/// Another peering has the pair of VPCs.
pub(super) fn pair_taken(other: &Peering) -> Status {
    let id = other.id.to_string();
    let (reason, message) = if other.state.has_ended() {
        (
            "RENEW_INSTEAD",
            format!("{id} has been there for this VPC and ended; renew or delete it"),
        )
    } else {
        (
            "PEERING_EXISTS",
            format!("{id} links the network with this VPC already"),
        )
    };
    let metadata = [("peering_id", id.as_str()), ("state", other.state.as_str())];
    failure_with(Code::AlreadyExists, reason, message, &metadata)
}

/// Another create has the pair or the name, and is not admitted yet.
pub(super) fn in_progress() -> Status {
    aborted(
        "CREATE_IN_PROGRESS",
        "another create for the same VPC or name is under way; send it again in a moment",
    )
}

/// Another peering of the tenant has the name.
pub(super) fn name_taken(other: &Peering) -> Status {
    let id = other.id.to_string();
    failure_with(
        Code::AlreadyExists,
        "NAME_IN_USE",
        format!("{id} has this display_name already"),
        &[("peering_id", &id)],
    )
}

/// Somebody else was faster: read again, then retry.
pub(super) fn aborted(reason: &str, message: &str) -> Status {
    failure(Code::Aborted, reason, message)
}

/// Whether the same call was answered elsewhere at the same moment: that answer counts.
pub(super) fn is_raced(error: &store::Error) -> bool {
    matches!(
        error,
        store::Error::RequestId(runtime::request_ids::Error::Raced)
    )
}

/// Only what has ended can be renewed.
pub(super) fn not_ended(peering: &Peering) -> Status {
    refused_by_state(
        peering,
        "PEERING_NOT_ENDED",
        "only one that is REJECTED, EXPIRED, FAILED or DISCONNECTED can be renewed",
    )
}

/// What its owner has asked to go comes back only as a new one.
pub(super) fn peering_deleted(peering: &Peering) -> Status {
    refused_by_state(peering, "PEERING_DELETED", "create a new one instead")
}

fn refused_by_state(peering: &Peering, reason: &str, advice: &str) -> Status {
    let (id, state) = (peering.id.to_string(), peering.state.as_str());
    failure_with(
        Code::FailedPrecondition,
        reason,
        format!("the peering is {state}; {advice}"),
        &[("peering_id", &id), ("state", state)],
    )
}
