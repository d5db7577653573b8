//! What can happen to a peering with one object.

use proptest::prelude::*;

use crate::domain::CloudState;
use crate::domain::progress::RefusalKind;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening {
    /// Time passes, in seconds.
    Pass(i64),
    /// A complete look at what is there.
    Look,
    /// A complete look at what was there this long ago, in seconds: describe lags.
    StaleLook(i64),
    /// A look that missed everything and says so.
    IncompleteLook,
    /// A look that shows a word nobody knows.
    OddLook,
    /// The next step, as it should go.
    Step,
    /// The next step; the cloud acts, the answer is lost.
    StepLost,
    /// The next step; the cloud refuses and surely did nothing.
    StepRefused(RefusalKind),
    /// The worker dies right before the call.
    CrashBefore,
    /// The customer or the cloud brings the object there.
    Become(CloudState),
    /// The cloud forgets an ended object.
    Forget,
    /// The owner asks for the end.
    Delete,
    /// The owner asks for another attempt.
    Renew,
    /// The owner wants the option, or does not.
    Want(bool),
    /// Somebody else sets the option in the cloud.
    Set(bool),
}

pub(super) fn happening() -> impl Strategy<Value = Happening> {
    use CloudState::*;
    let kinds = [
        RefusalKind::Terminal,
        RefusalKind::Quota,
        RefusalKind::Passing,
        RefusalKind::InProgress,
        RefusalKind::Unauthorized,
        RefusalKind::Unknown,
    ];
    prop_oneof![
        4 => (1_i64..100).prop_map(Happening::Pass),
        1 => Just(Happening::Pass(25 * 3_600)),
        4 => Just(Happening::Look),
        2 => (0_i64..6).prop_map(Happening::StaleLook),
        1 => Just(Happening::IncompleteLook),
        1 => Just(Happening::OddLook),
        6 => Just(Happening::Step),
        2 => Just(Happening::StepLost),
        2 => prop::sample::select(kinds.to_vec()).prop_map(Happening::StepRefused),
        1 => Just(Happening::CrashBefore),
        3 => prop::sample::select(vec![PendingAcceptance, Active, Rejected, Expired, Failed, Deleted])
            .prop_map(Happening::Become),
        1 => Just(Happening::Forget),
        1 => Just(Happening::Delete),
        3 => Just(Happening::Renew),
        1 => any::<bool>().prop_map(Happening::Want),
        1 => any::<bool>().prop_map(Happening::Set),
    ]
}
