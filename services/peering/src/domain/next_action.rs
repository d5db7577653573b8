//! The one thing that moves a peering on, and who must do it.

use super::peering::{Condition, ConditionStatus, Peering, conditions};
use super::reasons;
use super::state::State;

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The owner of the other VPC.
    Customer,
    /// The operator of the suite.
    Vendor,
    /// It moves by itself, or nothing is left to do.
    Nobody,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextAction {
    /// By whom.
    pub actor: Actor,
    /// A stable code.
    pub code: &'static str,
    /// One sentence for a person.
    pub summary: String,
    /// Until when.
    pub deadline: Option<i64>,
}

/// What moves the peering on from where it stands.
pub fn next_action(peering: &Peering) -> NextAction {
    let mut advice = match peering.state {
        State::Provisioning => provisioning(peering),
        State::PendingAcceptance => pending(peering),
        State::Active | State::Degraded => standing(peering),
        State::Disconnected | State::Rejected | State::Expired => ended(peering),
        State::Failed => failed(peering),
        State::Deleting => deleting(peering),
        State::Deleted => nobody("Nothing is left to do."),
    };
    advice.deadline = peering
        .expire_at
        .filter(|_| advice.code == "ACCEPT_PEERING");
    if peering.is_hinted() {
        advice.summary = format!("{} {}", advice.summary, reasons::HINTS);
    }
    advice
}

fn advice(actor: Actor, code: &'static str, summary: impl Into<String>) -> NextAction {
    NextAction {
        actor,
        code,
        summary: summary.into(),
        deadline: None,
    }
}

fn customer(code: &'static str, summary: impl Into<String>) -> NextAction {
    advice(Actor::Customer, code, summary)
}

fn vendor(code: &'static str, summary: impl Into<String>) -> NextAction {
    advice(Actor::Vendor, code, summary)
}

fn nobody(summary: impl Into<String>) -> NextAction {
    advice(Actor::Nobody, "NONE", summary)
}

fn restore_access() -> NextAction {
    let summary =
        "The vendor has to restore its access to the cloud; the message names what is missing.";
    vendor("RESTORE_ACCESS", summary)
}

fn provisioning(peering: &Peering) -> NextAction {
    match peering.reason.as_str() {
        reasons::CLOUD_UNAUTHORIZED => restore_access(),
        reasons::CLOUD_OPERATION_IN_PROGRESS => nobody(
            "The request waits until another operation on one of the two networks has ended. If that takes long, see \
             what else runs in the customer's project.",
        ),
        reasons::OUTSTANDING_LIMIT => advice(
            Actor::Nobody,
            "WAIT_FOR_PLACE",
            "The request waits for a place among the vendor's unaccepted requests. Accepting or deleting one of the \
             tenant's own makes room.",
        ),
        "ACTIVE_LIMIT" => vendor(
            "RAISE_LIMIT",
            "The vendor has to ask the cloud for more peerings in the network, or the customer, if it is their VPC \
             whose limit the message names.",
        ),
        "CLOUD_LIMIT" => vendor(
            "RAISE_LIMIT",
            "The vendor has to ask the cloud for more of the quota that the message names.",
        ),
        reasons::CLOUD_ERROR => nobody(
            "The cloud answers with an error that nobody has classified yet; the request is made again by itself.",
        ),
        _ => nobody("The request to the cloud is on its way."),
    }
}

fn pending(peering: &Peering) -> NextAction {
    if peering.reason == reasons::ACCEPTED_ACTIVATING {
        return nobody("The cloud is bringing the peering up; that takes seconds.");
    }
    let (peer, vendor) = (&peering.peer, &peering.vendor);
    if peer.has_two_halves() {
        return customer(
            "CREATE_PEERING",
            format!(
                "Create the peering from the customer's network {} in {} to the vendor's network {} in {}. Check the \
                 names: the cloud can't tell a wrong one from waiting.",
                peer.vpc(),
                peer.account(),
                vendor.vpc_id,
                vendor.account_id
            ),
        );
    }
    customer(
        "ACCEPT_PEERING",
        format!(
            "Accept the peering request in account {} and region {} of the customer's VPC.",
            peer.account(),
            peer.region()
        ),
    )
}

fn ended(peering: &Peering) -> NextAction {
    let renew = |summary: &str| customer("RENEW_PEERING", summary);
    match peering.reason.as_str() {
        reasons::DELETED_BY_PEER if peering.peer.has_two_halves() => customer(
            "CREATE_PEERING",
            "Create the peering from the customer's network to the vendor's again, or renew or delete this one.",
        ),
        reasons::DELETED_BY_PEER => renew(
            "Renew the peering with RenewPeering, accept the new request, and replace the routes that led to the old \
             one; or delete it.",
        ),
        reasons::LOST_OUT_OF_BAND => {
            renew("Renew the peering with RenewPeering to request it again, or delete it.")
        }
        _ => match peering.state {
            State::Rejected => renew(
                "Talk to the owner of the other VPC, who declined the request; then renew the peering with \
                 RenewPeering, or delete it.",
            ),
            State::Expired => renew(
                "RenewPeering requests it again in one call; accept the new request in time. Or delete the peering.",
            ),
            _ => renew("Renew the peering with RenewPeering to request it again, or delete it."),
        },
    }
}

fn failed(peering: &Peering) -> NextAction {
    let peer = &peering.peer;
    let fix = |summary: String| customer("FIX_AND_RENEW", summary);
    match peering.reason.as_str() {
        reasons::PEER_IDENTITY_INVALID => fix(format!(
            "Check account {}, VPC {} and region {} with the owner of the customer's VPC. If one of them is wrong, delete \
             this peering and create it with the right ones; if the VPC had another range that overlaps, remove that \
             and renew.",
            peer.account(),
            peer.vpc(),
            peer.region()
        )),
        reasons::CIDR_OVERLAP_PEER => fix(format!(
            "Free the customer's VPC of ranges that overlap {}, the network's, then renew the peering; or delete it and \
             use a network with a free range, which CheckCidr suggests.",
            peering.vendor.cidr
        )),
        "CIDR_OVERLAP_SIBLING" => fix(
            "Another VPC that is peered with one of the two sides has an overlapping range, which the message names. \
             Remove that peering or range, then renew this one, or delete it."
                .to_owned(),
        ),
        reasons::DUPLICATE_PEERING => fix(
            "Delete the other peering between these two VPCs, which the message names, then renew this one, or delete it."
                .to_owned(),
        ),
        reasons::PROVISION_TIMEOUT => customer(
            "RENEW_PEERING",
            "Renew the peering, which is safe to repeat, or delete it. If it fails again, the vendor has to see why.",
        ),
        reasons::CLOUD_ERROR => customer(
            "RENEW_PEERING",
            "Renew the peering to try again, or delete it. If it fails again, the vendor has to see why.",
        ),
        "VPC_MISSING" => vendor(
            "STOP_DRIFT",
            "The vendor's VPC is not where it was made; the vendor has to find out who removed it.",
        ),
        _ => fix("Correct what the message names, then renew the peering, or delete it.".to_owned()),
    }
}

fn deleting(peering: &Peering) -> NextAction {
    match peering.reason.as_str() {
        reasons::CLOUD_UNAUTHORIZED => restore_access(),
        _ => nobody("The cloud is being cleared."),
    }
}

/// The vendor's faults first, since nothing that the customer does helps before they are mended.
fn standing(peering: &Peering) -> NextAction {
    let is_false = |name: &str| {
        let mut all = peering.conditions.iter();
        all.find(|one| one.name == name && one.status == ConditionStatus::False)
    };
    if let Some(condition) = is_false(conditions::ROUTES_READY) {
        return fault(condition).unwrap_or_else(|| routes(condition));
    }
    if let Some(condition) = is_false(conditions::FIREWALL_READY) {
        return fault(condition).unwrap_or_else(|| firewall(condition));
    }
    if let Some(condition) = is_false(conditions::IN_SYNC) {
        return fault(condition).unwrap_or_else(|| half(peering, condition));
    }
    let mut all = peering.conditions.iter();
    if all.any(|one| one.reason == reasons::CLOUD_UNAUTHORIZED) {
        return restore_access();
    }
    if let Some(condition) = is_false(conditions::ALLOW_LISTED) {
        return customer(
            "ADD_TO_ALLOW_LIST",
            format!(
                "Add the ranges to the network's allow list; AllowPeeredCidrs does it in one call. {}",
                condition.message
            ),
        );
    }
    if peering.peer.has_two_halves() {
        // The cloud exchanges the routes of both halves by itself.
        return nobody("Nothing is left to do.");
    }
    // Only the customer can tell whether their tables have it, so the advice stands as long as the peering does.
    customer(
        "ADD_ROUTES",
        format!(
            "Route {}, the network's range, to the peering in every route table of the customer's subnets.",
            peering.vendor.cidr
        ),
    )
}

/// What can be wrong with each condition.
fn fault(condition: &Condition) -> Option<NextAction> {
    match condition.reason.as_str() {
        reasons::DRIFT_FIGHT => Some(vendor(
            "STOP_DRIFT",
            format!(
                "Somebody takes away again and again what Peerway puts back; the vendor has to find who does, and stop \
                 it. {}",
                condition.message
            ),
        )),
        reasons::CLOUD_UNAUTHORIZED => Some(restore_access()),
        _ => None,
    }
}

fn routes(condition: &Condition) -> NextAction {
    match condition.reason.as_str() {
        reasons::ROUTE_TABLE_FULL => vendor(
            "MAKE_ROOM_FOR_ROUTES",
            "The vendor's route tables are full: the vendor has to raise the limit, or the customer to give fewer, \
             larger ranges.",
        ),
        _ => vendor(
            "MAKE_ROOM_FOR_ROUTES",
            "The vendor's route tables lack routes to the peering. Peerway keeps putting them in place; if they stay \
             away, the vendor has to see what stands there instead.",
        ),
    }
}

fn firewall(condition: &Condition) -> NextAction {
    match condition.reason.as_str() {
        "ALLOW_LIST_FULL" => customer(
            "SHORTEN_ALLOW_LIST",
            "The network's allow list has more ranges and ports than the firewall takes; use fewer, larger ranges.",
        ),
        _ => nobody("The vendor's firewall is being brought in line with the allow list."),
    }
}

fn half(peering: &Peering, condition: &Condition) -> NextAction {
    match condition.reason.as_str() {
        reasons::CIDR_OVERLAP_PEER => customer(
            "REMOVE_OVERLAP",
            format!(
                "Remove the range from the customer's VPC that overlaps {}, the network's. {}",
                peering.vendor.cidr, condition.message
            ),
        ),
        reasons::VENDOR_HALF_MISSING => {
            nobody("The vendor's half has vanished from the cloud and is being put back.")
        }
        reasons::OPTIONS_DIFFER => nobody("The options of the vendor's half are being set again."),
        reasons::DNS_PRIVATE_RESOLUTION_OFF => vendor(
            "STOP_DRIFT",
            "The vendor's VPC has lost its DNS host names; the vendor has to see who switched them off.",
        ),
        _ => nobody("What differs in the cloud is being set right."),
    }
}

#[cfg(test)]
#[path = "next_action_tests.rs"]
mod tests;
