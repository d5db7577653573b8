//! What network engineers ask, answered for one peering.

use super::commands::{Cli, list, ports};
use super::is_up;
use crate::provider::steps::{Answer, Facts, State};

/// All answers, in the order in which the questions come up.
pub(super) fn all(facts: &Facts, cli: &Cli) -> Vec<Answer> {
    vec![
        ids(facts, cli),
        ranges(facts, cli),
        inactive(facts, cli),
        routes(facts),
        firewalls(facts),
        reach(facts),
        permissions(),
        transit(facts),
        proof(facts, cli),
        undo(facts, cli),
        names(facts),
        cost(facts),
        zones(facts),
        mtu(),
        ipv6(),
        encryption(),
        changes(facts),
    ]
}

fn answer(question: &str, answer: impl Into<String>) -> Answer {
    Answer {
        question: question.into(),
        answer: answer.into(),
    }
}

fn ids(facts: &Facts, cli: &Cli) -> Answer {
    let vendor = match &facts.vendor_vpc_id {
        Some(network) => format!("network {network}"),
        None => "a network whose name follows".into(),
    };
    answer(
        "Which ids belong to whom?",
        format!(
            "Yours are project {} and network {}. Ours are project {} and {vendor}, with the range {} in {}. With \
             Shared VPC give us the host project, which owns the network, not a service project. Networks go by their \
             names, not by their numbers.",
            cli.project,
            cli.network,
            facts.vendor_account_id,
            facts.vendor_cidr,
            facts.vendor_region
        ),
    )
}

fn ranges(facts: &Facts, cli: &Cli) -> Answer {
    let known = match facts.peer_cidrs.as_slice() {
        [] => "We know none of your ranges yet.".into(),
        ranges => format!("The peering names {}.", list(ranges, "")),
    };
    answer(
        "Which of my ranges have to be named?",
        format!(
            "{known} All ranges from which something connects belong there and on the allow list: primary ranges of \
             subnets, secondary ranges of GKE pods, and ranges behind custom routes. This lists them: {}",
            cli.list_subnets().shell
        ),
    )
}

fn inactive(facts: &Facts, cli: &Cli) -> Answer {
    let begin = match facts.state {
        State::Active | State::Degraded => {
            "It is not: both halves match. It becomes INACTIVE when one of the halves or networks is deleted."
        }
        State::Deleting | State::Deleted => {
            "The peering was deleted in Peerway, and our half goes with it. Yours stays INACTIVE until you delete it."
        }
        State::Provisioning => "Our half is not there yet; wait for that first.",
        State::PendingAcceptance => "Our half waits for yours; GCP sets no deadline.",
        State::Disconnected => "Both halves matched once; then yours or your network was deleted.",
        State::Rejected | State::Expired | State::Failed => {
            "This attempt has ended; begin a new one first."
        }
    };
    let is_over = matches!(facts.state, State::Deleting | State::Deleted);
    let causes = match &facts.vendor_vpc_id {
        Some(vendor) if !is_over && !is_up(facts) => causes(facts, cli, vendor),
        _ => String::new(),
    };
    answer(
        "Why is the peering still INACTIVE?",
        format!("{begin}{causes}"),
    )
}

fn causes(facts: &Facts, cli: &Cli, vendor: &str) -> String {
    format!(
        " Four causes are usual. (1) A wrong name: your half has to stand on network {} in project {}, and lead to \
         network {vendor} in project {project}; GCP reports no wrong name. (2) An overlap: your command itself fails \
         then and names the ranges; no range of yours and of networks you are peered with may overlap {}. (3) The \
         organisation policy constraints/compute.restrictVpcPeering: it has to allow \
         projects/{project}/global/networks/{vendor}. (4) A missing permission: compute.networks.addPeering on your \
         own project.",
        cli.network,
        cli.project,
        facts.vendor_cidr,
        project = facts.vendor_account_id,
    )
}

fn routes(facts: &Facts) -> Answer {
    answer(
        "Which routes do I have to add?",
        format!(
            "None. GCP exchanges the routes of all subnets by itself, in every region, new subnets too. You receive \
             one to {}. You can't remove it as long as the peering stands; a static route of your own for a part of \
             that range is refused.",
            facts.vendor_cidr
        ),
    )
}

fn firewalls(facts: &Facts) -> Answer {
    answer(
        "Which network ACLs or firewall rules do I need?",
        format!(
            "GCP has no network ACLs. Its firewalls are stateful: replies pass without a rule. A network lets all \
             traffic out unless a rule or a policy of your organisation denies it; then allow TCP to {} on {}.",
            facts.vendor_cidr,
            ports(&facts.ports, "the datastore's port")
        ),
    )
}

fn reach(facts: &Facts) -> Answer {
    answer(
        "What can you reach in my network?",
        format!(
            "Nothing unless you let us. We open no connections to you: only your egress matters, and you need no \
             ingress rule for us. A network denies ingress unless a rule allows it. Look through ingress rules that \
             allow all of 10.0.0.0/8: they would allow {} as well.",
            facts.vendor_cidr
        ),
    )
}

fn permissions() -> Answer {
    answer(
        "Who may do this?",
        "For the half: roles/compute.networkAdmin in the project that owns the network. For the firewall rule: \
         roles/compute.securityAdmin. Each step lists its permissions. The organisation policy \
         constraints/compute.restrictVpcPeering can forbid peerings whatever your role; its administrator has to allow \
         our network.",
    )
}

fn transit(facts: &Facts) -> Answer {
    let offered = match facts.options.import_custom_routes {
        true => "This peering has the option, so create your half with --export-custom-routes.",
        false => {
            "This peering is without the option import_custom_routes: set it with UpdatePeering, then add \
             --export-custom-routes to your half."
        }
    };
    answer(
        "Can I connect from on-premises, over VPN, or from a second network?",
        format!(
            "Another peering of yours does not lead to us: peering is not transitive, so a second network needs a \
             peering of its own. On-premises networks behind Cloud VPN or Interconnect can: offer us your custom \
             routes, and let your Cloud Router advertise {} to them. {offered} Name their ranges in the peering, too.",
            facts.vendor_cidr
        ),
    )
}

fn proof(facts: &Facts, cli: &Cli) -> Answer {
    let port = match facts.ports.first() {
        Some(port) => port.to_string(),
        None => "PORT".into(),
    };
    let endpoint = facts.endpoints.first().map_or("ENDPOINT", String::as_str);
    answer(
        "How do I prove that it works?",
        format!(
            "Run nc -vz {endpoint} {port} on a machine in network {}. A refusal means that packets pass, a timeout \
             that a firewall or the allow list stops them. Connectivity Tests names the rule without sending a packet; \
             VPC Flow Logs show what was sent. The step PROVE has the commands.",
            cli.network
        ),
    )
}

fn undo(facts: &Facts, cli: &Cli) -> Answer {
    let how = match facts.vendor_vpc_id {
        Some(_) => format!(
            " Routes go with the half; only the firewall rule {} stays, if you made it. This deletes your half: {}",
            cli.rule,
            cli.delete_half().shell
        ),
        None => String::new(),
    };
    answer(
        "How do I undo it?",
        format!(
            "Each step shows what takes it back. Deleting the peering in Peerway does not delete your half.{how}"
        ),
    )
}

fn names(facts: &Facts) -> Answer {
    let which = match facts.endpoints.as_slice() {
        [] => "The name of a datastore's private endpoint".into(),
        [one] => one.clone(),
        several => format!("Each of {}", list(several, "")),
    };
    answer(
        "Which name gives the private address?",
        format!(
            "{which} has to resolve to an address in {}; dig +short shows it. Peering exchanges no DNS: Compute \
             Engine's internal names and the private zones of one network are unknown to the other. Resolvers with \
             rebinding protection drop private addresses from public names; except our names from it.",
            facts.vendor_cidr
        ),
    )
}

fn cost(facts: &Facts) -> Answer {
    answer(
        "What does it cost?",
        format!(
            "The peering itself is free. Google charges for traffic as within one network: nothing within a zone, \
             0.01 USD per GiB between zones of {region}, and more between regions, from 0.02 USD per GiB; whoever \
             sends pays. Keep clients in {region}. Prices: https://cloud.google.com/vpc/network-pricing",
            region = facts.vendor_region
        ),
    )
}

fn zones(facts: &Facts) -> Answer {
    answer(
        "Do regions and zones matter?",
        format!(
            "Your network is global: one peering serves all its regions and zones. Our subnet is in {}; clients in \
             other regions reach it too, with the delay of the distance.",
            facts.vendor_region
        ),
    )
}

fn mtu() -> Answer {
    answer(
        "Which MTU?",
        "Our network has the default of 1,460 bytes. Yours may have 1,300 to 8,896. TCP agrees on the smaller one when \
         it connects; larger UDP packets would be dropped.",
    )
}

fn ipv6() -> Answer {
    answer(
        "And IPv6?",
        "The peering carries IPv4 only (stack type IPV4_ONLY, the default of both halves). Your network may use IPv6 \
         for other things.",
    )
}

fn encryption() -> Answer {
    answer(
        "Is the traffic encrypted?",
        "It never leaves Google's network, and Google encrypts it between virtual machines of peered networks. Use TLS \
         to the datastore nevertheless: it proves to whom you speak.",
    )
}

fn changes(facts: &Facts) -> Answer {
    answer(
        "Does changing ranges cut traffic?",
        format!(
            "No. GCP exchanges the routes of new subnets by itself and refuses those that overlap {}. Name new ranges \
             in the peering and on the allow list: nothing connects from them before that.",
            facts.vendor_cidr
        ),
    )
}
