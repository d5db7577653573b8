//! Whether our half stands as it was recorded, as far as a look shows it.

use super::{Look, Rules};
use crate::domain::peering::{ConditionStatus, Peering, conditions};
use crate::domain::reasons;
use crate::domain::sighting::{CloudState, Sighting};

/// The look shows our half: the condition IN_SYNC tells whether it is as recorded.
pub(super) fn confirm(
    peering: &mut Peering,
    seen: &Sighting,
    look: &Look<'_>,
    rules: &Rules,
    now: i64,
) {
    if !seen.peer_cidrs.is_empty() {
        peering.work.observed_cidrs.clone_from(&seen.peer_cidrs);
    }
    // Of one object an older read may show what it was before it was up.
    let is_shown = match peering.peer.has_two_halves() {
        true => seen.state.is_live(),
        false => seen.state == CloudState::Active && peering.state.is_routed(),
    };
    if !is_shown {
        return;
    }
    let found = note_options(peering, seen, look, rules);
    if found {
        peering.set_condition(
            conditions::IN_SYNC,
            ConditionStatus::False,
            reasons::OPTIONS_DIFFER,
            "The options of the vendor's half are not those that were asked for; they are being set again.",
            now,
        );
    } else if let Some(message) = overlap(peering) {
        let status = ConditionStatus::False;
        let reason = reasons::CIDR_OVERLAP_PEER;
        peering.set_condition(conditions::IN_SYNC, status, reason, &message, now);
    } else if !(peering.work.options_due && peering.is_out_of_sync_by_options()) {
        peering.set_condition(conditions::IN_SYNC, ConditionStatus::True, "", "", now);
    }
    // They may have been wished for while the half was still on its way.
    let is_open = peering.work.requested_at.is_some();
    if peering.wants_options() && peering.is_at_rest(now) && !is_open {
        peering.work.step_at = Some(now);
    }
}

/// Whether the look shows other options than wanted, which nobody knew. Looks that began soon after the cloud was told
/// may not show them yet.
fn note_options(peering: &mut Peering, seen: &Sighting, look: &Look<'_>, rules: &Rules) -> bool {
    let work = &peering.work;
    let told = work.options_told_at.unwrap_or(i64::MIN);
    let counts = look.began_at >= told.saturating_add(rules.absence_grace)
        && !work.sets_options
        && work.requested_at.is_none()
        && work.operation_token.is_empty();
    let differ = seen.options.is_some_and(|shown| shown != peering.options);
    if !counts || !differ || work.options_due {
        return false;
    }
    peering.work.options_due = true;
    true
}

/// Which range that the cloud shows of the customer's VPC overlaps the network's, if one does: it cannot be reached.
fn overlap(peering: &Peering) -> Option<String> {
    let mut shown = peering.work.observed_cidrs.iter();
    let range = shown.find(|range| range.overlaps(&peering.vendor.cidr))?;
    Some(format!(
        "The customer's VPC {} has the range {range} now, which overlaps {} of network {}: addresses that both have \
         cannot be reached through the peering.",
        peering.peer.identity(),
        peering.vendor.cidr,
        peering.network
    ))
}
