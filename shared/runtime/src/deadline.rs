//! Deadlines on the wire: the `grpc-timeout` header, read and written.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use tonic::{Code, Status};

use crate::status;

const HEADER: &str = "grpc-timeout";

/// The time the caller gives this call, if it says so in a way that can be read.
pub(crate) fn of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3_600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Tells the callee how much time is left.
pub(crate) fn put(headers: &mut HeaderMap, left: Duration) {
    const LONGEST_MS: u128 = 99_999_999;
    let millis = left.as_millis().clamp(1, LONGEST_MS);
    if let Ok(value) = HeaderValue::from_str(&format!("{millis}m")) {
        headers.insert(HEADER, value);
    }
}

/// The answer when time is up. (tonic's own says CANCELLED.)
pub(crate) fn exceeded(what: &str) -> Status {
    status::failure(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        format!("{what} took too long"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(HEADER.parse().unwrap(), text.parse().unwrap())])
    }

    #[test]
    fn every_unit_is_read() {
        for (text, nanos) in [
            ("2H", 7_200_000_000_000),
            ("3M", 180_000_000_000),
            ("4S", 4_000_000_000),
            ("5m", 5_000_000),
            ("6u", 6_000),
            ("7n", 7),
        ] {
            assert_eq!(
                of(&header(text)),
                Some(Duration::from_nanos(nanos)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_timeout_is_no_deadline() {
        for text in ["", "m", "5", "5x", "-5m", "123456789m", "5.5S", "ä"] {
            let value = HeaderValue::from_bytes(text.as_bytes()).unwrap();
            assert_eq!(
                of(&HeaderMap::from_iter([(HEADER.parse().unwrap(), value)])),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_never_zero() {
        let mut headers = HeaderMap::new();
        put(&mut headers, Duration::from_millis(1_500));
        assert_eq!(of(&headers), Some(Duration::from_millis(1_500)));
        put(&mut headers, Duration::ZERO);
        assert_eq!(of(&headers), Some(Duration::from_millis(1)));
    }
}
