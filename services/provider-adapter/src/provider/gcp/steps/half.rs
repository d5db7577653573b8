//! The two halves, and the routes that they exchange.

use super::commands::Cli;
use super::{PEERING_DOCS, is_up, once_up};
use crate::provider::steps::{Actor, Command, Facts, State, Status, Step};

const CONSOLE: &str = "VPC network > VPC network peering";

/// The vendor's half towards the customer's network.
pub(super) fn vendor_half(facts: &Facts) -> Step {
    let (project, network) = (&facts.peer.account_id, &facts.peer.vpc_id);
    Step {
        code: "VENDOR_HALF",
        actor: Actor::Vendor,
        status: match facts.provider_peering_id {
            Some(_) => Status::Done,
            None => Status::Todo,
        },
        title: "Peerway creates its half".into(),
        why: format!(
            "Each side of a peering at GCP creates a half of its own. Ours leads to network {network} in project \
             {project}. There is nothing to do for you."
        ),
        console_path: String::new(),
        commands: vec![],
        verify: vec![],
        undo: vec![],
        permissions: vec![],
        docs_url: "https://cloud.google.com/vpc/docs/vpc-peering",
        optional: false,
    }
}

/// What the cloud does not tell: whether the names are right.
pub(super) fn check_names(facts: &Facts, cli: &Cli) -> Step {
    let (project, network) = (cli.project, cli.network);
    Step {
        code: "CHECK_NAMES",
        actor: Actor::Customer,
        status: match is_up(facts) {
            true => Status::Done,
            false => Status::Todo,
        },
        title: format!("Check that network {network} in project {project} is the one you mean"),
        why: format!(
            "GCP can't tell a wrong name from waiting: a half towards a network that does not exist stays INACTIVE \
             for ever. The project is the one that owns the network; with Shared VPC that is the host project. The \
             second command lists your ranges: none of them may overlap {}.",
            facts.vendor_cidr
        ),
        console_path: "VPC network > VPC networks".into(),
        commands: vec![
            cli.run(&format!(
                "compute networks describe {network} --format=value(selfLink)"
            )),
            cli.list_subnets(),
        ],
        verify: vec![],
        undo: vec![],
        permissions: vec!["compute.networks.get", "compute.subnetworks.list"],
        docs_url: "https://cloud.google.com/vpc/docs/vpc-peering",
        optional: false,
    }
}

/// The customer's half.
pub(super) fn create(facts: &Facts, cli: &Cli) -> Step {
    Step {
        code: "CREATE_PEERING",
        actor: Actor::Customer,
        status: match facts.state {
            State::Active | State::Degraded => Status::Done,
            _ if facts.provider_peering_id.is_none() => Status::Blocked,
            _ => Status::Todo,
        },
        title: match facts.state {
            State::Disconnected => "Create your half of the peering again".into(),
            _ => "Create your half of the peering".into(),
        },
        why: create_why(facts, cli),
        console_path: format!("{CONSOLE} > Create connection"),
        commands: create_commands(facts, cli),
        verify: vec![cli.list_halves()],
        undo: vec![cli.delete_half()],
        permissions: vec![
            "compute.networks.addPeering",
            "compute.networks.get",
            "compute.networks.list",
            "compute.networks.removePeering",
            "compute.globalOperations.get",
        ],
        docs_url: PEERING_DOCS,
        optional: false,
    }
}

fn create_why(facts: &Facts, cli: &Cli) -> String {
    let Some(vendor) = &facts.vendor_vpc_id else {
        return "The command follows as soon as our network stands.".into();
    };
    let mut why = format!(
        "The peering becomes ACTIVE when your network has a half towards network {vendor} in project {}. It gives us \
         no permission in your project. Traffic from you to {} then stays on private addresses.",
        facts.vendor_account_id, facts.vendor_cidr
    );
    if facts.state == State::Disconnected {
        why.push_str(" Our half still waits for it: this alone brings the peering back.");
    } else if facts.attempt > 1 && !is_up(facts) {
        why.push_str(
            " You may still have a half from the attempt before. Then keep it: it leads to the same network, and a \
             second one is refused.",
        );
    }
    if is_up(facts) {
        why.push_str(&format!(
            " If you gave your half another name than {}, put that name into our commands.",
            cli.half
        ));
    }
    if !is_up(facts) {
        why.push_str(" Does GCP answer that a peering operation is in progress? Run the command again in a minute.");
    }
    why
}

fn create_commands(facts: &Facts, cli: &Cli) -> Vec<Command> {
    let Some(vendor) = &facts.vendor_vpc_id else {
        return vec![];
    };
    let (half, network) = (&cli.half, cli.network);
    let mut words = format!(
        "compute networks peerings create {half} --network {network} --peer-project {} --peer-network {vendor}",
        facts.vendor_account_id
    );
    for flag in custom_route_flags(facts) {
        words.push(' ');
        words.push_str(flag);
    }
    vec![cli.run(&words)]
}

/// The customer's flags: what one side takes over the other has to offer.
fn custom_route_flags(facts: &Facts) -> Vec<&'static str> {
    let (offer, take) = (
        facts.options.import_custom_routes,
        facts.options.export_custom_routes,
    );
    let flags = [
        (offer, "--export-custom-routes"),
        (take, "--import-custom-routes"),
    ];
    let flags = flags.into_iter().filter(|(wanted, _)| *wanted);
    flags.map(|(_, flag)| flag).collect()
}

/// Flags for a half that was made without them; none where no custom route is exchanged.
pub(super) fn custom_routes(facts: &Facts, cli: &Cli) -> Option<Step> {
    let flags = custom_route_flags(facts);
    if flags.is_empty() {
        return None;
    }
    let (half, network) = (&cli.half, cli.network);
    let update = |flags: &str| {
        cli.run(&format!(
            "compute networks peerings update {half} --network {network} {flags}"
        ))
    };
    let back = flags.iter().map(|flag| flag.replacen("--", "--no-", 1));
    let back: Vec<_> = back.collect();
    let undo = update(&back.join(" "));
    let mut why = "The command that creates your half has these flags already. Run this one if you made your half \
                   without them."
        .to_owned();
    if facts.options.import_custom_routes {
        why.push_str(
            " You offer us your static and dynamic routes, so we can answer your on-premises networks and routes-based \
             GKE clusters. Add their ranges to the peering's ranges too.",
        );
    }
    if facts.options.export_custom_routes {
        why.push_str(" You take over the custom routes of our network.");
    }
    Some(Step {
        code: "CUSTOM_ROUTES",
        actor: Actor::Customer,
        status: once_up(facts),
        title: "Exchange custom routes".into(),
        why,
        console_path: format!("{CONSOLE} > your half > Edit"),
        commands: vec![update(&flags.join(" "))],
        verify: vec![cli.list_halves()],
        undo: vec![undo],
        permissions: vec![
            "compute.networks.updatePeering",
            "compute.networks.get",
            "compute.networks.list",
            "compute.globalOperations.get",
        ],
        docs_url: PEERING_DOCS,
        optional: true,
    })
}

/// Subnet routes, which nobody has to make.
pub(super) fn check_routes(facts: &Facts, cli: &Cli) -> Step {
    let (half, network, region) = (&cli.half, cli.network, &facts.vendor_region);
    Step {
        code: "CHECK_ROUTES",
        actor: Actor::Nobody,
        status: match facts.routes_ready {
            Some(true) if is_up(facts) => Status::Done,
            _ => once_up(facts),
        },
        title: "Routes are exchanged".into(),
        why: format!(
            "GCP exchanges the routes of all subnets by itself as soon as both halves match. There is no route for you \
             to add. The command shows the route to {} among those you receive in {region}. No such route: a quota of \
             the peering group may be used up.",
            facts.vendor_cidr
        ),
        console_path: format!("{CONSOLE} > your half > Imported routes"),
        commands: vec![],
        verify: vec![cli.run(&format!(
            "compute networks peerings list-routes {half} --network {network} --region {region} --direction INCOMING"
        ))],
        undo: vec![],
        permissions: vec!["compute.networks.listPeeringRoutes"],
        docs_url: PEERING_DOCS,
        optional: false,
    }
}
