//! The request, from the vendor's side and from the customer's.

use prost_types::Timestamp;

use super::commands::Cli;
use super::{is_accepted, live};
use crate::provider::steps::{Actor, Facts, State, Status, Step};

/// What AWS refuses with one word for three mistakes.
pub(super) fn check_vpc(facts: &Facts, cli: &Cli<'_>) -> Step {
    let (vpc, region, account) = (cli.vpc, cli.region, &facts.peer.account_id);
    let status = match facts.state {
        State::Provisioning | State::Failed => Status::Todo,
        // AWS has found the VPC.
        _ => Status::Done,
    };
    Step {
        why: format!(
            "AWS refuses a request for a wrong account, a wrong VPC and an overlap with the same word. The command \
             prints the VPC's owner and its ranges. The owner has to be {account}; with shared subnets that is the \
             account that owns the VPC. No range may overlap {}.",
            cli.vendor
        ),
        console_path: format!("VPC > Your VPCs (region {region})"),
        commands: vec![cli.show(
            &format!("describe-vpcs --vpc-ids {vpc}"),
            // Ranges that were taken away are shown for a while.
            "Vpcs[].[OwnerId, join(`\" \"`, CidrBlockAssociationSet[?CidrBlockState.State==`\"associated\"`].CidrBlock)]",
        )],
        permissions: vec!["ec2:DescribeVpcs"],
        docs_url: "https://docs.aws.amazon.com/vpc/latest/peering/create-vpc-peering-connection.html",
        ..Step::new(
            "CHECK_VPC",
            Actor::Customer,
            status,
            &format!("Check that {vpc} in {region} is the VPC you mean"),
        )
    }
}

/// The vendor's request.
pub(super) fn vendor_half(facts: &Facts) -> Step {
    let status = match facts.provider_peering_id {
        Some(_) => Status::Done,
        None => Status::Todo,
    };
    let id = match &facts.provider_peering_id {
        Some(id) => format!("It is {id}."),
        None => "Its id follows.".into(),
    };
    Step {
        why: format!(
            "A peering on AWS begins with a request from our account to yours. {id} There is nothing to do for you."
        ),
        docs_url: "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html",
        ..Step::new(
            "VENDOR_HALF",
            Actor::Vendor,
            status,
            "Peerway sends the request",
        )
    }
}

/// Who asks: anybody can send a request.
pub(super) fn verify_request(facts: &Facts, cli: &Cli<'_>) -> Step {
    let mut step = Step {
        why: why_verify(facts, cli),
        console_path: format!("VPC > Peering connections (region {})", cli.region),
        permissions: vec![
            "ec2:DescribeVpcPeeringConnections",
            "ec2:RejectVpcPeeringConnection",
        ],
        docs_url: "https://docs.aws.amazon.com/vpc/latest/peering/accept-vpc-peering-connection.html",
        ..Step::new(
            "VERIFY_REQUEST",
            Actor::Customer,
            of_request(facts),
            "Make sure that the request is ours",
        )
    };
    if let Some(id) = live(facts) {
        step.commands.push(cli.show(
            &describe(id),
            // EC2 shows ranges of active peerings only, by its reference; the VPC's id says which range it is.
            "VpcPeeringConnections[].RequesterVpcInfo.[OwnerId, VpcId, Region]",
        ));
        if !is_accepted(facts) {
            step.undo.push(cli.ec2(&format!(
                "reject-vpc-peering-connection --vpc-peering-connection-id {id}"
            )));
        }
    }
    step
}

fn why_verify(facts: &Facts, cli: &Cli<'_>) -> String {
    let vpc = facts.vendor_vpc_id.as_deref();
    let ours = format!(
        "{} {} {}",
        facts.vendor_account_id,
        vpc.unwrap_or("(our VPC, whose id follows)"),
        facts.vendor_region
    );
    let mut why = format!(
        "Anybody can send you a request. The command prints who sent this one: account, VPC and region. It has to print \
         {ours}. The range of that VPC is {}.",
        cli.vendor
    );
    if live(facts).is_some() && !is_accepted(facts) {
        why.push_str(
            " If it prints anything else, don't accept; the undo command rejects the request.",
        );
    }
    why
}

/// The customer's half.
pub(super) fn accept(facts: &Facts, cli: &Cli<'_>) -> Step {
    let region = cli.region;
    let mut step = Step {
        why: why_accept(facts, cli),
        console_path: format!(
            "VPC > Peering connections > Actions > Accept request (region {region})"
        ),
        permissions: vec![
            "ec2:AcceptVpcPeeringConnection",
            "ec2:DescribeVpcPeeringConnections",
            "ec2:DeleteVpcPeeringConnection",
        ],
        docs_url: "https://docs.aws.amazon.com/vpc/latest/peering/accept-vpc-peering-connection.html",
        ..Step::new(
            "ACCEPT_PEERING",
            Actor::Customer,
            of_request(facts),
            &format!("Accept the request in {region}"),
        )
    };
    if let Some(id) = live(facts) {
        step.commands.push(cli.ec2(&format!(
            "accept-vpc-peering-connection --vpc-peering-connection-id {id}"
        )));
        let status = "VpcPeeringConnections[].Status.[Code, Message]";
        step.verify.push(cli.show(&describe(id), status));
        step.undo.push(cli.ec2(&format!(
            "delete-vpc-peering-connection --vpc-peering-connection-id {id}"
        )));
    }
    step
}

fn why_accept(facts: &Facts, cli: &Cli<'_>) -> String {
    let mut why = format!(
        "The peering becomes active when you accept it, in the region of your VPC: in another one AWS refuses. It gives \
         us no permission in your account. Traffic from you to {} then stays on private addresses.",
        cli.vendor
    );
    match facts.expire_at {
        _ if facts.reason == "ACCEPTED_ACTIVATING" => {
            why.push_str(" You have accepted; AWS makes it active within seconds.");
        }
        Some(at) if !facts.is_up() => {
            why.push_str(&format!(" The request expires at {}.", time(at)));
        }
        _ => {}
    }
    if live(facts).is_some() {
        why.push_str(" The check prints active. The undo command ends the peering for both of us.");
    }
    why
}

/// The time as RFC 3339.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp {
        seconds: millis.div_euclid(1000),
        nanos: 0,
    }
}

/// How far a step is that the customer takes with the request.
fn of_request(facts: &Facts) -> Status {
    match live(facts) {
        _ if is_accepted(facts) => Status::Done,
        Some(_) => Status::Todo,
        None => Status::Blocked,
    }
}

fn describe(id: &str) -> String {
    format!("describe-vpc-peering-connections --vpc-peering-connection-ids {id}")
}
