//! What the cloud shows of one peering, in words that fit every cloud.

use types::{Cidr, PeeringId};

use super::options::Options;
use super::peering::Peering;

/// The common state behind the cloud's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloudState {
    /// A word never seen before.
    Unrecognized,
    /// The request is on its way.
    Provisioning,
    /// The customer half is missing, or was just given.
    PendingAcceptance,
    /// Up.
    Active,
    /// Declined.
    Rejected,
    /// Not accepted in time.
    Expired,
    /// Refused by the cloud after it was taken on.
    Failed,
    /// Going.
    Deleting,
    /// Gone.
    Deleted,
    /// GCP: the other half is missing.
    Inactive,
}

impl CloudState {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Unrecognized,
        Self::Provisioning,
        Self::PendingAcceptance,
        Self::Active,
        Self::Rejected,
        Self::Expired,
        Self::Failed,
        Self::Deleting,
        Self::Deleted,
        Self::Inactive,
    ];

    /// Whether something stands in the cloud that a deletion would have to remove.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Provisioning | Self::PendingAcceptance | Self::Active | Self::Inactive
        )
    }

    /// Whether the cloud itself has ended it: there is nothing left to delete.
    pub fn has_ended(self) -> bool {
        matches!(
            self,
            Self::Rejected | Self::Expired | Self::Failed | Self::Deleted
        )
    }
}

/// What the cloud showed of one peering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The cloud's id.
    pub provider_peering_id: String,
    /// The peering its tags name.
    pub peering: Option<PeeringId>,
    /// The attempt its tags name; 0 when there is none.
    pub attempt: i32,
    /// The common state.
    pub state: CloudState,
    /// A stable code; may be empty.
    pub reason: String,
    /// The cloud's own sentence; may be empty.
    pub message: String,
    /// The cloud's own word.
    pub raw_state: String,
    /// Until when it can be accepted.
    pub expire_at: Option<i64>,
    /// The vendor's VPC; empty when the cloud does not say.
    pub vendor_vpc: String,
    /// The customer's account, region and VPC; each empty when the cloud does not say.
    pub peer: (String, String, String),
    /// The customer's ranges, ordered; empty when the cloud does not say.
    pub peer_cidrs: Vec<Cidr>,
    /// What our half does beyond linking the two VPCs; none when the cloud does not say.
    pub options: Option<Options>,
}

impl Peering {
    /// Whether the sighting is of an earlier attempt at the peering, of whose own half nothing is known yet.
    pub fn is_former(&self, seen: &Sighting) -> bool {
        self.provider_peering_id.is_none()
            && seen.peering == Some(self.id)
            && seen.attempt < self.attempt
    }
}

/// Whether the sighting is of the pair of VPCs that the peering is about. What is not is a fault of somebody else's,
/// and says nothing about the peering, not even that it is absent.
pub fn trusted(peering: &Peering, seen: &Sighting) -> bool {
    let agrees = |shown: &str, recorded: &str| shown.is_empty() || shown == recorded;
    let (account, region, vpc) = &seen.peer;
    agrees(&seen.vendor_vpc, &peering.vendor.vpc_id)
        && agrees(account, peering.peer.account())
        && agrees(region, peering.peer.region())
        && agrees(vpc, peering.peer.vpc())
}
