//! The clock that tests move, and how AWS writes an instant.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Runs with the machine's clock, shifted, unless it is frozen.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Clock {
    offset_ms: i64,
    frozen_ms: Option<i64>,
}

/// One moment on two clocks, in milliseconds since 1970.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    pub(crate) cloud_ms: i64,
    /// By the clock that clients have too, and no test moves.
    pub(crate) machine_ms: i64,
}

impl Clock {
    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        self.frozen_ms
            .unwrap_or_else(|| machine_ms() + self.offset_ms)
    }

    /// This clock's time and the machine's.
    pub(crate) fn both(&self) -> Now {
        Now {
            cloud_ms: self.now_ms(),
            machine_ms: machine_ms(),
        }
    }

    pub(crate) fn advance(&mut self, by_ms: i64) {
        match &mut self.frozen_ms {
            Some(frozen) => *frozen += by_ms,
            None => self.offset_ms += by_ms,
        }
    }

    pub(crate) fn set(&mut self, to_ms: i64) {
        match &mut self.frozen_ms {
            Some(frozen) => *frozen = to_ms,
            None => self.offset_ms = to_ms - machine_ms(),
        }
    }

    pub(crate) fn freeze(&mut self, frozen: bool) {
        let now = self.now_ms();
        self.frozen_ms = frozen.then_some(now);
        self.set(now);
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen_ms.is_some()
    }
}

fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

/// `2026-05-01T12:30:00.000Z`.
pub(crate) fn timestamp(ms: i64) -> String {
    let (year, month, day) = civil(ms.div_euclid(86_400_000));
    let in_day = ms.rem_euclid(86_400_000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        in_day / 3_600_000,
        in_day / 60_000 % 60,
        in_day / 1000 % 60,
        in_day % 1000
    )
}

/// Year, month and day of a number of days since 1970, counted in eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let in_era = days.rem_euclid(146_097);
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_aws_writes_them() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(951_782_400_123), "2000-02-29T00:00:00.123Z");
        assert_eq!(timestamp(1_767_225_599_000), "2025-12-31T23:59:59.000Z");
    }

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let mut clock = Clock::default();
        clock.freeze(true);
        clock.set(1000);
        clock.advance(500);
        assert_eq!(clock.now_ms(), 1500);
        clock.freeze(false);
        assert!((1500..60_000).contains(&clock.now_ms()));
    }
}
