//! What the rules refuse.

use types::{Cidr, NetworkId, ProviderKind};

use super::{AttachmentKind, Blockers, Finding, State};

/// A change that the rules do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such network, or it is another tenant's.
    #[error("there is no network {0}")]
    NetworkNotFound(NetworkId),
    /// Another network of the tenant has the name.
    #[error("another network of this tenant is called {0}")]
    NameInUse(String),
    /// The network has changed since the caller read it.
    #[error("the network has changed: its etag is {now}, not {given}")]
    EtagMismatch {
        /// What the caller sent.
        given: String,
        /// What it is.
        now: String,
    },
    /// Something stands on the network.
    #[error("{} peerings and datastores stand on the network: detach them first", .0.total)]
    NetworkInUse(Blockers),
    /// The network is being deleted or is gone.
    #[error("network {id} is {}, so it cannot be changed", state.as_str())]
    NetworkDeleted {
        /// The network.
        id: NetworkId,
        /// Where it stands.
        state: State,
    },
    /// The tenant has as many as it may have.
    #[error("{used} of {limit} {} are used", quota.replace('_', " "))]
    QuotaExceeded {
        /// Which quota, as GetTenantLimits names it.
        quota: &'static str,
        /// How many there are.
        used: u32,
        /// How many there may be.
        limit: u32,
    },
    /// The firewall has no room for the wanted ranges and ports.
    #[error(
        "the firewall would need {wanted} of {limit} {}: use fewer, larger ranges",
        if *provider == ProviderKind::Aws { "rules, one for each range and port" } else { "ranges" }
    )]
    AllowListFull {
        /// Whose firewall.
        provider: ProviderKind,
        /// What is taken.
        used: u32,
        /// What would be.
        wanted: u32,
        /// What there is.
        limit: u32,
    },
    /// A range that cannot stand in an allow list.
    #[error("{field}: {rule}")]
    InvalidEntry {
        /// The field that breaks the rule.
        field: &'static str,
        /// The code of the rule.
        reason: &'static str,
        /// The rule in words.
        rule: String,
    },
    /// Nothing new can be attached now.
    #[error("network {id} is {}, and only an ACTIVE one takes attachments", state.as_str())]
    NetworkNotActive {
        /// The network.
        id: NetworkId,
        /// Where it stands.
        state: State,
    },
    /// The id was detached within the last day.
    #[error("{kind} {id} was detached from this network and cannot be attached again for 24 hours")]
    AttachmentDetached {
        /// The kind of thing.
        kind: AttachmentKind,
        /// Its id.
        id: String,
    },
    /// The claim cannot be one on this network.
    #[error("{field}: {rule}")]
    InvalidAttachment {
        /// The field that breaks the rule.
        field: &'static str,
        /// The code of the rule.
        reason: &'static str,
        /// The rule in words.
        rule: String,
    },
    /// A network of the same multi-region group has the range.
    #[error("{}", .0.message)]
    RangeTaken(Box<Finding>),
    /// The tenant's networks and peerings leave no room.
    #[error(
        "no block of /{0} is free of the tenant's networks and peerings: choose a smaller one, or a cidr"
    )]
    NoFreeBlock(u8),
    /// A range is taken.
    #[error("{}", .0.sentence())]
    Overlap(Box<Overlap>),
}

/// Two ranges that cannot stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// Whether the network itself is in the way; otherwise something beside it is.
    pub with_network: bool,
    /// The wanted range.
    pub cidr: Cidr,
    /// Who wants it.
    pub owner: String,
    /// The range in the way.
    pub other_cidr: Cidr,
    /// Whose it is.
    pub other_owner: String,
    /// The id in the way.
    pub other_id: String,
}

impl Overlap {
    fn sentence(&self) -> String {
        let Self {
            cidr,
            owner,
            other_cidr,
            other_owner,
            ..
        } = self;
        let verb = if cidr == other_cidr {
            "equals"
        } else {
            "overlaps"
        };
        format!("{cidr} of {owner} {verb} {other_cidr} of {other_owner}")
    }
}
