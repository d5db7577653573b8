//! Request throttling: a token bucket per account, region and API.

use std::collections::HashMap;

use crate::cloud::{Caller, Error};
use crate::config::Rates;

#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets(HashMap<(Caller, String), Bucket>);

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at_ms: i64,
}

impl Buckets {
    /// Takes one token.
    ///
    /// # Errors
    /// `RequestLimitExceeded` when there is none.
    pub(crate) fn take(
        &mut self,
        rates: &Rates,
        caller: &Caller,
        action: &str,
        now_ms: i64,
    ) -> Result<(), Error> {
        if !rates.enabled {
            return Ok(());
        }
        let rate = if action.starts_with("Describe") {
            rates.describe
        } else {
            rates.mutating
        };
        let full = Bucket {
            tokens: rate.burst,
            at_ms: now_ms,
        };
        let bucket = self
            .0
            .entry((caller.clone(), action.to_owned()))
            .or_insert(full);
        let seconds = (now_ms - bucket.at_ms).max(0) as f64 / 1000.0;
        let refill = rate.per_second - rates.foreign_of(action);
        bucket.tokens = (bucket.tokens + seconds * refill).clamp(0.0, rate.burst);
        bucket.at_ms = now_ms;
        if bucket.tokens < 1.0 {
            return Err(limit_exceeded());
        }
        bucket.tokens -= 1.0;
        Ok(())
    }
}

pub(crate) fn limit_exceeded() -> Error {
    Error::new("RequestLimitExceeded", "Request limit exceeded.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_client_takes_what_a_bucket_is_refilled_with() {
        let caller = Caller::new("111122223333", "eu-west-1");
        let taken = |foreign: f64| {
            let (mut buckets, mut rates) = (Buckets::default(), Rates::default());
            rates.foreign.insert("Describe*".to_owned(), foreign);
            let mut take = |now| {
                let take = |_: &i32| buckets.take(&rates, &caller, "DescribeVpcs", now).is_ok();
                (0..200).take_while(take).count()
            };
            [take(0), take(1000), take(60_000)]
        };
        assert_eq!(taken(0.0), [100, 20, 100]);
        assert_eq!(taken(18.0), [100, 2, 100]);
        assert_eq!(taken(20.0), [100, 0, 0]);
        assert_eq!(taken(30.0), [100, 0, 0]);
    }

    #[test]
    fn a_bucket_empties_and_refills() {
        let (mut buckets, rates) = (Buckets::default(), Rates::default());
        let caller = Caller::new("111122223333", "eu-west-1");
        let mut taken = |action: &str, now| {
            let take = |_: &i32| buckets.take(&rates, &caller, action, now).is_ok();
            (0..200).take_while(take).count()
        };
        assert_eq!(taken("DescribeVpcs", 0), 100);
        assert_eq!(taken("DescribeVpcs", 1000), 20);
        assert_eq!(taken("CreateVpc", 1000), 50);
        assert_eq!(taken("DeleteVpc", 1000), 50);
        assert_eq!(taken("CreateVpc", 2000), 5);
    }
}
