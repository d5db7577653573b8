//! Steps that an operator lets go on.

use super::peering::Peering;

/// The suspended peering, its next step due `now`; none when it is not suspended.
pub fn resumed(peering: &Peering, now: i64) -> Option<Peering> {
    peering.work.suspended_at?;
    let mut next = peering.clone();
    next.work.suspended_at = None;
    next.work.failures = 0;
    next.work.step_at = Some(now);
    Some(next)
}
