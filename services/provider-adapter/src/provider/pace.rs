//! How fast one process writes to a cloud: slower than the cloud allows, so that others who share the account are not
//! throttled by us, nor we by ourselves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest wait for a turn. A longer one is the caller's, who has other things to do meanwhile.
const PATIENCE: Duration = Duration::from_millis(500);

/// A token bucket's measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pace {
    /// Writes at once, at least 1.
    pub(super) burst: f64,
    /// Writes per second in the long run, more than 0.
    pub(super) per_second: f64,
}

/// A token bucket. Tokens below zero are promised to those who wait.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

impl Bucket {
    fn full(pace: Pace, now_ms: i64) -> Self {
        Self {
            tokens: pace.burst,
            at_ms: now_ms,
        }
    }

    /// Takes a token that is there within `patience`, and answers how long to wait for it. Error: how long it would
    /// take; no token is taken then. `now_ms`: milliseconds of a clock that the bucket always sees.
    fn take(&mut self, pace: Pace, patience: Duration, now_ms: i64) -> Result<Duration, Duration> {
        let seconds = (now_ms - self.at_ms).max(0) as f64 / 1000.0;
        self.tokens = (self.tokens + seconds * pace.per_second).min(pace.burst);
        self.at_ms = self.at_ms.max(now_ms);
        let missing = (1.0 - self.tokens).max(0.0);
        let wait = Duration::from_secs_f64(missing / pace.per_second);
        if wait > patience {
            return Err(wait);
        }
        self.tokens -= 1.0;
        Ok(wait)
    }
}

/// The writes of one process to one account: a bucket for each kind that the cloud counts by itself.
#[derive(Debug)]
pub(super) struct Writes {
    pace: Pace,
    began: Instant,
    buckets: Mutex<HashMap<&'static str, Bucket>>,
}

impl Writes {
    /// None sent yet.
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            began: Instant::now(),
            buckets: Mutex::default(),
        }
    }

    /// Waits for the turn of one write, when it comes soon. Error: when to come back; nothing is to be sent.
    pub(super) async fn turn(&self, kind: &'static str) -> Result<(), Duration> {
        let wait = self.take(kind)?;
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    fn take(&self, kind: &'static str) -> Result<Duration, Duration> {
        let now_ms = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets
            .entry(kind)
            .or_insert_with(|| Bucket::full(self.pace, now_ms));
        bucket.take(self.pace, PATIENCE, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        burst: 25.0,
        per_second: 2.5,
    };
    const NONE: Duration = Duration::ZERO;

    /// How many of a thousand at once are sent without waiting.
    fn taken(bucket: &mut Bucket, now_ms: i64) -> usize {
        let take = |_: &i32| bucket.take(PACE, NONE, now_ms).is_ok();
        (0..1000).take_while(take).count()
    }

    #[test]
    fn a_bucket_lets_its_burst_pass_and_then_its_rate() {
        let mut bucket = Bucket::full(PACE, 0);
        assert_eq!(taken(&mut bucket, 0), 25);
        assert_eq!(taken(&mut bucket, 399), 0);
        assert_eq!(taken(&mut bucket, 400), 1);
        assert_eq!(taken(&mut bucket, 2_400), 5);
        assert_eq!(taken(&mut bucket, 1_000_000), 25);
    }

    #[test]
    fn a_refusal_tells_how_long_it_would_take_and_takes_nothing() {
        let mut bucket = Bucket::full(PACE, 0);
        taken(&mut bucket, 0);
        for _ in 0..3 {
            let refused = bucket.take(PACE, NONE, 0);
            assert_eq!(refused, Err(Duration::from_millis(400)));
        }
        assert_eq!(bucket.take(PACE, NONE, 400), Ok(NONE));
    }

    #[test]
    fn those_who_wait_are_served_one_after_the_other_and_none_waits_too_long() {
        let mut bucket = Bucket::full(PACE, 0);
        taken(&mut bucket, 0);
        let ms = Duration::from_millis;
        assert_eq!(bucket.take(PACE, ms(1000), 0), Ok(ms(400)));
        assert_eq!(bucket.take(PACE, ms(1000), 0), Ok(ms(800)));
        assert_eq!(bucket.take(PACE, ms(1000), 0), Err(ms(1200)));
        // What was promised is not given to others.
        assert_eq!(taken(&mut bucket, 800), 0);
        assert_eq!(taken(&mut bucket, 1_200), 1);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let mut bucket = Bucket::full(PACE, 10_000);
        taken(&mut bucket, 10_000);
        assert_eq!(taken(&mut bucket, 0), 0);
        assert_eq!(taken(&mut bucket, 10_000), 0);
        assert_eq!(taken(&mut bucket, 10_400), 1);
    }

    #[tokio::test]
    async fn each_kind_of_write_has_a_bucket_of_its_own() {
        let writes = Writes::new(Pace {
            burst: 2.0,
            per_second: 0.001,
        });
        for kind in ["CreateVpc", "DeleteVpc"] {
            assert!(writes.turn(kind).await.is_ok());
            assert!(writes.turn(kind).await.is_ok());
            let refused = writes.turn(kind).await.unwrap_err();
            assert!(refused > PATIENCE, "{refused:?}");
        }
    }
}
