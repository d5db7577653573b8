//! What an earlier attempt left in the cloud: how it is found out about, and how it goes.

use super::{Removal, SECOND, good, handed_over};
use crate::domain::observe::Rules;
use crate::domain::peering::{Former, Peering};
use crate::domain::sighting::Sighting;

/// Between deletions of something that the cloud no longer shows.
const LONGEST_DOUBT: i64 = 10 * SECOND;

/// The cloud answered a create with the half of an earlier attempt, so nothing was made: that one goes first.
pub fn preceded(peering: &Peering, seen: &Sighting, now: i64) -> Peering {
    let mut next = good(peering);
    next.end_operation();
    next.has_left(seen, now);
    next
}

/// The half of an earlier attempt is this far gone. That nothing is found counts when it is found so again, later by
/// [`Rules::absence_grace`].
pub fn cleared(
    peering: &Peering,
    removal: Removal,
    operation_token: &str,
    rules: &Rules,
    now: i64,
) -> Peering {
    let mut next = handed_over(peering, removal, operation_token, now);
    let is_gone = match removal {
        Removal::Deleted => true,
        Removal::InProgress => {
            next.work.missed_at = None;
            false
        }
        Removal::Absent => {
            let missed = *next.work.missed_at.get_or_insert(now);
            let again = rules.absence_grace.clamp(SECOND, LONGEST_DOUBT);
            next.work.step_at = Some(now.saturating_add(again));
            peering.work.missed_at.is_some() && now >= missed.saturating_add(rules.absence_grace)
        }
    };
    if is_gone {
        next.work.former = None;
        next.work.missed_at = None;
        next.work.step_at = Some(now);
    }
    next
}

impl Peering {
    /// An earlier attempt has left this in the cloud.
    pub(in crate::domain) fn has_left(&mut self, seen: &Sighting, now: i64) {
        self.work.former = Some(Former {
            provider_peering_id: seen.provider_peering_id.clone(),
            attempt: seen.attempt,
        });
        self.work.missed_at = None;
        self.work.step_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::progress::{Refusal, RefusalKind, refused};
    use crate::domain::sighting::CloudState;
    use crate::domain::state::State;
    use crate::domain::step::{Step, next_step};
    use crate::domain::walk::{NOW, RULES, admitted, admitted_half, sighting};

    const GRACE: i64 = RULES.absence_grace;

    /// A second attempt that the first one has left something for.
    fn renewed(mut peering: Peering) -> Peering {
        let first = sighting(&peering, "pcx-1", CloudState::Active);
        peering.attempt = 2;
        preceded(&peering, &first, NOW)
    }

    #[test]
    fn an_answer_with_an_earlier_attempt_is_no_duplicate() {
        let next = renewed(admitted(State::Provisioning));
        let Step::Clear(former) = next_step(&next, NOW) else {
            panic!("it goes first: {next:#?}");
        };
        assert_eq!(
            (former.provider_peering_id.as_str(), former.attempt),
            ("pcx-1", 1)
        );
        assert_eq!(next.work.requested_at, None);
        let cleared = cleared(&next, Removal::Deleted, "", &RULES, NOW);
        assert_eq!(next_step(&cleared, NOW), Step::Request);
    }

    #[test]
    fn what_is_not_found_is_gone_when_that_is_found_again_later() {
        let next = renewed(admitted(State::Deleting));
        let absent = |peering: &Peering, at| cleared(peering, Removal::Absent, "", &RULES, at);
        let first = absent(&next, NOW);
        let early = absent(&first, NOW + GRACE - 1);
        assert!(first.work.former.is_some() && early.work.former.is_some());
        let last = absent(&early, NOW + GRACE);
        assert_eq!(
            (last.work.former.as_ref(), last.work.missed_at),
            (None, None)
        );
        assert_eq!(next_step(&last, NOW + GRACE), Step::Detach);
        // Found in between: it begins anew.
        let found = cleared(&early, Removal::InProgress, "", &RULES, NOW);
        assert!(absent(&found, NOW + GRACE).work.former.is_some());
    }

    #[test]
    fn a_removal_that_is_refused_is_tried_again_and_gives_the_networks_back() {
        let mut next = renewed(admitted_half(State::Provisioning, 0));
        next.work.busy_since = Some(NOW);
        let step = next_step(&next, NOW);
        let refusal = Refusal {
            kind: RefusalKind::Unauthorized,
            reason: "CLOUD_UNAUTHORIZED".to_owned(),
            message: "No.".to_owned(),
            certain: true,
        };
        let after = refused(&next, &step, &refusal, NOW);
        assert_eq!(after.work.busy_since, None);
        assert_eq!(after.reason, "CLOUD_UNAUTHORIZED");
        let at = after.work.step_at.unwrap_or_default();
        assert!(at > NOW);
        assert_eq!(next_step(&after, at), step);
        let gone = cleared(&after, Removal::Deleted, "", &RULES, at);
        assert_eq!(
            (gone.reason.as_str(), next_step(&gone, at)),
            ("", Step::Request)
        );
    }
}
