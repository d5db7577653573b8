//! Faults that can be planted, one at a time: the simulation must find each.

use clap::ValueEnum;

/// What is done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// A create goes out before it is recorded.
    CreateUnrecorded,
    /// A create of which no answer came is taken for one that never went out.
    CreateRepeated,
    /// A create goes out however long ago it was recorded.
    CreateLate,
    /// The rows are read after the cloud was asked.
    RowsAfterLook,
    /// A row is written whatever became of it meanwhile.
    NoCompareAndSet,
    /// What one look does not show is gone.
    AbsentAtOnce,
    /// What a page does not show counts as missed, though the listing was cut.
    IncompleteTrusted,
    /// An object between the same VPCs is taken for ours, whoever made it.
    StrangerAdopted,
    /// A deletion without an answer is taken for done.
    DeletionAssumed,
    /// The time of a look is that of its end.
    CoveredAtEnd,
    /// An acknowledgement does not ask whose lease it is.
    AckWithoutNonce,
    /// A claim leaves the group due.
    ClaimLeavesDue,
    /// A lost lease stops nobody.
    ExtendIgnored,
    /// A lapsed lease counts as a failed step.
    LapseFails,
    /// What is filled in takes leases away.
    FillBreaksLeases,
    /// Nobody fills in what was wiped, and nobody sweeps.
    NoSweep,
    /// A gate keeps nobody out.
    GateIgnored,
}
