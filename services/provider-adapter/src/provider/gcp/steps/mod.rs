//! What a customer on GCP is told to do: a half of their own towards the vendor's network, and what goes with it.

mod after;
mod answers;
mod commands;
mod firewall;
mod half;
mod terraform;
#[cfg(test)]
mod tests;

use super::super::steps::{Facts, Guide, State, Status, Step};
use commands::Cli;

const PEERING_DOCS: &str = "https://cloud.google.com/vpc/docs/using-vpc-peering";

/// All that is told. `endpoint`: of a cloud that is not the real one; commands name it.
pub(super) fn guide(facts: &Facts, endpoint: Option<&str>) -> Guide {
    let cli = Cli::new(facts, endpoint);
    Guide {
        steps: steps(facts, &cli),
        variables: after::variables(facts, &cli),
        terraform: match has_half_to_make(facts) {
            true => terraform::file(facts, &cli),
            false => String::new(),
        },
        answers: answers::all(facts, &cli),
    }
}

fn steps(facts: &Facts, cli: &Cli) -> Vec<Step> {
    match facts.state {
        _ if is_on_the_way(facts) => towards(facts, cli),
        State::Disconnected if has_half_to_make(facts) => vec![
            half::create(facts, cli),
            after::renew(facts),
            after::clean_up(facts, cli),
        ],
        State::Deleting | State::Deleted => vec![after::clean_up(facts, cli)],
        _ => vec![after::renew(facts), after::clean_up(facts, cli)],
    }
}

/// The way to a peering that carries packets.
fn towards(facts: &Facts, cli: &Cli) -> Vec<Step> {
    let mut steps = vec![
        half::vendor_half(facts),
        half::check_names(facts, cli),
        half::create(facts, cli),
    ];
    steps.extend(half::custom_routes(facts, cli));
    steps.push(half::check_routes(facts, cli));
    steps.push(firewall::open_egress(facts, cli));
    if !facts.allow_listed {
        steps.push(firewall::allow_list(facts));
    }
    steps.push(firewall::vendor_firewall(facts));
    steps.push(after::prove(facts, cli));
    if facts.vendor_vpc_id.is_none() {
        // What the customer makes is named after the vendor's network: a name given before would be another one.
        for step in steps.iter_mut().filter(|step| step.code != "CHECK_NAMES") {
            step.commands.clear();
            step.verify.clear();
            step.undo.clear();
            if step.status == Status::Unknown {
                step.status = Status::Blocked;
            }
        }
    }
    steps
}

/// Whether a half of the customer's leads, or may lead again, to a half of the vendor's.
fn has_half_to_make(facts: &Facts) -> bool {
    match facts.state {
        _ if is_on_the_way(facts) => facts.vendor_vpc_id.is_some(),
        // The vendor's half still waits: the other one put back is enough.
        State::Disconnected => {
            facts.reason == "DELETED_BY_PEER"
                && facts.provider_peering_id.is_some()
                && facts.vendor_vpc_id.is_some()
        }
        _ => false,
    }
}

/// Whether this attempt has neither ended nor is going.
fn is_on_the_way(facts: &Facts) -> bool {
    facts.state == State::Provisioning || facts.state == State::PendingAcceptance || is_up(facts)
}

/// Whether both halves match.
fn is_up(facts: &Facts) -> bool {
    matches!(facts.state, State::Active | State::Degraded)
}

/// What comes after both halves match, and whether it is done then only the other side can tell.
fn once_up(facts: &Facts) -> Status {
    match is_up(facts) {
        true => Status::Unknown,
        false => Status::Blocked,
    }
}
