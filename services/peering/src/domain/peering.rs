//! The peering itself: what its owner sees, and what the worker remembers about it.

use serde::{Deserialize, Serialize};
use types::{
    Cidr, DisplayName, GroupId, Labels, NetworkId, PeeringId, ProviderKind, Region, TenantId,
};

use super::condition::unknown_conditions;
use super::options::Options;
use super::peer::Peer;
use super::reasons;
use super::state::State;

pub use super::condition::{Condition, ConditionStatus, conditions};

/// How long the record of a DELETED peering stays, in milliseconds.
pub const PURGE_AFTER: i64 = 30 * 24 * 60 * 60 * 1_000;

/// A peering with all that is known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Peering {
    /// Names it.
    pub id: PeeringId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Raised by every write; every write compares it.
    pub version: i64,
    /// The network it starts from.
    pub network: NetworkId,
    /// The network's name when the peering was last changed.
    pub network_display_name: String,
    /// The name for people.
    pub display_name: DisplayName,
    /// What the owner hung on it.
    pub labels: Labels,
    /// The number of the request to the cloud, from 1.
    pub attempt: i32,
    /// When that attempt began.
    pub attempt_at: i64,
    /// The customer's side.
    pub peer: Peer,
    /// Ranges may overlap those of the network's other peerings.
    pub allow_overlap: bool,
    /// What our half shall do beyond linking the two VPCs.
    pub options: Options,
    /// Our side.
    pub vendor: Vendor,
    /// Where it stands.
    pub state: State,
    /// A stable code that explains the state; may be empty.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
    /// The state in the cloud's own words.
    pub raw_state: String,
    /// Aspects that can be good or bad by themselves.
    pub conditions: Vec<Condition>,
    /// The cloud's id of the vendor half, once known.
    pub provider_peering_id: Option<String>,
    /// Until when the customer can accept.
    pub expire_at: Option<i64>,
    /// When it was first ACTIVE in this attempt.
    pub activate_at: Option<i64>,
    /// When it was asked for.
    pub create_at: i64,
    /// The last change of intent or state.
    pub update_at: i64,
    /// When the cloud was clear.
    pub delete_at: Option<i64>,
    /// When the record goes.
    pub purge_at: Option<i64>,
    /// What the worker remembers.
    pub work: Work,
}

/// What the worker remembers about a peering; nobody else sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Whether the network has admitted it.
    pub admission: Admission,
    /// The request id of the create that waits for admission.
    pub create_request_id: Option<String>,
    /// Since when the lane of its state watches it.
    pub lane_since: i64,
    /// The last look at it that the lane's own does not cover.
    pub observe_at: Option<i64>,
    /// When its next step may run; none: there is nothing to do.
    pub step_at: Option<i64>,
    /// A create went out at this time, and what became of it is not known.
    pub requested_at: Option<i64>,
    /// What the adapter wants to have handed back.
    pub operation_token: String,
    /// The first complete look that did not show it.
    pub missed_at: Option<i64>,
    /// The first look that showed INACTIVE what was up.
    pub inactive_at: Option<i64>,
    /// Failed steps in a row.
    pub failures: i32,
    /// Since when its steps are tried hourly only.
    pub suspended_at: Option<i64>,
    /// The cloud has nothing left of this attempt's vendor half.
    pub gone: bool,
    /// The vendor's route tables have to be brought in line because of this peering.
    pub routes_due: bool,
    /// The trace of the call that changed the intent last.
    pub traceparent: Option<String>,
    /// An operation on the two networks is, or may be, under way since. While it is set nobody else begins one there.
    pub busy_since: Option<i64>,
    /// The operation puts a half back that was there before.
    pub puts_back: bool,
    /// The network whose operation the next step waits for.
    pub waits_for: Option<String>,
    /// When the owner of a waiting peering gets hints; none: they were given, or nothing waits.
    pub hint_at: Option<i64>,
    /// What an earlier attempt may have left in the cloud; it goes before anything new is asked for.
    pub former: Option<Former>,
    /// The options of our half are not as wanted.
    pub options_due: bool,
    /// The operation changes the options of our half.
    pub sets_options: bool,
    /// When the cloud last took the options; looks that began soon after may not show them yet.
    pub options_told_at: Option<i64>,
    /// Something of the network has changed that the peering depends on.
    pub network_due: bool,
    /// The version of the network's allow list that ALLOW_LISTED speaks of.
    pub allow_list_version: i64,
    /// Ranges that the owner gave up: still claimed and routed until the new ones stand.
    pub leaving: Vec<Cidr>,
    /// Why it is being deleted, for when nothing is in the way of that any more; empty while it is not.
    pub end_reason: String,
    /// From when on the network is to claim what is recorded here: it may have claimed more, or other.
    pub claims_at: Option<i64>,
    /// When something of it was put back that others had taken away, within the last hour; oldest first.
    pub repairs: Vec<i64>,
    /// When the cloud last took routes of it; looks that began soon after may not show them yet.
    pub routes_told_at: Option<i64>,
    /// The ranges of the customer's VPC that the cloud last showed.
    pub observed_cidrs: Vec<Cidr>,
}

/// The vendor's half of an earlier attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// The cloud's id of it.
    pub provider_peering_id: String,
    /// The attempt that made it.
    pub attempt: i32,
}

/// How far the admission by the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Recorded, invisible, and perhaps attached.
    Unadmitted,
    /// Part of the world.
    Admitted,
    /// Given up before it was admitted; to be detached and removed.
    Withdrawn,
}

impl Admission {
    /// The name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unadmitted => "unadmitted",
            Self::Admitted => "admitted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// The vendor's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    /// Account or project.
    pub account_id: String,
    /// VPC id or network name.
    pub vpc_id: String,
    /// Where the network is.
    pub region: Region,
    /// The network's range.
    pub cidr: Cidr,
}

impl Peering {
    /// The group whose listing shows it.
    pub fn group(&self) -> GroupId {
        match self.peer.provider() {
            ProviderKind::Aws => GroupId::aws(&self.vendor.account_id, self.vendor.region.as_str()),
            ProviderKind::Gcp => GroupId::gcp(&self.vendor.account_id),
        }
    }

    /// The two networks on which one operation at a time may run, sorted; none where that is no rule.
    pub fn guarded_networks(&self) -> Option<[String; 2]> {
        let Peer::Gcp { .. } = &self.peer else {
            return None;
        };
        let Vendor {
            account_id, vpc_id, ..
        } = &self.vendor;
        let mut both = [format!("gcp/{account_id}/{vpc_id}"), self.peer.identity()];
        both.sort();
        Some(both)
    }

    /// Whether both sides are in different regions. GCP networks are global.
    pub fn is_cross_region(&self) -> bool {
        let region = self.peer.region();
        !region.is_empty() && region != self.vendor.region.as_str()
    }

    /// The customer's ranges: those recorded, else those that the cloud showed last.
    pub fn ranges(&self) -> &[Cidr] {
        match self.peer.cidrs() {
            [] => &self.work.observed_cidrs,
            recorded => recorded,
        }
    }

    /// Whether its owner asked for its end.
    pub fn is_unwanted(&self) -> bool {
        matches!(self.state, State::Deleting | State::Deleted)
    }

    /// What no two peerings that are not DELETED may share: the network and the customer's VPC.
    pub fn claim_key(&self) -> Option<String> {
        (self.state != State::Deleted).then(|| claim_key(self.network, &self.peer))
    }

    /// What no two peerings that are not DELETED may share: the tenant and the name.
    pub fn name_key(&self) -> Option<String> {
        (self.state != State::Deleted).then(|| name_key(&self.tenant, &self.display_name))
    }

    /// The network stands attached because of it, or may.
    pub fn needs_group(&self) -> bool {
        self.work.admission == Admission::Admitted && self.state != State::Deleted
    }

    /// Records the wish that it goes, from whatever state. Does nothing when that is recorded already.
    /// `covered_at` is the last complete look of the lane that watched it so far.
    pub fn delete(&mut self, covered_at: Option<i64>, now: i64) {
        self.delete_for(reasons::DELETE_REQUESTED, covered_at, now);
    }

    /// The same because its network is deleted.
    pub fn delete_with_network(&mut self, covered_at: Option<i64>, now: i64) {
        self.delete_for(reasons::NETWORK_DELETED, covered_at, now);
    }

    fn delete_for(&mut self, reason: &str, covered_at: Option<i64>, now: i64) {
        if self.is_unwanted() {
            return;
        }
        self.work.observe_at = self.observed_at(covered_at);
        self.enter(State::Deleting, reason, None, now);
        self.work.end_reason = reason.to_owned();
        // A peering that was once up may have routes; asking for none of them costs a call and leaves none behind.
        self.work.routes_due |= self.activate_at.is_some();
        self.work.step_at = Some(now);
        self.work.missed_at = None;
        self.work.waits_for = None;
        self.work.failures = 0;
        self.work.suspended_at = None;
    }

    /// When the cloud last showed this state: the lane's last complete look if that began after the lane took it
    /// over, else the look that was recorded with the row.
    pub fn observed_at(&self, covered_at: Option<i64>) -> Option<i64> {
        let covered = covered_at.filter(|&at| at > self.work.lane_since);
        covered.max(self.work.observe_at)
    }

    /// Goes to `state` for `reason`; `message` is the cloud's sentence, our own for the reason when there is none.
    pub(crate) fn enter(&mut self, state: State, reason: &str, message: Option<&str>, now: i64) {
        if self.state.watch() != state.watch() {
            self.work.lane_since = now;
        }
        if state.is_routed() != self.state.is_routed() {
            self.conditions = if state.is_routed() {
                unknown_conditions(now)
            } else {
                Vec::new()
            };
        }
        if state != State::PendingAcceptance {
            self.work.hint_at = None;
        }
        if !state.is_routed() {
            self.work.inactive_at = None;
        }
        self.state = state;
        self.explain(reason, message);
    }

    /// Stays in its state, for another reason.
    pub(crate) fn explain(&mut self, reason: &str, message: Option<&str>) {
        self.reason = reason.to_owned();
        let said = message.map(str::trim).filter(|text| !text.is_empty());
        self.message = said.map_or_else(|| reasons::message(self.state, reason), str::to_owned);
        if reason == reasons::PEER_IDENTITY_INVALID {
            let ruled_out = reasons::ruled_out(self);
            if !self.message.ends_with(&ruled_out) {
                self.message = format!("{} {ruled_out}", self.message).trim().to_owned();
            }
        }
    }

    /// Whether our own half has vanished and is to be put back. What the cloud refused to take back stays away.
    pub(crate) fn wants_half_back(&self) -> bool {
        let wanted = match self.state {
            State::PendingAcceptance | State::Active | State::Degraded => true,
            State::Disconnected => self.reason == reasons::DELETED_BY_PEER,
            _ => false,
        };
        wanted && self.work.gone && self.peer.has_two_halves()
    }

    /// Whether its owner has waited for the other half long enough to be given hints.
    pub(crate) fn is_hinted(&self) -> bool {
        self.state == State::PendingAcceptance
            && self.peer.has_two_halves()
            && self.work.hint_at.is_none()
    }

    /// When there is something to do by the clock alone.
    pub(crate) fn quiet_until(&self) -> Option<i64> {
        let claims_at = self.work.claims_at.filter(|_| !self.is_unwanted());
        let times = [self.work.hint_at, self.degrades_at(), claims_at];
        times.into_iter().flatten().min()
    }

    /// Lets the work rest until there is something to do, as far as the row tells.
    pub(crate) fn rest(&mut self, now: i64) {
        let is_due = self.has_due(now) || self.wants_options();
        self.work.step_at = is_due.then_some(now).or_else(|| self.quiet_until());
    }

    /// Whether something is to be done besides setting options.
    fn has_due(&self, now: i64) -> bool {
        let work = &self.work;
        work.routes_due
            || work.former.is_some()
            || work.network_due
            || work.claims_at.is_some_and(|at| at <= now)
            || self.wants_half_back()
    }

    /// Whether its owner could see that the two differ.
    pub fn differs_visibly(&self, other: &Self) -> bool {
        let alike = Self {
            version: self.version,
            update_at: self.update_at,
            work: self.work.clone(),
            ..other.clone()
        };
        alike != *self
    }
}

/// See [`Peering::claim_key`].
pub fn claim_key(network: NetworkId, peer: &Peer) -> String {
    format!("{network}|{}", peer.identity())
}

/// See [`Peering::name_key`].
pub fn name_key(tenant: &TenantId, name: &DisplayName) -> String {
    format!("{tenant}|{name}")
}
