//! Operations of a cloud, as far as a peering remembers them: what is, or may be, under way, and what is told of it.

use super::peering::Peering;

/// How long a request of which nothing was told is sent again as it was: clouds know a repeated one for a while only.
const ASKED_AGAIN_FOR: i64 = 10 * 60 * 1_000;
/// After this long whatever a request may have begun has ended, also when it was sent at the last moment.
pub(crate) const UNTOLD_FOR: i64 = 2 * ASKED_AGAIN_FOR;

impl Peering {
    /// Nothing is, or may be, under way in the cloud any more. The only place that ends an operation.
    pub(crate) fn end_operation(&mut self) {
        self.work.requested_at = None;
        self.work.operation_token.clear();
        self.work.busy_since = None;
        self.work.puts_back = false;
        self.work.sets_options = false;
    }

    /// Whether a request is with the cloud and its answer may still come, or is going to be asked for again.
    pub(crate) fn awaits_answer(&self) -> bool {
        let work = &self.work;
        self.is_untold() && work.step_at.is_some() && work.step_at != self.quiet_until()
    }

    /// Whether nothing was told of a request that the cloud still knows, so that asking again begins nothing new.
    pub(crate) fn asks_again(&self, now: i64) -> bool {
        self.is_untold() && is_young(self.work.requested_at, now)
    }

    fn is_untold(&self) -> bool {
        self.peer.has_two_halves()
            && self.work.operation_token.is_empty()
            && self.work.requested_at.is_some()
    }

    /// Whether a change of options has to be recorded before it goes out.
    pub(crate) fn sets_options_anew(&self, now: i64) -> bool {
        let asks_again = self.work.sets_options && !self.removes_anew(now);
        self.peer.has_two_halves() && !asks_again
    }

    /// Whether nothing was told of a change of options that the cloud still knows: asking again tells its operation.
    pub(crate) fn sets_options_untold(&self, now: i64) -> bool {
        self.work.sets_options && !self.has_operation() && !self.removes_anew(now)
    }

    /// Whether a removal has to be recorded before it goes out: none is under way, or none that the cloud still knows.
    pub(crate) fn removes_anew(&self, now: i64) -> bool {
        self.peer.has_two_halves() && !self.has_operation() && !is_young(self.work.busy_since, now)
    }

    /// Whether nothing was told of a removal that the cloud still knows.
    pub(crate) fn removes_untold(&self, now: i64) -> bool {
        self.is_unwanted()
            && !self.has_operation()
            && !self.work.sets_options
            && self.peer.has_two_halves()
            && is_young(self.work.busy_since, now)
    }

    /// Whether an operation that the cloud works on is to be read before anything else is done.
    pub(crate) fn has_operation(&self) -> bool {
        self.peer.has_two_halves() && !self.work.operation_token.is_empty()
    }
}

fn is_young(asked_at: Option<i64>, now: i64) -> bool {
    asked_at.is_some_and(|at| now < at.saturating_add(ASKED_AGAIN_FOR))
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
