//! What a peering is and what follows from what: pure, total, with time as an argument.
//!
//! Who stores, calls or listens is no business of this module. A handler records an intent, [`observe`] says what a
//! look at the cloud means, [`next_step`] what to do next, [`progress`] what became of it, [`next_action`] who has to
//! act now.

mod admission;
mod blind;
mod change;
mod condition;
mod degraded;
mod diagnosis;
mod drift;
mod facts;
mod finding;
mod glance;
mod matching;
mod next_action;
mod objections;
mod observe;
mod operation;
mod options;
mod orphan;
mod peer;
mod peering;
mod places;
pub mod progress;
mod quota;
mod ranges;
mod reasons;
mod renewal;
mod routes;
mod sighting;
mod state;
mod step;
mod suspension;
mod tally;
#[cfg(test)]
mod tally_tests;
mod telling;
#[cfg(test)]
mod two_halves_tests;
#[cfg(test)]
pub(crate) mod walk;

pub use admission::{Network, Policy, VendorAccounts, Wish, WishedPeer, admissible};
pub use blind::blinded;
pub use change::Update;
pub use diagnosis::{Away, Check, Evidence, RouteState, SeenRoute, Usage, Verdict, diagnose};
pub use drift::{Fault, Tables, Wiring};
pub use facts::{KnownNetwork, NetworkFacts, NetworkNews};
pub use finding::{Finding, quota_near, range_field, warnings, well_known};
pub use glance::{Glance, settled};
pub use matching::{Matching, Unseen, Unsettled};
pub use next_action::{Actor, NextAction, next_action};
pub use objections::{Error, Side, may_peer, objections};
pub use observe::{Look, Rules, observe, walk_to};
pub use options::Options;
pub use orphan::Owner;
pub use peer::Peer;
pub use peering::{
    Admission, Condition, ConditionStatus, Former, PURGE_AFTER, Peering, Vendor, Work, claim_key,
    conditions, name_key,
};
pub use places::{Claim, Places, Turn, frees_place, next_in_line, turn, waiting};
pub use quota::{Quotas, TenantQuotas};
pub use ranges::peer_ranges;
pub use routes::{Routing, WantedRoute, wanted_routes};
pub use sighting::{CloudState, Sighting, trusted};
pub use state::{State, Watch};
pub use step::{Step, next_step};
pub use suspension::resumed;
pub use tally::{Shown, Tally};
pub use telling::{Kind, Telling, tell};
