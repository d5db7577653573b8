//! What the rules refuse.

use types::{Cidr, NetworkId};

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
    #[error("{} peerings and datastores stand on the network: detach them first", .0.total)]
    NetworkInUse(Blockers),
    /// Deleting a network's peerings with it is not served yet.
    #[error("cascade_peerings is not served by this release: delete the {0} peerings first")]
    CascadeNotServed(i32),
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
