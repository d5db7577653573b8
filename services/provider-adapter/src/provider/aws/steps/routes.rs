//! The way there and the way back, which AWS leaves to each side.

use super::commands::{Cli, ROUTE_TABLE};
use super::{beyond, live};
use crate::provider::steps::{Actor, Facts, Status, Step};

const DOCS: &str = "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-routing.html";

/// The vendor's routes to the customer's ranges.
pub(super) fn vendor_routes(facts: &Facts) -> Step {
    let status = match facts.routes_ready {
        Some(true) => Status::Done,
        _ if !facts.is_up() => Status::Blocked,
        Some(false) => Status::Todo,
        None => Status::Unknown,
    };
    let ranges = crate::provider::steps::list(&facts.peer_cidrs, "your ranges");
    Step {
        why: format!(
            "We add routes to {ranges} by ourselves as soon as the peering is active. There is nothing to do for you."
        ),
        docs_url: DOCS,
        ..Step::new(
            "VENDOR_ROUTES",
            Actor::Vendor,
            status,
            "Peerway adds its routes",
        )
    }
}

/// The customer's routes to the vendor's range.
pub(super) fn add_routes(facts: &Facts, cli: &Cli<'_>) -> Step {
    let former = facts.former_provider_peering_id.as_deref();
    let mut step = Step {
        why: why(facts, cli, former),
        console_path: console(cli),
        permissions: vec![
            "ec2:DescribeRouteTables",
            "ec2:CreateRoute",
            "ec2:ReplaceRoute",
            "ec2:DeleteRoute",
        ],
        docs_url: DOCS,
        ..Step::new(
            "ADD_ROUTES",
            Actor::Customer,
            beyond(facts),
            &format!("Route {} to the peering", cli.vendor),
        )
    };
    let Some(id) = live(facts) else {
        return step;
    };
    step.commands = vec![cli.add_routes(id, former)];
    step.verify.push(cli.list_routes());
    step.undo.push(cli.delete_routes(&[id]));
    step
}

/// The same for some tables only.
pub(super) fn add_route(facts: &Facts, cli: &Cli<'_>) -> Option<Step> {
    let id = live(facts)?;
    let (verb, former) = match facts.former_provider_peering_id {
        Some(_) => (
            "replace-route",
            " A table that has no route of the attempt before wants create-route.",
        ),
        None => ("create-route", ""),
    };
    let mut step = Step {
        why: format!(
            "If only some subnets are to reach us, run this once for each of their route tables, in place of ADD_ROUTES.{former}"
        ),
        console_path: console(cli),
        permissions: vec![
            "ec2:DescribeRouteTables",
            "ec2:CreateRoute",
            "ec2:ReplaceRoute",
        ],
        docs_url: DOCS,
        optional: true,
        ..Step::new(
            "ADD_ROUTE_TO_TABLE",
            Actor::Customer,
            beyond(facts),
            &format!("Or route {} from one table only", cli.vendor),
        )
    };
    step.commands = vec![cli.route(verb, ROUTE_TABLE, id)];
    step.verify.push(cli.list_routes());
    Some(step)
}

fn console(cli: &Cli<'_>) -> String {
    format!(
        "VPC > Route tables > Routes > Edit routes (region {})",
        cli.region
    )
}

fn why(facts: &Facts, cli: &Cli<'_>, former: Option<&str>) -> String {
    let mut why = format!(
        "AWS adds no route by itself. Every route table whose subnets are to reach us needs one to {}.",
        cli.vendor
    );
    let Some(id) = live(facts) else {
        why.push_str(" The commands follow with the peering's id.");
        return why;
    };
    why.push_str(
        " The command goes over all tables that subnets of your VPC use, the main table too, and leaves those of \
         gateways alone.",
    );
    if let Some(former) = former {
        why.push_str(&format!(
            " Routes of the attempt before, which may still lead to {former}, are replaced: it is gone."
        ));
    }
    why.push_str(
        " A table whose route leads somewhere else that works stays as it is, and the command fails and names it.",
    );
    why.push_str(&format!(
        " The check prints a line for each table: {id} and active is right, None None is a table without a route. "
    ));
    why.push_str(match facts.is_up() {
        true => "A route is a blackhole when what it leads to is gone.",
        false => {
            "You may add routes before you accept; they are blackholes until the peering is active."
        }
    });
    why
}
