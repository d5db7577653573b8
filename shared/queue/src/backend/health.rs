//! Whether Redis is to be used: pure bookkeeping over its answers.

use std::time::{Duration, Instant};

/// How much silence is forgiven, and how much good behaviour is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Errors and nothing else for this long: away.
    pub(crate) patience: Duration,
    /// Answers and nothing else for this long: back.
    pub(crate) trust: Duration,
}

/// What an answer, or its lack, made of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Away,
    Back,
}

#[derive(Debug)]
pub(crate) struct Health {
    rules: Rules,
    away: bool,
    answered: Option<Instant>,
    bad_since: Option<Instant>,
    good_since: Option<Instant>,
}

impl Health {
    /// Redis is trusted at first.
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            away: false,
            answered: None,
            bad_since: None,
            good_since: None,
        }
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away
    }

    /// Takes note of a call sent at `begun` whose result was known at `ended`.
    pub(crate) fn note(&mut self, begun: Instant, ended: Instant, good: bool) -> Option<Change> {
        if good {
            self.answered = Some(ended);
            self.bad_since = None;
            let since = *self.good_since.get_or_insert(ended);
            let back = self.away && ended.duration_since(since) >= self.rules.trust;
            self.away &= !back;
            return back.then_some(Change::Back);
        }
        self.good_since = None;
        // A call may have been sent before another was answered well.
        let begun = self.answered.map_or(begun, |answered| answered.max(begun));
        let since = *self.bad_since.get_or_insert(begun);
        let away = !self.away && ended.duration_since(since) >= self.rules.patience;
        self.away |= away;
        away.then_some(Change::Away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        patience: Duration::from_secs(1),
        trust: Duration::from_secs(10),
    };

    #[test]
    fn redis_is_left_after_a_second_of_errors_and_taken_back_after_ten_of_answers() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut health = Health::new(RULES);
        assert_eq!(health.note(at(0), at(500), false), None);
        assert_eq!(health.note(at(500), at(1_000), false), Some(Change::Away));
        assert!(health.is_away());
        assert_eq!(health.note(at(2_000), at(2_001), true), None);
        assert_eq!(health.note(at(12_000), at(12_000), true), None);
        assert_eq!(
            health.note(at(12_001), at(12_001), true),
            Some(Change::Back)
        );
        assert!(!health.is_away());
    }

    #[test]
    fn one_error_while_away_starts_the_ten_seconds_anew() {
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        let mut health = Health::new(RULES);
        health.note(at(0), at(1), false);
        health.note(at(2), at(2), true);
        health.note(at(8), at(9), false);
        assert_eq!(health.note(at(13), at(13), true), None);
        assert_eq!(health.note(at(23), at(23), true), Some(Change::Back));
    }

    #[test]
    fn an_answer_between_errors_keeps_redis_in_use() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut health = Health::new(RULES);
        assert_eq!(health.note(at(0), at(900), false), None);
        assert_eq!(health.note(at(900), at(901), true), None);
        assert_eq!(health.note(at(500), at(1_600), false), None);
        assert_eq!(health.note(at(1_700), at(1_901), false), Some(Change::Away));
    }
}
