//! Steps and phrases that are the same on every cloud: those about Peerway itself.

use super::{Actor, Command, Facts, State, Status, Step};

impl Facts {
    /// Whether both halves match.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Active | State::Degraded)
    }

    /// Whether the user asked the peering to go.
    pub fn is_going(&self) -> bool {
        matches!(self.state, State::Deleting | State::Deleted)
    }

    /// Whether there is something to connect to.
    pub fn has_target(&self) -> bool {
        !self.endpoints.is_empty() && !self.ports.is_empty()
    }
}

impl Step {
    /// A step in words; commands and the rest are added to it.
    pub fn new(code: &'static str, actor: Actor, status: Status, title: &str) -> Self {
        Self {
            code,
            actor,
            status,
            title: title.into(),
            why: String::new(),
            console_path: String::new(),
            commands: vec![],
            verify: vec![],
            undo: vec![],
            permissions: vec![],
            docs_url: "",
            optional: false,
        }
    }
}

/// The network's allow list, which does not hold the customer's ranges yet.
pub fn allow_list(facts: &Facts) -> Step {
    let ranges = list(&facts.peer_cidrs, "your network");
    Step {
        why: format!(
            "Datastores take connections only from ranges on their network's allow list, and {ranges} can't connect \
             yet. Call AllowPeeredCidrs of Peerway's NetworkService with the network's id: it admits the ranges of all \
             its peerings."
        ),
        ..Step::new(
            "ALLOW_LIST",
            Actor::Customer,
            Status::Todo,
            "Put your ranges on the allow list",
        )
    }
}

/// The vendor's firewall, which carries the allow list.
pub fn vendor_firewall(facts: &Facts) -> Step {
    let status = match facts.firewall_ready {
        _ if !facts.allow_listed => Status::Blocked,
        Some(true) => Status::Done,
        Some(false) => Status::Todo,
        None if facts.is_up() => Status::Unknown,
        None => Status::Blocked,
    };
    Step {
        why: "Our firewall follows the allow list by itself. There is nothing to do for you."
            .into(),
        ..Step::new(
            "VENDOR_FIREWALL",
            Actor::Vendor,
            status,
            "Peerway opens its firewall to the allow list",
        )
    }
}

/// One attempt to connect for each endpoint and port.
pub fn connections(facts: &Facts) -> Vec<Command> {
    let pairs = facts
        .endpoints
        .iter()
        .flat_map(|endpoint| facts.ports.iter().map(move |port| (endpoint, port)));
    let connect = |(endpoint, port): (&String, &u16)| {
        let port = port.to_string();
        Command::new(["nc".into(), "-vz".into(), endpoint.into(), port.into()])
    };
    pairs.map(connect).collect()
}

/// Things in a sentence: `6379 and 6380`, or `other` when there are none.
pub fn list(items: &[impl ToString], other: &str) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    match items.as_slice() {
        [] => other.into(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The text as a sentence with a space after it; nothing for nothing.
pub fn sentence(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text if text.ends_with(['.', '!', '?']) => format!("{text} "),
        text => format!("{text}. "),
    }
}
