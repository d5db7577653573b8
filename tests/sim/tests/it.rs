//! Ten thousand worlds in which nothing goes wrong that must not, and planted faults that are found.

// The whole crate is tests, which clippy sees only in those functions that are one.
#![allow(clippy::unwrap_used)]

use clap::ValueEnum;
use sim::Bug;

/// Worlds until a planted fault has to be found.
const PATIENCE: u64 = 3_000;

fn nothing_happens_in(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        if let Err(what) = sim::run(seed, None, false) {
            panic!("seed {seed}: {what}; `cargo run -p sim -- --seed {seed}` tells how");
        }
    }
}

#[test]
fn the_first_quarter_of_ten_thousand_worlds_is_sound() {
    nothing_happens_in(0..2_500);
}

#[test]
fn the_second_quarter_of_ten_thousand_worlds_is_sound() {
    nothing_happens_in(2_500..5_000);
}

#[test]
fn the_third_quarter_of_ten_thousand_worlds_is_sound() {
    nothing_happens_in(5_000..7_500);
}

#[test]
fn the_last_quarter_of_ten_thousand_worlds_is_sound() {
    nothing_happens_in(7_500..10_000);
}

#[test]
fn every_planted_fault_is_found_and_its_world_is_sound_without_it() {
    for bug in Bug::value_variants() {
        let found = (0..PATIENCE).find(|seed| sim::run(*seed, Some(*bug), false).is_err());
        let seed = found.unwrap_or_else(|| panic!("{bug:?} is not found in {PATIENCE} worlds"));
        assert_eq!(sim::run(seed, None, false), Ok(()), "{bug:?}");
    }
}

#[test]
fn a_seed_is_one_world() {
    for bug in [Bug::NoCompareAndSet, Bug::CreateRepeated] {
        let found = (0..PATIENCE)
            .find(|seed| sim::run(*seed, Some(bug), false).is_err())
            .unwrap();
        let once = sim::run(found, Some(bug), false);
        assert_eq!(once, sim::run(found, Some(bug), false));
    }
}
