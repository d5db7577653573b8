//! The vendor's half of a peering: requesting it, adopting it, removing it.

use api::cloud::{CloudError, CloudErrorKind};
use aws_sdk_ec2::types::{ResourceType, Tag, VpcPeeringConnection};

use super::client::Ec2;
use super::code::IN_PROGRESS;
use super::error::Failure;
use super::peering_list::{self, incomplete};
use super::peering_state::observation;
use super::tags;
use crate::provider::{
    DeletePeering, EnsurePeering, PeeringObservation, PeeringRef, PeeringState, Removal,
};

const CREATE: &str = "CreateVpcPeeringConnection";

/// Looks for a peering of the pair, and requests one if there is none.
///
/// EC2 answers a repeated request for a live pair with the existing peering and no error: whose that is, its tags
/// tell, and only the look before the request shows them as they were.
pub(super) async fn ensure(
    ec2: &Ec2,
    ask: &EnsurePeering,
) -> Result<PeeringObservation, CloudError> {
    let marks = Marks::new(&ask.peering);
    if let Some((whose, seen)) = look(ec2, &marks, ask).await? {
        return match whose {
            Whose::Ours => Ok(seen),
            Whose::EarlierAttempt | Whose::Nobody => adopt(ec2, &marks, seen).await,
            Whose::AnotherOfOurs => Err(CloudError {
                refused: true,
                ..not_ended(&seen)
            }),
            Whose::Other => Err(duplicate(&seen)),
        };
    }
    let made = request(ec2, &marks, ask).await?;
    check(ec2, &made, ask)?;
    let seen = observation(&made).ok_or_else(|| incomplete().after_writing())?;
    match marks.whose(made.tags()) {
        Whose::Ours => Ok(seen),
        Whose::EarlierAttempt => adopt(ec2, &marks, seen).await,
        Whose::Nobody => look_then_adopt(ec2, &marks, seen).await,
        Whose::AnotherOfOurs => Err(not_ended(&seen)),
        Whose::Other => Err(duplicate(&seen)),
    }
}

/// The peering of the pair that has not ended: AWS allows one.
async fn look(
    ec2: &Ec2,
    marks: &Marks,
    ask: &EnsurePeering,
) -> Result<Option<(Whose, PeeringObservation)>, CloudError> {
    let found = peering_list::between(ec2, &ask.vendor_vpc_id, &ask.peer.vpc_id)
        .await
        .map_err(Failure::while_looking)?;
    for one in &found {
        let seen = observation(one).ok_or_else(|| incomplete().while_looking())?;
        match seen.state {
            PeeringState::Provisioning
            | PeeringState::PendingAcceptance
            | PeeringState::Active
            | PeeringState::Inactive => {
                return Ok(Some((marks.whose(one.tags()), seen)));
            }
            // What a word never seen before means for a request, EC2 will say.
            PeeringState::Unrecognized
            | PeeringState::Rejected
            | PeeringState::Expired
            | PeeringState::Failed
            | PeeringState::Deleting
            | PeeringState::Deleted => {}
        }
    }
    Ok(None)
}

async fn request(
    ec2: &Ec2,
    marks: &Marks,
    ask: &EnsurePeering,
) -> Result<VpcPeeringConnection, CloudError> {
    let kind = ResourceType::VpcPeeringConnection;
    let call = ec2
        .client
        .create_vpc_peering_connection()
        .vpc_id(&ask.vendor_vpc_id)
        .peer_owner_id(&ask.peer.account_id)
        .peer_region(&ask.peer.region)
        .peer_vpc_id(&ask.peer.vpc_id)
        .tag_specifications(tags::specification(kind, &marks.pairs()));
    let answer = ec2
        .call(CREATE, call.send())
        .await
        .map_err(|failure| refusal(failure, ask))?;
    answer
        .vpc_peering_connection
        .ok_or_else(|| Failure::unusable(CREATE, "the answer shows no peering").of_write())
}

/// The answer to a request may leave the tags out: only a look tells that there are none.
async fn look_then_adopt(
    ec2: &Ec2,
    marks: &Marks,
    seen: PeeringObservation,
) -> Result<PeeringObservation, CloudError> {
    let found = peering_list::one(ec2, &seen.provider_peering_id)
        .await
        .map_err(Failure::after_writing)?
        .ok_or_else(|| Failure::unusable(CREATE, "it is not shown yet").after_writing())?;
    match marks.whose(found.tags()) {
        Whose::Ours => Ok(marks.put_on(seen)),
        Whose::EarlierAttempt | Whose::Nobody => adopt(ec2, marks, seen).await,
        Whose::AnotherOfOurs => Err(not_ended(&seen)),
        Whose::Other => Err(duplicate(&seen)),
    }
}

async fn adopt(
    ec2: &Ec2,
    marks: &Marks,
    seen: PeeringObservation,
) -> Result<PeeringObservation, CloudError> {
    let call = ec2
        .client
        .create_tags()
        .resources(&seen.provider_peering_id)
        .set_tags(Some(tags::list(&marks.pairs())));
    ec2.call("CreateTags", call.send())
        .await
        .map_err(Failure::after_writing)?;
    Ok(marks.put_on(seen))
}

/// Whether the answer is to what was asked.
fn check(ec2: &Ec2, made: &VpcPeeringConnection, ask: &EnsurePeering) -> Result<(), CloudError> {
    let requester = made.requester_vpc_info();
    let accepter = made.accepter_vpc_info();
    let sides = [
        (
            requester.and_then(|side| side.vpc_id()),
            ask.vendor_vpc_id.as_str(),
        ),
        (
            requester.and_then(|side| side.owner_id()),
            ec2.account.as_str(),
        ),
        (
            accepter.and_then(|side| side.vpc_id()),
            ask.peer.vpc_id.as_str(),
        ),
        (
            accepter.and_then(|side| side.owner_id()),
            ask.peer.account_id.as_str(),
        ),
    ];
    let region = accepter.and_then(|side| side.region());
    let same_region = region.is_none_or(|region| region == ask.peer.region);
    if same_region && sides.iter().all(|(shown, asked)| *shown == Some(asked)) {
        return Ok(());
    }
    Err(Failure::unusable(
        CREATE,
        "the answer shows another peering than the asked one",
    )
    .after_writing())
}

/// What a refused request means for a peering.
fn refusal(failure: Failure, ask: &EnsurePeering) -> CloudError {
    // EC2 names the VPC that it does not find: ours is one that has just been made, or is gone.
    let ours = failure.message().contains(&ask.vendor_vpc_id);
    let peers = failure.is(&["InvalidVpcID.NotFound", "InvalidVpcId.NotFound"]) && !ours;
    let malformed = failure.is(&[
        "InvalidParameterValue",
        "InvalidVpcID.Malformed",
        "InvalidVpcId.Malformed",
        "InvalidAccountId",
        "InvalidAccountID.Malformed",
        "UnknownRegion",
        "InvalidRegion",
    ]);
    if !peers && !malformed {
        return failure.of_write();
    }
    let peer = &ask.peer;
    let message = format!(
        "AWS does not find the customer's VPC {} of account {} in {}: check all three with the customer. In its \
         words: {}",
        peer.vpc_id,
        peer.account_id,
        peer.region,
        failure.message()
    );
    CloudError::refused(CloudErrorKind::Terminal, "PEER_IDENTITY_INVALID", message)
}

/// The caller keeps one peering per pair, so another of its own is a stale view or an orphan that is on its way out.
fn not_ended(seen: &PeeringObservation) -> CloudError {
    let message = format!(
        "the two VPCs are still shown as linked by {}, which carries the earlier peering {}: it has to end first",
        seen.provider_peering_id, seen.peering_id
    );
    CloudError::unknown_outcome(CloudErrorKind::InProgress, IN_PROGRESS, message)
}

fn duplicate(seen: &PeeringObservation) -> CloudError {
    let owner = if seen.peering_id.is_empty() {
        "something else"
    } else {
        &seen.peering_id
    };
    let message = format!(
        "the two VPCs are linked already by {}, which belongs to {owner}: AWS allows one peering per pair",
        seen.provider_peering_id
    );
    CloudError::refused(CloudErrorKind::Terminal, "DUPLICATE_PEERING", message)
}

/// Removes the peering, and says that it is gone only when EC2 shows it.
pub(super) async fn delete(ec2: &Ec2, ask: &DeletePeering) -> Result<Removal, CloudError> {
    const API: &str = "DeleteVpcPeeringConnection";
    let id = &ask.provider_peering_id;
    let call = ec2
        .client
        .delete_vpc_peering_connection()
        .vpc_peering_connection_id(id);
    match ec2.call(API, call.send()).await {
        Ok(answer) if answer.r#return == Some(false) => {
            return Err(Failure::unusable(API, "the answer says that nothing was done").of_write());
        }
        Ok(_) => {}
        Err(failure) if failure.is_not_found() => return Ok(Removal::Absent),
        // One that has ended by itself cannot be deleted any more.
        Err(failure) if failure.is(&["InvalidStateTransition"]) => {}
        Err(failure) => return Err(failure.of_write()),
    }
    let Some(found) = peering_list::one(ec2, id)
        .await
        .map_err(Failure::after_writing)?
    else {
        return Ok(Removal::InProgress);
    };
    let seen = observation(&found).ok_or_else(|| incomplete().after_writing())?;
    Ok(match seen.state {
        PeeringState::Deleted
        | PeeringState::Failed
        | PeeringState::Expired
        | PeeringState::Rejected => Removal::Deleted,
        PeeringState::Unrecognized
        | PeeringState::Provisioning
        | PeeringState::PendingAcceptance
        | PeeringState::Active
        | PeeringState::Inactive
        | PeeringState::Deleting => Removal::InProgress,
    })
}

/// Whose a peering connection is, by its tags.
#[derive(Debug, PartialEq, Eq)]
enum Whose {
    Ours,
    EarlierAttempt,
    Nobody,
    /// It carries this deployment, but another peering.
    AnotherOfOurs,
    Other,
}

/// The tags of one attempt.
struct Marks {
    deployment: String,
    peering: String,
    attempt: i32,
    attempt_text: String,
}

impl Marks {
    fn new(peering: &PeeringRef) -> Self {
        Self {
            deployment: peering.deployment.clone(),
            peering: peering.peering_id.to_string(),
            attempt: peering.attempt,
            attempt_text: peering.attempt.to_string(),
        }
    }

    fn pairs(&self) -> [(&str, &str); 4] {
        [
            (tags::DEPLOYMENT, &self.deployment),
            (tags::PEERING, &self.peering),
            (tags::ATTEMPT, &self.attempt_text),
            (tags::NAME, &self.peering),
        ]
    }

    fn whose(&self, found: &[Tag]) -> Whose {
        let [deployment, peering, attempt, _] = self.pairs();
        if found.is_empty() {
            Whose::Nobody
        } else if !tags::carries(found, &[deployment]) {
            Whose::Other
        } else if !tags::carries(found, &[peering]) {
            match tags::value(found, tags::PEERING) {
                "" => Whose::Other,
                _ => Whose::AnotherOfOurs,
            }
        } else if tags::carries(found, &[attempt]) {
            Whose::Ours
        } else {
            Whose::EarlierAttempt
        }
    }

    fn put_on(&self, seen: PeeringObservation) -> PeeringObservation {
        PeeringObservation {
            deployment: self.deployment.clone(),
            peering_id: self.peering.clone(),
            attempt: self.attempt,
            ..seen
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{GroupId, PeeringId};

    #[test]
    fn tags_tell_whose_a_peering_is() {
        let peering_id = PeeringId::generate();
        let marks = Marks::new(&PeeringRef {
            group: GroupId::aws("111111111111", "eu-west-1"),
            deployment: "dev".into(),
            peering_id,
            attempt: 2,
        });
        let peering = peering_id.to_string();
        let with = |deployment: &str, attempt: &str| {
            tags::list(&[
                (tags::DEPLOYMENT, deployment),
                (tags::PEERING, &peering),
                (tags::ATTEMPT, attempt),
            ])
        };
        assert_eq!(marks.whose(&[]), Whose::Nobody);
        assert_eq!(marks.whose(&with("dev", "2")), Whose::Ours);
        assert_eq!(marks.whose(&with("dev", "1")), Whose::EarlierAttempt);
        assert_eq!(marks.whose(&with("prod", "2")), Whose::Other);
        assert_eq!(
            marks.whose(&tags::list(&[(tags::NAME, "by hand")])),
            Whose::Other
        );
        let deployment = (tags::DEPLOYMENT, "dev");
        assert_eq!(marks.whose(&tags::list(&[deployment])), Whose::Other);
        let earlier = PeeringId::generate().to_string();
        assert_eq!(
            marks.whose(&tags::list(&[deployment, (tags::PEERING, &earlier)])),
            Whose::AnotherOfOurs
        );
    }
}
