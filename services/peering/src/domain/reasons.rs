//! The stable codes that explain a state, and our own sentence for each.

use super::state::State;

pub(crate) const AWAITING_CUSTOMER_ACCEPTANCE: &str = "AWAITING_CUSTOMER_ACCEPTANCE";
pub(crate) const AWAITING_RECIPROCAL_PEERING: &str = "AWAITING_RECIPROCAL_PEERING";
pub(crate) const ACCEPTED_ACTIVATING: &str = "ACCEPTED_ACTIVATING";
pub(crate) const DELETE_REQUESTED: &str = "DELETE_REQUESTED";
/// The peering goes because its network does.
pub(crate) const NETWORK_DELETED: &str = "NETWORK_DELETED";
pub(crate) const DELETED_BY_PEER: &str = "DELETED_BY_PEER";
pub(crate) const LOST_OUT_OF_BAND: &str = "LOST_OUT_OF_BAND";
pub(crate) const REJECTED_BY_PEER: &str = "REJECTED_BY_PEER";
pub(crate) const REQUEST_EXPIRED: &str = "REQUEST_EXPIRED";
pub(crate) const PROVISION_TIMEOUT: &str = "PROVISION_TIMEOUT";
pub(crate) const DUPLICATE_PEERING: &str = "DUPLICATE_PEERING";
pub(crate) const CLOUD_ERROR: &str = "CLOUD_ERROR";
pub(crate) const OUTSTANDING_LIMIT: &str = "OUTSTANDING_LIMIT";
/// Of a condition: the vendor's route tables do not take a route.
pub(crate) const ROUTE_MISSING_VENDOR: &str = "ROUTE_MISSING_VENDOR";
pub(crate) const CLOUD_UNAUTHORIZED: &str = "CLOUD_UNAUTHORIZED";
pub(crate) const CLOUD_OPERATION_IN_PROGRESS: &str = "CLOUD_OPERATION_IN_PROGRESS";
/// Of a condition: our own half has vanished from the cloud.
pub(crate) const VENDOR_HALF_MISSING: &str = "VENDOR_HALF_MISSING";

/// What a customer who waits for long should check, since the cloud does not tell: it shows the same for all of these.
pub(crate) const HINTS: &str = "The customer's half is still missing. Check that the project and the network are named \
    right, since the cloud shows a network that does not exist in the same way; that no range overlaps, which only the \
    customer's own gcloud reports when it makes the half; that no organisation policy forbids the peering \
    (constraint compute.restrictVpcPeering); and that whoever makes the half may do so (permission \
    compute.networks.addPeering).";

/// Our sentence for a reason, for when the cloud has none.
pub(crate) fn message(state: State, reason: &str) -> String {
    let known = match reason {
        AWAITING_CUSTOMER_ACCEPTANCE => "The request waits for the customer to accept it.",
        AWAITING_RECIPROCAL_PEERING => {
            "The customer's half is missing, or its project or network name is not what was given."
        }
        ACCEPTED_ACTIVATING => "The customer has accepted; the cloud is bringing the peering up.",
        DELETE_REQUESTED => "The deletion was asked for; the cloud is being cleared.",
        NETWORK_DELETED => {
            "The network was deleted, and its peerings with it; the cloud is being cleared."
        }
        DELETED_BY_PEER => "The customer's side has deleted the peering.",
        LOST_OUT_OF_BAND => {
            "The peering is gone from the cloud, and nobody asked Peerway to delete it."
        }
        REJECTED_BY_PEER => "The customer's side has declined the request.",
        REQUEST_EXPIRED => "Nobody accepted the request in time.",
        PROVISION_TIMEOUT => "The request made no progress for too long, and was given up.",
        DUPLICATE_PEERING => "The cloud has a peering between these two VPCs that is not ours.",
        CLOUD_ERROR => "The cloud reports a failure and gives no reason.",
        CLOUD_OPERATION_IN_PROGRESS => {
            "Another peering operation runs on one of the two networks; this one waits until it has ended."
        }
        CLOUD_UNAUTHORIZED => "The vendor's credentials do not suffice; the vendor has to act.",
        _ => match state {
            State::Provisioning => "The vendor half is being made.",
            State::Active => "Both halves match.",
            State::Deleted => "The peering is deleted.",
            _ => "",
        },
    };
    known.to_owned()
}
