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
    let found = note_options(peering, seen, look, rules, now);
    if peering.overlap().is_some() {
        peering.set_in_sync(now);
    } else if let Some((reason, message)) = found {
        let status = ConditionStatus::False;
        peering.set_condition(conditions::IN_SYNC, status, reason, message, now);
    } else if !(peering.work.options_due && peering.is_out_of_sync_by_options()) {
        peering.set_in_sync(now);
    }
}

/// What is told when the look shows other options than wanted, which nobody knew. Looks that began soon after the cloud
/// was told may not show them yet.
fn note_options(
    peering: &mut Peering,
    seen: &Sighting,
    look: &Look<'_>,
    rules: &Rules,
    now: i64,
) -> Option<(&'static str, &'static str)> {
    let work = &peering.work;
    let told = work.options_told_at.unwrap_or(i64::MIN);
    let counts = look.began_at >= told.saturating_add(rules.absence_grace)
        && !work.sets_options
        && work.requested_at.is_none()
        && work.operation_token.is_empty();
    let differ = seen.options.is_some_and(|shown| shown != peering.options);
    if !counts || !differ || work.options_due {
        return None;
    }
    if !peering.may_repair(now) {
        let message = "Others changed the options of the vendor's half again after what they change was put right three \
                       times within an hour: somebody has to stop that. They are set again an hour after the first time.";
        return Some((reasons::DRIFT_FIGHT, message));
    }
    peering.work.repairs.push(now);
    peering.work.options_due = true;
    peering.work.step_at = Some(now);
    let message = "The options of the vendor's half are not those that were asked for; they are being set again.";
    Some((reasons::OPTIONS_DIFFER, message))
}

impl Peering {
    /// Our half is as recorded; whether that is all that the customer's side has to be, its ranges tell.
    pub(in crate::domain) fn set_in_sync(&mut self, now: i64) {
        let name = conditions::IN_SYNC;
        match self.overlap() {
            None => self.set_condition(name, ConditionStatus::True, "", "", now),
            Some(message) => {
                let reason = reasons::CIDR_OVERLAP_PEER;
                self.set_condition(name, ConditionStatus::False, reason, &message, now);
            }
        }
    }

    /// Which range that the cloud shows of the customer's VPC overlaps the network's, if one does: it cannot be reached.
    pub(in crate::domain) fn overlap(&self) -> Option<String> {
        let mut shown = self.work.observed_cidrs.iter();
        let range = shown.find(|range| range.overlaps(&self.vendor.cidr))?;
        Some(format!(
            "The customer's VPC {} has the range {range} now, which overlaps {} of network {}: addresses that both have \
             cannot be reached through the peering.",
            self.peer.identity(),
            self.vendor.cidr,
            self.network
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observe::observe;
    use crate::domain::options::Options;
    use crate::domain::progress;
    use crate::domain::state::State;
    use crate::domain::step::{Step, next_step};
    use crate::domain::walk::{NOW, RULES, admitted, sighting};

    const SET: Options = Options {
        resolve_dns: true,
        import_custom_routes: false,
        export_custom_routes: false,
    };

    fn up() -> Peering {
        let mut peering = admitted(State::PendingAcceptance);
        peering.provider_peering_id = Some("pcx-1".to_owned());
        peering.enter(State::Active, "", None, NOW);
        peering.work.step_at = None;
        peering
    }

    /// A look at `now` that shows these options, and these ranges of the customer's VPC.
    fn looked(peering: &Peering, options: Options, ranges: &[&str], now: i64) -> Peering {
        let seen = Sighting {
            options: Some(options),
            peer_cidrs: ranges.iter().map(|range| range.parse().unwrap()).collect(),
            ..sighting(peering, "pcx-1", CloudState::Active)
        };
        let look = Look {
            began_at: now,
            complete: true,
            seen: Some(&seen),
        };
        observe(peering, &look, &RULES, now).unwrap_or_else(|| peering.clone())
    }

    fn in_sync(peering: &Peering) -> (ConditionStatus, &str) {
        let mut all = peering.conditions.iter();
        let found = all.find(|one| one.name == conditions::IN_SYNC).unwrap();
        (found.status, found.reason.as_str())
    }

    #[test]
    fn options_that_others_change_the_fourth_time_within_an_hour_are_a_fight() {
        let mut peering = up();
        let mut now = NOW;
        for _ in 0..3 {
            now += 10 * 60_000;
            peering = looked(&peering, SET, &[], now);
            assert_eq!(
                in_sync(&peering),
                (ConditionStatus::False, "OPTIONS_DIFFER")
            );
            peering.work.network_due = false;
            peering.work.routes_due = false;
            assert_eq!(next_step(&peering, now), Step::Options);
            peering = progress::options_set(&peering, true, "", now);
            assert_eq!(in_sync(&peering).0, ConditionStatus::True);
            peering = progress::rested(&peering);
        }
        now += 10 * 60_000;
        peering = looked(&peering, SET, &[], now);
        assert_eq!(in_sync(&peering), (ConditionStatus::False, "DRIFT_FIGHT"));
        assert!(!peering.work.options_due);
        // An hour after the first time they are set again, or others do.
        let later = looked(&peering, SET, &[], NOW + 70 * 60_000);
        assert_eq!(in_sync(&later).1, "OPTIONS_DIFFER");
        let over = looked(&peering, Options::default(), &[], now + 1_000);
        assert_eq!(in_sync(&over).0, ConditionStatus::True);
    }

    #[test]
    fn an_overlap_is_told_whatever_becomes_of_the_options() {
        let overlap = (ConditionStatus::False, "CIDR_OVERLAP_PEER");
        let ranges = ["10.1.0.0/16", "10.20.0.0/16"];
        let mut peering = looked(&up(), Options::default(), &ranges, NOW);
        assert_eq!(in_sync(&peering), overlap);
        peering = looked(&peering, SET, &ranges, NOW + 60_000);
        assert!(peering.work.options_due);
        assert_eq!(in_sync(&peering), overlap);
        peering = progress::options_set(&peering, true, "", NOW + 61_000);
        assert_eq!(in_sync(&peering), overlap);
        peering = looked(&peering, Options::default(), &ranges[..1], NOW + 120_000);
        assert_eq!(in_sync(&peering).0, ConditionStatus::True);
    }
}
