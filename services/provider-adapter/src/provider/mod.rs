//! What every cloud has to offer, in words that fit all of them. One folder per cloud implements it.
//!
//! The values here are parsed and plain; what a cloud calls things stays inside its folder.

pub mod aws;
pub mod gcp;
mod pace;
mod page;
mod peering_options;
mod place;
mod routes;
pub mod steps;
mod vpc;

use std::sync::Arc;

use api::cloud::{CloudError, CloudErrorKind};
use types::{GroupId, PeeringId, ProviderKind, Region};

pub use page::{Page, Pages};
pub use peering_options::{EnsurePeeringOptions, PeeringOptions};
use routes::pages as route_pages;
pub use routes::{EnsureRoutes, NetworkRoutes, ObserveRoutes, Route, RouteState, RoutesProgress};
use vpc::pages as vpc_pages;
pub use vpc::{
    DeleteVpc, EnsureFirewall, EnsureVpc, Firewall, ObserveVpcs, PlaceNetwork, Subnet, Vpc,
    VpcObservation, VpcProgress, VpcRef,
};

/// A cloud. Every call is idempotent and keeps nothing; what a call may leave open stands with it.
#[tonic::async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The account that takes one more network. Error: `NO_ROOM`, for a region that is not served too, unless an account
    /// that could not be asked just now may have room.
    async fn place_network(&self, ask: &PlaceNetwork) -> Result<GroupId, CloudError>;

    /// Looks at a network's VPC, removes empty surplus, and makes the asked part if it is the next and missing.
    async fn ensure_vpc(&self, ask: EnsureVpc) -> Result<Underway<VpcProgress>, CloudError>;

    /// Takes the next few steps of removing a network's VPC.
    async fn delete_vpc(&self, ask: DeleteVpc) -> Result<Underway<Removal>, CloudError>;

    /// The VPCs of a deployment in a group, whole or not at all: either the last page is complete, or there is but an
    /// error.
    fn observe_vpcs(&self, ask: ObserveVpcs) -> Pages<VpcObservation>;

    /// Makes the firewall of a VPC admit exactly the wanted; answers whether it does.
    async fn ensure_firewall(&self, ask: EnsureFirewall) -> Result<Underway<bool>, CloudError>;

    /// Requests the vendor's half of a peering, or adopts it when it is there and ours; none: it is not to be seen.
    async fn ensure_peering(
        &self,
        ask: EnsurePeering,
    ) -> Result<Underway<Option<PeeringObservation>>, CloudError>;

    /// Makes the options of the vendor's half as wanted; answers whether they are.
    async fn ensure_peering_options(
        &self,
        ask: EnsurePeeringOptions,
    ) -> Result<Underway<bool>, CloudError>;

    /// Removes the vendor's half of a peering.
    async fn delete_peering(&self, ask: DeletePeering) -> Result<Underway<Removal>, CloudError>;

    /// The peerings of a group, page by page; only the last page of a listing that missed nothing is complete.
    fn observe_peerings(&self, ask: ObservePeerings) -> Pages<PeeringObservation>;

    /// Moves the peering routes of a VPC towards the wanted set.
    async fn ensure_routes(&self, ask: EnsureRoutes) -> Result<RoutesProgress, CloudError>;

    /// The routes to peerings of a deployment in a group, whole or not at all, as [`Provider::observe_vpcs`].
    fn observe_routes(&self, ask: ObserveRoutes) -> Pages<NetworkRoutes>;

    /// What the customer of a peering is told to do. Asks no cloud.
    fn describe_steps(&self, facts: &steps::Facts) -> steps::Guide;

    /// The limits of all accounts, or of one group; asks the cloud for usage, and for limits it tells, only when `usage`
    /// is wanted.
    async fn limits(&self, only: Option<&GroupId>, usage: bool) -> Result<Vec<Limit>, CloudError>;
}

/// An answer of a cloud that may work on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Underway<T> {
    /// What is known now.
    pub now: T,
    /// Of the operation that has not ended, in words of the cloud's own folder; empty when there is none.
    pub operation_token: String,
}

impl<T> Underway<T> {
    /// Nothing is left under way.
    pub fn ended(now: T) -> Self {
        Self {
            now,
            operation_token: String::new(),
        }
    }
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The cloud confirmed that the known object is gone.
    Deleted,
    /// Nothing was found; when absence counts is the caller's to say.
    Absent,
    /// There is more to do: call again.
    InProgress,
}

/// Names one attempt at a peering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringRef {
    /// The vendor's account and region.
    pub group: GroupId,
    /// Sets apart suites that share an account.
    pub deployment: String,
    /// Which peering.
    pub peering_id: PeeringId,
    /// Which attempt at it, from 1.
    pub attempt: i32,
}

/// The customer's side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// Account or project.
    pub account_id: String,
    /// Region; empty where the cloud's networks have none.
    pub region: String,
    /// VPC id or network name.
    pub vpc_id: String,
}

/// Asks for the vendor's half.
#[derive(Debug, Clone)]
pub struct EnsurePeering {
    /// Which attempt.
    pub peering: PeeringRef,
    /// The vendor's VPC.
    pub vendor_vpc_id: String,
    /// The customer's.
    pub peer: Peer,
    /// As last answered.
    pub operation_token: String,
    /// When the caller recorded that it asks, in milliseconds since the epoch: the same time is the same request.
    pub request_at: i64,
    /// To be made with it where the cloud takes them then.
    pub options: PeeringOptions,
}

/// Asks to remove the vendor's half.
#[derive(Debug, Clone)]
pub struct DeletePeering {
    /// Which attempt.
    pub peering: PeeringRef,
    /// The cloud's id or name of it.
    pub provider_peering_id: String,
    /// The vendor's VPC.
    pub vendor_vpc_id: String,
    /// As last answered, be it when the half was requested.
    pub operation_token: String,
    /// See [`EnsurePeering::request_at`].
    pub request_at: i64,
}

/// Asks for the peerings of a group.
#[derive(Debug, Clone)]
pub struct ObservePeerings {
    /// The vendor's account and region.
    pub group: GroupId,
    /// Whose objects they are.
    pub deployment: String,
    /// The cloud's ids of those of interest; empty: the whole group.
    pub provider_peering_ids: Vec<String>,
    /// Attempts to be named in the observations where objects carry no tags.
    pub expected: Vec<(PeeringId, i32)>,
    /// The customer's ranges of those of interest are to be shown, also where that costs a call for each.
    pub with_peer_cidrs: bool,
    /// The region whose view of the ranges is meant, where the cloud asks for one.
    pub region: Option<Region>,
    /// Only the peerings of this VPC of the vendor's.
    pub vendor_vpc_id: Option<String>,
    /// Those that wait for the other side are enough.
    pub outstanding_only: bool,
    /// Those whose tags name one of these are enough; empty: the whole group.
    pub peering_ids: Vec<PeeringId>,
}

/// The common state behind the cloud's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeeringState {
    /// A word never seen before: nothing may be concluded from it.
    Unrecognized,
    /// The vendor's half is being made.
    Provisioning,
    /// The customer's half is missing, or is being joined.
    PendingAcceptance,
    /// Both halves match.
    Active,
    /// The customer declined.
    Rejected,
    /// Not accepted in time.
    Expired,
    /// The cloud refused.
    Failed,
    /// Being removed.
    Deleting,
    /// Removed, by whomever.
    Deleted,
    /// This half stands and waits for the other, be it before the first time or again.
    Inactive,
}

/// What a cloud shows of one peering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeeringObservation {
    /// The cloud's id or name of it.
    pub provider_peering_id: String,
    /// Deployment it carries; empty: none of ours.
    pub deployment: String,
    /// Peering it carries.
    pub peering_id: String,
    /// Attempt it carries; 0: none.
    pub attempt: i32,
    /// The common state.
    pub state: PeeringState,
    /// Why, as a stable code; may be empty.
    pub reason: &'static str,
    /// The sentence that goes with it; may be empty.
    pub message: String,
    /// The cloud's own word.
    pub raw_state: String,
    /// Until when it can be accepted, in milliseconds since the epoch.
    pub expire_at: Option<i64>,
    /// The vendor's VPC.
    pub vendor_vpc_id: String,
    /// The customer's side.
    pub peer: Peer,
    /// The customer's ranges, as far as the cloud shows them.
    pub peer_cidrs: Vec<String>,
    /// What the vendor's half does beyond linking; none: the cloud does not show it now.
    pub options: Option<PeeringOptions>,
}

/// One limit of a vendor account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The account, and the region where the cloud counts by region.
    pub group: GroupId,
    /// What is counted, as the contract names it.
    pub name: &'static str,
    /// How many there are; none: nobody asked, or it is counted per object.
    pub used: Option<u32>,
    /// How many there may be.
    pub limit: u32,
    /// The cloud says so, not the configuration.
    pub from_cloud: bool,
}

/// The clouds this process can reach, by kind.
#[derive(Clone)]
pub struct Providers {
    aws: Arc<dyn Provider>,
    gcp: Arc<dyn Provider>,
}

impl Providers {
    /// These.
    pub fn new(aws: Arc<dyn Provider>, gcp: Arc<dyn Provider>) -> Self {
        Self { aws, gcp }
    }

    /// The one of a kind.
    pub fn get(&self, kind: ProviderKind) -> Arc<dyn Provider> {
        match kind {
            ProviderKind::Aws => self.aws.clone(),
            ProviderKind::Gcp => self.gcp.clone(),
        }
    }
}

/// What a failed look or mark of the adapter's own means for what the caller asked for: its refusal is none of that.
/// `refused`: nothing had been written before.
fn of_own_call(error: CloudError, refused: bool) -> CloudError {
    match error.kind {
        CloudErrorKind::Terminal => CloudError {
            kind: CloudErrorKind::Unknown,
            reason: "CLOUD_ERROR".to_owned(),
            refused,
            ..error
        },
        _ => CloudError { refused, ..error },
    }
}
