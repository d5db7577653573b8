//! Peerings that cannot be looked at, because the vendor's access to the cloud was taken away.

use super::peering::{ConditionStatus, Peering, conditions};
use super::reasons;
use super::state::State;

/// A look was refused for want of permission: what is recorded may be out of date, which says nothing about its state.
/// None when that is told already. The next look that shows the peering tells what it shows again.
pub fn blinded(peering: &Peering, message: &str, now: i64) -> Option<Peering> {
    let mut next = peering.clone();
    let (reason, name) = (reasons::CLOUD_UNAUTHORIZED, conditions::IN_SYNC);
    match peering.state {
        State::PendingAcceptance if peering.reason != reason => {
            next.explain(reason, Some(message));
        }
        // What is known to be wrong goes on being wrong.
        State::Active | State::Degraded => {
            let mut all = peering.conditions.iter();
            let known = all.find(|one| one.name == name)?;
            if known.reason == reason || known.status == ConditionStatus::False {
                return None;
            }
            next.set_condition(name, ConditionStatus::Unknown, reason, message, now);
        }
        _ => return None,
    }
    (next != *peering).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::walk::{NOW, admitted};
    use crate::domain::{CloudState, Look, Rules, Sighting, next_action, observe};

    const RULES: Rules = Rules {
        absence_grace: 60_000,
        provision_timeout: 86_400_000,
        hint_after: 900_000,
    };

    fn recorded(state: State) -> Peering {
        let mut peering = admitted(State::PendingAcceptance);
        peering.provider_peering_id = Some("pcx-1".to_owned());
        if state != State::PendingAcceptance {
            peering.enter(state, "", None, NOW);
        }
        peering
    }

    fn seen(peering: &Peering, state: CloudState) -> Sighting {
        Sighting {
            provider_peering_id: "pcx-1".to_owned(),
            peering: Some(peering.id),
            attempt: peering.attempt,
            state,
            reason: String::new(),
            message: String::new(),
            raw_state: peering.raw_state.clone(),
            expire_at: peering.expire_at,
            vendor_vpc: String::new(),
            peer: Default::default(),
            peer_cidrs: Vec::new(),
            options: None,
        }
    }

    #[test]
    fn what_cannot_be_looked_at_says_so_once_and_keeps_its_state() {
        for state in [State::PendingAcceptance, State::Active] {
            let peering = recorded(state);
            let blind = blinded(&peering, "Not allowed.", NOW).unwrap();
            assert_eq!(blind.state, state);
            assert_eq!(blinded(&blind, "Not allowed.", NOW + 1), None);
        }
        for state in [State::Rejected, State::Deleting, State::Failed] {
            assert_eq!(blinded(&recorded(state), "Not allowed.", NOW), None);
        }
    }

    #[test]
    fn the_vendor_is_asked_to_act_where_nobody_else_can() {
        let blind = blinded(&recorded(State::Active), "Not allowed.", NOW).unwrap();
        assert_eq!(next_action(&blind).code, "RESTORE_ACCESS");
        let blind = blinded(&recorded(State::PendingAcceptance), "Not allowed.", NOW).unwrap();
        assert_eq!(next_action(&blind).code, "ACCEPT_PEERING");
    }

    #[test]
    fn the_next_look_that_shows_it_tells_what_it_shows() {
        let cases = [
            (State::PendingAcceptance, CloudState::PendingAcceptance),
            (State::Active, CloudState::Active),
        ];
        for (state, shown) in cases {
            let blind = blinded(&recorded(state), "Not allowed.", NOW).unwrap();
            let seen = seen(&blind, shown);
            let look = Look {
                began_at: NOW + 1,
                complete: true,
                seen: Some(&seen),
            };
            let after = observe(&blind, &look, &RULES, NOW + 2).unwrap();
            assert_ne!(after.reason, reasons::CLOUD_UNAUTHORIZED);
            let all = after.conditions.iter();
            assert_eq!(
                all.filter(|one| one.reason == reasons::CLOUD_UNAUTHORIZED)
                    .count(),
                0
            );
        }
    }
}
