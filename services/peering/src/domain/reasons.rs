//! The stable codes that explain a state, and our own sentence for each.

use std::time::{Duration, UNIX_EPOCH};

use humantime_serde::re::humantime::format_rfc3339_seconds;

use super::peering::Peering;
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
/// The same: the table has no room for more.
pub(crate) const ROUTE_TABLE_FULL: &str = "ROUTE_TABLE_FULL";
pub(crate) const CLOUD_UNAUTHORIZED: &str = "CLOUD_UNAUTHORIZED";
pub(crate) const CLOUD_OPERATION_IN_PROGRESS: &str = "CLOUD_OPERATION_IN_PROGRESS";
/// Of a condition: the options of our half are not as wanted.
pub(crate) const OPTIONS_DIFFER: &str = "OPTIONS_DIFFER";
/// Of a condition: the customer's VPC has a range that overlaps the network's.
pub(crate) const CIDR_OVERLAP_PEER: &str = "CIDR_OVERLAP_PEER";
/// Of a condition: our own half has vanished from the cloud.
pub(crate) const VENDOR_HALF_MISSING: &str = "VENDOR_HALF_MISSING";
/// Of a condition: others take away again and again what we put back.
pub(crate) const DRIFT_FIGHT: &str = "DRIFT_FIGHT";
/// The cloud finds no such VPC of the customer's, or its ranges overlap; AWS does not say which.
pub(crate) const PEER_IDENTITY_INVALID: &str = "PEER_IDENTITY_INVALID";
/// Of a condition: a VPC has no DNS host names, so the option that needs them is refused.
pub(crate) const DNS_PRIVATE_RESOLUTION_OFF: &str = "DNS_PRIVATE_RESOLUTION_OFF";

/// What a customer who waits for long should check, since the cloud does not tell: it shows the same for all of these.
pub(crate) const HINTS: &str = "The customer's half is still missing. Check that the project and the network are named \
    right, since the cloud shows a network that does not exist in the same way; that no range overlaps, which only the \
    customer's own gcloud reports when it makes the half; that no organisation policy forbids the peering \
    (constraint compute.restrictVpcPeering); and that whoever makes the half may do so (permission \
    compute.networks.addPeering).";

/// What a customer is told who has not accepted a request that expires at `at`.
pub(crate) fn expires(at: i64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(at).unwrap_or(0));
    let at = format_rfc3339_seconds(at);
    format!("The request waits for the customer to accept it, and expires at {at} if nobody does.")
}

/// What of the cloud's three causes in one can be ruled out, and what is to be checked.
pub(crate) fn ruled_out(peering: &Peering) -> String {
    let (peer, vendor) = (&peering.peer, &peering.vendor);
    let ranges: Vec<String> = peer.cidrs().iter().map(ToString::to_string).collect();
    let place = match peer.region() {
        "" => format!("project {} and network {}", peer.account(), peer.vpc()),
        region => format!(
            "account {}, VPC {} and region {region}",
            peer.account(),
            peer.vpc()
        ),
    };
    format!(
        "Peerway has compared the given ranges ({}) with the network's ({}): they do not overlap. Check {place}, and \
         whether the VPC has other ranges.",
        ranges.join(", "),
        vendor.cidr
    )
}

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
        "CLOUD_UNAVAILABLE" => "The cloud does not answer; it goes on by itself when it does.",
        "WRITES_PACED" => {
            "The vendor's account has many changes to make at once; it goes on by itself."
        }
        "CLOUD_THROTTLED" => "The cloud asks for patience; it goes on by itself.",
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
