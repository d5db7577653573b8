//! DescribeSteps: facts in, each checked again as it may become a part of a command, and the guide out.

use api::provider::v1;
use runtime::status::Violations;
use tonic::Status;
use types::{AwsAccountId, Cidr, GcpProjectId, Invalid, ProviderKind, Region};

use super::field::{host_name, object, port};
use super::read::{aws_peer, finish, gcp_peer};
use crate::provider::steps::{
    self, Actor, Answer, Command, Facts, Guide, Options, State, Step, Variable,
};

pub(super) fn read(message: v1::DescribeStepsRequest) -> Result<(ProviderKind, Facts), Status> {
    let mut wrong = Violations::new();
    let facts = message.facts.unwrap_or_default();
    let kind = wrong.check("facts.provider", ProviderKind::try_from(facts.provider()));
    let state = wrong.check("facts.state", state(&facts.state));
    let id = |text: String| match text.as_str() {
        "" => Ok(None),
        _ => object(text).map(Some),
    };
    let provider_peering_id = wrong.check(
        "facts.provider_peering_id",
        id(facts.provider_peering_id.clone()),
    );
    let former = wrong.check(
        "facts.former_provider_peering_id",
        id(facts.former_provider_peering_id.clone()),
    );
    let vendor_vpc_id = wrong.check("facts.vendor_vpc_id", id(facts.vendor_vpc_id.clone()));
    let account = facts.vendor_account_id.clone();
    let vendor_account_id = kind.and_then(|kind| match kind {
        ProviderKind::Aws => wrong
            .check("facts.vendor_account_id", account.parse::<AwsAccountId>())
            .map(String::from),
        ProviderKind::Gcp => wrong
            .check("facts.vendor_account_id", account.parse::<GcpProjectId>())
            .map(String::from),
    });
    let vendor_region = wrong.check("facts.vendor_region", facts.vendor_region.parse::<Region>());
    let vendor_cidr = wrong.check("facts.vendor_cidr", facts.vendor_cidr.parse::<Cidr>());
    let peer = facts.peer.clone().unwrap_or_default();
    let peer = kind.and_then(|kind| match kind {
        ProviderKind::Aws => aws_peer(&mut wrong, peer),
        ProviderKind::Gcp => gcp_peer(&mut wrong, peer),
    });
    let peer_cidrs = each(&mut wrong, "peer_cidrs", &facts.peer_cidrs, |one| {
        one.parse()
    });
    let ports = each(&mut wrong, "ports", &facts.ports, |one| port(*one));
    let endpoints = each(&mut wrong, "endpoints", &facts.endpoints, |one| {
        host_name(one)
    });
    let reason = wrong.check("facts.reason", reason(&facts.reason));
    if facts.attempt < 1 {
        wrong.add("facts.attempt", "INVALID_FIELD", "must be 1 or more");
    }
    let options = facts.options.unwrap_or_default();
    finish(wrong, || {
        let facts = Facts {
            state: state?,
            reason: reason?,
            message: facts.message,
            provider_peering_id: provider_peering_id?,
            vendor_account_id: vendor_account_id?,
            vendor_vpc_id: vendor_vpc_id?,
            vendor_region: vendor_region?,
            vendor_cidr: vendor_cidr?,
            peer: peer?,
            peer_cidrs,
            ports,
            attempt: facts.attempt,
            allow_listed: facts.allow_listed,
            expire_at: facts.expire_time.as_ref().map(api::millis),
            options: Options {
                resolve_dns: options.resolve_dns,
                import_custom_routes: options.import_custom_routes,
                export_custom_routes: options.export_custom_routes,
            },
            endpoints,
            routes_ready: facts.routes_ready,
            firewall_ready: facts.firewall_ready,
            former_provider_peering_id: former?,
            was_active: facts.was_active,
        };
        Some((kind?, facts))
    })
}

/// Every item that keeps its rule; a violation for every one that does not.
fn each<T, U>(
    wrong: &mut Violations,
    field: &str,
    items: &[T],
    rule: impl Fn(&T) -> Result<U, Invalid>,
) -> Vec<U> {
    let read = |(n, item)| wrong.check(format!("facts.{field}[{n}]"), rule(item));
    items.iter().enumerate().filter_map(read).collect()
}

fn state(name: &str) -> Result<State, Invalid> {
    Ok(match name {
        "PROVISIONING" => State::Provisioning,
        "PENDING_ACCEPTANCE" => State::PendingAcceptance,
        "ACTIVE" => State::Active,
        "DEGRADED" => State::Degraded,
        "DISCONNECTED" => State::Disconnected,
        "REJECTED" => State::Rejected,
        "EXPIRED" => State::Expired,
        "FAILED" => State::Failed,
        "DELETING" => State::Deleting,
        "DELETED" => State::Deleted,
        _ => return Err(Invalid::field("must be the name of a peering's state")),
    })
}

fn reason(code: &str) -> Result<String, Invalid> {
    let fits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    match code.bytes().all(fits) {
        true => Ok(code.to_owned()),
        false => Err(Invalid::field("must be a reason's code: A-Z 0-9 _")),
    }
}

impl From<Guide> for v1::DescribeStepsResponse {
    fn from(guide: Guide) -> Self {
        Self {
            steps: guide.steps.into_iter().map(step).collect(),
            variables: guide.variables.into_iter().map(variable).collect(),
            terraform: guide.terraform,
            answers: guide.answers.into_iter().map(answer).collect(),
        }
    }
}

fn step(step: Step) -> v1::Step {
    let all = |commands: Vec<Command>| commands.into_iter().map(command).collect();
    v1::Step {
        code: step.code.to_owned(),
        actor: match step.actor {
            Actor::Customer => v1::step::Actor::Customer,
            Actor::Vendor => v1::step::Actor::Vendor,
            Actor::Nobody => v1::step::Actor::Nobody,
        }
        .into(),
        status: match step.status {
            steps::Status::Done => v1::step::Status::Done,
            steps::Status::Todo => v1::step::Status::Todo,
            steps::Status::Blocked => v1::step::Status::Blocked,
            steps::Status::Unknown => v1::step::Status::Unknown,
        }
        .into(),
        title: step.title,
        why: step.why,
        console_path: step.console_path,
        commands: all(step.commands),
        verify: all(step.verify),
        undo: all(step.undo),
        permissions: step.permissions.into_iter().map(str::to_owned).collect(),
        docs_url: step.docs_url.to_owned(),
        optional: step.optional,
    }
}

fn command(command: Command) -> v1::Command {
    v1::Command {
        shell: command.shell,
        argv: command.argv,
    }
}

fn variable(variable: Variable) -> v1::Variable {
    v1::Variable {
        name: variable.name.to_owned(),
        description: variable.description,
        find: Some(command(variable.find)),
    }
}

fn answer(answer: Answer) -> v1::Answer {
    v1::Answer {
        question: answer.question,
        answer: answer.answer,
    }
}
