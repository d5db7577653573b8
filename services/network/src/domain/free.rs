//! The search for free blocks: from a start both ways, the nearest first, over claims that are handed in piece by piece.
//!
//! Blocks nest: two of them are apart or one holds the other. So a walk over claims in the order of their beginnings
//! needs to know, besides those, only the claims that hold the place where it begins.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use types::Cidr;

use super::CidrRules;
use super::catalog::never_allowed;

const SPACE: u64 = 1 << 32;

/// Which way a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Towards higher addresses.
    Up,
    /// Towards lower addresses.
    Down,
}

/// What a search comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The next block that nothing touches.
    Free(Cidr),
    /// It has to know the claims this way from this address on: see [`Search::tell`].
    Claims(Way, Ipv4Addr),
    /// There are no more.
    Nothing,
}

/// A search for blocks of one size that the rules allow and no claim touches.
#[derive(Debug)]
pub struct Search {
    prefix_len: u8,
    up: Walk,
    down: Walk,
}

/// One way of a search. Its coordinates rise in its own direction, so both ways are one code.
#[derive(Debug)]
struct Walk {
    size: u64,
    /// Where it begins.
    start: u64,
    /// The next block that may be free begins here.
    at: u64,
    /// First and last addresses of what the rules leave, in order.
    open: Vec<(u64, u64)>,
    /// Claims from `at` on, those around it first, the others in the order of their beginnings.
    claims: VecDeque<(u64, u64)>,
    /// Whether no others follow.
    complete: bool,
}

enum Settled {
    Free,
    Claims,
    Nothing,
}

impl Search {
    /// A search for blocks of `prefix_len` bits, the nearest to `near` first; without it, the lowest first.
    pub fn new(rules: &CidrRules, prefix_len: u8, near: Option<Cidr>) -> Self {
        let size = SPACE >> prefix_len.min(32);
        let open = open(rules);
        let lowest = open.first().map_or(0, |(first, _)| *first);
        let start = near.map_or(lowest, |near| bounds(near).0) / size * size;
        let mirrored = open.iter().rev().map(|range| mirror(*range)).collect();
        Self {
            prefix_len,
            up: Walk::new(size, start, open),
            down: Walk::new(size, SPACE - start, mirrored),
        }
    }

    /// The next free block, or what has to be known to find it.
    pub fn advance(&mut self) -> Found {
        loop {
            let (up, down) = (self.up.distance(), self.down.distance());
            // The block at the start belongs to the way up, so the first one down is a block away.
            let down = down.map(|distance| distance + self.down.size);
            let upwards = match (up, down) {
                (None, None) => return Found::Nothing,
                (Some(up), Some(down)) => up <= down,
                (up, _) => up.is_some(),
            };
            let (way, walk) = if upwards {
                (Way::Up, &mut self.up)
            } else {
                (Way::Down, &mut self.down)
            };
            let before = walk.at;
            match walk.settle() {
                Settled::Claims => return Found::Claims(way, way.address(walk.at)),
                // It went on, so the other way may be nearer now.
                Settled::Free if walk.at != before => {}
                Settled::Free => {
                    let block = Cidr::around(way.address(walk.at), self.prefix_len);
                    walk.at += walk.size;
                    return Found::Free(block);
                }
                Settled::Nothing => {}
            }
        }
    }

    /// Hands in claims: the largest that holds the address asked for, then those that begin (on the way down: end) at
    /// it or behind it, in their order on that way. `complete` says that no others follow.
    pub fn tell(&mut self, way: Way, claims: impl IntoIterator<Item = Cidr>, complete: bool) {
        let walk = match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        };
        let ranges = claims.into_iter().map(bounds);
        walk.claims = match way {
            Way::Up => ranges.collect(),
            Way::Down => ranges.map(mirror).collect(),
        };
        walk.complete = complete;
    }
}

impl Way {
    /// The address at a place of a walk.
    fn address(self, at: u64) -> Ipv4Addr {
        let at = match self {
            Self::Up => at,
            Self::Down => SPACE.saturating_sub(1 + at),
        };
        Ipv4Addr::from(u32::try_from(at).unwrap_or(u32::MAX))
    }
}

impl Walk {
    fn new(size: u64, start: u64, open: Vec<(u64, u64)>) -> Self {
        Self {
            size,
            start,
            at: start,
            open,
            claims: VecDeque::new(),
            complete: false,
        }
    }

    /// How far the next block is at least that may be free; none: there is none. Goes on to it.
    fn distance(&mut self) -> Option<u64> {
        let (at, size) = (self.at, self.size);
        let first_fit = self.open.iter().find_map(|(first, last)| {
            let begin = at.max(first.next_multiple_of(size));
            (begin + size - 1 <= *last).then_some(begin)
        })?;
        self.at = first_fit;
        Some(first_fit - self.start)
    }

    /// Goes on to the next block that is free, or as far as the claims reach.
    fn settle(&mut self) -> Settled {
        while self.distance().is_some() {
            while self.claims.front().is_some_and(|(_, last)| *last < self.at) {
                self.claims.pop_front();
            }
            match self.claims.front() {
                None if !self.complete => return Settled::Claims,
                Some((first, last)) if *first < self.at + self.size => {
                    self.at = (self.at + self.size).max(last + 1);
                }
                _ => return Settled::Free,
            }
        }
        Settled::Nothing
    }
}

fn bounds(range: Cidr) -> (u64, u64) {
    let first = u64::from(u32::from(range.address()));
    (first, first + (SPACE >> range.prefix_len()) - 1)
}

fn mirror((first, last): (u64, u64)) -> (u64, u64) {
    (SPACE - 1 - last, SPACE - 1 - first)
}

/// What the rules leave of the space that networks may have, in order; no part reaches over two allowed ranges.
fn open(rules: &CidrRules) -> Vec<(u64, u64)> {
    let outermost = |one: &&Cidr| {
        let others = &rules.private;
        !others
            .iter()
            .any(|other| other != *one && other.contains(one))
    };
    let mut open: Vec<_> = rules.private.iter().filter(outermost).copied().collect();
    open.sort();
    open.dedup();
    let mut open: Vec<_> = open.into_iter().map(bounds).collect();
    let named = rules.reserved.iter().chain(&rules.discouraged);
    let closed = named
        .map(|range| range.cidr)
        .chain(never_allowed().map(|(range, _)| range));
    for (first, last) in closed.map(bounds) {
        let without = |(begin, end): (u64, u64)| {
            let before = (begin < first).then(|| (begin, end.min(first - 1)));
            let after = (end > last).then(|| (begin.max(last + 1), end));
            before.into_iter().chain(after)
        };
        open = open.into_iter().flat_map(without).collect();
    }
    open
}

#[cfg(test)]
mod tests;
