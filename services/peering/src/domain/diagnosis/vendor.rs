//! What the vendor's side, the network service and the cloud show.

use types::Cidr;

use super::super::peering::{ConditionStatus, Peering};
use super::super::reasons;
use super::super::sighting::{CloudState, trusted};
use super::{Check, Evidence, RouteState, Usage, listed};

const REFRESH: &str = "Call RefreshPeering; the state then says what to do.";

pub(super) fn cloud_state(peering: &Peering, evidence: &Evidence) -> Check {
    let code = "CLOUD_STATE";
    let id = peering
        .provider_peering_id
        .as_deref()
        .unwrap_or("the peering");
    let seen = match &evidence.look {
        Err(away) => return Check::away(code, away),
        Ok(None) => {
            let evidence = format!("The cloud does not show {id} any more.");
            return Check::fail(code, reasons::LOST_OUT_OF_BAND, evidence).advising(REFRESH);
        }
        Ok(Some(seen)) => seen,
    };
    if !trusted(peering, seen) {
        let evidence = format!("The cloud shows {id} between other VPCs than these two.");
        return Check::unknown(code, reasons::CLOUD_ERROR, evidence)
            .advising("The vendor has to see why.");
    }
    let shown = format!("The cloud shows {id} as {:?}.", seen.raw_state);
    let reason = match seen.state {
        CloudState::Active => {
            let (peer, vendor) = (&peering.peer, &peering.vendor);
            let between = format!(
                "{shown} It links {} of {} with {} of {}.",
                vendor.vpc_id,
                vendor.account_id,
                peer.vpc(),
                peer.account()
            );
            return Check::pass(code, between);
        }
        CloudState::Unrecognized => {
            return Check::unknown(code, reasons::CLOUD_ERROR, shown)
                .advising("The vendor has to see what the word means.");
        }
        CloudState::Provisioning => reasons::ACCEPTED_ACTIVATING,
        CloudState::PendingAcceptance if seen.reason == reasons::ACCEPTED_ACTIVATING => {
            reasons::ACCEPTED_ACTIVATING
        }
        CloudState::PendingAcceptance => reasons::AWAITING_CUSTOMER_ACCEPTANCE,
        CloudState::Rejected => reasons::REJECTED_BY_PEER,
        CloudState::Expired => reasons::REQUEST_EXPIRED,
        CloudState::Failed => reasons::CLOUD_ERROR,
        CloudState::Deleting | CloudState::Deleted | CloudState::Inactive => {
            reasons::DELETED_BY_PEER
        }
    };
    Check::fail(code, reason, shown).advising(REFRESH)
}

pub(super) fn routes(peering: &Peering, evidence: &Evidence) -> Check {
    let code = "VENDOR_ROUTES";
    if peering.peer.has_two_halves() {
        return Check::pass(code, "The cloud exchanges the subnet routes by itself.");
    }
    let seen = match &evidence.routes {
        Err(away) => return Check::away(code, away),
        Ok(seen) => seen,
    };
    let id = peering.provider_peering_id.as_deref().unwrap_or_default();
    let state = |cidr: &Cidr| {
        let own =
            |route: &&super::SeenRoute| route.cidr == *cidr && route.provider_peering_id == id;
        seen.iter()
            .find(own)
            .map_or(RouteState::Missing, |route| route.state)
    };
    let ranges = |wanted: RouteState| -> Vec<Cidr> {
        let all = peering.peer.cidrs().iter().copied();
        all.filter(|cidr| state(cidr) == wanted).collect()
    };
    let (missing, dead) = (ranges(RouteState::Missing), ranges(RouteState::Blackhole));
    let counts = format!(
        "To {id} lead {} of {} routes in every route table of {}.",
        ranges(RouteState::Active).len(),
        peering.peer.cidrs().len(),
        peering.vendor.vpc_id
    );
    let advice = "Peerway puts the vendor's routes back within minutes; if they stay away, the vendor has to act.";
    match (missing.is_empty(), dead.is_empty()) {
        (true, true) => Check::pass(code, counts),
        (false, _) => Check::fail(
            code,
            reasons::ROUTE_MISSING_VENDOR,
            format!(
                "{counts} Missing: {}. Blackholes: {}.",
                listed(&missing),
                listed(&dead)
            ),
        )
        .advising(advice),
        (true, false) => Check::fail(
            code,
            "ROUTE_BLACKHOLE",
            format!("{counts} Blackholes: {}.", listed(&dead)),
        )
        .advising(advice),
    }
}

pub(super) fn firewall(evidence: &Evidence) -> Check {
    let code = "VENDOR_FIREWALL";
    let (status, reason, message) = match &evidence.network {
        Err(away) => return Check::away(code, away),
        Ok(network) => &network.firewall,
    };
    match status {
        ConditionStatus::True => Check::pass(code, "The vendor's firewall carries the allow list."),
        ConditionStatus::False => Check::fail(code, reason, message.as_str())
            .advising("The network's condition FIREWALL_READY says who has to act."),
        ConditionStatus::Unknown => Check::unknown(code, reason, message.as_str())
            .advising("The firewall is being changed or looked at; diagnose again in a while."),
    }
}

pub(super) fn allow_list(peering: &Peering, evidence: &Evidence) -> Check {
    let code = "ALLOW_LIST";
    let network = match &evidence.network {
        Err(away) => return Check::away(code, away),
        Ok(network) => network,
    };
    let shown = shown(evidence);
    let ranges = match peering.peer.cidrs() {
        [] => shown,
        recorded => recorded,
    };
    if ranges.is_empty() {
        return Check::unknown(
            code,
            "NO_RANGES",
            "No range of the customer's side is known.",
        )
        .advising("Tell the ranges by UpdatePeering, then call AllowPeeredCidrs.");
    }
    let missing = network.not_allowed(ranges);
    if missing.is_empty() {
        let evidence = format!("The allow list covers {}.", listed(ranges));
        return Check::pass(code, evidence);
    }
    let evidence = format!("The allow list does not cover {}.", listed(&missing));
    let advice = match peering.peer.cidrs() {
        [] => "Tell the ranges by UpdatePeering, then call AllowPeeredCidrs.",
        _ => "Call AllowPeeredCidrs, or PutAllowListEntry for what shall be allowed.",
    };
    Check::fail(code, "ALLOW_LIST_MISSING", evidence).advising(advice)
}

pub(super) fn peer_cidrs(peering: &Peering, evidence: &Evidence) -> Check {
    let code = "PEER_CIDRS_COMPLETE";
    if let Err(away) = &evidence.look {
        return Check::away(code, away);
    }
    let (recorded, shown) = (peering.peer.cidrs(), shown(evidence));
    if shown.is_empty() {
        return Check::unknown(code, "NOT_SHOWN", "The cloud does not show the ranges of the customer's VPC now.")
            .advising("Compare the recorded ranges with all of the VPC's, also those of pods and of secondary ranges.");
    }
    let told = format!(
        "Recorded: {}. The cloud shows: {}.",
        listed(recorded),
        listed(shown)
    );
    let network = peering.vendor.cidr;
    if shown.iter().any(|range| range.overlaps(&network)) {
        let evidence = format!("{told} The network has {network}.");
        return Check::fail(code, reasons::CIDR_OVERLAP_PEER, evidence).advising(format!(
            "Remove the range that overlaps {network} from the customer's VPC."
        ));
    }
    // Where the cloud exchanges routes, recording ranges is a courtesy to the allow list.
    let is_courtesy = peering.peer.has_two_halves() && recorded.is_empty();
    let covered = |range: &&Cidr| recorded.iter().any(|known| known.contains(range));
    if is_courtesy || shown.iter().all(|range| covered(&range)) {
        return Check::pass(code, told);
    }
    Check::fail(code, "PEER_CIDRS_INCOMPLETE", told)
        .advising("Record all ranges that shall reach the network by UpdatePeering.")
}

pub(super) fn datastore_ports(evidence: &Evidence) -> Check {
    let code = "DATASTORE_PORTS";
    let network = match &evidence.network {
        Err(away) => return Check::away(code, away),
        Ok(network) => network,
    };
    if network.ports.is_empty() {
        return Check::fail(
            code,
            "NO_DATASTORE",
            "No datastore with a port is attached to the network.",
        )
        .advising("Create a datastore with a private endpoint in this network.");
    }
    let ports: Vec<String> = network.ports.iter().map(ToString::to_string).collect();
    let names = match network.endpoints.is_empty() {
        true => String::new(),
        false => format!(" Its names: {}.", network.endpoints.join(", ")),
    };
    Check::pass(
        code,
        format!("Ports of datastores: {}.{names}", ports.join(", ")),
    )
}

pub(super) fn options(peering: &Peering, evidence: &Evidence) -> Check {
    let code = "DNS_OPTION";
    let shown = match &evidence.look {
        Err(away) => return Check::away(code, away),
        Ok(seen) => seen.as_ref().and_then(|seen| seen.options),
    };
    let Some(shown) = shown else {
        return Check::unknown(
            code,
            "NOT_SHOWN",
            "The cloud does not show the options of the vendor's half now.",
        )
        .advising("Diagnose again once the peering is active.");
    };
    let wanted = peering.options;
    if shown != wanted {
        let reason = match wanted.resolve_dns && !shown.resolve_dns {
            true => reasons::DNS_PRIVATE_RESOLUTION_OFF,
            false => reasons::OPTIONS_DIFFER,
        };
        let evidence = format!(
            "Wanted: {}. The cloud shows: {}.",
            wanted.words(),
            shown.words()
        );
        return Check::fail(code, reason, evidence).advising(
            "Peerway sets them again within minutes; if they stay away, the vendor has to act.",
        );
    }
    let check = Check::pass(code, format!("As wanted: {}.", shown.words()));
    match peering.peer.has_two_halves() || shown.resolve_dns {
        true => check,
        false => check.advising(
            "If a datastore's public name leads to a public address in the customer's VPC, switch resolve_dns on by \
             UpdatePeering.",
        ),
    }
}

pub(super) fn quota(evidence: &Evidence) -> Check {
    let code = "QUOTA";
    let limits = match &evidence.limits {
        Err(away) => return Check::away(code, away),
        Ok(limits) => limits,
    };
    let known: Vec<(&Usage, u32)> = limits
        .iter()
        .filter_map(|limit| Some((limit, limit.used?)))
        .collect();
    if known.is_empty() {
        return Check::unknown(
            code,
            "NOT_SHOWN",
            "What is used of the limits is not known.",
        );
    }
    let told = |(limit, used): &(&Usage, u32)| format!("{} {used} of {}", limit.name, limit.limit);
    let figures: Vec<String> = known.iter().map(told).collect();
    let figures = format!("Used: {}.", figures.join(", "));
    let of = |least: u64| {
        move |(limit, used): &&(&Usage, u32)| {
            u64::from(*used) * 100 >= u64::from(limit.limit) * least
        }
    };
    let full: Vec<String> = known.iter().filter(of(100)).map(told).collect();
    let near: Vec<String> = known.iter().filter(of(80)).map(told).collect();
    if !full.is_empty() {
        return Check::fail(code, "CLOUD_LIMIT", figures).advising(format!(
            "The vendor has to raise the limit: {}.",
            full.join(", ")
        ));
    }
    match near.is_empty() {
        true => Check::pass(code, figures),
        false => {
            Check::pass(code, figures).advising(format!("Little is left: {}.", near.join(", ")))
        }
    }
}

/// The customer's ranges as the cloud shows them.
fn shown(evidence: &Evidence) -> &[Cidr] {
    let seen = evidence.look.as_ref().ok().and_then(Option::as_ref);
    seen.map_or(&[], |seen| &seen.peer_cidrs)
}
