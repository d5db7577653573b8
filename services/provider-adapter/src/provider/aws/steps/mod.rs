//! What a customer on AWS is told to do: accept the request, and let packets find their way there and back.

mod accept;
mod after;
mod answers;
mod commands;
mod routes;
mod security;
mod terraform;
#[cfg(test)]
mod tests;

use super::super::steps::{Facts, Guide, State, Status, Step, allow_list, vendor_firewall};
use commands::Cli;

/// All that is told. `endpoint`: of a cloud that is not the real one; commands name it.
pub(super) fn guide(facts: &Facts, endpoint: Option<&str>) -> Guide {
    let cli = Cli::new(facts, endpoint);
    let steps = steps(facts, &cli);
    Guide {
        variables: after::variables(&steps, facts, &cli),
        terraform: terraform::file(facts, &cli),
        answers: answers::all(facts, &cli),
        steps,
    }
}

fn steps(facts: &Facts, cli: &Cli<'_>) -> Vec<Step> {
    match facts.state {
        State::Provisioning | State::PendingAcceptance | State::Active | State::Degraded => {
            towards(facts, cli)
        }
        State::Failed => vec![
            accept::check_vpc(facts, cli),
            after::renew(facts),
            after::clean_up(facts, cli),
        ],
        State::Disconnected | State::Rejected | State::Expired => {
            vec![after::renew(facts), after::clean_up(facts, cli)]
        }
        State::Deleting | State::Deleted => vec![after::clean_up(facts, cli)],
    }
}

/// The way to a peering that carries packets.
fn towards(facts: &Facts, cli: &Cli<'_>) -> Vec<Step> {
    let mut steps = vec![
        accept::check_vpc(facts, cli),
        accept::vendor_half(facts),
        accept::verify_request(facts, cli),
        accept::accept(facts, cli),
        routes::vendor_routes(facts),
        routes::add_routes(facts, cli),
    ];
    steps.extend(routes::add_route(facts, cli));
    steps.push(security::open_egress(facts, cli));
    steps.push(security::check_network_acls(facts, cli));
    if !facts.allow_listed {
        steps.push(allow_list(facts));
    }
    steps.push(vendor_firewall(facts));
    if facts.options.resolve_dns {
        steps.push(after::dns(facts, cli));
    }
    steps.push(after::prove(facts, cli));
    steps
}

/// The peering's id while it leads, or may still lead, to the vendor.
fn live(facts: &Facts) -> Option<&str> {
    match facts.state {
        State::Provisioning | State::PendingAcceptance | State::Active | State::Degraded => {
            facts.provider_peering_id.as_deref()
        }
        _ => None,
    }
}

/// Whether the customer has accepted.
fn is_accepted(facts: &Facts) -> bool {
    facts.is_up() || facts.reason == "ACCEPTED_ACTIVATING"
}

/// What the customer does on their own side once there is a request: whether it is done nobody else can tell.
fn beyond(facts: &Facts) -> Status {
    match live(facts) {
        None => Status::Blocked,
        Some(_) if facts.is_up() => Status::Unknown,
        Some(_) => Status::Todo,
    }
}
