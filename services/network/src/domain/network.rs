//! What a network is: what its owner wants, what stands in the cloud, and how far the work between the two is.

use runtime::hash::fingerprint;
use types::{Cidr, DisplayName, GroupId, Labels, NetworkId, ProviderKind, Region, TenantId};

/// Where a network stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The VPC is being made.
    Pending,
    /// Peerings and datastores can be attached.
    Active,
    /// Asked to go; the cloud is being cleared.
    Deleting,
    /// Final; the record stays until `purge_time`.
    Deleted,
    /// The VPC could not be made, or vanished.
    Failed,
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 5] = [
        Self::Pending,
        Self::Active,
        Self::Deleting,
        Self::Deleted,
        Self::Failed,
    ];

    /// The name, the same in proto, SQL and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
            Self::Deleted => "DELETED",
            Self::Failed => "FAILED",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The lane in which a network in this state is watched, as the row names it.
    pub fn lane(self) -> &'static str {
        match self {
            Self::Pending | Self::Deleting => "pending",
            Self::Active => "drift",
            Self::Failed | Self::Deleted => "none",
        }
    }

    /// Whether the owner has asked for its end.
    pub fn is_leaving(self) -> bool {
        matches!(self, Self::Deleting | Self::Deleted)
    }
}

/// A subnet of the vendor's VPC.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Subnet {
    /// The cloud's id.
    pub id: String,
    /// The zone's name in the vendor's account.
    pub zone: String,
    /// The zone's name that is the same for all accounts.
    pub zone_id: String,
    /// Its range.
    pub cidr: String,
}

/// The vendor's VPC as far as it is known to stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Vpc {
    /// The cloud's id (AWS) or the name (GCP).
    pub id: Option<String>,
    /// One in each zone, or one for the region.
    pub subnets: Vec<Subnet>,
    /// The group that carries the allow list; none on GCP.
    pub security_group_id: Option<String>,
    /// Codes of the parts that stand, as the provider-adapter names them.
    pub parts: Vec<String>,
}

impl Vpc {
    /// Whether nothing of it is known to stand.
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.parts.is_empty()
    }

    /// Whether that part is known to stand.
    pub fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|standing| standing == part)
    }
}

/// What the last look left to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ahead {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// One more part.
    Part {
        /// The adapter's code for it.
        part: String,
        /// Asking twice would make two of it.
        guarded: bool,
    },
    /// All parts stand.
    Complete,
}

/// A guarded part that was asked for and has not been seen yet: it may or may not come into being.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The adapter's code for the part.
    pub part: String,
    /// When the request was committed, before the call.
    pub at: i64,
}

/// How far the vendor's firewall is behind the allow list and the attached datastores' ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firewall {
    /// Raised by every change of what is wanted, from 1.
    pub goal: i64,
    /// The goal that the cloud last confirmed; 0: none yet.
    pub done: i64,
    /// When it did, on which begin of a step.
    pub done_at: Option<i64>,
    /// What the adapter wants to have back with the next call.
    pub operation_token: String,
    /// The cloud is not asked before this time.
    pub step_at: i64,
    /// Calls in a row that brought nothing.
    pub retries: i32,
    /// Calls in a row that failed for a reason that nobody knows.
    pub failures: i32,
    /// Why the goal is not reached; empty while nothing is in the way.
    pub reason: String,
    /// The same for people.
    pub message: String,
    /// Since when FIREWALL_READY has its status.
    pub since: i64,
}

impl Firewall {
    /// Nothing is wanted and nothing confirmed.
    pub fn new(now: i64) -> Self {
        Self {
            goal: 1,
            done: 0,
            done_at: None,
            operation_token: String::new(),
            step_at: now,
            retries: 0,
            failures: 0,
            reason: String::new(),
            message: String::new(),
            since: now,
        }
    }
}

/// What others had changed and was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Repaired {
    /// Parts of the VPC.
    Parts,
    /// The firewall.
    Firewall,
}

/// How far the work towards the intent is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// When the next step may run; none: nothing to do. The firewall has its own time.
    pub step_at: Option<i64>,
    /// Accounts whose cloud would not take this network.
    pub refused_accounts: Vec<String>,
    /// What the last look left to be made.
    pub ahead: Ahead,
    /// A guarded part that may be under way.
    pub requested: Option<Request>,
    /// A part was asked for at some time, so that an absence needs proof.
    pub touched: bool,
    /// The first complete look that did not show what was looked for.
    pub missed_at: Option<i64>,
    /// What the adapter wants to have back with the next call.
    pub operation_token: String,
    /// Steps in a row that could not be done and say nothing about the network.
    pub retries: i32,
    /// Steps in a row that failed for a reason that nobody knows.
    pub failures: i32,
    /// Since when it is tried hourly only.
    pub suspended_at: Option<i64>,
    /// While ACTIVE: codes of what all complete looks since `missed_at` did not show.
    pub missed: Vec<String>,
    /// While ACTIVE: what is said of subnets that have another range than recorded.
    pub reshaped: Vec<String>,
    /// What was put back that others had changed, and when: the last hour's.
    pub repairs: Vec<(Repaired, i64)>,
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct NewNetwork {
    /// Whose it will be.
    pub tenant: TenantId,
    /// Unique among the tenant's networks that are not DELETED.
    pub display_name: DisplayName,
    /// The cloud.
    pub provider: ProviderKind,
    /// Where in the cloud.
    pub region: Region,
    /// The range of the VPC.
    pub cidr: Cidr,
    /// The caller's own words.
    pub labels: Labels,
    /// Networks of the tenant that are used together; empty: with none.
    pub multi_region_group: String,
}

/// A private network of one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Names it.
    pub id: NetworkId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Unique among the tenant's networks that are not DELETED.
    pub display_name: DisplayName,
    /// The cloud.
    pub provider: ProviderKind,
    /// Where in the cloud.
    pub region: Region,
    /// The range of the VPC.
    pub cidr: Cidr,
    /// The owner's own words.
    pub labels: Labels,
    /// Networks of the tenant that are used together; empty: with none.
    pub multi_region_group: String,
    /// Where it stands in its life.
    pub state: State,
    /// A stable code that explains the state; empty when there is nothing to explain.
    pub reason: String,
    /// One sentence for a person.
    pub message: String,
    /// The vendor's account or project; none before placement.
    pub account: Option<String>,
    /// What stands of the VPC.
    pub vpc: Vpc,
    /// While parts of it are put back: as it stood before.
    pub whole: Option<Vpc>,
    /// How far the work is.
    pub work: Work,
    /// How far the firewall is.
    pub firewall: Firewall,
    /// Attached peerings.
    pub peering_count: i32,
    /// Attached datastores.
    pub datastore_count: i32,
    /// Raised by every write.
    pub version: i64,
    /// Since when it is in the lane of its state.
    pub lane_since: i64,
    /// Trace context of the call that changed the intent.
    pub traceparent: Option<String>,
    /// When it was recorded.
    pub create_time: i64,
    /// Last change of intent or state.
    pub update_time: i64,
    /// When the cloud was clear.
    pub delete_time: Option<i64>,
    /// When the record goes.
    pub purge_time: Option<i64>,
}

impl Network {
    /// The network that `wish` asks for, to be placed at once.
    pub fn new(wish: NewNetwork, traceparent: Option<String>, now: i64) -> Self {
        Self {
            id: NetworkId::generate(),
            tenant: wish.tenant,
            display_name: wish.display_name,
            provider: wish.provider,
            region: wish.region,
            cidr: wish.cidr,
            labels: wish.labels,
            multi_region_group: wish.multi_region_group,
            state: State::Pending,
            reason: String::new(),
            message: String::new(),
            account: None,
            vpc: Vpc::default(),
            whole: None,
            work: Work {
                step_at: Some(now),
                ..Work::default()
            },
            firewall: Firewall::new(now),
            peering_count: 0,
            datastore_count: 0,
            version: 1,
            lane_since: now,
            traceparent,
            create_time: now,
            update_time: now,
            delete_time: None,
            purge_time: None,
        }
    }

    /// The group that its steps belong to; none once DELETED.
    pub fn group(&self) -> Option<GroupId> {
        if self.state == State::Deleted {
            return None;
        }
        Some(match (&self.account, self.provider) {
            (None, provider) => GroupId::unplaced(provider, self.region.as_str()),
            (Some(account), ProviderKind::Aws) => GroupId::aws(account, self.region.as_str()),
            (Some(project), ProviderKind::Gcp) => GroupId::gcp(project),
        })
    }

    /// When its next step may run; none: nothing to do.
    pub fn due_at(&self) -> Option<i64> {
        let both = [self.work.step_at, self.firewall_at()];
        both.into_iter().flatten().min()
    }

    /// The VPC as its owner sees it: a repair makes no holes in it.
    pub fn shown_vpc(&self) -> &Vpc {
        self.whole.as_ref().unwrap_or(&self.vpc)
    }

    /// Whether what was asked of the cloud for `asked` can be recorded here: its owner may have changed what is wanted
    /// meanwhile, but nobody what stands or how far the work is.
    pub fn still_stands_as(&self, asked: &Self) -> bool {
        self.state == asked.state
            && self.account == asked.account
            && self.vpc == asked.vpc
            && self.work == asked.work
            && self.firewall.done == asked.firewall.done
            && self.firewall.operation_token == asked.firewall.operation_token
    }

    /// A hash of the intent: changes of state leave it alone.
    pub fn etag(&self) -> String {
        let labels = self.labels.as_map().iter();
        let labels = labels.flat_map(|(key, value)| [key.as_str(), value.as_str()]);
        let leaving = if self.state.is_leaving() {
            "deleted"
        } else {
            ""
        };
        fingerprint(
            [self.display_name.as_str()]
                .into_iter()
                .chain(labels)
                .chain([leaving]),
        )
    }
}
