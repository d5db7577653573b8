use proptest::prelude::*;

use super::*;
use crate::domain::NamedRange;

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn rules(private: &[&str], closed: &[&str]) -> CidrRules {
    let named = closed.iter().map(|range| NamedRange {
        cidr: cidr(range),
        why: String::new(),
    });
    CidrRules {
        shortest_prefix: 8,
        longest_prefix: 32,
        private: private.iter().map(|range| cidr(range)).collect(),
        reserved: named.collect(),
        discouraged: Vec::new(),
    }
}

/// Runs a search to its end or to `most` blocks, with claims handed in `piece` at a time.
fn found(mut search: Search, claims: &[Cidr], most: usize, piece: usize) -> Vec<Cidr> {
    let mut blocks = Vec::new();
    while blocks.len() < most {
        match search.advance() {
            Found::Free(block) => blocks.push(block),
            Found::Nothing => break,
            Found::Claims(way, from) => {
                let from = u64::from(u32::from(from));
                let around = claims.iter().copied().filter(|claim| {
                    let (first, last) = bounds(*claim);
                    (first..=last).contains(&from)
                });
                let largest = around.min_by_key(Cidr::prefix_len);
                let mut ahead: Vec<_> = claims.to_vec();
                match way {
                    Way::Up => {
                        ahead.retain(|claim| bounds(*claim).0 >= from);
                        ahead.sort_by_key(|claim| bounds(*claim).0);
                    }
                    Way::Down => {
                        ahead.retain(|claim| bounds(*claim).1 <= from);
                        ahead.sort_by_key(|claim| std::cmp::Reverse(bounds(*claim).1));
                    }
                }
                let complete = ahead.len() < piece;
                ahead.truncate(piece);
                search.tell(way, largest.into_iter().chain(ahead), complete);
            }
        }
    }
    blocks
}

fn named(blocks: &[Cidr]) -> Vec<String> {
    blocks.iter().map(Cidr::to_string).collect()
}

#[test]
fn the_nearest_come_first_and_higher_ones_before_lower_ones() {
    let rules = rules(&["10.0.0.0/8"], &["10.3.0.0/16"]);
    let search = |near| Search::new(&rules, 16, near);
    let blocks = found(search(Some(cidr("10.1.0.0/16"))), &[], 5, 9);
    assert_eq!(
        named(&blocks),
        [
            "10.1.0.0/16",
            "10.2.0.0/16",
            "10.0.0.0/16",
            "10.4.0.0/16",
            "10.5.0.0/16"
        ]
    );
    let claims = [cidr("10.1.0.0/24"), cidr("10.4.0.0/14")];
    let blocks = found(search(Some(cidr("10.1.0.0/16"))), &claims, 3, 1);
    assert_eq!(
        named(&blocks),
        ["10.2.0.0/16", "10.0.0.0/16", "10.8.0.0/16"]
    );
    let blocks = found(search(None), &[], 2, 9);
    assert_eq!(named(&blocks), ["10.0.0.0/16", "10.1.0.0/16"]);
    // From outside the space, and from its last block.
    let blocks = found(search(Some(cidr("192.168.0.0/16"))), &[], 1, 9);
    assert_eq!(named(&blocks), ["10.255.0.0/16"]);
    let blocks = found(
        search(Some(cidr("10.255.0.0/24"))),
        &[cidr("10.255.255.0/24")],
        1,
        9,
    );
    assert_eq!(named(&blocks), ["10.254.0.0/16"]);
}

#[test]
fn a_full_space_has_none() {
    let rules = rules(&["10.0.0.0/30"], &[]);
    let all = [
        cidr("10.0.0.0/32"),
        cidr("10.0.0.1/32"),
        cidr("10.0.0.2/31"),
    ];
    assert_eq!(found(Search::new(&rules, 32, None), &all, 9, 1), []);
    assert_eq!(
        named(&found(Search::new(&rules, 32, None), &all[1..], 9, 1)),
        ["10.0.0.0/32"]
    );
    assert_eq!(found(Search::new(&rules, 29, None), &[], 9, 1), []);
}

#[test]
fn no_block_reaches_over_two_allowed_ranges() {
    let rules = rules(&["10.0.0.0/31", "10.0.0.2/31", "10.0.0.0/32"], &[]);
    assert_eq!(found(Search::new(&rules, 30, None), &[], 9, 1), []);
    let blocks = found(Search::new(&rules, 31, None), &[], 9, 1);
    assert_eq!(named(&blocks), ["10.0.0.0/31", "10.0.0.2/31"]);
}

#[test]
fn the_ends_of_the_whole_space_are_no_trouble() {
    let rules = rules(&["0.0.0.0/0"], &[]);
    for near in ["0.0.0.0/32", "255.255.255.255/32"] {
        let blocks = found(Search::new(&rules, 8, Some(cidr(near))), &[], 300, 9);
        // All but 0/8, 127/8, the one around 169.254/16, and the upper eighth.
        assert_eq!(blocks.len(), 256 - 3 - 32, "{near}");
    }
}

/// A block of 10.0.0.0/24.
fn block() -> impl Strategy<Value = Cidr> {
    (0_u8..=255, 25_u8..=32)
        .prop_map(|(last, prefix_len)| Cidr::around(Ipv4Addr::new(10, 0, 0, last), prefix_len))
}

proptest! {
    #[test]
    fn exactly_the_free_blocks_are_found_by_distance(
        claims in prop::collection::vec(block(), 0..12),
        closed in prop::collection::vec(block(), 0..3),
        near in block(),
        prefix_len in 26_u8..=32,
        piece in 1_usize..5,
    ) {
        let closed: Vec<_> = closed.iter().map(Cidr::to_string).collect();
        let rules = rules(&["10.0.0.0/24"], &closed.iter().map(String::as_str).collect::<Vec<_>>());
        let free = |block: &Cidr| {
            !claims.iter().any(|claim| claim.overlaps(block))
                && !rules.reserved.iter().any(|range| range.cidr.overlaps(block))
        };
        let mut expected: Vec<_> = cidr("10.0.0.0/24").subnets(prefix_len).filter(free).collect();
        let start = bounds(Cidr::around(near.address(), prefix_len)).0;
        expected.sort_by_key(|block| (bounds(*block).0.abs_diff(start), bounds(*block).0 < start));
        let search = Search::new(&rules, prefix_len, Some(near));
        prop_assert_eq!(found(search, &claims, usize::MAX, piece), expected);
    }
}
