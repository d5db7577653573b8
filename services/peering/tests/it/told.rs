//! What a scripted cloud can be told to do.

use api::cloud::CloudError;
use api::provider::v1::peering_observation::State;
use api::provider::v1::{ObservePeeringsRequest, ObservePeeringsResponse, PeeringObservation};
use tonic::Status;

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

/// No answer, and nobody knows what happened.
pub(crate) fn silence() -> Status {
    Status::unavailable("the connection was lost")
}

/// Leaves of a group's peerings what a listing was asked for, and nothing else.
pub(crate) fn narrow(objects: &mut Vec<PeeringObservation>, request: &ObservePeeringsRequest) {
    let among = |asked: &[String], one: &String| asked.is_empty() || asked.contains(one);
    let waits = |one: &PeeringObservation| {
        matches!(one.state(), State::PendingAcceptance | State::Provisioning)
    };
    objects.retain(|one| {
        among(&request.provider_peering_ids, &one.provider_peering_id)
            && among(&request.peering_ids, &one.peering_id)
            && (!request.outstanding_only || waits(one))
    });
}

/// The pages of a listing of these objects, or what comes instead.
pub(crate) fn pages(
    listing: Option<Listing>,
    objects: &[PeeringObservation],
) -> Result<Vec<Result<ObservePeeringsResponse, Status>>, Status> {
    let (first, second) = objects.split_at(objects.len() / 2);
    let page = |objects: &[PeeringObservation], complete| {
        Ok(ObservePeeringsResponse {
            observations: objects.to_vec(),
            complete,
        })
    };
    Ok(match listing {
        None => vec![page(first, false), page(second, true)],
        Some(Listing::Fail(error)) => return Err(error.into()),
        Some(Listing::Garbage) => return Err(Status::internal("<html>")),
        Some(Listing::Cut) => vec![page(first, false)],
        Some(Listing::Break) => vec![page(first, false), Err(silence())],
    })
}
