//! The sum says that nothing is new only where a comparison row by row says so too.

use proptest::prelude::*;
use types::PeeringId;

use super::*;
use crate::domain::walk::{NOW, admitted, sighting};

/// What a row is like.
#[derive(Debug, Clone, Copy)]
enum Row {
    Up,
    Degraded,
    Gone,
    Away,
    Missed,
    Requested,
}

/// What the cloud shows of it.
#[derive(Debug, Clone, Copy)]
enum Seen {
    Same,
    Nothing,
    Twice,
    Ended,
    Untagged,
    OtherWord,
    OtherCidrs,
    OtherOptions,
    NoOptions,
    OtherId,
}

const ROWS: [Row; 6] = [
    Row::Up,
    Row::Degraded,
    Row::Gone,
    Row::Away,
    Row::Missed,
    Row::Requested,
];
const SEEN: [Seen; 10] = [
    Seen::Same,
    Seen::Nothing,
    Seen::Twice,
    Seen::Ended,
    Seen::Untagged,
    Seen::OtherWord,
    Seen::OtherCidrs,
    Seen::OtherOptions,
    Seen::NoOptions,
    Seen::OtherId,
];

fn peering(row: Row, index: usize) -> Peering {
    let mut peering = admitted(State::Active);
    peering.id = PeeringId::generate();
    peering.provider_peering_id = Some(format!("pcx-{index}"));
    peering.raw_state = "active".to_owned();
    peering.work.observed_cidrs = vec!["10.1.0.0/16".parse().unwrap()];
    match row {
        Row::Up => {}
        Row::Degraded => peering.state = State::Degraded,
        Row::Gone | Row::Away => peering.state = State::Disconnected,
        Row::Missed => peering.work.missed_at = Some(NOW),
        Row::Requested => peering.work.requested_at = Some(NOW),
    }
    peering.work.gone = matches!(row, Row::Gone);
    peering
}

fn shown_of(peering: &Peering, seen: Seen) -> Vec<Sighting> {
    let id = peering.provider_peering_id.as_ref().unwrap();
    let mut one = sighting(peering, id, CloudState::Active);
    one.peering = Some(peering.id);
    one.raw_state = peering.raw_state.clone();
    one.peer_cidrs = peering.work.observed_cidrs.clone();
    one.options = Some(peering.options);
    match seen {
        Seen::Same => {}
        Seen::Nothing => return Vec::new(),
        Seen::Twice => return vec![one.clone(), one],
        Seen::Ended => one.state = CloudState::Deleted,
        Seen::Untagged => one.peering = None,
        Seen::OtherWord => one.raw_state = "provisioning".to_owned(),
        Seen::OtherCidrs => one.peer_cidrs = vec!["10.2.0.0/16".parse().unwrap()],
        Seen::OtherOptions => {
            one.options = Some(Options {
                resolve_dns: true,
                ..peering.options
            })
        }
        Seen::NoOptions => one.options = None,
        Seen::OtherId => one.provider_peering_id += "0",
    }
    vec![one]
}

/// What belongs to no row of the lane.
fn strangers() -> Vec<Sighting> {
    let (pending, foreign) = (peering(Row::Up, 1_000), peering(Row::Up, 1_001));
    let waits = Sighting {
        state: CloudState::PendingAcceptance,
        ..shown_of(&pending, Seen::Same).remove(0)
    };
    let mut untagged = shown_of(&foreign, Seen::Untagged);
    untagged.push(waits);
    untagged
}

/// Whether the sum finds nothing new, and the strays that it leaves.
fn by_sum(glances: &[Glance], sightings: &[Sighting]) -> Option<Vec<Sighting>> {
    let rows = Tally::of(glances)?;
    let mut shown = Shown::default();
    sightings.iter().cloned().for_each(|one| shown.take(one));
    if !shown.agrees(&rows) {
        return None;
    }
    let mut rest = Matching::new(Vec::new());
    shown.into_rest().for_each(|one| rest.take(one));
    Some(rest.take_strays())
}

fn world() -> impl Strategy<Value = Vec<(Row, Seen)>> {
    let row = prop_oneof![8 => Just(Row::Up), 1 => proptest::sample::select(&ROWS[..])];
    let seen = prop_oneof![8 => Just(Seen::Same), 1 => proptest::sample::select(&SEEN[..])];
    proptest::collection::vec((row, seen), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_the_sum_passes_over_has_nothing_new_row_by_row(world in world()) {
        let rows: Vec<_> = (world.iter().enumerate()).map(|(index, (row, _))| peering(*row, index)).collect();
        let glances: Vec<_> = rows.iter().map(Glance::of).collect();
        let each = rows.iter().zip(&world).flat_map(|(row, (_, seen))| shown_of(row, *seen));
        let sightings: Vec<_> = each.chain(strangers()).collect();
        let mut matching = Matching::new(glances.clone());
        sightings.iter().cloned().for_each(|one| matching.take(one));
        let strays = matching.take_strays();
        let news = matching.findings(true);
        if let Some(rest) = by_sum(&glances, &sightings) {
            prop_assert!(news.is_empty(), "{world:?}: {news:?}");
            prop_assert_eq!(rest, strays);
        }
        let is_quiet = world.iter().all(|one| matches!(one, (Row::Up | Row::Degraded, Seen::Same)));
        prop_assert!(!is_quiet || by_sum(&glances, &sightings).is_some(), "{world:?} is not passed over");
    }
}

#[test]
fn a_row_that_was_written_has_another_sum() {
    let before = peering(Row::Up, 1);
    let mut after = before.clone();
    after.version += 1;
    assert_ne!(
        Tally::of(&[Glance::of(&before)]),
        Tally::of(&[Glance::of(&after)])
    );
}
