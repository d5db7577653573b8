//! The network, its rules and its next step: pure, with time as an argument.

mod allow_list;
mod attachment;
mod catalog;
mod change;
mod drift;
mod error;
mod firewall;
#[cfg(test)]
mod fixture;
mod free;
mod intent;
mod network;
mod quota;
mod site;
mod space;
mod step;

pub use allow_list::{
    Applied, Entry, FirewallWanted, Follow, check_entry, check_room, firewall_size, follow, missing,
};
pub use attachment::{Attachment, AttachmentKind, Blockers, Neighbour, against_claims, open_ports};
pub use catalog::{Catalog, CidrRules, NamedRange, Offer, never_allowed, nobodys};
pub use change::{Answer, Failure, FailureKind, Removal, Timing};
pub use drift::{Drift, Glance, Look, Sighting, VPC_MISSING, Verdict, judge};
pub use error::{Error, MOST_CONFLICTS, Overlap};
pub use firewall::{FirewallReady, Holds};
pub use free::{Found, Search, Way};
pub use intent::Update;
pub use network::{
    Ahead, Firewall, Network, NewNetwork, Repaired, Request, State, Subnet, Vpc, Work,
};
pub use quota::{
    DATASTORES_PER_NETWORK, Exception, Limits, NETWORKS, PEERINGS_PER_NETWORK, Quotas,
};
pub use site::{Site, peerings};
pub use space::{Claim, Finding, Severity, overlaps};
pub use step::{Step, next_step};
