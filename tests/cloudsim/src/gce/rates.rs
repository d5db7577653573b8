//! Request throttling: so many calls per project and minute, counted anew at each full minute.

use std::collections::HashMap;

use crate::gce::Error;
use crate::gce::config::GcpRates;

/// What a method counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Group {
    Read,
    /// Reads of operations, which have a window of their own as large as that of other reads.
    OperationRead,
    Write,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Windows(HashMap<(String, Group), Window>);

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    minute: i64,
    calls: u32,
}

impl Windows {
    /// Counts one call.
    ///
    /// # Errors
    /// `rateLimitExceeded` when the minute has had its calls.
    pub(crate) fn take(
        &mut self,
        rates: &GcpRates,
        (project, number): (&str, u64),
        group: Group,
        now_ms: i64,
    ) -> Result<(), Error> {
        if !rates.enabled {
            return Ok(());
        }
        let most = match group {
            Group::Write => rates.writes_per_minute,
            Group::Read | Group::OperationRead => rates.reads_per_minute,
        };
        let window = self.0.entry((project.to_owned(), group)).or_default();
        let minute = now_ms.div_euclid(60_000);
        if window.minute != minute {
            *window = Window { minute, calls: 0 };
        }
        let foreign = match group {
            Group::Read => i64::from(rates.foreign_reads_per_minute),
            Group::OperationRead | Group::Write => 0,
        };
        let foreign = foreign * now_ms.rem_euclid(60_000) / 60_000;
        if i64::from(window.calls) + foreign >= i64::from(most) {
            return Err(limit_exceeded(group, number, rates.answer_429));
        }
        window.calls += 1;
        Ok(())
    }
}

/// The refusal of a call beyond the rate.
pub(crate) fn limit_exceeded(group: Group, number: u64, answer_429: bool) -> Error {
    let kind = match group {
        Group::Read => "Read requests",
        Group::OperationRead => "Operation read requests",
        Group::Write => "Write requests",
    };
    let text = format!(
        "Quota exceeded for quota metric '{kind}' and limit '{kind} per minute' of service \
         'compute.googleapis.com' for consumer 'project_number:{number}'."
    );
    let status = if answer_429 { 429 } else { 403 };
    Error::new(status, "rateLimitExceeded", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_begins_anew_at_the_full_minute() {
        let rates = GcpRates {
            reads_per_minute: 3,
            ..GcpRates::default()
        };
        let mut windows = Windows::default();
        let mut taken = |project, group, now_ms| {
            let take = |_: &i32| windows.take(&rates, (project, 1), group, now_ms).is_ok();
            (0..10).take_while(take).count()
        };
        assert_eq!(taken("a", Group::Read, 59_000), 3);
        assert_eq!(taken("a", Group::Read, 59_999), 0);
        assert_eq!(taken("a", Group::OperationRead, 59_999), 3);
        assert_eq!(taken("b", Group::Read, 59_999), 3);
        assert_eq!(taken("a", Group::Write, 59_999), 10);
        assert_eq!(taken("a", Group::Read, 60_000), 3);
    }

    #[test]
    fn what_somebody_else_reads_counts_as_the_minute_goes_on() {
        let rates = GcpRates {
            reads_per_minute: 10,
            foreign_reads_per_minute: 9,
            ..GcpRates::default()
        };
        let mut windows = Windows::default();
        let mut taken = |now_ms| {
            let take = |_: &i32| windows.take(&rates, ("a", 1), Group::Read, now_ms).is_ok();
            (0..20).take_while(take).count()
        };
        assert_eq!(taken(59_999), 2);
        assert_eq!(taken(60_000), 10);
    }
}
