//! Pages of a list: how large, and where the next one begins.

use prost::Message;
use types::Invalid;

use crate::hash::{fingerprint, hex};
use crate::status::Violations;

/// A page ends before it grows beyond this, in bytes.
const LARGEST: usize = 2 * 1024 * 1024;
const DEFAULT_SIZE: u64 = 50;
const MOST: u64 = 1_000;
/// Characters of a token that prove that it is one of ours, for the same question.
const PROOF: usize = 16;

/// One page of a list. `question` is the list with its filters: a token answers no other.
pub struct Page {
    question: String,
    /// The key of the last entry of the page before.
    pub after: Option<String>,
    /// The most entries.
    pub size: u64,
}

impl Page {
    /// The page that a request asks for; what is wrong with it joins `violations`.
    pub fn asked(
        violations: &mut Violations,
        page_size: i32,
        page_token: &str,
        question: String,
    ) -> Self {
        let size = match u64::try_from(page_size) {
            Ok(0) => DEFAULT_SIZE,
            Ok(size) => size.min(MOST),
            Err(_) => {
                let rule = format!("must not be negative, but is {page_size}");
                violations.add("page_size", "INVALID_FIELD", rule);
                DEFAULT_SIZE
            }
        };
        let after = violations
            .check("page_token", read(&question, page_token))
            .flatten();
        Self {
            question,
            after,
            size,
        }
    }

    /// How many entries to read: one more than fit, to know whether there are more.
    pub fn wanted(&self) -> u64 {
        self.size + 1
    }

    /// Cuts the read entries to the page, and makes the token of the next one if there is more.
    pub fn cut<M: Message>(
        &self,
        mut entries: Vec<M>,
        key: impl Fn(&M) -> String,
    ) -> (Vec<M>, String) {
        let most = usize::try_from(self.size).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let fitting = entries
            .iter()
            .take(most)
            .take_while(|entry| {
                bytes += entry.encoded_len();
                bytes <= LARGEST
            })
            .count();
        let is_last = fitting == entries.len();
        // An entry that is too large by itself still has to be seen.
        entries.truncate(fitting.max(1));
        let token = match entries.last() {
            Some(last) if !is_last => write(&self.question, &key(last)),
            _ => String::new(),
        };
        (entries, token)
    }
}

fn proof(question: &str, key: &str) -> String {
    fingerprint([question, key])[..PROOF].to_owned()
}

/// An opaque text that proves to be ours, and made for `question`, when it comes back.
pub(crate) fn write(question: &str, key: &str) -> String {
    proof(question, key) + &hex(key.as_bytes())
}

/// The key in a token that was made for `question`.
pub(crate) fn open(question: &str, token: &str) -> Option<String> {
    token
        .split_at_checked(PROOF)
        .and_then(|(given, key)| Some((given, String::from_utf8(unhex(key)?).ok()?)))
        .filter(|(given, key)| *given == proof(question, key))
        .map(|(_, key)| key)
}

fn read(question: &str, token: &str) -> Result<Option<String>, Invalid> {
    if token.is_empty() {
        return Ok(None);
    }
    let refused = "must be the next_page_token of the page before, with the same filters";
    open(question, token)
        .map(Some)
        .ok_or_else(|| Invalid::field(refused))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(size: i32, token: &str) -> (Page, bool) {
        let mut violations = Violations::new();
        let page = Page::asked(&mut violations, size, token, "list acme".to_owned());
        (page, violations.is_empty())
    }

    #[test]
    fn a_token_leads_to_the_next_page_and_fits_no_other_question() {
        let entries: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let (first, token) = page(2, "").0.cut(entries, Clone::clone);
        assert_eq!(first, ["a", "b"]);
        assert_eq!(page(2, &token).0.after.as_deref(), Some("b"));
        assert!(read("list globex", &token).is_err());
        for tampered in [
            "x",
            "00",
            &token[1..],
            &format!("{token}00"),
            "ääääääääääääääääää",
        ] {
            assert!(!page(2, tampered).1, "{tampered}");
        }
    }

    #[test]
    fn the_last_page_has_no_token() {
        let (entries, token) = page(2, "")
            .0
            .cut(vec!["a".to_owned(), "b".to_owned()], Clone::clone);
        assert_eq!((entries.len(), token.as_str()), (2, ""));
        let (entries, token) = page(2, "").0.cut(Vec::<String>::new(), Clone::clone);
        assert_eq!((entries.len(), token.as_str()), (0, ""));
    }

    #[test]
    fn a_page_ends_early_when_it_gets_too_large() {
        let entries = vec!["x".repeat(LARGEST / 2 - 10); 5];
        let (fitting, token) = page(0, "").0.cut(entries, |_| "x".to_owned());
        assert_eq!(fitting.len(), 2);
        assert!(!token.is_empty());
        let (fitting, _) = page(0, "")
            .0
            .cut(vec!["x".repeat(LARGEST + 1); 2], |_| "x".to_owned());
        assert_eq!(fitting.len(), 1);
    }

    #[test]
    fn sizes_have_a_default_and_an_end() {
        assert_eq!(page(0, "").0.size, 50);
        assert_eq!(page(5_000, "").0.size, 1_000);
        assert!(!page(-1, "").1);
    }
}
