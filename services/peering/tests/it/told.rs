//! What a scripted cloud can be told to do.

use api::cloud::CloudError;
use api::provider::v1::PeeringObservation;

/// What a write does next.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// Acts, and the answer is lost.
    Lost,
    /// Does nothing, and there is no answer.
    Silent,
    /// Refuses.
    Refuse(CloudError),
    /// Deletions: is not done yet.
    InProgress,
    /// Answers with this observation.
    Answer(Box<PeeringObservation>),
}

/// How listings go wrong.
#[derive(Debug, Clone)]
pub(crate) enum Listing {
    /// An error instead of the first page.
    Fail(CloudError),
    /// A status that is not the adapter's.
    Garbage,
    /// The first half of what is there, then the end.
    Cut,
    /// The first half of what is there, then an error.
    Break,
}
