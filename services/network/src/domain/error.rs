//! What the rules refuse.

use types::{Cidr, NetworkId, ProviderKind};

use super::{AttachmentKind, Blockers, State};

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
    #[error("{}", .0.sentence())]
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
    /// The tenant's networks and peerings leave no room.
    #[error(
        "no block of /{0} is free of the tenant's networks and peerings: choose a smaller one, or a cidr"
    )]
    NoFreeBlock(u8),
    /// Ranges are taken: the first [`MOST_CONFLICTS`] pairs, at least one.
    #[error("{}", sentences(.0))]
    Overlap(Vec<Overlap>),
}

/// How many pairs of ranges in each other's way a refusal names at most.
pub const MOST_CONFLICTS: usize = 20;

/// Two ranges that cannot stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The code of the rule that it breaks.
    pub reason: &'static str,
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
    /// Why they cannot, where that is not plain.
    pub so: String,
}

impl Overlap {
    /// Both ranges and both owners, for a person.
    pub fn sentence(&self) -> String {
        let Self {
            cidr,
            owner,
            other_cidr,
            other_owner,
            so,
            ..
        } = self;
        let so = match so.as_str() {
            "" => String::new(),
            so => format!(": {so}"),
        };
        let verb = if cidr == other_cidr {
            "equals"
        } else {
            "overlaps"
        };
        format!("{cidr} of {owner} {verb} {other_cidr} of {other_owner}{so}")
    }
}

/// The first one, and whether there are others.
fn sentences(conflicts: &[Overlap]) -> String {
    match conflicts {
        [] => String::new(),
        [only] => only.sentence(),
        [first, ..] => format!("{} (and others are in the way too)", first.sentence()),
    }
}
