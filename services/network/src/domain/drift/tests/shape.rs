//! Subnets with other ranges, and what is shown while parts are put back.

use super::*;

fn with_range(cidr: &str) -> Sighting {
    let mut seen = seen();
    seen.vpc.subnets[0].cidr = cidr.to_owned();
    seen
}

#[test]
fn a_subnet_with_another_range_is_told_after_two_looks_and_left_alone() {
    let mut network = active();
    let wider = with_range("10.20.0.0/17");
    assert_eq!(
        observe(&mut network, NOW, std::slice::from_ref(&wider)),
        Drift::Nothing
    );
    assert_eq!(network.reason, "");
    let drift = observe(&mut network, NOW + GRACE, std::slice::from_ref(&wider));
    assert_eq!(drift, Drift::Nothing);
    assert_eq!(
        (network.state, network.reason.as_str()),
        (State::Active, "VPC_DRIFT")
    );
    let what = "subnet subnet-a has the range 10.20.0.0/17, not 10.20.0.0/18";
    assert!(network.message.starts_with(what), "{}", network.message);
    assert_eq!((network.vpc.clone(), network.due_at()), (vpc(), None));
    // Said once, it is in doubt no more, and hides no other drift.
    let told = network.clone();
    observe(&mut network, NOW + 2 * GRACE, std::slice::from_ref(&wider));
    assert_eq!(network, told);
    let open = Sighting {
        ports: [22].into(),
        ..wider.clone()
    };
    let verdict = judge(&glance(&told), &look(NOW + 2 * GRACE), &[open], &wanted());
    assert_eq!(verdict.drift, Drift::Firewall);
    // A look of the work does not forget it.
    let answer = crate::domain::Answer {
        vpc: vpc(),
        ahead: Ahead::Complete,
        operation_token: String::new(),
    };
    network.looked(answer, NOW, NOW, &timing());
    assert_eq!(network.reason, "VPC_DRIFT");
    // Another look alone says that it is right again.
    observe(&mut network, NOW + 3 * GRACE, &[seen()]);
    assert_eq!(
        (network.reason.as_str(), network.message.as_str()),
        ("", "")
    );
}

#[test]
fn a_range_that_only_one_look_shows_otherwise_is_not_told() {
    let mut network = active();
    let before = network.clone();
    observe(&mut network, NOW, &[with_range("10.20.0.0/17")]);
    observe(&mut network, NOW + GRACE, &[seen()]);
    assert_eq!(network, before);
}

#[test]
fn a_repair_makes_no_holes_in_what_is_shown() {
    let mut network = active();
    observe(&mut network, NOW, &[without_a_subnet()]);
    observe(&mut network, NOW + GRACE, &[without_a_subnet()]);
    assert_eq!(network.vpc.subnets.len(), 1);
    assert_eq!(network.shown_vpc(), &vpc());
    let partly = |ahead| crate::domain::Answer {
        vpc: network.vpc.clone(),
        ahead,
        operation_token: String::new(),
    };
    let missing = partly(Ahead::Part {
        part: "subnet-2".to_owned(),
        guarded: true,
    });
    let mut whole = vpc();
    whole.subnets[1] = subnet("subnet-z");
    let complete = crate::domain::Answer {
        vpc: whole.clone(),
        ..partly(Ahead::Complete)
    };
    network.looked(missing, NOW + GRACE, NOW + GRACE, &timing());
    assert_eq!(network.shown_vpc(), &vpc());
    network.looked(complete, NOW + GRACE, NOW + GRACE, &timing());
    assert_eq!(network.shown_vpc(), &whole);
    assert_eq!(next_step(&network, NOW + GRACE), Step::Rest);
}
