//! What wishes make of a network, and what they are refused for.

use super::*;
use crate::domain::{Ahead, AttachmentKind, Step, fixture, next_step};

const NOW: i64 = 1_000_000;

fn in_state(state: State) -> Network {
    let mut network = fixture::network(types::ProviderKind::Aws, 0);
    network.state = state;
    network.account = Some("111122223333".to_owned());
    network.work.ahead = Ahead::Complete;
    network.work.step_at = None;
    network.work.touched = true;
    network
}

fn blockers(total: u64) -> Blockers {
    let first = (0..total).map(|n| (AttachmentKind::Datastore, n.to_string()));
    Blockers {
        first: first.collect(),
        total,
    }
}

fn labels(key: &str) -> Labels {
    Labels::new([(key.to_owned(), String::new())]).unwrap()
}

#[test]
fn deleting_is_refused_by_a_stale_etag_and_by_what_stands_on_it() {
    for state in [State::Pending, State::Active, State::Failed] {
        let mut network = in_state(state);
        let stale = network.delete("old", blockers(0), None, NOW);
        assert!(matches!(stale, Err(Error::EtagMismatch { .. })));
        let used = network.delete("", blockers(1), None, NOW);
        assert_eq!(used, Err(Error::NetworkInUse(blockers(1))));
        let etag = network.etag();
        assert_eq!(network.delete(&etag, blockers(0), None, NOW), Ok(true));
        assert_eq!(
            (network.state, network.work.step_at),
            (State::Deleting, Some(NOW))
        );
        assert_eq!(network.delete(&etag, blockers(1), None, NOW), Ok(false));
        assert_ne!(network.etag(), etag);
    }
}

#[test]
fn a_network_waits_for_its_peerings_before_it_goes() {
    for state in [State::Active, State::Failed] {
        let mut network = in_state(state);
        network.peering_count = 2;
        assert_eq!(network.delete("", blockers(0), None, NOW), Ok(true));
        for (left, message) in [
            (2, "2 peerings are being deleted first"),
            (1, "1 peering is being deleted first"),
        ] {
            network.peering_count = left;
            network.wait_for_peerings(NOW);
            assert_eq!(
                (network.reason.as_str(), network.message.as_str()),
                ("WAITING_FOR_PEERINGS", message)
            );
            assert_eq!(
                (network.state, network.work.step_at),
                (State::Deleting, None)
            );
            assert_eq!(next_step(&network, NOW), Step::Rest);
            // Nor does it go when something else makes it due.
            network.work.step_at = Some(NOW);
            assert_eq!(next_step(&network, NOW), Step::Rest);
        }
        network.peering_count = 0;
        network.wait_for_peerings(NOW + 5);
        assert_eq!(
            (network.reason.as_str(), network.message.as_str()),
            ("", "")
        );
        assert_eq!(network.work.step_at, Some(NOW + 5));
        assert_eq!(next_step(&network, NOW + 5), Step::Remove);
    }
}

#[test]
fn a_detach_makes_nothing_due_where_nothing_waits() {
    let mut network = in_state(State::Active);
    network.wait_for_peerings(NOW);
    assert_eq!(network, in_state(State::Active).with_id(&network));
    let mut removing = in_state(State::Deleting);
    removing.work.step_at = Some(NOW + 60_000);
    removing.wait_for_peerings(NOW);
    assert_eq!(removing.work.step_at, Some(NOW + 60_000));
}

#[test]
fn an_update_tells_whether_it_changed_something() {
    let mut network = in_state(State::Active);
    let etag = network.etag();
    let renamed = Update {
        etag: etag.clone(),
        display_name: Some("other".parse().unwrap()),
        labels: None,
    };
    assert_eq!(network.update(renamed.clone(), NOW), Ok(true));
    assert_eq!(
        (network.display_name.as_str(), network.update_time),
        ("other", NOW)
    );
    let stale = network.update(renamed.clone(), NOW);
    assert!(matches!(stale, Err(Error::EtagMismatch { .. })));
    let same = Update {
        etag: String::new(),
        ..renamed
    };
    assert_eq!(network.update(same, NOW + 1), Ok(false));
    assert_eq!(network.update_time, NOW);
    let labelled = Update {
        labels: Some(labels("team")),
        ..Update::default()
    };
    assert_eq!(network.update(labelled.clone(), NOW + 2), Ok(true));
    assert_eq!(network.update(labelled, NOW + 3), Ok(false));
    assert_eq!(
        (&network.labels, network.update_time),
        (&labels("team"), NOW + 2)
    );
    assert_eq!(network.display_name.as_str(), "other");
}

#[test]
fn a_network_that_leaves_is_not_changed() {
    for state in [State::Deleting, State::Deleted] {
        let mut network = in_state(state);
        let refused = network.update(Update::default(), NOW);
        assert_eq!(
            refused,
            Err(Error::NetworkDeleted {
                id: network.id,
                state
            })
        );
    }
}

#[test]
fn a_raised_goal_is_due_at_once_only_where_a_firewall_stands() {
    for (state, due) in [
        (State::Active, Some(NOW)),
        (State::Pending, None),
        (State::Failed, None),
        (State::Deleting, None),
    ] {
        let mut network = in_state(state);
        network.firewall.done = network.firewall.goal;
        network.raise_firewall_goal(Some("trace".to_owned()), NOW);
        assert_eq!((network.firewall.goal, network.due_at()), (2, due));
        assert_eq!(network.traceparent.as_deref(), Some("trace"));
    }
}

impl Network {
    /// The same with the id of another.
    fn with_id(mut self, other: &Self) -> Self {
        self.id = other.id;
        self
    }
}
