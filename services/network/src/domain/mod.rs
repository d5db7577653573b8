//! The network, its rules and its next step: pure, with time as an argument.

mod attachment;
mod catalog;
mod change;
mod error;
mod network;
mod step;

pub use attachment::{Attachment, AttachmentKind, Blockers, Neighbour, check_claims};
pub use catalog::{Catalog, CidrRules, Offer, Reserved};
pub use change::{Answer, Failure, FailureKind, Removal, Timing};
pub use error::{Error, Overlap};
pub use network::{Ahead, Network, NewNetwork, Request, State, Subnet, Vpc, Work};
pub use step::{Step, next_step};
