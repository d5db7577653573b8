//! What a customer is told to do, in words that fit every cloud. Each cloud's folder makes the text of its own.

mod command;
mod own;
mod quote;
#[cfg(test)]
pub(crate) mod testing;

use types::{Cidr, Region};

use super::Peer;
pub use command::{Command, Script, Word};
pub use own::{allow_list, connections, list, sentence, vendor_firewall};
pub use quote::{hcl, shell};

/// All that a peering's steps are made of. Nothing of it is a user's own text: names and labels have no place here.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The common state.
    pub state: State,
    /// Why, as a stable code; may be empty.
    pub reason: String,
    /// The sentence that goes with the reason: text for people, never a part of a command.
    pub message: String,
    /// The cloud's id or name of the vendor half, or of the object that both halves are; none while there is none.
    pub provider_peering_id: Option<String>,
    /// The vendor's account or project.
    pub vendor_account_id: String,
    /// The vendor's VPC id or network name; none while there is none.
    pub vendor_vpc_id: Option<String>,
    /// The vendor's region.
    pub vendor_region: Region,
    /// The range of the vendor's network.
    pub vendor_cidr: Cidr,
    /// The customer's side.
    pub peer: Peer,
    /// The customer's ranges, as far as they are known.
    pub peer_cidrs: Vec<Cidr>,
    /// Ports of the datastores; may be empty.
    pub ports: Vec<u16>,
    /// Which attempt, from 1.
    pub attempt: i32,
    /// Whether the network's allow list holds the customer's ranges.
    pub allow_listed: bool,
    /// When an unanswered request expires, in milliseconds since the epoch.
    pub expire_at: Option<i64>,
    /// What was asked for beyond plain packets.
    pub options: Options,
    /// DNS names of the datastores' private addresses; may be empty.
    pub endpoints: Vec<String>,
    /// Whether the vendor's routes stand; none: nobody has looked yet.
    pub routes_ready: Option<bool>,
    /// Whether the vendor's firewall carries the allow list; none: nobody has looked yet.
    pub firewall_ready: Option<bool>,
    /// The cloud's id of the attempt before, which the customer's routes may still lead to.
    pub former_provider_peering_id: Option<String>,
    /// Both halves matched at some time in this attempt.
    pub was_active: bool,
}

/// The common state of a peering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The vendor half is being made.
    Provisioning,
    /// The customer half is missing.
    PendingAcceptance,
    /// Both halves match.
    Active,
    /// The cloud says up, but something that belongs to it is wrong.
    Degraded,
    /// Ended from outside.
    Disconnected,
    /// The customer declined.
    Rejected,
    /// Nobody accepted in time.
    Expired,
    /// The cloud refused.
    Failed,
    /// Asked to go.
    Deleting,
    /// Final.
    Deleted,
}

/// What was asked for beyond plain packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// AWS: names of the vendor's side resolve to private addresses.
    pub resolve_dns: bool,
    /// GCP: the vendor's network takes over the customer's custom routes.
    pub import_custom_routes: bool,
    /// GCP: the vendor's network offers its custom routes.
    pub export_custom_routes: bool,
}

/// All that is told about one peering.
#[derive(Debug, Clone, Default)]
pub struct Guide {
    /// In order.
    pub steps: Vec<Step>,
    /// What only the customer knows and the commands need.
    pub variables: Vec<Variable>,
    /// A complete file for the customer's half; empty where there is no half to make.
    pub terraform: String,
    /// Questions that network engineers ask.
    pub answers: Vec<Answer>,
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The customer.
    Customer,
    /// The vendor.
    Vendor,
    /// It happens by itself.
    Nobody,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Done,
    /// It can be done now.
    Todo,
    /// Something before it has to be done first.
    Blocked,
    /// Only the other side can tell.
    Unknown,
}

/// One step towards a working peering.
#[derive(Debug, Clone)]
pub struct Step {
    /// Stable, such as `ACCEPT_PEERING`.
    pub code: &'static str,
    /// Who must act.
    pub actor: Actor,
    /// How far it is.
    pub status: Status,
    /// What to do, in a few words.
    pub title: String,
    /// Why.
    pub why: String,
    /// Where to click in the cloud's console.
    pub console_path: String,
    /// What to run.
    pub commands: Vec<Command>,
    /// What shows that it is done.
    pub verify: Vec<Command>,
    /// What takes it back.
    pub undo: Vec<Command>,
    /// What whoever runs the commands needs.
    pub permissions: Vec<&'static str>,
    /// The cloud's own documentation.
    pub docs_url: &'static str,
    /// The peering works without it.
    pub optional: bool,
}

/// A value that only the customer knows; it stands in commands as `$NAME`.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Such as `ROUTE_TABLE_ID`.
    pub name: &'static str,
    /// What it is.
    pub description: String,
    /// What finds it.
    pub find: Command,
}

/// A question and its answer for one peering.
#[derive(Debug, Clone)]
pub struct Answer {
    /// As an engineer asks it.
    pub question: String,
    /// For this peering.
    pub answer: String,
}
