//! Every state against everything a cloud may show.

use super::*;
use crate::domain::peering::{ConditionStatus, conditions};
use crate::domain::walk::{NOW, RULES, admitted, sighting};
use crate::domain::{Glance, Step, next_step, settled};

const GRACE: i64 = 60_000;

/// A peering of which the cloud's id is known.
fn known(state: State) -> Peering {
    let mut peering = admitted(State::Provisioning);
    peering.provider_peering_id = Some("pcx-1".to_owned());
    if state != State::Provisioning {
        peering.enter(state, "", None, NOW);
    }
    if state.is_routed() {
        peering.activate_at = Some(NOW);
    }
    if state == State::Degraded {
        let (name, status) = (conditions::ROUTES_READY, ConditionStatus::False);
        peering.set_condition(name, status, "SOME_REASON", "", NOW);
    }
    let (name, status) = (conditions::IN_SYNC, ConditionStatus::True);
    peering.set_condition(name, status, "", "", NOW);
    peering
}

fn look(seen: Option<&Sighting>, began_at: i64) -> Look<'_> {
    Look {
        began_at,
        complete: true,
        seen,
    }
}

fn states(way: &[Peering]) -> Vec<State> {
    way.iter().map(|peering| peering.state).collect()
}

#[test]
fn every_state_has_its_answer_to_everything_a_cloud_shows() {
    use State::*;
    for state in State::ALL {
        for shown in CloudState::ALL {
            let peering = known(state);
            let seen = sighting(&peering, "pcx-1", shown);
            let way = walk_to(&peering, &look(Some(&seen), NOW + 1), &RULES, NOW + 1);
            use CloudState as Seen;
            let expected: &[State] = match (state, shown) {
                (Rejected | Expired | Failed | Deleted, _) | (_, Seen::Unrecognized) => &[],
                (Deleting, _) => &[Deleting],
                (Provisioning, Seen::Provisioning) => &[Provisioning],
                (Provisioning, Seen::Rejected) => &[PendingAcceptance, Rejected],
                (Provisioning, Seen::Expired) => &[PendingAcceptance, Expired],
                (Provisioning | PendingAcceptance, Seen::PendingAcceptance | Seen::Inactive) => {
                    &[PendingAcceptance]
                }
                (PendingAcceptance, Seen::Provisioning) => &[],
                (PendingAcceptance, Seen::Rejected) => &[Rejected],
                (PendingAcceptance, Seen::Expired) => &[Expired],
                (Provisioning | PendingAcceptance, Seen::Active) => &[Active],
                (Provisioning | PendingAcceptance, Seen::Failed) => &[Failed],
                (Provisioning | PendingAcceptance, Seen::Deleting | Seen::Deleted) => {
                    &[Disconnected]
                }
                (Active, Seen::Active) => &[Active],
                (Degraded, Seen::Active) => &[Degraded],
                // A first INACTIVE is only remembered.
                (Active, Seen::Inactive) => &[Active],
                (Degraded, Seen::Inactive) => &[Degraded],
                (Active | Degraded, Seen::Provisioning | Seen::PendingAcceptance) => &[],
                (Active | Degraded, _) => &[Disconnected],
                (Disconnected, Seen::Active) => &[Active],
                (Disconnected, _) => &[],
            };
            assert_eq!(states(&way), expected, "{state} sees {shown:?}");
        }
    }
}

#[test]
fn each_end_has_its_reason() {
    for (from, shown, state, reason) in [
        (
            State::PendingAcceptance,
            CloudState::Rejected,
            State::Rejected,
            "REJECTED_BY_PEER",
        ),
        (
            State::PendingAcceptance,
            CloudState::Expired,
            State::Expired,
            "REQUEST_EXPIRED",
        ),
        (
            State::PendingAcceptance,
            CloudState::Failed,
            State::Failed,
            "CLOUD_ERROR",
        ),
        (
            State::PendingAcceptance,
            CloudState::Deleted,
            State::Disconnected,
            "DELETED_BY_PEER",
        ),
        (
            State::Active,
            CloudState::Deleted,
            State::Disconnected,
            "DELETED_BY_PEER",
        ),
        (
            State::Active,
            CloudState::Deleting,
            State::Disconnected,
            "DELETED_BY_PEER",
        ),
        (
            State::Active,
            CloudState::Expired,
            State::Disconnected,
            "LOST_OUT_OF_BAND",
        ),
    ] {
        let peering = known(from);
        let seen = sighting(&peering, "pcx-1", shown);
        let after = observe(&peering, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
        assert_eq!((after.state, after.reason.as_str()), (state, reason));
        assert!(!after.message.is_empty());
        // Nothing that a later look does not show overwrites it.
        for later in [GRACE, 10 * GRACE] {
            let began_at = NOW + later;
            assert!(
                walk_to(&after, &look(None, began_at), &RULES, began_at)
                    .iter()
                    .all(|next| { (next.state, next.reason.as_str()) == (state, reason) })
            );
        }
    }
}

#[test]
fn the_cloud_s_own_reason_and_sentence_are_kept() {
    let peering = known(State::PendingAcceptance);
    let mut seen = sighting(&peering, "pcx-1", CloudState::Failed);
    seen.reason = "PEER_IDENTITY_INVALID".to_owned();
    seen.message = "Failed due to incorrect VPC-ID".to_owned();
    let after = observe(&peering, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!(after.reason, "PEER_IDENTITY_INVALID");
    assert!(after.message.starts_with("Failed due to incorrect VPC-ID"));
}

#[test]
fn waiting_has_a_deadline_and_being_accepted_another_reason() {
    let peering = known(State::Provisioning);
    let mut seen = sighting(&peering, "pcx-1", CloudState::PendingAcceptance);
    seen.expire_at = Some(NOW + 5);
    let waiting = observe(&peering, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!(waiting.expire_at, Some(NOW + 5));
    assert_eq!(waiting.reason, "AWAITING_CUSTOMER_ACCEPTANCE");
    assert!(observe(&waiting, &look(Some(&seen), NOW + 9), &RULES, NOW + 9).is_none());
    seen.raw_state = "provisioning".to_owned();
    seen.reason = "ACCEPTED_ACTIVATING".to_owned();
    let accepted = observe(&waiting, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!(
        (accepted.state, accepted.reason.as_str()),
        (State::PendingAcceptance, "ACCEPTED_ACTIVATING")
    );
    seen.state = CloudState::Active;
    let active = observe(&accepted, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!((active.activate_at, active.expire_at), (Some(NOW), None));
    assert_eq!(next_step(&active, NOW), Step::Routes);
    assert_eq!(active.conditions.len(), 4);
}

#[test]
fn routes_go_when_an_active_peering_ends() {
    let peering = known(State::Active);
    let seen = sighting(&peering, "pcx-1", CloudState::Deleted);
    let after = observe(&peering, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!(next_step(&after, NOW), Step::Routes);
    let peering = known(State::PendingAcceptance);
    let after = observe(&peering, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!(after.work.step_at, None);
}

#[test]
fn absence_counts_in_the_second_complete_look_after_the_grace() {
    let peering = known(State::Active);
    let missed = observe(&peering, &look(None, NOW), &RULES, NOW).unwrap();
    assert_eq!(
        (missed.state, missed.work.missed_at),
        (State::Active, Some(NOW))
    );
    let early = NOW + GRACE - 1;
    assert!(observe(&missed, &look(None, early), &RULES, early).is_none());
    let lost = observe(&missed, &look(None, NOW + GRACE), &RULES, NOW + GRACE).unwrap();
    assert_eq!(
        (lost.state, lost.reason.as_str()),
        (State::Disconnected, "LOST_OUT_OF_BAND")
    );
    // Any sighting between starts it over.
    let seen = sighting(&peering, "pcx-1", CloudState::Active);
    let again = observe(&missed, &look(Some(&seen), early), &RULES, early).unwrap();
    assert_eq!(again.work.missed_at, None);
}

#[test]
fn an_incomplete_look_says_nothing_about_what_it_does_not_show() {
    for state in State::ALL {
        let mut peering = known(state);
        peering.work.missed_at = Some(NOW);
        let partial = Look {
            began_at: NOW + 2 * GRACE,
            complete: false,
            seen: None,
        };
        assert!(
            observe(&peering, &partial, &RULES, NOW + 2 * GRACE).is_none(),
            "{state}"
        );
    }
}

#[test]
fn a_waiting_one_that_is_absent_after_its_deadline_has_expired() {
    let mut peering = known(State::PendingAcceptance);
    peering.work.missed_at = Some(NOW);
    peering.expire_at = Some(NOW + GRACE);
    let after = observe(&peering, &look(None, NOW + GRACE), &RULES, NOW + GRACE).unwrap();
    assert_eq!(
        (after.state, after.reason.as_str()),
        (State::Expired, "REQUEST_EXPIRED")
    );
    peering.expire_at = Some(NOW + GRACE + 1);
    let after = observe(&peering, &look(None, NOW + GRACE), &RULES, NOW + GRACE).unwrap();
    assert_eq!(after.state, State::Disconnected);
}

#[test]
fn a_create_whose_answer_was_lost_is_repeated_only_after_the_grace() {
    let mut peering = admitted(State::Provisioning);
    peering.work.requested_at = Some(NOW);
    // A look that began before the request cannot have shown it.
    assert!(observe(&peering, &look(None, NOW - 1), &RULES, NOW).is_none());
    let missed = observe(&peering, &look(None, NOW + 1), &RULES, NOW + 1).unwrap();
    let early = NOW + GRACE;
    assert!(observe(&missed, &look(None, early), &RULES, early).is_none());
    let late = NOW + 1 + GRACE;
    let free = observe(&missed, &look(None, late), &RULES, late).unwrap();
    assert_eq!(next_step(&free, late), Step::Request);
    let seen = sighting(&peering, "pcx-9", CloudState::PendingAcceptance);
    let adopted = observe(&missed, &look(Some(&seen), early), &RULES, early).unwrap();
    assert_eq!(adopted.provider_peering_id.as_deref(), Some("pcx-9"));
    assert_eq!(adopted.work.requested_at, None);
}

#[test]
fn a_suspended_create_stays_hourly_after_the_look() {
    let mut peering = admitted(State::Provisioning);
    peering.work.requested_at = Some(NOW);
    peering.work.missed_at = Some(NOW);
    peering.work.suspended_at = Some(NOW);
    let at = NOW + GRACE;
    let after = observe(&peering, &look(None, at), &RULES, at).unwrap();
    assert_eq!(after.work.step_at, Some(at + 3_600_000));
}

#[test]
fn a_day_without_anything_to_show_is_given_up() {
    let late = NOW + RULES.provision_timeout;
    let peering = admitted(State::Provisioning);
    assert!(observe(&peering, &look(None, late - 1), &RULES, late - 1).is_none());
    let after = observe(&peering, &look(None, late), &RULES, late).unwrap();
    assert_eq!(
        (after.state, after.reason.as_str()),
        (State::Failed, "PROVISION_TIMEOUT")
    );
    let mut asked = admitted(State::Provisioning);
    asked.work.requested_at = Some(late - 1);
    let missed = observe(&asked, &look(None, late), &RULES, late).unwrap();
    assert_eq!(missed.state, State::Provisioning);
    let after = observe(&missed, &look(None, late + GRACE), &RULES, late + GRACE).unwrap();
    assert_eq!(after.state, State::Failed);
}

#[test]
fn a_deletion_waits_for_the_cloud_to_be_clear() {
    let mut unknown = admitted(State::Deleting);
    unknown.work.requested_at = Some(NOW);
    let seen = sighting(&unknown, "pcx-1", CloudState::PendingAcceptance);
    let adopted = observe(&unknown, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!(next_step(&adopted, NOW), Step::Delete("pcx-1".to_owned()));

    let deleting = known(State::Deleting);
    for (shown, gone) in [
        (CloudState::Deleted, true),
        (CloudState::Failed, true),
        (CloudState::Deleting, false),
        (CloudState::Active, false),
    ] {
        let seen = sighting(&deleting, "pcx-1", shown);
        let after = observe(&deleting, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
        assert_eq!(after.work.gone, gone, "{shown:?}");
    }
    let mut missed = deleting;
    missed.work.missed_at = Some(NOW);
    let after = observe(&missed, &look(None, NOW + GRACE), &RULES, NOW + GRACE).unwrap();
    assert_eq!(next_step(&after, NOW + GRACE), Step::Detach);
}

#[test]
fn what_aws_has_deleted_is_not_brought_back_by_an_older_read() {
    let peering = known(State::Active);
    let deleted = sighting(&peering, "pcx-1", CloudState::Deleted);
    let after = observe(&peering, &look(Some(&deleted), NOW), &RULES, NOW).unwrap();
    let stale = sighting(&peering, "pcx-1", CloudState::Active);
    assert!(observe(&after, &look(Some(&stale), NOW), &RULES, NOW).is_none());
}

#[test]
fn what_was_lost_comes_back_when_it_is_seen() {
    let mut peering = known(State::Active);
    peering.work.missed_at = Some(NOW);
    let lost = observe(&peering, &look(None, NOW + GRACE), &RULES, NOW + GRACE).unwrap();
    let seen = sighting(&peering, "pcx-1", CloudState::Active);
    let back = observe(&lost, &look(Some(&seen), NOW + GRACE), &RULES, NOW + GRACE).unwrap();
    assert_eq!((back.state, back.work.gone), (State::Active, false));
}

#[test]
fn inactive_after_active_counts_when_a_later_look_agrees() {
    let peering = known(State::Active);
    let seen = sighting(&peering, "pcx-1", CloudState::Inactive);
    let first = observe(&peering, &look(Some(&seen), NOW), &RULES, NOW).unwrap();
    assert_eq!(first.state, State::Active);
    assert!(observe(&first, &look(Some(&seen), NOW + 4_999), &RULES, NOW).is_none());
    let second = observe(&first, &look(Some(&seen), NOW + 5_000), &RULES, NOW).unwrap();
    assert_eq!(
        (second.state, second.reason.as_str()),
        (State::Disconnected, "DELETED_BY_PEER")
    );
}

#[test]
fn a_surplus_object_of_ours_changes_nothing() {
    for state in State::ALL {
        for shown in CloudState::ALL {
            let peering = known(state);
            let seen = sighting(&peering, "pcx-2", shown);
            assert!(observe(&peering, &look(Some(&seen), NOW), &RULES, NOW).is_none());
        }
    }
}

#[test]
fn what_is_settled_is_not_changed_by_a_look() {
    for state in State::ALL {
        for shown in CloudState::ALL {
            for (raw, gone) in [("Active", false), ("Active", true), ("Deleted", true)] {
                let mut peering = known(state);
                peering.raw_state = raw.to_owned();
                peering.work.gone = gone;
                let seen = sighting(&peering, "pcx-1", shown);
                for shown in [Some(&seen), None] {
                    if settled(&Glance::of(&peering), shown) {
                        assert!(observe(&peering, &look(shown, NOW), &RULES, NOW).is_none());
                    }
                }
            }
        }
    }
}

#[test]
fn another_pair_of_vpcs_is_not_trusted() {
    use crate::domain::trusted;
    let peering = known(State::Active);
    let good = sighting(&peering, "pcx-1", CloudState::Active);
    assert!(trusted(&peering, &good));
    let silent = Sighting {
        vendor_vpc: String::new(),
        peer: Default::default(),
        ..good.clone()
    };
    assert!(trusted(&peering, &silent));
    let other_vpc = Sighting {
        vendor_vpc: "vpc-ffffffff".to_owned(),
        ..good.clone()
    };
    assert!(!trusted(&peering, &other_vpc));
    let (_, region, vpc) = good.peer.clone();
    let other = Sighting {
        peer: ("999999999999".to_owned(), region, vpc),
        ..good
    };
    assert!(!trusted(&peering, &other));
}
