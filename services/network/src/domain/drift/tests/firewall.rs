//! Changed firewalls, and fights.

use super::*;

#[test]
fn a_firewall_that_others_changed_is_sent_again() {
    let wider = Sighting {
        cidrs: ["0.0.0.0/0".to_owned()].into(),
        ..seen()
    };
    let closed = Sighting {
        ports: BTreeSet::new(),
        ..seen()
    };
    let other_port = Sighting {
        ports: [22].into(),
        ..seen()
    };
    let odd = Sighting {
        drift: vec!["firewall".to_owned()],
        ..seen()
    };
    for changed in [wider, closed, other_port, odd] {
        let mut network = active();
        assert_eq!(observe(&mut network, NOW, &[changed]), Drift::Firewall);
        assert_eq!(next_step(&network, NOW), Step::Firewall);
        let ready = network.firewall_ready();
        assert_eq!(
            (ready.holds, ready.reason),
            (Holds::False, "FIREWALL_DRIFT")
        );
        assert_eq!(network.reason, "");
    }
}

#[test]
fn a_firewall_is_not_judged_while_it_changes_nor_before_the_cloud_can_show_it() {
    let changed = || {
        [Sighting {
            cidrs: BTreeSet::new(),
            ..seen()
        }]
    };
    let mut pending = active();
    pending.firewall.goal += 1;
    assert_eq!(observe(&mut pending, NOW, &changed()), Drift::Nothing);
    let mut fresh = active();
    fresh.firewall.done_at = Some(NOW - GRACE + 1);
    assert_eq!(observe(&mut fresh, NOW, &changed()), Drift::Nothing);
    assert_eq!(observe(&mut fresh, NOW + 1, &changed()), Drift::Firewall);
    let status = Look {
        wired: false,
        ..look(NOW)
    };
    assert_eq!(
        observe_with(&mut active(), &status, &changed()),
        Drift::Nothing
    );
}

#[test]
fn nobody_wanted_and_nobody_admitted_is_the_same_in_whatever_words() {
    let network = active();
    let nobody = FirewallWanted {
        ports: Vec::new(),
        ..wanted()
    };
    let none = Sighting {
        cidrs: BTreeSet::new(),
        ports: BTreeSet::new(),
        ..seen()
    };
    let verdict = judge(&glance(&network), &look(NOW), &[none], &nobody);
    assert_eq!(verdict.drift, Drift::Nothing);
    let verdict = judge(&glance(&network), &look(NOW), &[seen()], &nobody);
    assert_eq!(verdict.drift, Drift::Firewall);
}

#[test]
fn a_fourth_change_within_an_hour_is_a_fight_which_waits() {
    let changed = [Sighting {
        cidrs: BTreeSet::new(),
        ..seen()
    }];
    let mut network = active();
    for n in 0..3 {
        let at = NOW + n * 10 * GRACE;
        assert_eq!(observe(&mut network, at, &changed), Drift::Firewall);
        network.firewall_ensured(
            network.firewall.goal,
            true,
            String::new(),
            at,
            at,
            &timing(),
        );
        assert_eq!(network.firewall_ready().holds, Holds::True);
    }
    let at = NOW + 30 * GRACE;
    observe(&mut network, at, &changed);
    assert_eq!(network.firewall_ready().reason, "DRIFT_FIGHT");
    assert_eq!(next_step(&network, at), Step::Wait(NOW + HOUR));
    // The fight is not looked at, and ends by itself.
    let fighting = network.clone();
    observe(&mut network, at + GRACE, &changed);
    assert_eq!(network, fighting);
    assert_eq!(next_step(&network, NOW + HOUR), Step::Firewall);
    network.firewall_ensured(
        network.firewall.goal,
        true,
        String::new(),
        NOW + HOUR,
        NOW + HOUR,
        &timing(),
    );
    assert_eq!(network.firewall_ready().holds, Holds::True);
    assert_eq!(network.work.repairs.len(), 3);
}

#[test]
fn a_fight_about_a_part_is_told_and_ends_with_the_hour_or_with_a_sighting() {
    let mut network = active();
    network.work.repairs = [3, 2, 1].map(|ago| (Repaired::Parts, NOW - ago)).into();
    observe(&mut network, NOW, &[without_a_subnet()]);
    observe(&mut network, NOW + GRACE, &[without_a_subnet()]);
    assert_eq!(
        (network.state, network.reason.as_str()),
        (State::Active, "DRIFT_FIGHT")
    );
    assert_eq!((network.work.step_at, network.vpc.subnets.len()), (None, 2));
    let fighting = network.clone();
    observe(&mut network, NOW + 2 * GRACE, &[without_a_subnet()]);
    assert_eq!(network, fighting);

    let mut settled = network.clone();
    observe(&mut settled, NOW + 3 * GRACE, &[seen()]);
    assert_eq!(
        (settled.reason.as_str(), settled.work.missed.len()),
        ("", 0)
    );

    observe(&mut network, NOW + HOUR, &[without_a_subnet()]);
    assert_eq!(network.reason, "VPC_DRIFT");
    assert_eq!(next_step(&network, NOW + HOUR), Step::Look);
}

#[test]
fn a_fight_about_the_firewall_is_none_about_a_part() {
    let mut network = active();
    network.work.repairs = [3, 2, 1].map(|ago| (Repaired::Firewall, NOW - ago)).into();
    observe(&mut network, NOW, &[without_a_subnet()]);
    observe(&mut network, NOW + GRACE, &[without_a_subnet()]);
    assert_eq!(network.reason, "VPC_DRIFT");
    assert_eq!(next_step(&network, NOW + GRACE), Step::Look);
}

#[test]
fn a_second_vpc_does_not_hide_a_changed_firewall() {
    let changed = Sighting {
        ports: [22].into(),
        ..seen()
    };
    let mut other = bare();
    other.vpc.id = Some("vpc-2".to_owned());
    let mut network = active();
    assert_eq!(
        observe(&mut network, NOW, &[changed, other]),
        Drift::Firewall
    );
}

#[test]
fn a_repair_that_fails_keeps_no_firewall_waiting() {
    let refused = crate::domain::Failure {
        kind: crate::domain::FailureKind::Quota,
        reason: "CLOUD_LIMIT".to_owned(),
        message: String::new(),
        refused: true,
        retry_after: None,
    };
    let mut network = active();
    observe(&mut network, NOW, &[without_a_subnet()]);
    observe(&mut network, NOW + GRACE, &[without_a_subnet()]);
    network.failed(&refused, NOW + GRACE, 0.0);
    // Its owner closes the firewall meanwhile, which waits for no repair.
    let now = NOW + GRACE + 1;
    network.raise_firewall_goal(None, now);
    assert_eq!(next_step(&network, now), Step::Firewall);
    network.firewall_ensured(
        network.firewall.goal,
        true,
        String::new(),
        now,
        now,
        &timing(),
    );
    assert_eq!(network.firewall_ready().holds, Holds::True);
    assert_eq!(next_step(&network, NOW + 2 * GRACE), Step::Look);
}

#[test]
fn a_fight_about_the_firewall_puts_no_repair_off() {
    let mut network = active();
    network.work.repairs = [3, 2, 1].map(|ago| (Repaired::Firewall, NOW - ago)).into();
    let changed = Sighting {
        cidrs: BTreeSet::new(),
        ..seen()
    };
    observe(&mut network, NOW + GRACE, &[changed]);
    assert_eq!(network.firewall_ready().reason, "DRIFT_FIGHT");
    observe(&mut network, NOW + 2 * GRACE, &[without_a_subnet()]);
    observe(&mut network, NOW + 3 * GRACE, &[without_a_subnet()]);
    assert_eq!(next_step(&network, NOW + 3 * GRACE), Step::Look);
    assert_eq!(network.firewall_ready().reason, "DRIFT_FIGHT");
}

#[test]
fn a_vpc_lost_while_a_repair_is_refused_is_found() {
    let mut network = active();
    observe(&mut network, NOW, &[without_a_subnet()]);
    observe(&mut network, NOW + GRACE, &[without_a_subnet()]);
    let at = NOW + 2 * GRACE;
    observe(&mut network, at, &[]);
    // A request that was under way begins the time anew, and is refused.
    network.requesting("subnet-2", true, at + 1);
    network.request_refused(true);
    assert_eq!(observe(&mut network, at + GRACE, &[]), Drift::Nothing);
    // No more of them while the VPC itself is in doubt.
    network.work.step_at = Some(at + GRACE);
    assert_eq!(next_step(&network, at + GRACE), Step::Rest);
    assert_eq!(observe(&mut network, at + 2 * GRACE, &[]), Drift::Lost);
    assert_eq!(network.reason, "VPC_MISSING");
}
