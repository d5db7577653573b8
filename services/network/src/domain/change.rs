//! What an answer, a failure or a wish makes of a network.

use std::time::Duration;

use super::{Ahead, Network, Request, State, Vpc};

/// Consecutive failures for an unknown reason after which a network is tried hourly only.
pub(super) const PATIENCE: i32 = 5;
const SUSPENDED_FOR: Duration = Duration::from_secs(3_600);
const SHORTEST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
const KEPT_AFTER_DELETION: Duration = Duration::from_secs(30 * 24 * 3_600);

/// How long is waited for what.
#[derive(Debug, Clone)]
pub struct Timing {
    /// An absence counts when looks this far apart, and this long after the request, agree on it.
    pub absence_grace: Duration,
    /// Between looks for a part that was requested a short while ago.
    pub look_soon: Duration,
    /// Between looks for a part that was requested longer ago.
    pub look_later: Duration,
    /// How long a request counts as a short while ago.
    pub soon_for: Duration,
    /// Between calls of a removal that goes on.
    pub removal: Duration,
    /// Between reads of an operation that the cloud works on.
    pub operation: Duration,
}

/// What the provider-adapter said about a VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Known and seen.
    pub vpc: Vpc,
    /// What is left to be made.
    pub ahead: Ahead,
    /// To be handed back with the next call.
    pub operation_token: String,
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The cloud confirmed that the known object is gone.
    Deleted,
    /// Nothing was found.
    Absent,
    /// There is more to do.
    InProgress,
}

/// What kind of trouble the cloud, or the way to it, made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The cloud refuses for good.
    Terminal,
    /// A quota is used up.
    Quota,
    /// Too many calls; the whole group waits.
    Throttled,
    /// The vendor's credentials do not suffice; the whole group waits.
    Unauthorized,
    /// Another operation is in the way.
    InProgress,
    /// No usable answer.
    Unavailable,
    /// Nobody knows this one.
    Unknown,
}

/// A step that could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to make of it.
    pub kind: FailureKind,
    /// A stable code.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
    /// The cloud surely did nothing.
    pub refused: bool,
    /// When to come back, if the cloud said so.
    pub retry_after: Option<Duration>,
}

/// `at` moved by a duration; pinned to the end of time.
pub(super) fn after(at: i64, by: Duration) -> i64 {
    at.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}

/// How long to wait after so many tries in a row.
pub(super) fn doubled(tries: i32) -> Duration {
    LONGEST_BACKOFF.min(SHORTEST_BACKOFF * (1 << tries.clamp(0, 6)))
}

/// How long to wait after a failure, which counts among those in a row.
pub(super) fn pause_after(
    failure: &Failure,
    retries: &mut i32,
    failures: &mut i32,
    jitter: f64,
) -> Duration {
    let pause = doubled(*retries).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
    *retries = retries.saturating_add(1);
    match failure.kind {
        FailureKind::Quota
        | FailureKind::Throttled
        | FailureKind::Unauthorized
        | FailureKind::InProgress
        | FailureKind::Unavailable => {}
        // A wish to delete is kept: the owner can do nothing about the refusal, the vendor can.
        FailureKind::Terminal | FailureKind::Unknown => {
            *failures = failures.saturating_add(1);
            if *failures >= PATIENCE {
                return SUSPENDED_FOR;
            }
        }
    }
    pause.max(failure.retry_after.unwrap_or_default())
}

impl Network {
    /// A vendor account takes it.
    pub fn placed(&mut self, account: String, now: i64) {
        self.account = Some(account);
        self.work.ahead = Ahead::Unknown;
        self.went_well(now);
    }

    /// A part is about to be asked for. To be committed before the call when it answers true.
    pub fn requesting(&mut self, part: &str, guarded: bool, now: i64) -> bool {
        let first = !self.work.touched;
        self.work.touched = true;
        self.miss_nothing();
        if guarded {
            self.work.requested = Some(Request {
                part: part.to_owned(),
                at: now,
            });
        }
        guarded || first
    }

    /// The cloud surely did not make what was requested. `was_touched`: an earlier request may have made something.
    pub fn request_refused(&mut self, was_touched: bool) {
        self.work.requested = None;
        if self.vpc.is_empty() {
            self.work.touched = was_touched;
        }
    }

    /// Records what a complete look, begun at `begun`, showed.
    pub fn looked(&mut self, answer: Answer, begun: i64, now: i64, timing: &Timing) {
        self.vpc = answer.vpc;
        self.work.ahead = answer.ahead;
        self.work.operation_token = answer.operation_token;
        self.went_well(now);
        if let Some(request) = self.work.requested.clone() {
            self.look_for(&request, begun, now, timing);
        }
        if !self.work.operation_token.is_empty() {
            self.work.step_at = Some(after(now, timing.operation));
            return;
        }
        if self.work.requested.is_some() || self.work.ahead != Ahead::Complete {
            return;
        }
        match self.state {
            State::Pending => self.enter(State::Active, now),
            State::Active => {
                self.whole = None;
                self.rest();
            }
            State::Deleting | State::Deleted | State::Failed => {}
        }
    }

    /// Settles whether a requested part has come into being, or waits for the next look.
    fn look_for(&mut self, request: &Request, begun: i64, now: i64, timing: &Timing) {
        if self.vpc.has(&request.part) {
            self.work.requested = None;
            self.miss_nothing();
            return;
        }
        let missed_at = *self.work.missed_at.get_or_insert(begun);
        if begun >= after(missed_at.max(request.at), timing.absence_grace) {
            self.work.requested = None;
            // The same looks prove the absence of the whole only where no other part stands.
            if !self.vpc.is_empty() {
                self.miss_nothing();
            }
            return;
        }
        let young = now < after(request.at, timing.soon_for);
        let pause = if young {
            timing.look_soon
        } else {
            timing.look_later
        };
        self.work.step_at = Some(after(now, pause));
    }

    /// Records how far a removal, begun at `begun`, came.
    pub fn removed(
        &mut self,
        removal: Removal,
        operation_token: String,
        begun: i64,
        now: i64,
        timing: &Timing,
    ) {
        self.went_well(now);
        self.work.operation_token = operation_token;
        match removal {
            Removal::Deleted => self.enter(State::Deleted, now),
            Removal::InProgress => {
                self.work.missed_at = None;
                let pause = if self.work.operation_token.is_empty() {
                    timing.removal
                } else {
                    timing.operation
                };
                self.work.step_at = Some(after(now, pause));
            }
            Removal::Absent => {
                let counts_from = after(
                    *self.work.missed_at.get_or_insert(begun),
                    timing.absence_grace,
                );
                if begun >= counts_from {
                    self.enter(State::Deleted, now);
                } else {
                    self.work.step_at = Some(counts_from.max(now));
                }
            }
        }
    }

    /// Records a step that could not be done. `jitter` is 0.0-1.0.
    pub fn failed(&mut self, failure: &Failure, now: i64, jitter: f64) {
        self.reason.clone_from(&failure.reason);
        self.message.clone_from(&failure.message);
        if failure.refused {
            self.work.operation_token.clear();
        }
        match failure.kind {
            FailureKind::Terminal if self.state == State::Pending => {
                self.enter(State::Failed, now);
                self.reason.clone_from(&failure.reason);
                self.message.clone_from(&failure.message);
            }
            FailureKind::Quota if self.can_move() && failure.reason == "VPC_LIMIT" => {
                self.work.refused_accounts.extend(self.account.take());
                self.work.ahead = Ahead::Unknown;
                self.work.step_at = Some(now);
            }
            kind => {
                if kind == FailureKind::Quota && failure.reason == "NO_ROOM" {
                    // Room may come anywhere: the next try asks all accounts again.
                    self.work.refused_accounts.clear();
                }
                self.try_later(failure, now, jitter);
            }
        }
    }

    /// Puts the next try off.
    fn try_later(&mut self, failure: &Failure, now: i64, jitter: f64) {
        let work = &mut self.work;
        let pause = pause_after(failure, &mut work.retries, &mut work.failures, jitter);
        if work.failures >= PATIENCE {
            work.suspended_at.get_or_insert(now);
        }
        work.step_at = Some(after(now, pause));
    }

    /// Whether another account can be tried: nothing stands in this one and nothing can come into being.
    fn can_move(&self) -> bool {
        self.state == State::Pending && self.vpc.is_empty() && self.work.requested.is_none()
    }

    /// The network has reached `state` without a further call.
    pub fn reached(&mut self, state: State, now: i64) {
        self.enter(state, now);
    }

    /// There is nothing to do until the intent changes.
    pub fn rest(&mut self) {
        self.work.step_at = None;
    }

    pub(super) fn enter(&mut self, state: State, now: i64) {
        if self.state.lane() != state.lane() {
            self.lane_since = now;
        }
        self.state = state;
        self.update_time = now;
        self.reason.clear();
        self.message.clear();
        self.work.step_at = None;
        self.whole = None;
        if state == State::Active || !self.work.missed.is_empty() {
            self.miss_nothing();
        }
        self.steps_went_well();
        if state == State::Deleted {
            self.delete_time = Some(now);
            self.purge_time = Some(after(now, KEPT_AFTER_DELETION));
        }
    }

    fn went_well(&mut self, now: i64) {
        // Of an ACTIVE network the reason says what is being put back, until it is.
        if self.state != State::Active || self.work.ahead == Ahead::Complete {
            self.explain();
        }
        self.steps_went_well();
        self.work.step_at = Some(now);
    }

    /// Forgets what looks so far did not show.
    pub(super) fn miss_nothing(&mut self) {
        self.work.missed.clear();
        self.work.missed_at = None;
    }

    /// Lets suspended steps go on; false when they are not suspended.
    pub fn resume(&mut self, now: i64) -> bool {
        if self.work.suspended_at.is_none() {
            return false;
        }
        self.steps_went_well();
        self.work.step_at = Some(now);
        true
    }

    pub(super) fn steps_went_well(&mut self) {
        self.work.retries = 0;
        self.work.failures = 0;
        self.work.suspended_at = None;
    }
}
