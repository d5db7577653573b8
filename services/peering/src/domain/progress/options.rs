//! How far the options of our half are.

use super::{SECOND, SOON, claim, good, patience, read_again_at};
use crate::domain::peering::{ConditionStatus, Peering, conditions};
use crate::domain::progress::{Refusal, RefusalKind};
use crate::domain::reasons;

/// Between tries when the cloud refuses the options for good: somebody has to change something first.
const REFUSED_RETRY: i64 = 300 * SECOND;
/// Until looks have told whether the half is really gone.
const MISSING_RETRY: i64 = 60 * SECOND;
/// The reason of an error that says that the cloud does not show our half.
const PEERING_MISSING: &str = "PEERING_MISSING";

/// A change of options is about to go out. Where operations exclude each other this is committed before the call.
pub fn setting_options(peering: &Peering, now: i64) -> Peering {
    let mut next = peering.clone();
    claim(&mut next, now);
    next.work.sets_options = true;
    next
}

/// The cloud has the options as wanted, or works on them while there is a token; else they have to be asked for again.
pub fn options_set(peering: &Peering, complete: bool, operation_token: &str, now: i64) -> Peering {
    let mut next = good(peering);
    operation_token.clone_into(&mut next.work.operation_token);
    if !complete && next.has_operation() {
        next.work.step_at = Some(read_again_at(next.work.busy_since, now));
        return next;
    }
    if next.peer.has_two_halves() {
        next.end_operation();
    }
    next.work.operation_token.clear();
    next.work.options_told_at = Some(now);
    if !complete {
        next.work.options_due = true;
        next.work.step_at = Some(now.saturating_add(patience(peering, now)));
        return next;
    }
    next.work.options_due = false;
    if next.is_out_of_sync_by_options() {
        next.set_in_sync(now);
    }
    // What else there is to do, the next step finds.
    next.work.step_at = Some(now);
    next
}

/// The cloud does not take the options, for a reason that does not pass by itself.
pub(super) fn refuse_options(peering: &mut Peering, refusal: &Refusal, now: i64) {
    if peering.is_unwanted() {
        peering.work.step_at = Some(now.saturating_add(SOON));
        return;
    }
    peering.work.options_due = true;
    if refusal.reason == PEERING_MISSING {
        peering.work.step_at = Some(now.saturating_add(MISSING_RETRY));
        return;
    }
    let reason = match refusal.kind {
        RefusalKind::Unknown => reasons::CLOUD_ERROR,
        RefusalKind::Unauthorized => reasons::CLOUD_UNAUTHORIZED,
        _ => &refusal.reason,
    };
    // That ranges overlap is worse, and stays to be told.
    if peering.overlap().is_none() {
        let name = conditions::IN_SYNC;
        peering.set_condition(name, ConditionStatus::False, reason, &refusal.message, now);
    }
    peering.work.step_at = Some(now.saturating_add(REFUSED_RETRY));
}

impl Peering {
    /// Whether the options of our half are to be made as wanted, and the cloud takes them now.
    pub(crate) fn wants_options(&self) -> bool {
        use crate::domain::state::State;
        let stands = match self.peer.has_two_halves() {
            true => matches!(
                self.state,
                State::PendingAcceptance | State::Active | State::Degraded | State::Disconnected
            ),
            // One object takes options only while it is up.
            false => self.state.is_routed(),
        };
        self.work.options_due && stands && self.provider_peering_id.is_some() && !self.work.gone
    }

    /// Whether what is not as recorded are the options.
    pub(in crate::domain) fn is_out_of_sync_by_options(&self) -> bool {
        let others = [reasons::VENDOR_HALF_MISSING, reasons::CIDR_OVERLAP_PEER];
        self.conditions.iter().any(|one| {
            one.name == conditions::IN_SYNC
                && one.status == ConditionStatus::False
                && !others.contains(&one.reason.as_str())
        })
    }
}
