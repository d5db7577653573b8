//! Page tokens: opaque, and bound to the question they belong to.

use std::fmt::Debug;

use sha2::{Digest, Sha256};
use types::Invalid;

use super::convert::hex;

const DEFAULT_SIZE: i32 = 50;
const LARGEST_SIZE: i32 = 1_000;
/// A page ends early when it has this many bytes.
pub(super) const LARGEST_BYTES: usize = 2 * 1024 * 1024;
const CHECK: usize = 16;

/// How many a page holds at most.
pub(super) fn size(asked: i32) -> Result<usize, Invalid> {
    match asked {
        ..0 => Err(Invalid::field("must not be negative")),
        0 => Ok(DEFAULT_SIZE as usize),
        asked => Ok(asked.min(LARGEST_SIZE) as usize),
    }
}

/// The token of what follows `last` in the answer to `question`.
pub(super) fn token(question: &impl Debug, last: &str) -> String {
    hex(format!("{}{last}", check(question, last)).as_bytes())
}

/// The last item before the page that a token asks for; none for the first page.
pub(super) fn read(question: &impl Debug, token: &str) -> Result<Option<String>, Invalid> {
    if token.is_empty() {
        return Ok(None);
    }
    let refused = || Invalid::field("must be the next_page_token of a page with the same filters");
    let text = unhex(token)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(refused)?;
    let (sum, last) = text.split_at_checked(CHECK).ok_or_else(refused)?;
    if sum != check(question, last) {
        return Err(refused());
    }
    Ok(Some(last.to_owned()))
}

fn check(question: &impl Debug, last: &str) -> String {
    let sum = Sha256::digest(format!("{question:?}|{last}"));
    hex(&sum[..CHECK / 2])
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_for_the_same_question_only() {
        let given = token(&"filter a", "peer_1");
        assert_eq!(read(&"filter a", &given), Ok(Some("peer_1".to_owned())));
        assert!(read(&"filter b", &given).is_err());
        assert_eq!(read(&"filter a", ""), Ok(None));
    }

    #[test]
    fn no_part_of_a_token_can_be_changed() {
        let given = token(&"q", "peer_1");
        for index in 0..given.len() {
            let mut changed = given.clone();
            let other = if &given[index..=index] == "0" {
                "1"
            } else {
                "0"
            };
            changed.replace_range(index..=index, other);
            assert!(read(&"q", &changed).is_err(), "{changed}");
        }
        for wrong in ["x", "0", "00", "ää", &given[1..], &given[2..]] {
            assert!(read(&"q", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_a_default_and_a_bound() {
        assert_eq!(size(0), Ok(50));
        assert_eq!(size(7), Ok(7));
        assert_eq!(size(i32::MAX), Ok(1_000));
        assert!(size(-1).is_err());
    }
}
