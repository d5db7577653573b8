//! What follows: the proof that packets pass, a new attempt, and what is left to take away.

use super::commands::Cli;
use super::{PEERING_DOCS, has_half_to_make, is_on_the_way, is_up};
use crate::provider::steps::{Actor, Command, Facts, State, Status, Step, Variable, Word};

const SOURCE_INSTANCE: &str = "SOURCE_INSTANCE";
const ENDPOINT_ADDRESS: &str = "ENDPOINT_ADDRESS";
/// What the connectivity test and the look into the flow logs need.
const INVESTIGATORS: [&str; 6] = [
    "networkmanagement.connectivitytests.create",
    "networkmanagement.connectivitytests.get",
    "networkmanagement.connectivitytests.delete",
    "networkmanagement.operations.get",
    "compute.instances.list",
    "logging.logEntries.list",
];

/// A connection from the customer's side.
pub(super) fn prove(facts: &Facts, cli: &Cli) -> Step {
    let connections = connections(facts);
    let investigates = !connections.is_empty() && cli.is_real();
    let mut why = match connections.is_empty() {
        true => format!(
            "There is no datastore with a private endpoint in {} yet. Create one, and its name and port stand here.",
            facts.vendor_cidr
        ),
        false => "Run this on a machine in your network; it says whether the port answers.".into(),
    };
    if investigates {
        why.push_str(
            " The connectivity test looks at the configuration of your side without sending packets: it names the \
             rule or route that stops them. Where flow logs are on in your subnets, the last command shows what was \
             sent to us.",
        );
    }
    Step {
        code: "PROVE",
        actor: Actor::Customer,
        status: match is_up(facts) && !connections.is_empty() {
            true => Status::Todo,
            false => Status::Blocked,
        },
        title: "Prove that you reach the datastores".into(),
        why,
        console_path: "Network Intelligence > Connectivity Tests".into(),
        commands: connections,
        verify: match investigates {
            true => investigations(facts, cli),
            false => vec![],
        },
        undo: match investigates {
            true => vec![cli.run(&format!(
                "network-management connectivity-tests delete {} --quiet",
                cli.half
            ))],
            false => vec![],
        },
        permissions: match investigates {
            true => INVESTIGATORS.to_vec(),
            false => vec![],
        },
        docs_url: "https://cloud.google.com/sdk/gcloud/reference/network-management/connectivity-tests/create",
        optional: true,
    }
}

/// One attempt to connect for each endpoint and port.
fn connections(facts: &Facts) -> Vec<Command> {
    let pairs = facts
        .endpoints
        .iter()
        .flat_map(|endpoint| facts.ports.iter().map(move |port| (endpoint, port)));
    let connect = |(endpoint, port): (&String, &u16)| {
        Command::new([
            "nc".into(),
            "-vz".into(),
            endpoint.into(),
            port.to_string().into(),
        ])
    };
    pairs.map(connect).collect()
}

fn investigations(facts: &Facts, cli: &Cli) -> Vec<Command> {
    let Some(port) = facts.ports.first() else {
        return vec![];
    };
    let create = format!(
        "network-management connectivity-tests create {} --protocol TCP --destination-port {port}",
        cli.half
    );
    let ends = [
        "--source-instance".into(),
        Word::Variable(SOURCE_INSTANCE),
        "--destination-ip-address".into(),
        Word::Variable(ENDPOINT_ADDRESS),
    ];
    let result = format!(
        "network-management connectivity-tests describe {} --format=yaml(reachabilityDetails.result)",
        cli.half
    );
    let flows = format!(
        "log_id(\"compute.googleapis.com/vpc_flows\") AND ip_in_net(jsonPayload.connection.dest_ip, \"{}\")",
        facts.vendor_cidr
    );
    vec![
        cli.with(&create, ends),
        cli.run(&result),
        cli.with(
            "logging read",
            [flows.into(), "--limit".into(), "20".into()],
        ),
    ]
}

/// What the connectivity test needs to know.
pub(super) fn variables(facts: &Facts, cli: &Cli) -> Vec<Variable> {
    let Some(endpoint) = facts.endpoints.first() else {
        return vec![];
    };
    let is_asked = is_on_the_way(facts) && facts.vendor_vpc_id.is_some() && cli.is_real();
    if !is_asked || facts.ports.is_empty() {
        return vec![];
    }
    let network = cli.network;
    vec![
        Variable {
            name: SOURCE_INSTANCE,
            description: format!(
                "A virtual machine in network {network}, as projects/…/zones/…/instances/…"
            ),
            find: cli.run(&format!(
                "compute instances list --filter=networkInterfaces.network:{network} \
                 --format=value(selfLink.scope(v1))"
            )),
        },
        Variable {
            name: ENDPOINT_ADDRESS,
            description: format!(
                "The private address behind {endpoint}, in {}",
                facts.vendor_cidr
            ),
            find: Command::new(["dig".into(), "+short".into(), endpoint.into()]),
        },
    ]
}

/// A new attempt, which only Peerway can begin.
pub(super) fn renew(facts: &Facts) -> Step {
    let call = "Call RenewPeering of Peerway's PeeringService with the peering's id.";
    let message = match facts.message.trim() {
        "" if facts.state == State::Failed => "The cloud refused the peering. ".into(),
        "" => String::new(),
        message => format!("{} ", sentence(message)),
    };
    let why = match facts.state {
        _ if has_half_to_make(facts) => format!(
            "Creating your half again is enough. Renew only if the peering stays INACTIVE all the same. {call}"
        ),
        State::Failed => format!(
            "{message}Put the cause right, then begin anew. {call} A half of yours that leads to the right network \
             can stay: it becomes ACTIVE with our new one."
        ),
        State::Disconnected => format!(
            "{message}The peering ended from outside, without a call to Peerway. {call} A half of yours that leads to \
             our network can stay."
        ),
        State::Rejected => format!(
            "{message}Talk to whoever declined it, then begin anew. {call} A half of yours that leads to our network \
             can stay."
        ),
        _ => format!(
            "{message}Nobody created the other half in time. {call} A half of yours that leads to our network can \
             stay: it becomes ACTIVE with our new one."
        ),
    };
    Step {
        code: "RENEW",
        actor: Actor::Customer,
        status: Status::Todo,
        title: "Begin a new attempt".into(),
        why,
        console_path: String::new(),
        commands: vec![],
        verify: vec![],
        undo: vec![],
        permissions: vec![],
        docs_url: "",
        optional: has_half_to_make(facts),
    }
}

/// The text with a full stop at its end.
fn sentence(text: &str) -> String {
    match text.ends_with(['.', '!', '?']) {
        true => text.into(),
        false => format!("{text}."),
    }
}

/// What is left in the customer's project.
pub(super) fn clean_up(facts: &Facts, cli: &Cli) -> Step {
    let is_final = matches!(facts.state, State::Deleting | State::Deleted);
    let mut why = match is_final {
        true => "We can't delete what is yours. Your half would stay INACTIVE for ever and count against the \
                 peerings of your network."
            .to_owned(),
        false => "Only if you don't want the peering back: a half without ours stays INACTIVE and counts against the peerings of \
                  your network."
            .to_owned(),
    };
    why.push_str(
        " The check lists your halves. Routes go with the half. The second command takes the firewall rule away; if \
         you made none, it finds none.",
    );
    let towards = facts.vendor_vpc_id.as_deref().map(|vendor| {
        format!(
            " Delete the half towards network {vendor} in project {}; if you gave it another name than {}, put that \
             name into the command.",
            facts.vendor_account_id, cli.half
        )
    });
    why.push_str(towards.as_deref().unwrap_or_default());
    Step {
        code: "CLEAN_UP",
        actor: Actor::Customer,
        status: match is_final && facts.was_active {
            true => Status::Todo,
            false => Status::Unknown,
        },
        title: "Delete your half and what belongs to it".into(),
        why,
        console_path: "VPC network > VPC network peering > Delete".into(),
        commands: match facts.vendor_vpc_id {
            Some(_) => vec![cli.delete_half(), cli.delete_rule()],
            None => vec![],
        },
        verify: vec![cli.list_halves()],
        undo: vec![],
        permissions: vec![
            "compute.networks.get",
            "compute.networks.list",
            "compute.networks.removePeering",
            "compute.firewalls.delete",
            "compute.networks.updatePolicy",
            "compute.globalOperations.get",
        ],
        docs_url: PEERING_DOCS,
        optional: !is_final,
    }
}
