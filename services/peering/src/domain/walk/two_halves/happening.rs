//! What can happen to two peerings of one network.

use proptest::prelude::*;

use crate::domain::progress::RefusalKind;

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Good,
    Fail(RefusalKind),
    Hang,
    Vanish,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening {
    /// Time passes, in seconds.
    Pass(i64),
    Look,
    IncompleteLook,
    /// The next step of one of the two.
    Step(usize),
    /// The cloud acts, the answer is lost.
    StepLost(usize),
    /// A look comes between the act and the answer.
    StepLate(usize),
    /// The cloud refuses, and surely did nothing.
    StepRefused(usize, RefusalKind),
    /// The worker dies before the call.
    Crash(usize),
    /// The customer makes or removes the other half.
    Other(usize, bool),
    /// Our own half vanishes.
    Lose(usize),
    Delete(usize),
    /// The owner asks for another attempt.
    Renew(usize),
    /// The owner wants the option, or does not.
    Want(usize, bool),
    /// Somebody else sets the option in the cloud.
    Set(usize, bool),
    /// What becomes of the next operation, which takes so many seconds; what it adds may show before its end.
    Next(Fate, i64, bool),
}

/// Anything that can happen.
pub(super) fn happening() -> impl Strategy<Value = Happening> {
    use RefusalKind::*;
    let kind = || {
        prop::sample::select(vec![
            Terminal,
            Quota,
            Passing,
            InProgress,
            Unauthorized,
            Unknown,
        ])
    };
    let who = || 0_usize..2;
    let fate = prop_oneof![
        3 => Just(Fate::Good),
        2 => kind().prop_map(Fate::Fail),
        1 => Just(Fate::Hang),
        1 => Just(Fate::Vanish),
    ];
    prop_oneof![
        6 => (1_i64..40).prop_map(Happening::Pass),
        1 => Just(Happening::Pass(25 * 3_600)),
        6 => Just(Happening::Look),
        1 => Just(Happening::IncompleteLook),
        8 => who().prop_map(Happening::Step),
        2 => who().prop_map(Happening::StepLost),
        2 => who().prop_map(Happening::StepLate),
        1 => (who(), kind()).prop_map(|(who, kind)| Happening::StepRefused(who, kind)),
        1 => who().prop_map(Happening::Crash),
        3 => (who(), any::<bool>()).prop_map(|(who, there)| Happening::Other(who, there)),
        1 => who().prop_map(Happening::Lose),
        1 => who().prop_map(Happening::Delete),
        2 => who().prop_map(Happening::Renew),
        1 => (who(), any::<bool>()).prop_map(|(who, on)| Happening::Want(who, on)),
        1 => (who(), any::<bool>()).prop_map(|(who, on)| Happening::Set(who, on)),
        3 => (fate, 1_i64..500, any::<bool>())
            .prop_map(|(fate, time, early)| Happening::Next(fate, time, early)),
    ]
}
